// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/text.h"

#include <gtest/gtest.h>

namespace lcg::uaa {
namespace {

using namespace std::string_literals;

TEST(Base64url, RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 70; ++i, bytes.push_back(static_cast<char>(i * 37)))
    EXPECT_EQ(from_base64url(base64url(bytes)), bytes) << i;
}

TEST(Base64url, KnownValues) {
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64url("\xfb\xff"), "-_8");
}

TEST(Base64url, OnlyTheOneSpellingIsRead) {
  for (const char* text : {"Zg==", "Zh", "Z", "Zg\n", " Zg", "Zm9+", "Zm9/", "Zm9v.", "Zm 9"})
    EXPECT_FALSE(from_base64url(text)) << text;
}

TEST(Utf8, AcceptsWhatIsWellFormed) {
  for (const char* text : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(text)) << text;
}

TEST(Utf8, RefusesOverlongSurrogateOutOfRangeAndCutShort) {
  for (const char* text : {"\xc0\x80", "\xc1\xbf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xed\xa0\x80",
                           "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82", "\x80", "a\xff"})
    EXPECT_FALSE(is_utf8(text));
}

TEST(JsonString, EscapesWhatJsonAsks) { EXPECT_EQ(json_string("a\"b\\c\n\x7f"), R"("a\"b\\c\u000a\u007f")"); }

TEST(UserId, TakesEveryIrcNick) {
  for (const char* nick : {"alice", "a", "Bob42", "[away]", "x{}|`^\\_-", "dot.ted", "_", "0day"})
    EXPECT_TRUE(is_user_name(nick)) << nick;
}

TEST(UserId, RefusesWhatMeansSomethingElsewhere) {
  for (const std::string& text : {""s,     " "s,     "a b"s, "a:b"s,      "a,b"s,
                                  "#a"s,   "$a"s,    "a*"s,  "a/b"s,      "a&b"s,
                                  "<a>"s,  "\"a\""s, "a'b"s, "a@b"s,      "a?b"s,
                                  "a%20"s, "a\0b"s,  "a\n"s, "\xc3\xa9"s, std::string(65, 'a')})
    EXPECT_FALSE(is_user_name(text)) << text;
}

}  // namespace
}  // namespace lcg::uaa
