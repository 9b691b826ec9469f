// SPDX-License-Identifier: Apache-2.0
// busy.hpp: a flag that says that a task is at work, for as long as it is, whatever way it ends.
//
//   timer_.every(kPeriod, [this] { if (!running_) host_.spawn(run()); });
//   Task<> run() { const Busy busy(running_); ... }
//
// A spawned task runs until it first waits before spawn returns, so the flag is up, or down again, by then: whoever
// spawns never sets it. Lane: the instance's.
#pragma once
#include "lcg/sync.hpp"

namespace lcg {

class [[nodiscard]] Busy {
 public:
  // REQUIRES: !flag. `waiting`: who waits for the end is woken.
  explicit Busy(bool& flag, Event* waiting = nullptr) noexcept : flag_(flag), waiting_(waiting) {
    flag_ = true;
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() {
    flag_ = false;
    if (waiting_ != nullptr) waiting_->pulse();
  }

 private:
  bool& flag_;
  Event* const waiting_;
};

}  // namespace lcg
