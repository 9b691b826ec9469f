// Steps: work of a lane that walks what exists, done in pieces with a turn of the lane between them, so that what it
// costs others is a piece and not the whole.
//
// One piece a turn, however many walks there are: they run one after another. A walk that nobody waits for any more
// ends, and says so. The pieces are the callers' to measure: what takes under a millisecond. One that throws ends its
// own walk; the exception goes on to the lane. Owned by one lane and used on it.
#pragma once
#include <deque>
#include <utility>

#include "base/lane.h"

namespace lcg {

class Steps {
 public:
  // Does a piece; false: it was the last one. Not `in_time`: the walk's time is over, it answers so and is the last one
  // whatever it returns.
  using Step = UniqueFunction<bool(bool in_time)>;
  static constexpr MonoTime kNoEnd{INT64_MAX};

  // `lane` outlives it and runs nothing of it afterwards.
  explicit Steps(Lane& lane) : lane_(lane) {}

  // The first piece runs before the return when no other walk is under way.
  void run(MonoTime until, Step step) {
    walks_.push_back({until, std::move(step)});
    if (!under_way_) piece();
  }

  size_t waiting() const { return walks_.size(); }

 private:
  struct Walk {
    MonoTime until;
    Step step;
  };
  // What follows a piece, however it ended.
  class Next {
   public:
    explicit Next(Steps& steps) : steps_(steps) { steps_.under_way_ = true; }
    ~Next() {
      // A walk's end may begin another one: it waits behind the others.
      if (!more) {
        const Walk ended = std::move(steps_.walks_.front());
        steps_.walks_.pop_front();
      }
      steps_.under_way_ = !steps_.walks_.empty();
      if (steps_.under_way_) steps_.lane_.post([&steps = steps_] { steps.piece(); });
    }
    Next(const Next&) = delete;
    Next& operator=(const Next&) = delete;
    bool more = false;

   private:
    Steps& steps_;
  };

  void piece() {
    Next next(*this);
    // A step may start another walk: its own stays where it is in the deque.
    Walk& walk = walks_.front();
    const bool in_time = lane_.now() < walk.until;
    next.more = walk.step(in_time) && in_time;
  }

  Lane& lane_;
  std::deque<Walk> walks_;
  bool under_way_ = false;  // a piece runs, or is posted
};

}  // namespace lcg
