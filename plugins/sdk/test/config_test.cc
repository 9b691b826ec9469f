// SPDX-License-Identifier: Apache-2.0
#include "lcg/config.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace lcg {
namespace {

using namespace std::chrono_literals;

std::string error_of(const std::function<void()>& parse) {
  try {
    parse();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(Config, IntegerInRange) { EXPECT_EQ(parse_int("pool.size", "-8", -10, 64), -8); }

TEST(Config, IntegerErrorNamesKeyRangeAndText) {
  EXPECT_EQ(error_of([] { parse_int("pool.size", "65", 1, 64); }),
            "pool.size: expected a whole number from 1 to 64, found \"65\"");
  EXPECT_EQ(error_of([] { parse_int("pool.size", "4x", 1, 64); }),
            "pool.size: expected a whole number, found \"4x\"");
  EXPECT_EQ(error_of([] { parse_int("pool.size", "", 1, 64); }),
            "pool.size: expected a whole number, found \"\"");
}

TEST(Config, OnlyTrueAndFalseAreBooleans) {
  EXPECT_TRUE(parse_bool("on", "true"));
  EXPECT_FALSE(parse_bool("on", "false"));
  EXPECT_EQ(error_of([] { parse_bool("on", "yes"); }), "on: expected true or false, found a text of 3 bytes");
}

TEST(Config, DurationHasAUnit) {
  EXPECT_EQ(parse_duration("t", "250ms", 0ms, 1h), 250ms);
  EXPECT_EQ(parse_duration("t", "15 m", 0ms, 1h), 15min);
  EXPECT_EQ(parse_duration("t", "7d", 0ms, 240h), 168h);
  EXPECT_EQ(parse_duration("t", "0", 0ms, 1h), 0ms);
  EXPECT_EQ(error_of([] { parse_duration("t", "15", 0ms, 1h); }),
            "t: expected a duration in milliseconds with a unit: ms, s, m, h, d, found \"15\"");
}

TEST(Config, DurationDoesNotOverflow) {
  EXPECT_NE(error_of([] { parse_duration("t", "9223372036854775807d", 0ms, 1h); }), "");
}

TEST(Config, SizeIsBytesUnlessItSaysMore) {
  EXPECT_EQ(parse_size("s", "512", 0, 1 << 30), 512u);
  EXPECT_EQ(parse_size("s", "64KiB", 0, 1 << 30), 65536u);
  EXPECT_NE(error_of([] { parse_size("s", "-1KiB", 0, 1 << 30); }), "");
  EXPECT_NE(error_of([] { parse_size("s", "1XB", 0, 1 << 30); }), "");
}

}  // namespace
}  // namespace lcg
