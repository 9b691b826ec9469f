#include "base/visible.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/utf8.h"

namespace lcg {
namespace {

std::string utf8(uint32_t code_point) {
  char out[4];
  return std::string(out, encode_utf8(code_point, out));
}

// One of each kind that moves the cursor, turns the reading direction or leaves no mark.
constexpr uint32_t kHostile[] = {0x00,   0x07,   0x0a,    0x1b,    0x7f,    0x85,    0x9b,   0xad,
                                 0x61c,  0x115f, 0x180e,  0x200b,  0x200d,  0x200e,  0x202e, 0x2028,
                                 0x2029, 0x2060, 0x2066,  0x2069,  0x3164,  0xe000,  0xfe0f, 0xfeff,
                                 0xfff9, 0xffff, 0x1d173, 0xe0001, 0xe0041, 0x10ffff};

TEST(Visible, HostileCharactersAreNot) {
  for (const uint32_t c : kHostile) {
    EXPECT_FALSE(is_visible(c)) << std::hex << c;
    EXPECT_FALSE(all_visible("a" + utf8(c) + "b")) << std::hex << c;
  }
}

TEST(Visible, LettersMarksSymbolsAndSpacesAre) {
  for (const uint32_t c :
       {0x20u, 0x41u, 0x7eu, 0xa0u, 0xe9u, 0x301u, 0x5d0u, 0x627u, 0x3042u, 0x4e2du, 0xac00u, 0x1f600u})
    EXPECT_TRUE(is_visible(c)) << std::hex << c;
  EXPECT_TRUE(all_visible(""));
  EXPECT_TRUE(all_visible("Zo\u00eb \u05d0\u05d1 \u4e2d\u6587 \U0001f600"));
}

TEST(Visible, BytesThatAreNoTextAreNot) {
  for (const char* bytes : {"\x80", "a\xff", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x80"})
    EXPECT_FALSE(all_visible(bytes));
}

TEST(Visible, WhatIsShownHasNoHostileByteLeft) {
  for (const uint32_t c : kHostile) {
    const std::string shown = visible("a" + utf8(c) + "b");
    EXPECT_TRUE(all_visible(shown)) << shown;
    EXPECT_TRUE(shown.starts_with("a\\") && shown.ends_with("b")) << shown;
  }
}

TEST(Visible, EscapesSayWhatWasThere) {
  using namespace std::string_literals;
  const std::pair<std::string, std::string> table[] = {
      {"a\nb\r\t", "a\\nb\\r\\t"},   {"\x1b[31m", "\\u{1b}[31m"}, {"\u202egnp", "\\u{202e}gnp"},
      {"\u009b", "\\u{9b}"},         {"\x9b", "\\x9b"},           {"a\xe2\x80", "a\\xe2\\x80"},
      {"\U000e0041", "\\u{0e0041}"}, {"a\0b"s, "a\\u{00}b"},      {"x{}|`^\\_", "x{}|`^\\_"},
  };
  for (const auto& [text, shown] : table) EXPECT_EQ(visible(text), shown);
}

TEST(Visible, JsonStaysTheSameValue) {
  EXPECT_EQ(visible_json("{\"a\":\"\u202eb\u00e9\"}\n"), "{\"a\":\"\\u202eb\u00e9\"}\n");
  EXPECT_EQ(visible_json("\"\U000e0041\x7f\u0085\""), "\"\\udb40\\udc41\\u007f\\u0085\"");
  EXPECT_EQ(visible_json("\"\xff\""), "\"\\ufffd\"");
}

}  // namespace
}  // namespace lcg
