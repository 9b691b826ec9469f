// SPDX-License-Identifier: Apache-2.0
// sync.hpp: order between the coroutines of one instance. No thread is involved and no lock is taken: these
// only matter where a handler suspends between reading and writing its own state.
//
//   AsyncLock            one at a time          KeyedLock<Key>   one at a time for each key
//   Event                wait until set         Future<T>        wait for a value, any number of waiters
//   WaitGroup            wait until a count of started things is zero
//
// Waiters go first in, first out, and resume after the code that wakes them has suspended or returned. A
// waiter whose coroutine is destroyed leaves the queue. Whatever you wait for must also be woken in
// on_stopping(), or stop hangs. Lane: the instance's. None of them may be destroyed while someone waits,
// except at the end of the plugin.
#pragma once
#include <coroutine>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "lcg/detail/run_queue.hpp"

namespace lcg {

class AsyncLock {
 public:
  // Holds the lock until destroyed. Movable, so that it can be handed to a spawned task.
  class [[nodiscard]] Guard {
   public:
    Guard() = default;
    explicit Guard(AsyncLock* lock) noexcept : lock_(lock) {}
    Guard(Guard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
    Guard& operator=(Guard&& other) noexcept {
      release();
      lock_ = std::exchange(other.lock_, nullptr);
      return *this;
    }
    ~Guard() { release(); }
    void release() noexcept {
      if (lock_ != nullptr) std::exchange(lock_, nullptr)->unlock();
    }

   private:
    AsyncLock* lock_ = nullptr;
  };

  class [[nodiscard]] Acquire : public detail::Waiter {
   public:
    explicit Acquire(AsyncLock* lock) noexcept : lock_(lock) {}
    // Destroyed between being given the lock and running: hands it on.
    ~Acquire() {
      if (granted_) lock_->unlock();
    }
    bool await_ready() noexcept {
      granted_ = !std::exchange(lock_->locked_, true);
      return granted_;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept {
      handle = h;
      lock_->waiters_.push_back(*this);
    }
    Guard await_resume() noexcept {
      granted_ = false;
      return Guard(lock_);
    }

   private:
    friend class AsyncLock;
    AsyncLock* const lock_;
    bool granted_ = false;
  };

  // auto guard = co_await lock.acquire();
  Acquire acquire() noexcept { return Acquire(this); }
  bool locked() const noexcept { return locked_; }

 private:
  void unlock() noexcept {
    if (waiters_.empty()) {
      locked_ = false;
      return;
    }
    Acquire& next = waiters_.front();
    next.granted_ = true;
    detail::schedule(next);
  }

  bool locked_ = false;
  detail::List<Acquire> waiters_;
};

// A queue for each key, which costs nothing while nobody uses the key.
template <class Key = std::string, class Hash = std::hash<Key>>
class KeyedLock {
  struct Entry {
    AsyncLock lock;
    size_t users = 0;  // holding or waiting
  };
  using Map = std::unordered_map<Key, Entry, Hash>;
  using Item = typename Map::value_type;

  // One use of an entry; the last one to leave removes it.
  class Use {
   public:
    Use(KeyedLock* owner, Item* item) noexcept : owner_(owner), item_(item) { ++item->second.users; }
    Use(Use&& other) noexcept : owner_(other.owner_), item_(std::exchange(other.item_, nullptr)) {}
    Use& operator=(Use&&) = delete;
    ~Use() {
      if (item_ != nullptr && --item_->second.users == 0) owner_->map_.erase(owner_->map_.find(item_->first));
    }
    AsyncLock& lock() const noexcept { return item_->second.lock; }

   private:
    KeyedLock* owner_;
    Item* item_;
  };

 public:
  class [[nodiscard]] Guard {
   public:
    Guard(Use use, AsyncLock::Guard guard) noexcept : use_(std::move(use)), guard_(std::move(guard)) {}

   private:
    Use use_;
    AsyncLock::Guard guard_;  // released first
  };

  class [[nodiscard]] Acquire {
   public:
    explicit Acquire(Use use) noexcept : use_(std::move(use)), acquire_(use_.lock().acquire()) {}
    bool await_ready() noexcept { return acquire_.await_ready(); }
    void await_suspend(std::coroutine_handle<> h) noexcept { acquire_.await_suspend(h); }
    Guard await_resume() noexcept {
      AsyncLock::Guard guard = acquire_.await_resume();
      return Guard(std::move(use_), std::move(guard));
    }

   private:
    Use use_;
    AsyncLock::Acquire acquire_;
  };

  // auto guard = co_await locks.acquire(dialog_id);
  Acquire acquire(Key key) { return Acquire(Use(this, &*map_.try_emplace(std::move(key)).first)); }
  // Keys in use now.
  size_t size() const noexcept { return map_.size(); }

 private:
  Map map_;
};

namespace detail {

// A queue of waiters who all resume at once.
class Crowd {
 public:
  class [[nodiscard]] Wait : public Waiter {
   public:
    Wait(Crowd* crowd, bool ready) noexcept : crowd_(crowd), ready_(ready) {}
    bool await_ready() const noexcept { return ready_; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
      handle = h;
      crowd_->waiters_.push_back(*this);
    }
    void await_resume() const noexcept {}

   private:
    Crowd* const crowd_;
    const bool ready_;
  };
  void wake_all() noexcept {
    List<Waiter> woken;
    while (!waiters_.empty()) woken.push_back(waiters_.front());
    while (!woken.empty()) schedule(woken.front());
  }

 private:
  List<Waiter> waiters_;
};

}  // namespace detail

class Event {
 public:
  bool is_set() const noexcept { return set_; }
  void set() noexcept {
    set_ = true;
    crowd_.wake_all();
  }
  void reset() noexcept { set_ = false; }
  // Wakes those who wait now and stays as it is.
  void pulse() noexcept { crowd_.wake_all(); }
  // co_await event.wait();
  detail::Crowd::Wait wait() noexcept { return {&crowd_, set_}; }

 private:
  bool set_ = false;
  detail::Crowd crowd_;
};

template <class T>
class Future {
 public:
  bool is_set() const noexcept { return value_.has_value(); }
  // The first value stays; later ones are ignored.
  void set(T value) {
    if (value_) return;
    value_.emplace(std::move(value));
    event_.set();
  }
  // co_await future.wait();  then get()
  detail::Crowd::Wait wait() noexcept { return event_.wait(); }
  // REQUIRES: is_set().
  // NOLINTNEXTLINE(bugprone-unchecked-optional-access): the caller has checked
  const T& get() const noexcept { return *value_; }

 private:
  std::optional<T> value_;
  Event event_;
};

class WaitGroup {
 public:
  void add(size_t count = 1) noexcept { count_ += count; }
  // REQUIRES: as many add() before.
  void done() noexcept {
    if (--count_ == 0) crowd_.wake_all();
  }
  size_t count() const noexcept { return count_; }
  // co_await group.wait();
  detail::Crowd::Wait wait() noexcept { return {&crowd_, count_ == 0}; }

 private:
  size_t count_ = 0;
  detail::Crowd crowd_;
};

}  // namespace lcg
