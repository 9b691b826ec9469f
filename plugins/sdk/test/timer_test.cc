// SPDX-License-Identifier: Apache-2.0
#include "lcg/timer.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "testing/fake_host.h"

namespace lcg::testing {
namespace {

using namespace std::chrono_literals;

class Timers : public ::testing::Test {
 protected:
  FakeHost host_;
  Timer timer_{host_.host()};
  int fired_ = 0;
};

TEST_F(Timers, OnceFiresOnce) {
  timer_.once(10ms, [this] { ++fired_; });
  host_.advance(9);
  EXPECT_EQ(fired_, 0);
  host_.advance(100);
  EXPECT_EQ(fired_, 1);
  EXPECT_FALSE(timer_.active());
}

TEST_F(Timers, CancelledNeverFires) {
  timer_.once(10ms, [this] { ++fired_; });
  timer_.cancel();
  host_.advance(100);
  EXPECT_EQ(fired_, 0);
}

TEST_F(Timers, DestroyedNeverFires) {
  {
    Timer scoped(host_.host());
    scoped.every(10ms, [this] { ++fired_; });
  }
  host_.advance(100);
  EXPECT_EQ(fired_, 0);
}

TEST_F(Timers, RepeatMayBeStoppedFromInside) {
  timer_.every(10ms, [this] {
    if (++fired_ == 3) timer_.cancel();
  });
  host_.advance(1000);
  EXPECT_EQ(fired_, 3);
}

TEST_F(Timers, MayBeSetAnewFromInside) {
  timer_.once(10ms, [this] {
    ++fired_;
    timer_.once(10ms, [this] { fired_ += 10; });
  });
  host_.advance(100);
  EXPECT_EQ(fired_, 11);
}

TEST_F(Timers, ExceptionIsLoggedAndTheTimerGoesOn) {
  timer_.every(10ms, [this] {
    ++fired_;
    throw std::runtime_error("tick");
  });
  host_.advance(30);
  EXPECT_EQ(fired_, 3);
  EXPECT_EQ(host_.logs().at(0).text, "timer function threw: tick");
}

TEST_F(Timers, LongestDelayIsClamped) {
  EXPECT_EQ(detail::clamp_delay(std::chrono::hours(24 * 365)), 4294967295u);
  EXPECT_EQ(detail::clamp_delay(-1ms), 0u);
}

}  // namespace
}  // namespace lcg::testing
