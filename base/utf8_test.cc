#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lcg {
namespace {

const std::vector<std::string> kInvalid = {
    "\x80",         "\xBF",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF",
    "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
    "\xFE",         "\xE2\x28\xA1", "\xC3\x28",         "\xF0\x28\x8C\xBC"};

TEST(Utf8, EveryScalarValueIsValidAndEveryOtherIsNot) {
  for (uint32_t c = 0; c <= 0x10FFFF; c += (c < 0x3000 ? 1 : 17)) {
    char bytes[4];
    std::string_view text(bytes, encode_utf8(c, bytes));
    bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    ASSERT_EQ(valid_utf8(text), !surrogate) << c;
    ASSERT_EQ(utf8_sequence(text), surrogate ? 0 : text.size()) << c;
  }
}

TEST(Utf8, InvalidTextIsRefusedAtEveryPlaceOfAWord) {
  for (const std::string& bad : kInvalid) {
    for (size_t before = 0; before < 10; ++before) {
      EXPECT_FALSE(valid_utf8(std::string(before, 'a') + bad + "bbbbbbbbbb"));
    }
  }
}

TEST(Utf8, StateSurvivesFragmentBorders) {
  std::string text = "ascii \u00e4\u20ac\U0001F600 and more ascii text";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Utf8Validator validator;
    EXPECT_TRUE(validator.feed(std::string_view(text).substr(0, cut)));
    EXPECT_TRUE(validator.feed(std::string_view(text).substr(cut)));
    EXPECT_TRUE(validator.complete());
  }
}

TEST(Utf8, AnErrorIsFoundAtItsFirstByteAndStays) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.feed("\xED"));
  EXPECT_FALSE(validator.feed("\xA0"));
  EXPECT_FALSE(validator.feed("a"));
  EXPECT_FALSE(validator.complete());
}

TEST(Utf8, ACutCharacterIsNotComplete) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.feed("a\xE2\x82"));
  EXPECT_FALSE(validator.complete());
}

}  // namespace
}  // namespace lcg
