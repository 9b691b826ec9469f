#include "base/json_reader.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace lcg {
namespace {

using std::string_literals::operator""s;

TEST(JsonReader, AcceptsWhatRfc8259Allows) {
  for (std::string text :
       {"{}", "[]", "null", "true", "false", "0", "-0", "12.5e-3", "1E+2", "\"\"", " [ 1 , 2 ] ",
        "\t{\r\n\"a\" : {} }", R"("\"\\\/\b\f\n\r\t\u0041\ud83d\ude00")", "\"\u00fc\u20ac\U0001F600\"",
        "[[],{},[{}],{\"a\":[]}]", "\"\x7f\"", R"("\u0000")", "{\"a\":1,\"a\":2}"}) {
    EXPECT_TRUE(validate_json(text)) << text;
  }
}

TEST(JsonReader, RefusesWhatRfc8259DoesNot) {
  for (const std::string& text : {""s,
                                  " "s,
                                  "{"s,
                                  "}"s,
                                  "[1,]"s,
                                  "[,1]"s,
                                  "{\"a\":1,}"s,
                                  "{,}"s,
                                  "{\"a\"}"s,
                                  "{\"a\":}"s,
                                  "{a:1}"s,
                                  "{'a':1}"s,
                                  "01"s,
                                  "-"s,
                                  "+1"s,
                                  ".5"s,
                                  "1."s,
                                  "1e"s,
                                  "1e+"s,
                                  "0x1"s,
                                  "NaN"s,
                                  "Infinity"s,
                                  "tru"s,
                                  "truee"s,
                                  "nul"s,
                                  "[1 2]"s,
                                  "[1}"s,
                                  "{\"a\":1]"s,
                                  "\"a"s,
                                  "\"\n\""s,
                                  "\"\t\""s,
                                  "\"\0\""s,
                                  "\"\\x\""s,
                                  "\"\\u12\""s,
                                  "\"\\u12g4\""s,
                                  "\"\\"s,
                                  "1 2"s,
                                  "[] []"s,
                                  "/*c*/1"s,
                                  "[1]//"s,
                                  "\xEF\xBB\xBF{}"s,
                                  "\v1"s,
                                  "\xA0"
                                  "1"s,
                                  "{\"a\" 1}"s,
                                  "{1:1}"s,
                                  "[\"a\":1]"s,
                                  "\"\\U0041\""s}) {
    EXPECT_FALSE(validate_json(text)) << text;
  }
}

TEST(JsonReader, RefusesInvalidUtf8) {
  for (std::string inside :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\xAF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "\xFF"}) {
    EXPECT_FALSE(validate_json("\"" + inside + "\""));
  }
}

TEST(JsonReader, RefusesHalfASurrogatePair) {
  for (std::string_view text : {R"("\ud800")", R"("\udc00")", R"("\ud800\u0041")", R"("\ud800\ud800")",
                                R"("\ud800x")", R"("\ud83d\n")"}) {
    JsonReader reader(text);
    EXPECT_FALSE(reader.finish()) << text;
    EXPECT_EQ(reader.error(), JsonError::kUtf8) << text;
  }
}

TEST(JsonReader, DepthIsLimitedInBothWays) {
  std::string deep = std::string(32, '[') + std::string(32, ']');
  std::string deeper = std::string(33, '[') + std::string(33, ']');
  EXPECT_TRUE(validate_json(deep));
  JsonReader reader(deeper);
  EXPECT_FALSE(reader.finish());
  EXPECT_EQ(reader.error(), JsonError::kDepth);

  JsonReader pull(deeper);
  int entered = 0;
  while (pull.enter_array()) {
    ++entered;
    if (!pull.next_element()) break;
  }
  EXPECT_EQ(entered, 32);
  EXPECT_EQ(pull.error(), JsonError::kDepth);
}

TEST(JsonReader, SizeIsLimited) {
  JsonReader reader("[1,2,3]", {.max_bytes = 6});
  EXPECT_FALSE(reader.finish());
  EXPECT_EQ(reader.error(), JsonError::kSize);
}

TEST(JsonReader, IteratesMembersAndSkipsWhatIsNotRead) {
  std::string_view text = R"( {"id": 7, "skip": {"x":[1,{"y":2}]}, "data" : {"k": [1, 2]} , "on":true} )";
  JsonReader reader(text);
  std::vector<std::string> keys;
  uint32_t id = 0;
  std::string_view data;
  bool on = false;
  std::string_view key;

  ASSERT_TRUE(reader.enter_object());
  while (reader.next_member(key)) {
    keys.emplace_back(key);
    if (key == "id") reader.read(id);
    if (key == "data") reader.read_raw(data);
    if (key == "on") reader.read(on);
  }

  EXPECT_TRUE(reader.finish()) << reader.error_text();
  EXPECT_EQ(keys, (std::vector<std::string>{"id", "skip", "data", "on"}));
  EXPECT_EQ(id, 7u);
  EXPECT_EQ(data, R"({"k": [1, 2]})");
  EXPECT_TRUE(on);
}

TEST(JsonReader, IteratesNestedContainers) {
  JsonReader reader(R"({"a":[[1,2],[],[3]],"b":{"c":4}})");
  std::vector<int64_t> numbers;
  std::string_view key;
  int64_t number = 0;

  ASSERT_TRUE(reader.enter_object());
  while (reader.next_member(key)) {
    if (key == "a") {
      ASSERT_TRUE(reader.enter_array());
      while (reader.next_element()) {
        ASSERT_TRUE(reader.enter_array());
        while (reader.next_element()) {
          if (reader.read(number)) numbers.push_back(number);
        }
      }
    } else {
      ASSERT_TRUE(reader.enter_object());
      while (reader.next_member(key)) {
        if (reader.read(number)) numbers.push_back(number);
      }
    }
  }

  EXPECT_TRUE(reader.finish()) << reader.error_text();
  EXPECT_EQ(numbers, (std::vector<int64_t>{1, 2, 3, 4}));
}

TEST(JsonReader, FinishChecksWhatWasLeftUnread) {
  JsonReader reader(R"({"a":1,"b":[tru]})");
  std::string_view key;
  ASSERT_TRUE(reader.enter_object());
  ASSERT_TRUE(reader.next_member(key));

  EXPECT_FALSE(reader.finish());
  EXPECT_EQ(reader.error(), JsonError::kSyntax);
}

template <class T>
JsonError error_of(std::string_view text) {
  JsonReader reader(text);
  T value{};
  EXPECT_FALSE(reader.read(value)) << text;
  return reader.error();
}

TEST(JsonReader, IntegersAreStrict) {
  uint32_t u32 = 0;
  EXPECT_TRUE(JsonReader("4294967295").read(u32));
  EXPECT_EQ(u32, 4294967295u);
  int64_t i64 = 0;
  EXPECT_TRUE(JsonReader("-9223372036854775808").read(i64));
  EXPECT_EQ(i64, std::numeric_limits<int64_t>::min());
  uint64_t u64 = 0;
  EXPECT_TRUE(JsonReader("18446744073709551615").read(u64));
  EXPECT_EQ(u64, std::numeric_limits<uint64_t>::max());

  EXPECT_EQ(error_of<uint32_t>("4294967296"), JsonError::kRange);
  EXPECT_EQ(error_of<uint32_t>("-1"), JsonError::kRange);
  EXPECT_EQ(error_of<uint32_t>("-0"), JsonError::kRange);
  EXPECT_EQ(error_of<int64_t>("9223372036854775808"), JsonError::kRange);
  EXPECT_EQ(error_of<uint64_t>("18446744073709551616"), JsonError::kRange);
  EXPECT_EQ(error_of<uint32_t>("1.0"), JsonError::kType);
  EXPECT_EQ(error_of<uint32_t>("1e3"), JsonError::kType);
  EXPECT_EQ(error_of<uint32_t>("\"1\""), JsonError::kType);
  EXPECT_EQ(error_of<uint32_t>("null"), JsonError::kType);
  EXPECT_EQ(error_of<bool>("1"), JsonError::kType);
}

TEST(JsonReader, DecodesEscapesIntoTheCallersBuffer) {
  std::array<char, 16> buffer;
  std::string_view out;
  JsonReader reader(R"("a\n\u00e4\ud83d\ude00\/")");

  ASSERT_TRUE(reader.read(out, buffer));

  EXPECT_EQ(out, "a\n\u00e4\U0001F600/");
  EXPECT_EQ(out.data(), buffer.data());
}

TEST(JsonReader, AStringWithoutEscapesIsAView) {
  std::string_view text = "\"plain text\"";
  std::array<char, 16> buffer;
  std::string_view out;

  ASSERT_TRUE(JsonReader(text).read(out, buffer));

  EXPECT_EQ(out.data(), text.data() + 1);
}

TEST(JsonReader, AStringOverItsBufferIsRefusedHoweverItIsWritten) {
  std::array<char, 3> buffer;
  std::string_view out;
  for (std::string_view text : {R"("abcd")", R"("\u0061bcd")", R"("abc\u0064")", R"("ab\u20ac")"}) {
    JsonReader reader(text);
    EXPECT_FALSE(reader.read(out, buffer)) << text;
    EXPECT_EQ(reader.error(), JsonError::kTooLong);
  }
  EXPECT_TRUE(JsonReader(R"("\u20ac")").read(out, buffer));
}

TEST(JsonReader, KeysAreDecoded) {
  JsonReader reader(R"({"\u0069d":1})");
  std::string_view key;
  ASSERT_TRUE(reader.enter_object());
  ASSERT_TRUE(reader.next_member(key));

  EXPECT_EQ(key, "id");
}

TEST(JsonReader, TheFirstErrorSticksAndNamesItsPlace) {
  JsonReader reader(R"({"a":1 "b":2})");
  std::string_view key;
  ASSERT_TRUE(reader.enter_object());
  ASSERT_TRUE(reader.next_member(key));
  ASSERT_FALSE(reader.next_member(key));

  EXPECT_EQ(reader.error_text(), "expected ',' or '}' at byte 7");
  EXPECT_FALSE(reader.next_member(key));
  EXPECT_FALSE(reader.finish());
}

TEST(JsonReader, AValueCanBeReadOnlyOnce) {
  JsonReader reader("[1]");
  uint32_t value = 0;
  ASSERT_TRUE(reader.enter_array());
  ASSERT_TRUE(reader.next_element());
  ASSERT_TRUE(reader.read(value));

  EXPECT_FALSE(reader.read(value));
}

TEST(JsonReader, NullIsTakenOnlyIfItIsThere) {
  JsonReader reader("[null,1]");
  ASSERT_TRUE(reader.enter_array());
  ASSERT_TRUE(reader.next_element());
  EXPECT_TRUE(reader.take_null());
  ASSERT_TRUE(reader.next_element());
  EXPECT_FALSE(reader.take_null());

  EXPECT_TRUE(reader.finish());
}

TEST(JsonReader, LongStringsAreScannedByWordsAtEveryAlignment) {
  for (size_t length = 0; length < 40; ++length) {
    for (size_t special = 0; special < length; ++special) {
      std::string inside(length, 'x');
      EXPECT_TRUE(validate_json("\"" + inside + "\""));
      inside[special] = '\x1f';
      EXPECT_FALSE(validate_json("\"" + inside + "\""));
    }
  }
}

// A payload and what is told of it; the member behind it is read whatever the payload is.
struct Payload {
  std::string text;
  const char* fault;  // null: none
};

TEST(JsonReader, WhatIsWrongInAPayloadIsItsOwn) {
  const std::string deep = std::string(80, '[') + std::string(80, ']');
  for (const Payload& row : std::vector<Payload>{
           {R"({"a":[1,"x,}]"]})", nullptr},
           {R"("\ud83d\ude00")", nullptr},
           {"\"cut \\ud83d\"", "first half of a surrogate pair without the second"},
           {"\"\\ude00\"", "second half of a surrogate pair without the first"},
           {"{\"\\ud83d\":1}", "first half of a surrogate pair without the second"},
           {"\"\xff\"", "not UTF-8"},
           {"\"a\tb\"", "control character in a string"},
           {R"("\x")", "unknown escape"},
           {R"({"a":})", "expected a value"},
           {R"([1,])", "expected a value"},
           {"01", "leading zero"},
           {"nul", "expected a value"},
           {deep, "nested too deep"},
       }) {
    const std::string text = R"({"data":)" + row.text + R"( ,"id":7})";
    JsonReader reader(text);
    std::string_view key, data;
    const char* fault = "not read";
    uint32_t id = 0;
    reader.enter_object();
    while (reader.next_member(key)) key == "data" ? reader.read_payload(data, fault) : reader.read(id);

    EXPECT_TRUE(reader.finish()) << text;
    EXPECT_STREQ(fault, row.fault) << text;
    EXPECT_EQ(id, 7u) << text;
  }
}

TEST(JsonReader, APayloadWhoseEndIsNotFoundIsAnError) {
  for (const std::string text : {R"({"data":})", R"({"data":,"id":1})", R"({"data":"a)", R"({"data":[1})",
                                 R"({"data":"\)", R"({"data":{"a})"}) {
    JsonReader reader(text);
    std::string_view key, data;
    const char* fault = nullptr;
    reader.enter_object();
    while (reader.next_member(key)) reader.read_payload(data, fault);

    EXPECT_FALSE(reader.finish()) << text;
  }
}

TEST(JsonReader, ATextOfAnotherTypeIsAnErrorAndOneWithAFaultIsNot) {
  char room[8];
  std::string_view out;
  const char* fault = nullptr;
  EXPECT_FALSE(JsonReader("7").read_text(out, room, fault));
  EXPECT_FALSE(JsonReader("[\"a\"]").read_text(out, room, fault));

  EXPECT_TRUE(JsonReader(R"("\ud83d")").read_text(out, room, fault));
  EXPECT_STREQ(fault, "first half of a surrogate pair without the second");
  EXPECT_EQ(out, "");
  EXPECT_TRUE(JsonReader(R"("\u0041b")").read_text(out, room, fault));
  EXPECT_EQ(fault, nullptr);
  EXPECT_EQ(out, "Ab");
}

TEST(JsonReader, CompactingRemovesLineBreaksOnly) {
  std::string scratch;
  std::string_view plain = R"({"a": "b\n"})";
  EXPECT_EQ(compact_newlines(plain, scratch).data(), plain.data());

  EXPECT_EQ(compact_newlines("{\n \"a\":\r\n[1,\n2]}\n", scratch), R"({ "a":[1,2]})");
}

}  // namespace
}  // namespace lcg
