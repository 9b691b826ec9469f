// SPDX-License-Identifier: Apache-2.0
#include "lcg/json.hpp"

#include <gtest/gtest.h>

namespace lcg::json {
namespace {

TEST(JsonValid, AcceptsWhatRfc8259Accepts) {
  for (const char* text : {"null", " true ", "0", "-0", "1.5e+10", "1E5", "\"\"", "\"\\u00e9\\n\"", "[]",
                           "[1, [2]]", "{}", "{\"a\":{\"b\":[null]}}", "\"\xc3\xa9\xf0\x9f\x98\x80\""})
    EXPECT_TRUE(valid(text)) << text;
}

TEST(JsonValid, RefusesTheRest) {
  for (const char* text : {"",
                           " ",
                           "nul",
                           "01",
                           "1.",
                           ".5",
                           "+1",
                           "1e",
                           "--1",
                           "\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\n\"",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{\"a\"}",
                           "{a:1}",
                           "{\"a\":1,}",
                           "[}",
                           "1 2",
                           "NaN",
                           "'a'",
                           "\"\xff\"",
                           "\"\xc0\xaf\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xf5\x80\x80\x80\"",
                           "\"\xe2\x82\""})
    EXPECT_FALSE(valid(text)) << text;
}

TEST(JsonValid, LimitsNesting) {
  EXPECT_TRUE(valid(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(valid(std::string(66, '[') + std::string(66, ']')));
}

TEST(JsonObject, GivesValuesAsWritten) {
  Object o;
  ASSERT_TRUE(Object::parse(R"( { "a" : 1.50 , "b":[1, {"c":"\u00e9"}], "d":null } )", o));

  EXPECT_EQ(o.raw("a"), "1.50");
  EXPECT_EQ(o.raw("b"), R"([1, {"c":"\u00e9"}])");
  EXPECT_FALSE(o.has("d"));
  EXPECT_FALSE(o.has("e"));
}

TEST(JsonObject, DecodesStrings) {
  Object o;
  ASSERT_TRUE(Object::parse(R"({"a":"x\"\\\/\b\f\n\r\t\u0041\ud83d\ude00"})", o));
  EXPECT_EQ(o.text("a"), "x\"\\/\b\f\n\r\tA\xf0\x9f\x98\x80");
}

TEST(JsonObject, NotesTheFirstError) {
  Object o;
  ASSERT_TRUE(Object::parse(R"({"a":"x","b":1})", o));
  EXPECT_EQ(o.u64("a"), std::nullopt);
  EXPECT_EQ(o.text("b"), "");
  EXPECT_EQ(o.error(), "a: expected a whole number");
}

TEST(JsonObject, NumbersMayBeStrings) {
  Object o;
  ASSERT_TRUE(Object::parse(R"({"a":"18446744073709551615","b":7})", o));
  EXPECT_EQ(o.u64("a"), 18446744073709551615u);
  EXPECT_EQ(o.u64("b"), 7u);
  EXPECT_EQ(o.error(), "");
}

TEST(JsonObject, ListsAreBounded) {
  Object o;
  ASSERT_TRUE(Object::parse(R"({"a":["x", "y"],"b":[]})", o));
  EXPECT_EQ(o.texts("a", 2), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(o.texts("b", 2), std::vector<std::string>{});
  EXPECT_EQ(o.error(), "");
  o.texts("a", 1);
  EXPECT_EQ(o.error(), "a: expected a list of at most 1 strings");
}

TEST(JsonOneLine, TakesLineBreaksOutsideStringsAway) {
  EXPECT_EQ(one_line("{\n \"a b\" : [1,\r\n 2]}"), "{\"a b\":[1,2]}");
  EXPECT_EQ(one_line("{ \"a\" }"), "{ \"a\" }");
}

TEST(JsonWriter, EscapesWhatItMust) {
  EXPECT_EQ(Writer().text("a", "\"\\\n\x01\xc3\xa9").num("b", 7).id("c", 8).take(),
            "{\"a\":\"\\\"\\\\\\n\\u0001\xc3\xa9\",\"b\":7,\"c\":\"8\"}");
}

}  // namespace
}  // namespace lcg::json
