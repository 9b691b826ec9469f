// SPDX-License-Identifier: Apache-2.0
// timer.hpp: a function called once or again and again. For a sequence of waits use Host::sleep in a
// coroutine.
//
// A Timer is a member of what its function touches: destroyed, cancelled or at stop it never fires again.
// Lane: the instance's.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "lcg/detail/core.hpp"
#include "lcg/host.hpp"

namespace lcg {

class Timer final : public detail::Cancellable {
 public:
  explicit Timer(Host host) noexcept : core_(host.core()) {}
  ~Timer() { cancel(); }

  // Calls `fn` after `delay`, replacing what was set before. What fn throws is logged. `fn` may set this
  // timer anew. Errors: LCG_E_CANCELLED when the instance is stopping; LCG_E_BUSY when the host has no more
  // timers to give.
  lcg_status once(std::chrono::milliseconds delay, std::function<void()> fn) {
    return set(delay, false, std::move(fn));
  }
  // Calls `fn` after each `period`, counted from the end of the call before.
  lcg_status every(std::chrono::milliseconds period, std::function<void()> fn) {
    return set(period, true, std::move(fn));
  }
  void cancel() noexcept {
    if (timer_ != 0) core_->host()->timer_cancel(core_->host()->ctx, std::exchange(timer_, lcg_timer{0}));
    unlink();
    ++generation_;
  }
  bool active() const noexcept { return timer_ != 0; }

 private:
  lcg_status set(std::chrono::milliseconds delay, bool repeat, std::function<void()> fn) {
    cancel();
    if (core_->stopping()) return LCG_E_CANCELLED;
    delay_ms_ = detail::clamp_delay(delay);
    repeat_ = repeat;
    fn_ = std::move(fn);
    return arm();
  }
  lcg_status arm() noexcept {
    const lcg_status status =
        core_->host()->timer_start(core_->host()->ctx, delay_ms_, &Timer::fired, this, &timer_);
    if (status == LCG_OK) core_->add(*this);
    return status;
  }
  static void fired(void* user) noexcept {
    const detail::Turn turn;
    auto* self = static_cast<Timer*>(user);
    self->timer_ = 0;
    self->unlink();
    const uint64_t generation = self->generation_;
    const std::function<void()> fn = self->fn_;  // a copy: fn may set this timer anew
    try {
      fn();
    } catch (...) {
      self->core_->log(4, "timer function threw: " + detail::describe_current_exception());
    }
    if (self->repeat_ && self->generation_ == generation && !self->core_->stopping() && self->arm() != LCG_OK)
      self->core_->log(4, "a repeating timer ended: the host refused to start it again");
  }
  void on_stop() noexcept override { cancel(); }

  detail::Core* const core_;
  lcg_timer timer_ = 0;
  uint32_t delay_ms_ = 0;
  bool repeat_ = false;
  uint64_t generation_ = 0;  // grows when the timer is set or cancelled
  std::function<void()> fn_;
};

}  // namespace lcg
