#include "base/steps.h"

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/sim_lane.h"

namespace lcg {
namespace {

constexpr MonoTime kNever = Steps::kNoEnd;

class StepsTest : public testing::Test {
 protected:
  // A walk of `pieces` that notes its letter.
  void walk(char letter, int pieces, MonoTime until = kNever) {
    world_.on(lane_, [&] {
      steps_.run(until, [this, letter, pieces](bool in_time) mutable {
        order_ += in_time ? letter : '!';
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

TEST_F(StepsTest, AWalkWhoseTimeIsOverIsToldOnceAndEnds) {
  walk('a', 3, world_.clock().mono());

  world_.run_until_idle();

  EXPECT_EQ(order_, "!");
  EXPECT_EQ(steps_.waiting(), 0u);
}

TEST_F(StepsTest, AStepThatThrowsEndsItsOwnWalkAlone) {
  walk('a', 1);
  world_.on(lane_, [&] {
    steps_.run(kNever, [this, first = true](bool) mutable {
      order_ += 't';
      if (!std::exchange(first, false)) throw std::runtime_error("a step's");
      return true;
    });
  });
  walk('b', 2);

  EXPECT_THROW(world_.run_until_idle(), std::runtime_error);
  world_.run_until_idle();

  EXPECT_EQ(order_, "attbb");
  EXPECT_EQ(steps_.waiting(), 0u);
}

// What a walk holds may start another one when it goes.
TEST_F(StepsTest, TheEndOfTheLastWalkMayBeginAnother) {
  struct Last {
    ~Last() { then(); }
    std::function<void()> then;
  };
  auto last = std::make_unique<Last>();
  last->then = [this] {
    steps_.run(kNever, [this, pieces = 3](bool) mutable {
      order_ += 'b';
      return --pieces > 0;
    });
  };
  world_.on(lane_, [&] {
    steps_.run(kNever, [this, last = std::move(last)](bool) {
      order_ += 'a';
      return false;
    });
  });

  world_.run_until_idle();

  EXPECT_EQ(order_, "abbb");
  EXPECT_EQ(steps_.waiting(), 0u);
}

}  // namespace
}  // namespace lcg
