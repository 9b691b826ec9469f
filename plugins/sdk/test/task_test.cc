// SPDX-License-Identifier: Apache-2.0
#include "lcg/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "lcg/detail/core.hpp"
#include "lcg/sync.hpp"

namespace lcg {
namespace {

// A coroutine that runs until its first wait and is destroyed with the Runner.
class Runner {
 public:
  template <class F>
  void run(F make) {
    core_.start(body(make()));
  }

 private:
  static detail::Detached body(Task<> task) { co_await std::move(task); }
  detail::Core core_{nullptr};
};

Task<int> add(int a, int b) { co_return a + b; }

TEST(Task, DoesNothingUntilAwaited) {
  bool ran = false;
  {
    auto body = [](bool* flag) -> Task<> {
      *flag = true;
      co_return;
    };
    const Task<> task = body(&ran);
  }
  EXPECT_FALSE(ran);
}

TEST(Task, ResultGoesToTheAwaiter) {
  int result = 0;
  Runner runner;
  auto body = [](int* out) -> Task<> { *out = co_await add(20, 22); };
  runner.run([&] { return body(&result); });
  EXPECT_EQ(result, 42);
}

Task<int> fails() {
  throw std::runtime_error("no");
  co_return 0;
}

TEST(Task, ExceptionGoesToTheAwaiter) {
  std::string caught;
  Runner runner;
  auto body = [](std::string* out) -> Task<> {
    try {
      co_await fails();
    } catch (const std::runtime_error& e) {
      *out = e.what();
    }
  };
  runner.run([&] { return body(&caught); });
  EXPECT_EQ(caught, "no");
}

// With symmetric transfer and no optimiser this would need a stack frame for each round.
TEST(Task, AwaitingFinishedTasksInALoopUsesNoStack) {
  long sum = 0;
  Runner runner;
  auto body = [](long* out) -> Task<> {
    for (int i = 0; i < 300'000; ++i) *out += co_await add(1, 0);
  };
  runner.run([&] { return body(&sum); });
  EXPECT_EQ(sum, 300'000);
}

TEST(Task, DestroyedWhileSuspendedFreesWhatItHeld) {
  auto held = std::make_shared<int>(1);
  Event never;
  {
    Runner runner;
    auto inner = [](std::shared_ptr<int> value, Event* event) -> Task<> {
      co_await event->wait();
      *value = 2;
    };
    auto outer = [inner](std::shared_ptr<int> value, Event* event) -> Task<> {
      co_await inner(value, event);
    };
    runner.run([&] { return outer(held, &never); });
    EXPECT_GT(held.use_count(), 1);
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(*held, 1);
}

TEST(Task, ResumesAfterAWait) {
  Event event;
  bool after = false;
  Runner runner;
  auto inner = [](Event* e) -> Task<int> {
    co_await e->wait();
    co_return 5;
  };
  auto outer = [inner](Event* e, bool* flag) -> Task<> {
    const int value = co_await inner(e);
    *flag = value == 5;
  };
  runner.run([&] { return outer(&event, &after); });
  EXPECT_FALSE(after);
  event.set();
  EXPECT_TRUE(after);
}

TEST(Task, MovedFromTaskOwnsNothing) {
  Task<int> first = add(1, 2);
  Task<int> second = std::move(first);
  first = add(3, 4);
  second = std::move(first);
}

}  // namespace
}  // namespace lcg
