#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/json_reader.h"

namespace lcg {
namespace {

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  std::string out;
  JsonWriter w(out);

  w.begin_object().field("id", 7u).field("ok", true).key("list").begin_array();
  w.value(1).value("two").null().begin_object().end_object().end_array();
  w.raw_field("data", R"({"x":1})").key("none").begin_array().end_array().end_object();

  EXPECT_EQ(out, R"({"id":7,"ok":true,"list":[1,"two",null,{}],"data":{"x":1},"none":[]})");
}

TEST(JsonWriter, WritesTheLimitsOfIntegers) {
  std::string out;
  JsonWriter(out)
      .begin_array()
      .value(std::numeric_limits<int64_t>::min())
      .value(std::numeric_limits<uint64_t>::max())
      .end_array();

  EXPECT_EQ(out, "[-9223372036854775808,18446744073709551615]");
}

TEST(JsonWriter, EscapesWhatMustBe) {
  using std::string_literals::operator""s;
  std::string out;
  append_json_string(out, "a\"\\/\b\f\n\r\t\x01\x7f\0z\u00e4\U0001F600"s);

  EXPECT_EQ(out, R"("a\"\\/\b\f\n\r\t\u0001\u007f\u0000z)"
                 "\u00e4\U0001F600\"");
}

TEST(JsonWriter, InvalidUtf8BecomesTheReplacementCharacter) {
  std::string out;
  append_json_string(out,
                     "a\xFF\xE2\x82"
                     "b");

  EXPECT_EQ(out, "\"a\uFFFD\uFFFD\uFFFDb\"");
  EXPECT_TRUE(validate_json(out));
}

TEST(JsonWriter, EveryByteStringReadsBack) {
  for (unsigned c = 0; c < 0x80; ++c) {
    std::string text(9, static_cast<char>(c));
    std::string out;
    append_json_string(out, text);
    std::string back;

    ASSERT_TRUE(JsonReader(out).read(back, 100)) << c;
    EXPECT_EQ(back, text);
  }
}

}  // namespace
}  // namespace lcg
