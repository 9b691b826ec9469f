// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/attempt_limit.h"

#include <gtest/gtest.h>

#include <string>

namespace lcg::uaa {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(AttemptLimit, RefusesAfterTheBurstAndRefillsWithTime) {
  AttemptLimit limit({3, 6}, {});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.take("alice", 0));

  EXPECT_FALSE(limit.take("alice", 0));
  EXPECT_FALSE(limit.take("alice", 9 * kSecond));
  EXPECT_TRUE(limit.take("alice", 10 * kSecond));
}

TEST(AttemptLimit, KeysDoNotShare) {
  AttemptLimit limit({1, 1}, {});
  EXPECT_TRUE(limit.take("alice", 0));

  EXPECT_TRUE(limit.take("bob", 0));
  EXPECT_FALSE(limit.take("alice", 0));
}

TEST(AttemptLimit, ARefundGivesTheAttemptBack) {
  AttemptLimit limit({1, 1}, {});
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(limit.take("alice", 0));
    limit.refund("alice", 0);
  }
}

TEST(AttemptLimit, ZeroBurstIsNoLimit) {
  AttemptLimit limit({0, 0}, {});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(limit.take("alice", 0));
}

TEST(AttemptLimit, AKeyInUseIsNotForgottenWhileOthersPass) {
  AttemptLimit limit({1, 1}, {}, 100);
  EXPECT_TRUE(limit.take("alice", 0));

  for (int i = 0; i < 1000; ++i) {
    limit.take("other" + std::to_string(i), 0);
    if (i % 50 == 0) {
      EXPECT_FALSE(limit.take("alice", 0)) << i;
    }
  }
}

}  // namespace
}  // namespace lcg::uaa
