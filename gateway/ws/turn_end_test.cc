// What is counted is steps: how many wait, not for how long.
#include "gateway/ws/turn_end.h"

#include <gtest/gtest.h>

#include "base/sim_lane.h"

namespace lcg::ws {
namespace {

struct Cut {
  bool over() const { return true; }
  bool finished() const { return true; }
  void on_turn_end() {}
};

class TurnEndTest : public testing::Test {
 protected:
  // Cuts so many, and has the lane take a turn; returns how many wait afterwards.
  size_t turn(size_t cuts) {
    waiting_ += cuts;
    world_.on(world_.lane(0), [&] {
      for (size_t i = 0; i < cuts; ++i) ends_.add(cut_);
    });
    world_.step();
    return waiting_;
  }

  SimWorld world_{1};
  Cut cut_;
  size_t waiting_ = 0;
  TurnEnd<Cut> ends_{world_.lane(0), [this](Cut&) { --waiting_; }};
};

TEST_F(TurnEndTest, AFewATurnWhenAHundredAreCutAtOnce) { EXPECT_EQ(turn(100), 100 - kEndsPerTurn); }

TEST_F(TurnEndTest, NoMoreATurnThanItsEventsCanCut) { EXPECT_EQ(turn(100'000), 100'000 - kMaxEndsPerTurn); }

TEST_F(TurnEndTest, AFloodOfCutsDoesNotStarveTheEnds) {
  size_t most = 0;
  for (int i = 0; i < 1'000; ++i) most = std::max(most, turn(kMaxEndsPerTurn));

  EXPECT_LE(most, 9 * kMaxEndsPerTurn);
  world_.run_until_idle();
  EXPECT_EQ(waiting_, 0u);
}

}  // namespace
}  // namespace lcg::ws
