#include "broker/channel/fossil_delta.h"

#include <gmock/gmock.h>

#include "base/sim_lane.h"
#include "base/utf8.h"

namespace lcg::broker {
namespace {

using testing::HasSubstr;

constexpr size_t kAny = SIZE_MAX;

std::string delta_of(std::string_view source, std::string_view target) {
  DeltaMaker maker;
  std::string out;
  return maker.make(source, target, out) ? out : std::string();
}

// What stands in the Fossil project's own description of the format.
TEST(FossilDelta, AppliesTheCommandsOfTheFormat) {
  EXPECT_EQ(apply_fossil_delta("0123456789", "C\n5@0,2:--5@5,2QaPUX;", kAny), "01234--56789");
}

TEST(FossilDelta, AChangedFieldIsACopyAnInsertAndACopy) {
  const std::string source = R"({"symbol":"LCG","price":1204,"bid":1203,"ask":1205,"time":99})";
  const std::string target = R"({"symbol":"LCG","price":1207,"bid":1203,"ask":1205,"time":99})";

  const std::string delta = delta_of(source, target);

  EXPECT_EQ(delta.substr(0, delta.find_last_of(',') + 1), "y\nR@0,1:7X@S,");
  EXPECT_EQ(apply_fossil_delta(source, delta, kAny), target);
}

TEST(FossilDelta, WhatIsEqualIsOneCopy) {
  const std::string text(1000, 'x');

  EXPECT_THAT(delta_of(text, text), testing::StartsWith("Fd\nFd@0,"));
}

TEST(FossilDelta, WhatMovedIsFound) {
  std::string first, second;
  for (int i = 0; i < 40; ++i)
    first += "first" + std::to_string(i * 7919), second += "second" + std::to_string(i * 104729);

  const std::string delta = delta_of(first + second, second + first);

  EXPECT_LT(delta.size(), 40u);
  EXPECT_EQ(apply_fossil_delta(first + second, delta, kAny), second + first);
}

TEST(FossilDelta, NoneIsMadeThatIsNotSmaller) {
  EXPECT_EQ(delta_of("{\"a\":1,\"b\":2,\"c\":3}", "[true,false,null,\"x\"]"), "");
  EXPECT_EQ(delta_of("", "abcdefghijkl"), "");
  EXPECT_EQ(delta_of("abcdefghijkl", ""), "");
  EXPECT_EQ(delta_of("abcdefgh", "abcdefgh"), "") << "the frame of a delta is 10 bytes itself";
}

TEST(FossilDelta, NoneIsMadeOfTooLongTexts) {
  const std::string large(kMaxDeltaText + 1, 'x');

  EXPECT_EQ(delta_of(large, large), "");
}

TEST(FossilDelta, NoCharacterIsCutInTwo) {
  // Neighbours that share their first bytes: a copy of bytes would end inside the character.
  const std::string source = "price in Z\xc3\xbcrich today: 10 \xe2\x82\xac and not more \xf0\x9f\x98\x80!";
  const std::string target = "price in Z\xc3\xb6rich today: 10 \xe2\x82\xa4 and not more \xf0\x9f\x98\x82!";

  const std::string delta = delta_of(source, target);

  EXPECT_TRUE(valid_utf8(delta));
  EXPECT_EQ(apply_fossil_delta(source, delta, kAny), target);
}

TEST(FossilDelta, OneMakerServesTextsOfAllSizes) {
  DeltaMaker maker;
  for (const size_t size : {100'000u, 60u, 20'000u, 1'000u}) {
    std::string source;
    while (source.size() < size) source += std::to_string(source.size() * 7919);
    std::string target = source;
    target.insert(size / 2, "here");
    std::string delta;

    ASSERT_TRUE(maker.make(source, target, delta)) << size;
    EXPECT_EQ(apply_fossil_delta(source, delta, kAny), target) << size;
  }
}

// Texts made of pieces of each other, as states of one document are: mostly equal, some of it new.
TEST(FossilDelta, EveryDeltaMakesItsTarget) {
  SimRandom random(5);
  DeltaMaker maker;
  const auto below = [&](uint64_t bound) { return random.next() % bound; };
  const std::string_view alphabet[] = {"a", "b", "\xc3\xa4", "\xc3\xb6", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                       "0", "1"};
  std::string source, delta;
  int made = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::string target;
    while (target.size() < 20 + below(400)) {
      if (!source.empty() && below(3) != 0) {
        size_t from = below(source.size()), to = std::min(source.size(), from + below(90));
        while (from < source.size() && utf8_sequence(source.substr(from)) == 0) ++from;
        while (to < source.size() && utf8_sequence(source.substr(to)) == 0) ++to;
        if (from < to) target += source.substr(from, to - from);
      } else {
        for (uint64_t n = below(12); n > 0; --n) target += alphabet[below(std::size(alphabet))];
      }
    }
    if (maker.make(source, target, delta)) {
      ++made;
      ASSERT_LT(delta.size(), target.size());
      ASSERT_TRUE(valid_utf8(delta)) << round;
      ASSERT_EQ(apply_fossil_delta(source, delta, kAny), target) << round;
    }
    source = target;
  }
  EXPECT_GT(made, 1'000);
}

// One byte over and over makes the most of false hits: the index's chains are walked to their bound everywhere.
TEST(FossilDelta, RepeatsAreNoSpecialCase) {
  const std::string zeros(kMaxDeltaText, '0');
  std::string almost = zeros;
  for (size_t at = 9; at < almost.size(); at += 10) almost[at] = '1';

  EXPECT_TRUE(apply_fossil_delta(zeros, delta_of(zeros, almost), kAny) == almost);
  EXPECT_TRUE(apply_fossil_delta(almost, delta_of(almost, zeros), kAny).value_or(zeros) == zeros);
}

struct BadDelta {
  const char* name;
  std::string delta;
};
class BadDeltaTest : public testing::TestWithParam<BadDelta> {};

TEST_P(BadDeltaTest, IsRefused) {
  EXPECT_EQ(apply_fossil_delta("0123456789", GetParam().delta, 64), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadDeltaTest,
    testing::Values(BadDelta{"Empty", ""}, BadDelta{"NoSize", "\n0;"}, BadDelta{"NoNewline", "A0;"},
                    BadDelta{"OverTheLimit", "11\n0;"}, BadDelta{"NoEnd", "A\nA@0,"},
                    BadDelta{"WrongChecksum", "A\nA@0,1;"}, BadDelta{"CopyBehindTheSource", "A\nA@1,0;"},
                    BadDelta{"CopyFarBehindTheSource", "A\nA@3~~~~~,0;"},
                    BadDelta{"MoreThanTheSize", "2\n5@0,0;"}, BadDelta{"LessThanTheSize", "A\n2@0,0;"},
                    BadDelta{"InsertBehindTheDelta", "A\nA:abc"}, BadDelta{"UnknownCommand", "A\nA!0,0;"},
                    BadDelta{"NumberOverThirtyTwoBits", "~~~~~~~\n0;"}, BadDelta{"Trailing", "0\n0;x"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace lcg::broker
