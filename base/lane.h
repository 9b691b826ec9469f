// Lane: one core's thread of execution, seen as an interface so that the same logic runs under a simulator.
//
// Everything that has state is born, used and destroyed on one lane; lanes share nothing mutable. Crossing is
// a task that owns its bytes. Nothing run on a lane blocks: a task over 1 ms is counted, over 10 ms is
// logged. Production: AsioLane (base/asio_lane.h), one thread and one io_context(1). Tests: SimLane
// (base/sim_lane.h), any number of lanes in one thread under one seeded scheduler and a clock that jumps to
// the next timer.
#pragma once
#include <cstdint>

#include "base/clock.h"
#include "base/function.h"

namespace lcg {

using LaneTask = UniqueFunction<void()>;
using TimerId = uint64_t;  // index and generation; 0 is none; cancelling one that has run is harmless

class Lane {
 public:
  virtual ~Lane() = default;
  virtual unsigned index() const noexcept = 0;
  virtual bool is_current() const noexcept = 0;
  virtual const Clock& clock() const noexcept = 0;
  virtual Random& random() noexcept = 0;
  MonoTime now() const { return clock().mono(); }

  // Any thread. Runs `task` on this lane, in post order for each posting thread; wakes the lane once per
  // batch. For completions and other work that something bounded has admitted already.
  virtual void post(LaneTask task) = 0;
  // Any thread. As post, but refuses (false, task dropped) while the mailbox holds kMailboxLimit tasks: for
  // new work.
  [[nodiscard]] virtual bool try_post(LaneTask task) = 0;

  // This lane only. Runs once the events at hand are handled, before the lane waits again: where writes are
  // flushed and fan-out blocks are sent. A task may call it again; it then runs in the same turn's next
  // round.
  virtual void at_turn_end(LaneTask task) = 0;

  // This lane only. Resolution 1 ms or coarser; never early. O(1).
  virtual TimerId start_timer(Millis delay, LaneTask task) = 0;
  virtual void cancel_timer(TimerId id) = 0;

  static constexpr size_t kMailboxLimit = 1u << 20;  // tasks
};

}  // namespace lcg
