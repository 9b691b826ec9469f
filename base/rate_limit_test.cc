#include "base/rate_limit.h"

#include <gtest/gtest.h>

namespace lcg {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{1'000'000'000'000};

TEST(TokenBucket, GrantsTheBurstThenTheRate) {
  TokenBucket bucket(10, 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.try_take(kStart));
  EXPECT_FALSE(bucket.try_take(kStart));
  EXPECT_FALSE(bucket.try_take(kStart + 99ms));
  EXPECT_TRUE(bucket.try_take(kStart + 100ms));
  EXPECT_FALSE(bucket.try_take(kStart + 100ms));
}

TEST(TokenBucket, AnHourOfSilenceGivesNoMoreThanTheBurst) {
  TokenBucket bucket(10, 3);
  ASSERT_TRUE(bucket.try_take(kStart, 3));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.try_take(kStart + 1h));
  EXPECT_FALSE(bucket.try_take(kStart + 1h));
}

TEST(TokenBucket, WaitNamesWhenItWillBeGranted) {
  TokenBucket bucket(10, 5);
  EXPECT_EQ(bucket.wait(kStart), 0ms);
  ASSERT_TRUE(bucket.try_take(kStart, 5));
  EXPECT_EQ(bucket.wait(kStart), 100ms);
  EXPECT_EQ(bucket.wait(kStart, 2), 200ms);
  EXPECT_TRUE(bucket.try_take(kStart + bucket.wait(kStart, 2), 2));
}

TEST(TokenBucket, DebtIsPaidByLaterOnes) {
  TokenBucket bucket(1000, 100);
  bucket.take(kStart, 1100);
  EXPECT_FALSE(bucket.try_take(kStart + 900ms));
  EXPECT_TRUE(bucket.try_take(kStart + 1001ms));
}

TEST(TokenBucket, RateZeroIsNoLimit) {
  TokenBucket bucket(0, 1);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(bucket.try_take(kStart, 1e9));
  EXPECT_EQ(bucket.wait(kStart, 1e9), 0ms);
}

TEST(TokenBucket, HighRatesDoNotLoseTokensToRounding) {
  TokenBucket bucket(1e9, 1e6);
  MonoTime now = kStart;
  ASSERT_TRUE(bucket.try_take(now, 1e6));
  int granted = 0;
  for (int i = 0; i < 1000; ++i) {
    now = now + 1us;
    granted += bucket.try_take(now, 1000) ? 1 : 0;
  }
  EXPECT_GE(granted, 999);
}

}  // namespace
}  // namespace lcg
