// SPDX-License-Identifier: Apache-2.0
// run_queue.hpp: what resumes a coroutine that waited for another coroutine of the same lane.
//
// A wake-up never runs inside the code that causes it: it is queued and runs when the callback the host
// entered us with is about to return (the outermost Turn). So unlocking or setting an event never runs
// strange code in the middle of its caller, a chain of wake-ups is a loop and not a recursion, and the order
// is first in, first out. A Waiter that is destroyed leaves its queue by itself. Lane: one queue a thread;
// everything here belongs to one lane.
#pragma once
#include <coroutine>

namespace lcg::detail {

// Doubly linked, intrusive, self-removing. A node is in at most one list.
struct Node {
  Node* prev = this;
  Node* next = this;

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() { unlink(); }

  bool linked() const noexcept { return next != this; }
  void unlink() noexcept {
    prev->next = next;
    next->prev = prev;
    prev = next = this;
  }
};

template <class T>
class List {
 public:
  bool empty() const noexcept { return !head_.linked(); }
  // REQUIRES: not empty.
  T& front() noexcept { return static_cast<T&>(*head_.next); }
  void push_back(T& item) noexcept {
    Node& node = item;
    node.unlink();
    node.prev = head_.prev;
    node.next = &head_;
    head_.prev->next = &node;
    head_.prev = &node;
  }
  // Calls `visit` on each item until it returns true; the item visited may be removed by it.
  template <class F>
  void visit_until(F visit) {
    for (Node* node = head_.next; node != &head_;) {
      Node* following = node->next;
      if (visit(static_cast<T&>(*node))) return;
      node = following;
    }
  }

 private:
  Node head_;
};

struct Waiter : Node {
  std::coroutine_handle<> handle;
};

class RunQueue {
 public:
  static RunQueue& current() noexcept {
    thread_local RunQueue queue;
    return queue;
  }
  void push(Waiter& waiter) noexcept { ready_.push_back(waiter); }
  void enter() noexcept { ++depth_; }
  void leave() noexcept {
    while (depth_ == 1 && !ready_.empty()) {
      const std::coroutine_handle<> handle = ready_.front().handle;
      ready_.front().unlink();
      handle.resume();
    }
    --depth_;
  }
  bool in_turn() const noexcept { return depth_ > 0; }

 private:
  List<Waiter> ready_;
  unsigned depth_ = 0;
};

// Opened by every function the host enters us with.
class Turn {
 public:
  Turn() noexcept { RunQueue::current().enter(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { RunQueue::current().leave(); }
};

// Resumes `waiter` in this turn, or at once when there is none (a unit test that uses no host).
inline void schedule(Waiter& waiter) noexcept {
  RunQueue& queue = RunQueue::current();
  queue.push(waiter);
  if (!queue.in_turn()) Turn turn;
}

}  // namespace lcg::detail
