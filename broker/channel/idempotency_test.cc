#include "broker/channel/idempotency.h"

#include <gtest/gtest.h>

namespace lcg::broker {
namespace {

constexpr MonoTime kStart{1'000'000'000};

TEST(Idempotency, AKeyIsKnownInItsChannel) {
  Idempotency known;
  known.remember(kStart, "a", "k", {7, "e"});

  ASSERT_NE(known.find(kStart, "a", "k"), nullptr);
  EXPECT_EQ(*known.find(kStart, "a", "k"), (StreamPosition{7, "e"}));
  EXPECT_EQ(known.find(kStart, "b", "k"), nullptr);
  EXPECT_EQ(known.find(kStart, "a", "l"), nullptr);
}

TEST(Idempotency, TheFirstAnswerStays) {
  Idempotency known;
  known.remember(kStart, "a", "k", {7, "e"});
  known.remember(kStart, "a", "k", {8, "e"});

  EXPECT_EQ(known.find(kStart, "a", "k")->offset, 7u);
}

TEST(Idempotency, AKeyIsForgottenAfterItsWindow) {
  Idempotency known;
  known.remember(kStart, "a", "k", {7, "e"});

  EXPECT_NE(known.find(kStart + (kIdempotencyWindow - Millis(1)), "a", "k"), nullptr);
  EXPECT_EQ(known.find(kStart + kIdempotencyWindow, "a", "k"), nullptr);
  EXPECT_EQ(known.size(), 0u);
}

TEST(Idempotency, OverTheLimitTheOldestGoesFirst) {
  Idempotency known;
  for (size_t i = 0; i <= kMaxIdempotencyKeys; ++i) known.remember(kStart, "a", std::to_string(i), {});

  EXPECT_EQ(known.size(), kMaxIdempotencyKeys);
  EXPECT_EQ(known.find(kStart, "a", "0"), nullptr);
  EXPECT_NE(known.find(kStart, "a", "1"), nullptr);
}

}  // namespace
}  // namespace lcg::broker
