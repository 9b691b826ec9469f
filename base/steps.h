// Steps: work of a lane that walks what exists, done in pieces with a turn of the lane between them, so that what it
// costs others is a piece and not the whole.
//
// One piece a turn, however many walks there are: they run one after another. A walk that nobody waits for any more is
// given up. The pieces are the callers' to measure: what takes under a millisecond. Owned by one lane and used on it.
#pragma once
#include <deque>
#include <utility>

#include "base/lane.h"

namespace lcg {

class Steps {
 public:
  using Step = UniqueFunction<bool()>;  // does a piece; false: it was the last one

  // `lane` outlives it and runs nothing of it afterwards.
  explicit Steps(Lane& lane) : lane_(lane) {}

  // The first piece runs before the return when no other walk is under way. At `until` the walk is dropped.
  void run(MonoTime until, Step step) {
    walks_.push_back({until, std::move(step)});
    if (walks_.size() == 1) piece();
  }

  size_t waiting() const { return walks_.size(); }

 private:
  struct Walk {
    MonoTime until;
    Step step;
  };

  void piece() {
    // A step may start another walk: its own stays where it is in the deque.
    Walk& walk = walks_.front();
    const bool more = lane_.now() < walk.until && walk.step();
    if (!more) {
      const Walk ended = std::move(walks_.front());
      walks_.pop_front();
    }
    if (!walks_.empty()) lane_.post([this] { piece(); });
  }

  Lane& lane_;
  std::deque<Walk> walks_;
};

}  // namespace lcg
