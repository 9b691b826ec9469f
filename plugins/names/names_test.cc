// SPDX-License-Identifier: Apache-2.0
#include "plugins/names/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace lcg::names {
namespace {

using ::testing::Contains;
using ::testing::Not;

TEST(DisplayName, WhatIsNotSeenIsRefused) {
  for (const char* bad :
       {"a\nb",           "a\x1b[2J", "\x7f",     "a\u0085",    "\u009b31m", "a\u00adb", "\u202egnp.exe",
        "a\u2066b\u2069", "a\u200bb", "a\u200eb", "\u061ca",    "a\u2028b",  "\ufeffa",  "a\u2060b",
        "\u115f",         "\u3164",   "\uffa0",   "\U000e0041", "\ue000",    "\uffff",   "\u0378",
        "a\u200db",       "a\u200c",  "\ufe0f",   "a\ufe0f",    "\u1100",    "a\u034fb"})
    EXPECT_NE(display(bad).fault, nullptr) << ::testing::PrintToString(std::string(bad));
  for (const char* bad : {"\xff", "a\xc0\xaf", "\xed\xa0\x80", "\xe2\x80"})
    EXPECT_NE(display(bad).fault, nullptr);
}

TEST(DisplayName, WhatPeopleWriteIsKept) {
  for (const char* good :
       {"Ann", "Zo\u00eb", "\u05d3\u05d5\u05d3", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u4e2d\u6587", "\ud55c\uad6d", "\u0915\u094d\u200d\u0937", "m\u00b2", "\u2764\ufe0f",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467", "x{}|`^\\_", "<b>&'\""}) {
    const Name name = display(good);
    EXPECT_EQ(name.fault, nullptr) << good;
    EXPECT_EQ(name.text, good);
  }
}

TEST(DisplayName, SpacesAreOneAndNoneIsAtTheEnds) {
  const std::pair<const char*, const char*> table[] = {
      {"  Ann  Lee ", "Ann Lee"}, {"\u3000Ann\u00a0\u2003Lee", "Ann Lee"}, {" \u00a0\u2800 ", ""}, {"", ""}};
  for (const auto& [text, kept] : table) EXPECT_EQ(display(text).text, kept) << text;
}

TEST(DisplayName, TheSameLettersAreTheSameBytes) {
  EXPECT_EQ(display("Zoe\u0308").text, "Zo\u00eb");
  EXPECT_EQ(display("\u1112\u1161\u11ab").text, "\ud55c");
}

TEST(Visible, WordsStayAsTheyAre) {
  EXPECT_TRUE(is_visible("t@42"));
  EXPECT_TRUE(is_visible("Zoe\u0308 "));
  EXPECT_FALSE(is_visible("a\u202e"));
  EXPECT_FALSE(is_visible("a\nb"));
  EXPECT_TRUE(is_visible_text("a\n\tb\r\n"));
  EXPECT_FALSE(is_visible_text("a\u202e\n"));
}

TEST(Readings, FindTheIdThatANamePassesFor) {
  const char* passes[] = {"alice",      "Alice",      "ALICE",          "\uff41lice",
                          "\u0430lice", "\u0410lice", "\U0001d41alice", "al\u0456ce"};
  for (const char* name : passes) EXPECT_THAT(readings(name), Contains("alice")) << name;
  for (const char* name : {"alicia", "a lice", "\u4e2d"})
    EXPECT_THAT(readings(name), Not(Contains("alice"))) << name;
  EXPECT_THAT(readings("mary"), Contains("mary"));
}

TEST(Readings, AnIdAndANameAreComparedFolded) {
  const auto alike = [](const char* a, const char* b) {
    for (const std::string& reading : folded(a))
      if (::testing::Value(folded(b), Contains(reading))) return true;
    return false;
  };
  // Cyrillic letters: the capital of the second looks like another Latin one than the letter itself.
  for (const char* name : {"BigBoss", "bigboss", "BIGBOSS", "\uff22igBoss", "B\u0456gBoss", "B\u0406GBOSS"})
    EXPECT_TRUE(alike(name, "BigBoss")) << name;
  EXPECT_TRUE(alike("\u0411\u043e\u0441\u0441", "\u0431\u043e\u0441\u0441"));
  EXPECT_FALSE(alike("BigBos", "BigBoss"));
  EXPECT_FALSE(alike("Big Boss", "BigBoss"));
}

}  // namespace
}  // namespace lcg::names
