// SPDX-License-Identifier: Apache-2.0
// task.hpp: Task<T>, the coroutine type of every handler.
//
// A Task is lazy: nothing runs until it is awaited (or given to Host::spawn). It runs on the lane that awaits
// it and resumes there. The result, or the exception that ended it, goes to whoever awaits. A Task that is
// destroyed before it finished destroys what it was waiting for with it: nothing leaks and nothing of it runs
// any more.
//
// Four rules of g++ 12, each of which has cost somebody a day:
//   parameters of a coroutine are values, never references or string_views of the caller's;
//   an aggregate is never built inside a co_await expression (`co_await f(Row{key, value})` frees the strings
//   twice): name it first and move it, or give it a constructor, as Call, Publication and storage::Scan have;
//   a lambda with captures is never written inside a co_await expression: name it first, then pass it;
//   no co_await inside ?: nor in the condition of if, while, for or switch: name the result first. In a
//   coroutine whose outermost block declares no variable, g++ 12 compiles `if (co_await f())` to a coroutine
//   that hangs.
#pragma once
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace lcg {

template <class T>
class Task;

namespace detail {

// What both kinds of Task promise share. `inline_run` is true while the awaiting coroutine is still inside
// its own await_suspend: a task that ends within that window must not resume it. A task that never suspends
// therefore costs no stack, at any optimisation level (g++ turns symmetric transfer into a jump only when it
// optimises).
struct TaskPromiseBase {
  std::coroutine_handle<> waiter;
  std::exception_ptr error;
  bool inline_run = false;

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
      const TaskPromiseBase& promise = self.promise();
      if (promise.inline_run || !promise.waiter) return std::noop_coroutine();
      return promise.waiter;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  void return_value(T result) { value.emplace(std::move(result)); }
  T take() {
    if (error) std::rethrow_exception(error);
    // NOLINTNEXTLINE(bugprone-unchecked-optional-access): a coroutine that ended has an error or a value
    return std::move(*value);
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using value_type = T;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  // REQUIRES: awaited at most once.
  bool await_suspend(std::coroutine_handle<> waiter) noexcept {
    auto& promise = handle_.promise();
    promise.waiter = waiter;
    promise.inline_run = true;
    handle_.resume();
    promise.inline_run = false;
    return !handle_.done();
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace lcg
