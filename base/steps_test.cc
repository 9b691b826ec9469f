#include "base/steps.h"

#include <gmock/gmock.h>

#include <string>

#include "base/sim_lane.h"

namespace lcg {
namespace {

constexpr MonoTime kNever{INT64_MAX};

class StepsTest : public testing::Test {
 protected:
  // A walk of `pieces` that notes its letter.
  void walk(char letter, int pieces, MonoTime until = kNever) {
    world_.on(lane_, [&] {
      steps_.run(until, [this, letter, pieces]() mutable {
        order_ += letter;
        return --pieces > 0;
      });
    });
  }

  SimWorld world_{3, 1};
  SimLane& lane_ = world_.lane(0);
  Steps steps_{lane_};
  std::string order_;
};

TEST_F(StepsTest, TheFirstPieceRunsAtOnce) {
  walk('a', 1);

  EXPECT_EQ(order_, "a");
  EXPECT_EQ(steps_.waiting(), 0u);
}

TEST_F(StepsTest, OthersComeBetweenThePieces) {
  walk('a', 3);
  world_.on(lane_, [&] { lane_.post([&] { order_ += '.'; }); });

  world_.run_until_idle();

  EXPECT_EQ(order_, "aa.a") << "the second piece had been asked for";
}

TEST_F(StepsTest, WalksFollowEachOther) {
  walk('a', 3);
  walk('b', 2);
  EXPECT_EQ(order_, "a");

  world_.run_until_idle();

  EXPECT_EQ(order_, "aaabb");
}

TEST_F(StepsTest, AWalkThatNobodyWaitsForIsGivenUp) {
  walk('a', 3, world_.clock().mono());

  world_.run_until_idle();

  EXPECT_EQ(order_, "");
  EXPECT_EQ(steps_.waiting(), 0u);
}

}  // namespace
}  // namespace lcg
