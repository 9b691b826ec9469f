// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/flat_json.h"

#include <gtest/gtest.h>

#include "plugins/uaa/form.h"

namespace lcg::uaa {
namespace {

TEST(FlatJson, ReadsStringsNumbersAndBooleans) {
  const auto object =
      FlatObject::parse(R"( { "a" : "x\u00e9\n\ud83d\ude00" , "n" : -12 , "b" : true, "z":0 } )");

  ASSERT_TRUE(object);
  EXPECT_EQ(*object->string("a"), "x\xc3\xa9\n\xf0\x9f\x98\x80");
  EXPECT_EQ(object->integer("n"), -12);
  EXPECT_EQ(object->integer("z"), 0);
  EXPECT_TRUE(object->has("b"));
  EXPECT_EQ(object->string("n"), nullptr);
  EXPECT_EQ(object->integer("a"), std::nullopt);
}

TEST(FlatJson, RefusesWhatAForgivingReaderWouldTake) {
  const char* texts[] = {"",
                         "[]",
                         "null",
                         "{",
                         "{}x",
                         "{}{}",
                         R"({"a":1,})",
                         R"({"a":1 "b":2})",
                         R"({"a":"x","a":"y"})",
                         R"({"a":1,"\u0061":2})",
                         R"({a:1})",
                         R"({'a':1})",
                         R"({"a":null})",
                         R"({"a":{}})",
                         R"({"a":[1]})",
                         R"({"a":1.0})",
                         R"({"a":1e3})",
                         R"({"a":1e400})",
                         R"({"a":01})",
                         R"({"a":+1})",
                         R"({"a":-})",
                         R"({"a":9223372036854775808})",
                         R"({"a":NaN})",
                         R"({"a":True})",
                         R"({"a":"\x41"})",
                         R"({"a":"\u12"})",
                         R"({"a":"\ud800"})",
                         R"({"a":"\udc00"})",
                         R"({"a":"\ud800\u0041"})",
                         R"({"a":"x)",
                         "{\"a\":\"x\ny\"}",
                         "{\"a\":\"\xff\"}",
                         "\xef\xbb\xbf{}"};
  for (const char* text : texts) EXPECT_FALSE(FlatObject::parse(text)) << text;
}

TEST(FlatJson, HasALimitOfMembers) {
  std::string text = "{";
  for (size_t i = 0; i <= FlatObject::kMaxMembers; ++i)
    text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":1";

  EXPECT_FALSE(FlatObject::parse(text + "}"));
}

TEST(Parameters, ReadsAForm) {
  const auto form = parse_parameters("grant_type=password&username=a%5Bb%5D&password=x+y%2B&empty=&flag");

  ASSERT_TRUE(form);
  EXPECT_EQ(parameter(*form, "username"), "a[b]");
  EXPECT_EQ(parameter(*form, "password"), "x y+");
  EXPECT_EQ(parameter(*form, "empty"), "");
  EXPECT_EQ(parameter(*form, "absent"), "");
}

TEST(Parameters, ReadsAJsonObject) {
  const auto form = parse_parameters("\n {\"grant_type\":\"refresh_token\"}");

  ASSERT_TRUE(form);
  EXPECT_EQ(parameter(*form, "grant_type"), "refresh_token");
}

TEST(Parameters, RefusesRepeatsBadEscapesAndTooMuch) {
  EXPECT_FALSE(parse_parameters("a=1&a=2"));
  EXPECT_FALSE(parse_parameters("a=%4"));
  EXPECT_FALSE(parse_parameters("a=%zz"));
  EXPECT_FALSE(parse_parameters(R"({"a":1})"));
  EXPECT_FALSE(parse_parameters(std::string(kMaxFormBytes + 1, 'a')));
  std::string many;
  for (size_t i = 0; i <= kMaxParameters; ++i) many += std::to_string(i) + "=1&";
  EXPECT_FALSE(parse_parameters(many));
}

}  // namespace
}  // namespace lcg::uaa
