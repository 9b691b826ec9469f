#include "base/sim_lane.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace lcg {
namespace {

using namespace std::chrono_literals;

// Two lanes write into a third; returns the order in which it saw them.
std::string interleaving(uint64_t seed, uint64_t* fingerprint = nullptr) {
  SimWorld world(seed, 3);
  std::string seen;
  for (unsigned from : {0u, 1u}) {
    for (int i = 0; i < 10; ++i) {
      world.lane(from).post([&, from, i] {
        world.lane(2).post([&seen, from, i] { seen += static_cast<char>((from == 0 ? 'a' : 'A') + i); });
      });
    }
  }
  world.run_until_idle();
  if (fingerprint != nullptr) *fingerprint = world.fingerprint();
  return seen;
}

TEST(SimWorld, TheSameSeedReplaysTheSameRun) {
  uint64_t first = 0;
  uint64_t second = 0;

  EXPECT_EQ(interleaving(42, &first), interleaving(42, &second));
  EXPECT_EQ(first, second);
}

TEST(SimWorld, SeedsExploreDifferentInterleavings) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) seen.insert(interleaving(seed));

  EXPECT_GT(seen.size(), 20u);
}

TEST(SimWorld, TasksOfOneSenderStayInOrder) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    std::string lower;
    std::string upper;
    for (char c : interleaving(seed)) (c >= 'a' ? lower : upper) += c;
    EXPECT_EQ(lower, "abcdefghij");
    EXPECT_EQ(upper, "ABCDEFGHIJ");
  }
}

TEST(SimWorld, IdleMeansNoTimePassed) {
  SimWorld world(1);
  bool fired = false;
  world.lane(0).start_timer(1ms, [&] { fired = true; });

  world.run_until_idle();
  EXPECT_FALSE(fired);
  world.run_for(1ms);
  EXPECT_TRUE(fired);
}

TEST(SimWorld, TheClockJumpsFromTimerToTimer) {
  SimWorld world(1, 2);
  MonoTime start = world.clock().mono();
  std::vector<int64_t> fired;
  auto note = [&] { fired.push_back((world.clock().mono() - start).count() / 1'000'000); };
  world.lane(0).start_timer(24h, note);
  world.lane(1).start_timer(250ms, note);

  world.run_for(48h);

  EXPECT_EQ(fired, (std::vector<int64_t>{250, 86'400'000}));
  EXPECT_EQ(world.clock().mono() - start, Nanos(48h));
  EXPECT_LT(world.turns(), 100u);
}

TEST(SimWorld, RunUntilStopsAtTheCondition) {
  SimWorld world(1);
  int ticks = 0;
  struct Tick {
    SimLane& lane;
    int& ticks;
    void operator()() const {
      ++ticks;
      lane.start_timer(10ms, *this);
    }
  };
  world.lane(0).start_timer(10ms, Tick{world.lane(0), ticks});

  EXPECT_TRUE(world.run_until([&] { return ticks == 5; }));
  EXPECT_EQ(ticks, 5);
  EXPECT_FALSE(world.run_until([] { return false; }, 100ms));
  EXPECT_EQ(ticks, 15);
}

TEST(SimWorld, TurnEndRunsAfterTheTasksOfTheTurn) {
  SimWorld world(3);
  std::string trace;
  world.on(world.lane(0), [&] {
    EXPECT_TRUE(world.lane(0).is_current());
    world.lane(0).at_turn_end([&] { trace += 'e'; });
    trace += 't';
  });
  EXPECT_EQ(trace, "t");

  world.run_until_idle();

  EXPECT_EQ(trace, "te");
}

TEST(SimWorld, BlockingCallsTakeTimeAndAnswerOnTheLane) {
  SimWorld world(5);
  SimLane& lane = world.lane(0);
  int result = 0;
  bool on_lane = false;
  Status status = world.blocking_pool().call([] { return 7; }, lane,
                                             [&](Result<int> answer) {
                                               result = answer.value();
                                               on_lane = lane.is_current();
                                             });
  ASSERT_TRUE(status.ok());

  EXPECT_TRUE(world.run_until([&] { return result != 0; }, 100ms));

  EXPECT_EQ(result, 7);
  EXPECT_TRUE(on_lane);
}

TEST(SimWorld, WhatNeverRanIsDestroyedWithTheWorld) {
  auto token = std::make_shared<int>(1);
  {
    SimWorld world(1, 2);
    world.lane(0).post([token] {});
    world.lane(1).start_timer(1h, [token] {});
    world.lane(1).at_turn_end([token] {});
  }

  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace lcg
