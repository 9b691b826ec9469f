// SPDX-License-Identifier: Apache-2.0
// core.hpp: the bookkeeping behind one instance: which coroutines run, what must be cancelled at stop, what
// was posted from other threads. Owned by the plugin wrapper, pointed to by every Host. Lane: the instance's,
// except post().
#pragma once
#include <array>
#include <coroutine>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "lcg/detail/run_queue.hpp"
#include "lcg/lcg_plugin.h"
#include "lcg/reply.hpp"
#include "lcg/task.hpp"

namespace lcg::detail {

class Core;

// A coroutine nobody awaits. Lives in a list of its Core from start() until it ends or the Core dies.
class Detached {
 public:
  struct promise_type : Node {
    Core* core = nullptr;

    Detached get_return_object() noexcept { return Detached(this); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    // Every body catches all it can; an exception here comes from the catch itself (out of memory).
    void unhandled_exception() const noexcept { std::terminate(); }
    ~promise_type();
  };

 private:
  friend class Core;
  explicit Detached(promise_type* promise) noexcept : promise_(promise) {}
  promise_type* promise_;
};

// Something that waits for time, and is told when it need not wait any longer because the instance stops.
struct Cancellable : Node {
  virtual void on_stop() noexcept = 0;

 protected:
  ~Cancellable() = default;
};

// Requests and calls in flight, by token, so that on_cancel finds the flag.
struct InFlight : Node {
  InFlight(Core& core, lcg_token request_token);
  const lcg_token token;
  const CancelFlag cancelled = std::make_shared<bool>(false);
};

class Core {
 public:
  explicit Core(const lcg_host* host) noexcept : host_(host) {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core() { destroy_all(); }

  const lcg_host* host() const noexcept { return host_; }
  bool stopping() const noexcept { return stopping_; }

  void log(uint32_t level, std::string_view text) const noexcept { host_->log(host_->ctx, level, str(text)); }

  // Starts a coroutine that stop waits for.
  void start(Detached coroutine) { start_in(coroutine, running_); }
  // Starts one it does not wait for: stop itself.
  void start_control(Detached coroutine) { start_in(coroutine, control_); }

  // Closes the gate: sleeps and timers end now, new work is refused by those who ask stopping().
  void close() noexcept {
    stopping_ = true;
    while (!cancellables_.empty()) {
      Cancellable& item = cancellables_.front();
      item.unlink();
      item.on_stop();
    }
  }
  // Awaits the end of everything that start() started.
  auto drained() noexcept {
    struct Awaiter : Waiter {
      Core* core;
      explicit Awaiter(Core* c) noexcept : core(c) {}
      bool await_ready() const noexcept { return core->running_.empty(); }
      void await_suspend(std::coroutine_handle<> h) noexcept {
        handle = h;
        core->drain_waiters_.push_back(*this);
      }
      void await_resume() const noexcept {}
    };
    return Awaiter(this);
  }

  void add(Cancellable& item) noexcept { cancellables_.push_back(item); }
  void add(InFlight& item) noexcept { bucket(item.token).push_back(item); }
  void cancel(lcg_token token) noexcept {
    bucket(token).visit_until([token](InFlight& item) {
      if (item.token != token) return false;
      *item.cancelled = true;
      return true;
    });
  }

  // Any thread. One host->post stands for all that came before it ran.
  lcg_status post(std::function<void()> fn) {
    const std::lock_guard lock(posted_mutex_);
    if (posted_.empty()) {
      const lcg_status status = host_->post(host_->ctx, &Core::run_posted, this);
      if (status != LCG_OK) return status;
    }
    posted_.push_back(std::move(fn));
    return LCG_OK;
  }

  // Ends every coroutine where it stands. What is left after stop waits for something that cannot happen any
  // more.
  // The turn holds back whoever is woken by what is freed here: it is destroyed before it could run.
  void destroy_all() noexcept {
    const Turn turn;
    for (List<Detached::promise_type>* list : {&running_, &control_})
      while (!list->empty())
        std::coroutine_handle<Detached::promise_type>::from_promise(list->front()).destroy();
  }

 private:
  friend struct Detached::promise_type;

  void start_in(Detached coroutine, List<Detached::promise_type>& list) {
    const Turn turn;
    coroutine.promise_->core = this;
    list.push_back(*coroutine.promise_);
    std::coroutine_handle<Detached::promise_type>::from_promise(*coroutine.promise_).resume();
  }
  void ended() noexcept {
    while (running_.empty() && !drain_waiters_.empty()) schedule(drain_waiters_.front());
  }
  static void run_posted(void* user) noexcept {
    const Turn turn;
    Core& self = *static_cast<Core*>(user);
    std::vector<std::function<void()>> batch;
    {
      const std::lock_guard lock(self.posted_mutex_);
      batch.swap(self.posted_);
    }
    for (const auto& fn : batch) {
      try {
        fn();
      } catch (const std::exception& e) {
        self.log(4, std::string("posted function threw: ") + e.what());
      } catch (...) {
        self.log(4, "posted function threw something that is not a std::exception");
      }
    }
  }
  List<InFlight>& bucket(lcg_token token) noexcept {
    return in_flight_[static_cast<size_t>(token * 0x9e3779b97f4a7c15u >> 58)];
  }

  const lcg_host* const host_;
  bool stopping_ = false;
  List<Detached::promise_type> running_, control_;
  List<Cancellable> cancellables_;
  List<Waiter> drain_waiters_;
  std::array<List<InFlight>, 64> in_flight_;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by posted_mutex_
};

inline Detached::promise_type::~promise_type() {
  unlink();
  if (core != nullptr) core->ended();
}

inline InFlight::InFlight(Core& core, lcg_token request_token) : token(request_token) { core.add(*this); }

// What an exception says, for the log; the client never sees it.
inline std::string describe_current_exception() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "something that is not a std::exception";
  }
}

}  // namespace lcg::detail
