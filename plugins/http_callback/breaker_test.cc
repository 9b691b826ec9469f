// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/breaker.h"

#include <gtest/gtest.h>

namespace lcg::http_callback {
namespace {

constexpr int64_t kOpenFor = 1000;

TEST(Breaker, OpensAfterSoManyFailuresInARow) {
  Breaker breaker({2, kOpenFor});
  EXPECT_FALSE(breaker.failed(0));
  breaker.succeeded();
  EXPECT_FALSE(breaker.failed(0));
  EXPECT_TRUE(breaker.failed(0));
  EXPECT_FALSE(breaker.admit(kOpenFor - 1));
}

TEST(Breaker, LetsOneProbeThrough) {
  Breaker breaker({1, kOpenFor});
  breaker.failed(0);
  EXPECT_TRUE(breaker.admit(kOpenFor));
  EXPECT_FALSE(breaker.admit(kOpenFor));
}

TEST(Breaker, ClosesWhenTheProbeSucceeds) {
  Breaker breaker({1, kOpenFor});
  breaker.failed(0);
  breaker.admit(kOpenFor);
  EXPECT_TRUE(breaker.succeeded());
  EXPECT_TRUE(breaker.admit(kOpenFor));
  EXPECT_TRUE(breaker.admit(kOpenFor));
}

TEST(Breaker, StaysOpenAnotherTimeWhenTheProbeFails) {
  Breaker breaker({1, kOpenFor});
  breaker.failed(0);
  breaker.admit(kOpenFor);
  EXPECT_FALSE(breaker.failed(kOpenFor));  // not news
  EXPECT_FALSE(breaker.admit(2 * kOpenFor - 1));
  EXPECT_TRUE(breaker.admit(2 * kOpenFor));
}

TEST(Breaker, AnAbandonedProbeMakesRoomForAnother) {
  Breaker breaker({1, kOpenFor});
  breaker.failed(0);
  breaker.admit(kOpenFor);
  breaker.abandoned();
  EXPECT_TRUE(breaker.admit(kOpenFor));
}

TEST(Breaker, AFailureFromBeforeItOpenedDoesNotProlongIt) {
  Breaker breaker({1, kOpenFor});
  breaker.failed(0);
  breaker.failed(kOpenFor / 2);
  EXPECT_TRUE(breaker.admit(kOpenFor));
}

TEST(Breaker, WithoutALimitNeverOpens) {
  Breaker breaker({0, kOpenFor});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(breaker.failed(0));
  EXPECT_TRUE(breaker.admit(0));
}

}  // namespace
}  // namespace lcg::http_callback
