// SPDX-License-Identifier: Apache-2.0
#include "lcg/sync.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "lcg/busy.hpp"
#include "lcg/detail/core.hpp"
#include "lcg/task.hpp"

namespace lcg {
namespace {

class Sync : public ::testing::Test {
 protected:
  void run(Task<> task) { core_.start(body(std::move(task))); }
  static detail::Detached body(Task<> task) { co_await std::move(task); }

  std::string log_;
  Event gate_;
  detail::Core core_{nullptr};
};

Task<> hold(AsyncLock* lock, Event* until, std::string* log, char name) {
  auto guard = co_await lock->acquire();
  log->push_back(name);
  co_await until->wait();
}

TEST_F(Sync, LockAdmitsOneAtATimeInOrder) {
  AsyncLock lock;
  Event first, second;

  run(hold(&lock, &first, &log_, 'a'));
  run(hold(&lock, &second, &log_, 'b'));
  run(hold(&lock, &second, &log_, 'c'));
  EXPECT_EQ(log_, "a");
  first.set();
  EXPECT_EQ(log_, "ab");
  second.set();

  EXPECT_EQ(log_, "abc");
  EXPECT_FALSE(lock.locked());
}

// A chain of hand-overs is a loop: thousands of waiters that do not suspend need no stack.
TEST_F(Sync, LongQueueIsHandedOverWithoutRecursion) {
  AsyncLock lock;
  Event start;
  size_t served = 0;
  auto one = [](AsyncLock* l, Event* e, size_t* n) -> Task<> {
    auto guard = co_await l->acquire();
    co_await e->wait();
    ++*n;
  };

  for (int i = 0; i < 20'000; ++i) run(one(&lock, &start, &served));
  start.set();

  EXPECT_EQ(served, 20'000u);
}

TEST_F(Sync, UnlockDoesNotRunTheNextInsideTheCaller) {
  AsyncLock lock;
  auto first = [](AsyncLock* l, Event* e, std::string* log) -> Task<> {
    {
      auto guard = co_await l->acquire();
      co_await e->wait();
    }
    *log += "after unlock,";
  };
  auto second = [](AsyncLock* l, std::string* log) -> Task<> {
    auto guard = co_await l->acquire();
    *log += "next";
  };

  run(first(&lock, &gate_, &log_));
  run(second(&lock, &log_));
  gate_.set();

  EXPECT_EQ(log_, "after unlock,next");
}

TEST_F(Sync, DestroyedWaitersLeaveTheQueue) {
  AsyncLock lock;
  {
    detail::Core core(nullptr);
    core.start(body(hold(&lock, &gate_, &log_, 'a')));
    core.start(body(hold(&lock, &gate_, &log_, 'b')));
  }
  run(hold(&lock, &gate_, &log_, 'c'));

  EXPECT_EQ(log_, "ac");
  gate_.set();
}

Task<> hold_key(KeyedLock<>* locks, std::string key, Event* until, std::string* log) {
  auto guard = co_await locks->acquire(key);
  log->append(key);
  co_await until->wait();
}

TEST_F(Sync, KeyedLockSeparatesKeys) {
  KeyedLock<> locks;

  run(hold_key(&locks, "x", &gate_, &log_));
  run(hold_key(&locks, "x", &gate_, &log_));
  run(hold_key(&locks, "y", &gate_, &log_));
  EXPECT_EQ(log_, "xy");
  gate_.set();

  EXPECT_EQ(log_, "xyx");
}

TEST_F(Sync, KeyedLockForgetsUnusedKeys) {
  KeyedLock<> locks;

  run(hold_key(&locks, "x", &gate_, &log_));
  run(hold_key(&locks, "x", &gate_, &log_));
  EXPECT_EQ(locks.size(), 1u);
  gate_.set();

  EXPECT_EQ(locks.size(), 0u);
}

TEST_F(Sync, EventWakesAllInOrder) {
  auto wait = [](Event* e, std::string* log, char name) -> Task<> {
    co_await e->wait();
    log->push_back(name);
  };

  run(wait(&gate_, &log_, 'a'));
  run(wait(&gate_, &log_, 'b'));
  gate_.set();
  run(wait(&gate_, &log_, 'c'));

  EXPECT_EQ(log_, "abc");
}

TEST_F(Sync, PulseWakesOnlyThoseWhoWait) {
  auto wait = [](Event* e, std::string* log) -> Task<> {
    co_await e->wait();
    log->push_back('x');
  };

  run(wait(&gate_, &log_));
  gate_.pulse();
  run(wait(&gate_, &log_));

  EXPECT_EQ(log_, "x");
}

TEST_F(Sync, FutureKeepsItsFirstValue) {
  Future<std::string> future;
  auto wait = [](Future<std::string>* f, std::string* log) -> Task<> {
    co_await f->wait();
    log->append(f->get());
  };

  run(wait(&future, &log_));
  future.set("one");
  future.set("two");
  run(wait(&future, &log_));

  EXPECT_EQ(log_, "oneone");
}

TEST_F(Sync, WaitGroupOpensAtZero) {
  WaitGroup group;
  auto wait = [](WaitGroup* g, std::string* log) -> Task<> {
    co_await g->wait();
    log->append("open");
  };

  group.add(2);
  run(wait(&group, &log_));
  group.done();
  EXPECT_EQ(log_, "");
  group.done();

  EXPECT_EQ(log_, "open");
}

TEST(Busy, IsOverWhateverWayItEnds) {
  bool flag = false;
  try {
    const Busy busy(flag);
    EXPECT_TRUE(flag);
    throw std::runtime_error("on the way");
  } catch (const std::runtime_error&) {
  }
  EXPECT_FALSE(flag);
}

}  // namespace
}  // namespace lcg
