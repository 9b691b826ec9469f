// SPDX-License-Identifier: Apache-2.0
// awaitables.hpp: one host function each, as something to co_await.
//
// The operation's state lives in the awaiting coroutine's frame, so nothing is allocated for it. That is
// sound because the host runs every accepted `done` before it lets the instance be destroyed. Lane: the
// instance's.
#pragma once
#include <algorithm>
#include <chrono>
#include <coroutine>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "lcg/detail/c_structs.hpp"
#include "lcg/detail/core.hpp"

namespace lcg::detail {

// The part that CallOp and PublishOp share: a C call with a lcg_done_fn.
class DoneOp {
 public:
  DoneOp(const DoneOp&) = delete;
  DoneOp& operator=(const DoneOp&) = delete;
  bool await_ready() const noexcept { return false; }
  Reply await_resume() noexcept { return std::move(reply_); }

 protected:
  explicit DoneOp(Core* core) noexcept : core_(core) {}
  ~DoneOp() = default;
  // A refused call has no `done`: the coroutine goes on with the refusal.
  bool accepted(lcg_status status) noexcept {
    if (status == LCG_OK) return true;
    reply_.status = status;
    reply_.message = "refused by the host";
    return false;
  }
  static void done(void* user, const lcg_result* result) noexcept {
    const Turn turn;
    auto* self = static_cast<DoneOp*>(user);
    self->reply_ = from_c(result);
    self->handle_.resume();
  }

  Core* const core_;
  std::coroutine_handle<> handle_;
  Reply reply_;
};

class [[nodiscard]] CallOp : public DoneOp {
 public:
  CallOp(Core* core, Call call) noexcept : DoneOp(core), call_(std::move(call)) {}
  bool await_suspend(std::coroutine_handle<> handle) noexcept {
    handle_ = handle;
    lcg_call c{};
    c.struct_size = sizeof c;
    c.timeout_ms = call_.timeout_ms;
    c.service = str(call_.service);
    c.method = str(call_.method);
    c.key = str(call_.key);
    c.data = bytes(call_.data);
    return accepted(core_->host()->call(core_->host()->ctx, &c, &DoneOp::done, static_cast<DoneOp*>(this)));
  }

 private:
  Call call_;
};

class [[nodiscard]] PublishOp : public DoneOp {
 public:
  PublishOp(Core* core, Publication publication) noexcept
      : DoneOp(core), publication_(std::move(publication)) {}
  bool await_suspend(std::coroutine_handle<> handle) noexcept {
    handle_ = handle;
    return accepted(start(core_, publication_, &DoneOp::done, static_cast<DoneOp*>(this)));
  }
  static lcg_status start(Core* core, const Publication& p, lcg_done_fn done, void* user) noexcept {
    lcg_publication out{};
    out.struct_size = sizeof out;
    out.flags = p.flags;
    out.channel = str(p.channel);
    out.data = bytes(p.data);
    out.user_id = str(p.user_id);
    out.session_id = str(p.session_id);
    out.offset = p.offset;
    out.epoch = str(p.epoch);
    out.options = bytes(p.options);
    return core->host()->publish(core->host()->ctx, &out, done, user);
  }

 private:
  Publication publication_;
};

// What a timer of the host can hold: 0 to 49 days. A longer wait ends early, so loops check what they wait
// for.
inline uint32_t clamp_delay(std::chrono::milliseconds delay) noexcept {
  const int64_t longest = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::clamp<int64_t>(delay.count(), 0, longest));
}

class [[nodiscard]] SleepOp final : public Cancellable {
 public:
  SleepOp(Core* core, uint32_t delay_ms) noexcept : core_(core), delay_ms_(delay_ms) {}
  ~SleepOp() {
    if (timer_ != 0) core_->host()->timer_cancel(core_->host()->ctx, timer_);
  }
  bool await_ready() noexcept {
    if (core_->stopping()) status_ = LCG_E_CANCELLED;
    return status_ != LCG_OK;
  }
  bool await_suspend(std::coroutine_handle<> handle) noexcept {
    waiter_.handle = handle;
    status_ = core_->host()->timer_start(core_->host()->ctx, delay_ms_, &SleepOp::fired, this, &timer_);
    if (status_ != LCG_OK) return false;
    core_->add(*this);
    return true;
  }
  lcg_status await_resume() const noexcept { return status_; }

 private:
  static void fired(void* user) noexcept {
    const Turn turn;
    auto* self = static_cast<SleepOp*>(user);
    self->timer_ = 0;
    self->unlink();
    self->waiter_.handle.resume();
  }
  void on_stop() noexcept override {
    core_->host()->timer_cancel(core_->host()->ctx, std::exchange(timer_, lcg_timer{0}));
    status_ = LCG_E_CANCELLED;
    schedule(waiter_);
  }

  Core* const core_;
  const uint32_t delay_ms_;
  lcg_timer timer_ = 0;
  lcg_status status_ = LCG_OK;
  Waiter waiter_;
};

class [[nodiscard]] YieldOp {
 public:
  explicit YieldOp(Core* core) noexcept : core_(core) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) noexcept {
    handle_ = handle;
    return core_->host()->post(core_->host()->ctx, &YieldOp::resumed, this) == LCG_OK;
  }
  void await_resume() const noexcept {}

 private:
  static void resumed(void* user) noexcept {
    const Turn turn;
    static_cast<YieldOp*>(user)->handle_.resume();
  }
  Core* const core_;
  std::coroutine_handle<> handle_;
};

template <class F>
class [[nodiscard]] OffloadOp {
 public:
  using R = std::invoke_result_t<F&>;
  using Value = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

  OffloadOp(Core* core, F fn) : core_(core), fn_(std::move(fn)) {}
  OffloadOp(const OffloadOp&) = delete;
  OffloadOp& operator=(const OffloadOp&) = delete;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) noexcept {
    handle_ = handle;
    status_ = core_->host()->offload(core_->host()->ctx, &OffloadOp::work, &OffloadOp::done, this);
    return status_ == LCG_OK;
  }
  Outcome<Value> await_resume() {
    if (error_) std::rethrow_exception(error_);
    if (status_ != LCG_OK) return {status_, "the blocking pool is full", {}};
    // NOLINTNEXTLINE(bugprone-unchecked-optional-access): work that ended has an error, a status or a value
    return {LCG_OK, {}, std::move(*value_)};
  }

 private:
  static void work(void* user) noexcept {
    auto* self = static_cast<OffloadOp*>(user);
    try {
      if constexpr (std::is_void_v<R>) {
        self->fn_();
        self->value_.emplace();
      } else {
        self->value_.emplace(self->fn_());
      }
    } catch (...) {
      self->error_ = std::current_exception();
    }
  }
  static void done(void* user) noexcept {
    const Turn turn;
    auto* self = static_cast<OffloadOp*>(user);
    if (!self->value_ && !self->error_) self->status_ = LCG_E_CANCELLED;
    self->handle_.resume();
  }

  Core* const core_;
  F fn_;
  std::coroutine_handle<> handle_;
  lcg_status status_ = LCG_OK;
  std::optional<Value> value_;
  std::exception_ptr error_;
};

template <class T>
Detached run_in_background(Core* core, Task<T> task) {
  try {
    static_cast<void>(co_await std::move(task));
  } catch (...) {
    core->log(4, "background task ended by an exception: " + describe_current_exception());
  }
}
template <>
inline Detached run_in_background<void>(Core* core, Task<void> task) {
  try {
    co_await std::move(task);
  } catch (...) {
    core->log(4, "background task ended by an exception: " + describe_current_exception());
  }
}

}  // namespace lcg::detail
