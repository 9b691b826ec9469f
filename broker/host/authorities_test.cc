#include "broker/host/authorities.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace lcg::host {
namespace {

// Plugins that let people in, by their prefixes.
Authorities with(const std::vector<std::string>& prefixes) {
  Authorities out;
  for (size_t i = 0; i < prefixes.size(); ++i) {
    const std::string number = std::to_string(i);
    out.add("p" + number, true, prefixes[i], "x.yaml:" + number + ":1: plugins." + number + ".user_prefix");
  }
  return out;
}

TEST(UserPrefix, EndsWithItsSignAndHasItOnce) {
  for (const char* good : {"t@", "shop@", "a-b_9@", "123456789012345@"})
    EXPECT_EQ(fault_of_user_prefix(good), "") << good;
  for (const char* bad : {"", "@", "t", "t@@", "@t@", "T@", "t/", "t:@", "#t@", "t@u", "t @", "\xc3\xa9@",
                          "t\n@", "1234567890123456@"})
    EXPECT_NE(fault_of_user_prefix(bad), "") << bad;
}

TEST(Authorities, AllowedAndRefusedConfigurations) {
  const std::vector<std::pair<std::vector<std::string>, size_t>> table = {
      {{}, 0},           {{""}, 0},           {{"t@"}, 0},        {{"", "t@"}, 0},
      {{"t@", ""}, 0},   {{"t@", "u@"}, 0},   {{"t@", "tt@"}, 0}, {{"", ""}, 1},
      {{"t@", "t@"}, 1}, {{"", "t@", ""}, 1}, {{"", "", ""}, 2},  {{"a@", "b@", "a@"}, 1},
  };
  for (const auto& [prefixes, faults] : table)
    EXPECT_EQ(with(prefixes).faults().size(), faults) << ::testing::PrintToString(prefixes);
}

TEST(Authorities, TheRefusalNamesPlaceFieldBothPluginsAndTheWayOut) {
  const std::vector<std::string> faults = with({"", ""}).faults();

  ASSERT_EQ(faults.size(), 1u);
  for (const char* part :
       {"x.yaml:1:1: plugins.1.user_prefix: ", "'p0' and 'p1'", "give each its own", "authenticates: false"})
    EXPECT_NE(faults[0].find(part), std::string::npos) << part << " in " << faults[0];
}

TEST(Authorities, APluginThatLetsNobodyInNeedsNoPrefixAndMayHaveNone) {
  Authorities both;
  both.add("in", true, "", "a");
  both.add("out", false, "", "b");
  EXPECT_TRUE(both.faults().empty());

  both.add("odd", false, "x@", "c");
  EXPECT_EQ(both.faults().size(), 1u);
}

TEST(Authorities, APluginGivesIdsOfItsOwnAlone) {
  const Authorities three = with({"", "t@", "tt@"});
  const std::string_view ids[] = {"42", "t@42", "tt@42", "t", "#t@42", "t/42", "@7", "a,b", "x@42"};
  const uint32_t owner[] = {0, 1, 2, 0, 0, 0, 0, 0, 0};

  for (size_t i = 0; i < std::size(ids); ++i)
    for (uint32_t plugin = 0; plugin < 3; ++plugin)
      EXPECT_EQ(three.may_give(plugin, ids[i]), plugin == owner[i]) << ids[i] << " by " << plugin;
}

TEST(Authorities, AnIdsPrefixIsTheOneThatItBeginsWith) {
  const Authorities three = with({"", "t@", "tt@"});
  EXPECT_EQ(three.prefix_of("t@42"), "t@");
  EXPECT_EQ(three.prefix_of("tt@42"), "tt@");
  for (const char* user : {"42", "t", "#t@42", "x@42", "T@42", ""})
    EXPECT_EQ(three.prefix_of(user), "") << user;
}

TEST(Authorities, AnonymousIsNobodysAndAPrefixAloneIsNoId) {
  const Authorities two = with({"", "t@"});
  EXPECT_TRUE(two.may_give(0, ""));
  EXPECT_TRUE(two.may_give(1, ""));
  EXPECT_FALSE(two.may_give(1, "t@"));
  EXPECT_FALSE(two.may_give(0, "t@"));
}

// plugins/dialog/hostile_test.cc has the same ids, which may then be added to dialogs.
TEST(Authorities, LettersOfAnyAgeAndFormMayBeAnIdAndJoinersMayNot) {
  const Authorities one = with({""});
  for (const char* user : {"\u1112\u1161\u11ab", "Zoe\u0308", "\U0001f600", "\u1c89", "a\u3000b"})
    EXPECT_TRUE(one.may_give(0, user)) << user;
  for (const char* user : {"\u0915\u094d\u200d\u0937", "\U0001f468\u200d\U0001f469", "\u2764\ufe0f"})
    EXPECT_FALSE(one.may_give(0, user)) << user;
}

TEST(Authorities, WhatIsNoTextIsNoUserId) {
  const Authorities one = with({""});
  EXPECT_FALSE(one.may_give(0, "a\nb"));
  EXPECT_FALSE(one.may_give(0, std::string("a\0b", 3)));
  EXPECT_FALSE(one.may_give(0, "a\x7f"));
  EXPECT_FALSE(one.may_give(0, "a\u202eb"));
  EXPECT_FALSE(one.may_give(0, "a\u200bb"));
  EXPECT_FALSE(one.may_give(0, "\xff"));
  EXPECT_FALSE(one.may_give(0, std::string(kMaxUserId + 1, 'a')));
  EXPECT_TRUE(one.may_give(0, std::string(kMaxUserId, 'a')));
}

}  // namespace
}  // namespace lcg::host
