// SimWorld: any number of lanes in one thread, under one seeded scheduler and a clock of their own.
//
// Logic written against Lane, Clock, Random and BlockingPool runs here unchanged. Which lane runs next, how
// many of its tasks make a turn, whose tasks among several posters come first, and how long a blocking call
// takes are drawn from the seed; tasks of one poster to one lane stay in order, as the contract says. The
// same seed replays the same run: fingerprint() tells. Time stands still while anything can run and then
// jumps to the next timer. One thread only, from construction to destruction.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/blocking_pool.h"
#include "base/lane.h"
#include "base/timer_wheel.h"

namespace lcg {

class SimWorld;

// Starts at 1,000 s on the monotonic clock and 2024-01-01T00:00:00Z on the wall.
class SimClock final : public Clock {
 public:
  MonoTime mono() const override { return now_; }
  int64_t wall_ms() const override { return wall_origin_ms_ + now_.ns / 1'000'000; }
  // What an operator or NTP does to the wall clock; the monotonic one never jumps.
  void jump_wall(Millis by) { wall_origin_ms_ += by.count(); }

 private:
  friend class SimWorld;
  MonoTime now_{1'000'000'000'000};
  int64_t wall_origin_ms_ = 1'704'067'200'000 - 1'000'000;
};

// splitmix64: small, and every seed is as good as any other. Not for keys.
class SimRandom final : public Random {
 public:
  explicit SimRandom(uint64_t seed) : state_(seed) {}
  void fill(std::span<std::byte> out) override;
  uint64_t next();

 private:
  uint64_t state_;
};

class SimLane final : public Lane {
 public:
  unsigned index() const noexcept override { return index_; }
  bool is_current() const noexcept override;
  const Clock& clock() const noexcept override;
  Random& random() noexcept override { return random_; }
  void post(LaneTask task) override;
  [[nodiscard]] bool try_post(LaneTask task) override;
  void at_turn_end(LaneTask task) override;
  TimerId start_timer(Millis delay, LaneTask task) override;
  void cancel_timer(TimerId id) override { timers_.cancel(id); }

  size_t timers() const { return timers_.size(); }

 private:
  friend class SimWorld;
  struct Inbox {
    uint64_t sender;
    std::deque<LaneTask> tasks;
  };
  SimLane(SimWorld& world, unsigned index, uint64_t id, uint64_t seed);
  bool runnable() const;
  void turn();
  bool run_one_task();

  SimWorld& world_;
  const unsigned index_;
  const uint64_t id_;  // in the world, as a sender; 0 is outside
  SimRandom random_;
  std::deque<Inbox> inboxes_;
  size_t queued_ = 0;
  std::vector<LaneTask> turn_end_;
  TimerWheel timers_;
};

class SimWorld {
 public:
  static constexpr uint64_t kMaxTurns = 50'000'000;  // of one run call: more is a livelock, and dies

  // Lanes get the indexes 0 to lanes-1.
  explicit SimWorld(uint64_t seed, unsigned lanes = 1);
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  SimLane& lane(size_t number) { return *lanes_[number]; }
  size_t size() const { return lanes_.size(); }
  // One more lane, e.g. of another simulated node; `index` is what its own node calls it.
  SimLane& add_lane(unsigned index);

  SimClock& clock() { return clock_; }
  // The world's own draws are apart from this one, so a test that draws less does not change the schedule.
  SimRandom& random() { return test_random_; }
  // A pool whose calls take a drawn time of up to 20 ms, run one after another, and never block.
  BlockingPool& blocking_pool();

  // Runs one turn of a lane that has work; false if none has. Time does not pass.
  bool step();
  // Runs until no lane has work at the present time. Time does not pass: later timers stay.
  void run_until_idle();
  // Lets `duration` pass: all work, and every timer due until then.
  void run_for(Nanos duration);
  // Lets time pass until `condition()` holds after some turn, at most `limit`. Returns whether it held.
  bool run_until(const std::function<bool()>& condition, Nanos limit = std::chrono::hours(1));
  // Runs `body` now, as a task of `lane`. What it leaves for the turn's end waits for the next run call.
  template <class Body>
  void on(SimLane& lane, Body&& body) {
    SimLane* before = current_;
    current_ = &lane;
    body();
    current_ = before;
  }

  uint64_t turns() const { return turns_; }
  uint64_t fingerprint() const { return fingerprint_; }

 private:
  friend class SimLane;
  class Pool;
  std::optional<MonoTime> next_timer() const;
  void note(uint64_t fact);
  uint64_t draw(uint64_t bound) { return schedule_.next() % bound; }

  SimClock clock_;
  SimRandom schedule_;
  SimRandom test_random_;
  std::vector<std::unique_ptr<SimLane>> lanes_;
  std::unique_ptr<SimLane> pool_lane_;
  std::unique_ptr<Pool> pool_;
  SimLane* current_ = nullptr;
  uint64_t turns_ = 0;
  uint64_t fingerprint_ = 0;
};

}  // namespace lcg
