#include "base/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace lcg {
namespace {

using namespace std::chrono_literals;

class TimerWheelTest : public ::testing::Test {
 protected:
  // Moves to `t`, calling expire() whenever the wheel asks for it.
  void advance_to(MonoTime t) {
    while (true) {
      std::optional<MonoTime> next = wheel_.next();
      if (!next || *next > t) break;
      now_ = std::max(now_, *next);
      wheel_.expire(now_, SIZE_MAX, [](LaneTask& task) { task(); });
    }
    now_ = t;
    wheel_.expire(now_, SIZE_MAX, [](LaneTask& task) { task(); });
  }

  MonoTime now_{1'000'000'123};
  TimerWheel wheel_{now_};
};

TEST_F(TimerWheelTest, EmptyAsksForNoWakeUp) {
  EXPECT_EQ(wheel_.next(), std::nullopt);
  TimerId id = wheel_.start(now_, 5s, [] {});
  EXPECT_NE(wheel_.next(), std::nullopt);

  wheel_.cancel(id);

  EXPECT_EQ(wheel_.next(), std::nullopt);
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(TimerWheelTest, FiresWithinATickAndNeverEarly) {
  for (Millis delay : {0ms, 1ms, 63ms, 64ms, 65ms, 4095ms, 4096ms, 262'144ms, 86'400'000ms}) {
    MonoTime start = now_;
    std::optional<MonoTime> fired;
    wheel_.start(now_, delay, [&] { fired = now_; });

    advance_to(now_ + delay + Millis(2));

    ASSERT_TRUE(fired.has_value()) << delay.count();
    EXPECT_GE((*fired - start).count(), Nanos(delay).count());
    EXPECT_LE((*fired - start).count(), Nanos(delay + 2ms).count());
  }
}

TEST_F(TimerWheelTest, TimersOfOneTickFireInStartOrderAcrossLevels) {
  std::vector<int> order;
  wheel_.start(now_, 70ms, [&] { order.push_back(1); });
  advance_to(now_ + 60ms);
  wheel_.start(now_, 10ms, [&] { order.push_back(2); });

  advance_to(now_ + 20ms);

  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(TimerWheelTest, AStaleIdCancelsNothing) {
  TimerId first = wheel_.start(now_, 1ms, [] {});
  advance_to(now_ + 5ms);
  bool fired = false;
  wheel_.start(now_, 1ms, [&] { fired = true; });  // reuses the place

  wheel_.cancel(first);
  wheel_.cancel(0);
  advance_to(now_ + 5ms);

  EXPECT_TRUE(fired);
}

TEST_F(TimerWheelTest, ATimerMayCancelOneOfTheSameTick) {
  bool fired = false;
  TimerId second = 0;
  wheel_.start(now_, 5ms, [&] { wheel_.cancel(second); });
  second = wheel_.start(now_, 5ms, [&] { fired = true; });

  advance_to(now_ + 10ms);

  EXPECT_FALSE(fired);
}

TEST_F(TimerWheelTest, ATimerThatRestartsItselfAtZeroDoesNotLoopInOneExpiry) {
  int runs = 0;
  struct Again {
    TimerWheelTest* test;
    TimerWheel* wheel;
    MonoTime* now;
    int* runs;
    void operator()() const {
      ++*runs;
      wheel->start(*now, 0ms, *this);
    }
  };
  wheel_.start(now_, 0ms, Again{this, &wheel_, &now_, &runs});

  wheel_.expire(now_ + 1ms, SIZE_MAX, [](LaneTask& task) { task(); });

  EXPECT_EQ(runs, 1);
}

TEST_F(TimerWheelTest, ExpireStopsAtItsBound) {
  int runs = 0;
  for (int i = 0; i < 10; ++i) wheel_.start(now_, 1ms, [&] { ++runs; });
  auto run = [](LaneTask& task) { task(); };

  EXPECT_EQ(wheel_.expire(now_ + 3ms, 4, run), 4u);
  EXPECT_EQ(wheel_.expire(now_ + 3ms, 100, run), 6u);
  EXPECT_EQ(runs, 10);
}

TEST_F(TimerWheelTest, AgreesWithASortedMapUnderRandomUse) {
  std::mt19937_64 random(7);                         // NOLINT: the same sequence every time
  std::map<int, std::pair<MonoTime, TimerId>> live;  // key -> earliest allowed time
  int key = 0;
  for (int step = 0; step < 20'000; ++step) {
    switch (random() % 4) {
      case 0:
      case 1: {
        Millis delay(random() % (uint64_t{1} << (random() % 22)));
        int k = ++key;
        TimerId id = wheel_.start(now_, delay, [&, k] {
          auto it = live.find(k);
          ASSERT_NE(it, live.end());
          EXPECT_GE(now_, it->second.first);
          EXPECT_LT((now_ - it->second.first).count(), Nanos(3ms).count());
          live.erase(it);
        });
        live[k] = {now_ + delay, id};
        break;
      }
      case 2:
        if (!live.empty()) {
          auto it = live.lower_bound(static_cast<int>(random() % static_cast<uint64_t>(key + 1)));
          if (it == live.end()) it = live.begin();
          wheel_.cancel(it->second.second);
          live.erase(it);
        }
        break;
      default:
        advance_to(now_ + Nanos(random() % 50'000'000));
    }
    ASSERT_EQ(wheel_.size(), live.size());
  }
}

}  // namespace
}  // namespace lcg
