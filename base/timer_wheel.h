// TimerWheel: a lane's timers. Start and cancel are O(1); an empty wheel asks for no wake-up.
//
// Hierarchical: level L holds timers whose tick first differs from the wheel's position in bits [6L, 6L+6),
// in one of 64 slots, so a timer moves down at most once a level before it fires (Varghese and Lauck, scheme
// 7). The level depends on tick and position alone: timers of one tick share a list and fire in the order
// they were started. Owned by one lane and used on it only. The owner drives it: sleep no longer than next(),
// then call expire().
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/lane.h"

namespace lcg {

class TimerWheel {
 public:
  static constexpr Millis kMaxDelay = std::chrono::hours(24 * 366);  // longer ones are cut to this

  // Ticks of 1 ms are counted from `origin`.
  explicit TimerWheel(MonoTime origin);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Runs `task` once, not before now + delay and at most 1 ms (plus the owner's lateness) after.
  TimerId start(MonoTime now, Millis delay, LaneTask task);

  // Destroys the task unrun. An id that has run, was cancelled or is 0: no effect.
  void cancel(TimerId id);

  // When expire() has to be called next; sometimes early, when timers only move down a level. Nothing if
  // empty.
  std::optional<MonoTime> next() const;

  // Runs up to `max` due timers through `run(LaneTask&)` and returns how many ran. A timer started by one of
  // them is due in a later tick at the earliest. Fewer than `max`: nothing is due at `now` any more.
  template <class Run>
  size_t expire(MonoTime now, size_t max, Run&& run) {
    size_t ran = 0;
    while (ran < max) {
      std::optional<LaneTask> task = pop_due(now);
      if (!task) break;
      ++ran;
      run(*task);
    }
    return ran;
  }

  size_t size() const { return size_; }
  // Destroys every task unrun.
  void clear();

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSlots = 1u << kBits;
  static constexpr unsigned kLevels = 8;  // 2^48 ms: past any uptime
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kChunk = 256;  // nodes
  struct Node {
    LaneTask task;
    uint64_t tick = 0;
    uint32_t prev = kNone;
    uint32_t next = kNone;  // also the free list
    uint32_t generation = 1;
    uint16_t slot = 0;  // level * kSlots + slot
    bool used = false;
  };
  struct List {
    uint32_t head = kNone;
    uint32_t tail = kNone;
  };
  struct Due {
    unsigned slot;
    uint64_t tick;
  };

  Node& node(uint32_t index) { return (*chunks_[index / kChunk])[index % kChunk]; }
  uint64_t tick_at_or_before(MonoTime t) const;
  uint32_t allocate();
  void release(uint32_t index);
  void link(uint32_t index);
  void unlink(uint32_t index);
  std::optional<Due> first_slot() const;
  std::optional<LaneTask> pop_due(MonoTime now);

  MonoTime origin_;
  uint64_t position_ = 0;  // ticks; no timer is due before it
  size_t size_ = 0;
  uint32_t free_ = kNone;
  std::array<uint64_t, kLevels> occupied_{};
  std::array<List, size_t{kLevels} * kSlots> lists_;
  std::vector<std::unique_ptr<std::array<Node, kChunk>>> chunks_;
};

}  // namespace lcg
