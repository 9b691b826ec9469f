// SPDX-License-Identifier: Apache-2.0
// commit_queue: batches on their way from the lanes to the one commit thread.
//
// A bounded multi-producer stack that the consumer takes whole and turns round: a push is one
// compare-and-swap, and wakes the consumer only when the queue was empty. Order is kept for each pushing
// thread.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>

#include "lcg/lcg_plugin.h"

namespace lcg::storage_rocksdb {

struct Commit;

// Where finished batches go: one per plugin instance. Called on the commit thread.
class CommitSink {
 public:
  virtual ~CommitSink() = default;
  // For the log: the store has begun or stopped to refuse writes.
  virtual void on_event(const std::string& event) noexcept = 0;
  // Once per group that holds batches of this sink; `list` is linked by Commit::next in submission order and
  // belongs to the sink from then on.
  virtual void on_committed(Commit* list) noexcept = 0;
};

// One batch and, later, its outcome. Owned by the submitter, untouched by it from submit until on_committed.
struct Commit {
  std::string partition;
  std::string data;  // an encoded storage::Batch that check_batch has passed
  uint32_t slot = 0;
  uint64_t term = 0;
  bool durable = true, conditional = false;
  CommitSink* sink = nullptr;

  lcg_status status = LCG_OK;
  std::string message;

  Commit* next = nullptr;
  size_t cost() const { return partition.size() + data.size(); }
};

class CommitQueue {
 public:
  // Limits count what was pushed and not yet released: in the queue or in the group being written.
  CommitQueue(uint32_t max_batches, uint64_t max_bytes) : max_batches_(max_batches), max_bytes_(max_bytes) {}

  // Any thread. False: a limit is reached and the batch was not taken.
  bool push(Commit* commit) {
    const uint64_t cost = commit->cost();
    if (batches_.fetch_add(1, std::memory_order_relaxed) >= max_batches_) {
      release(1, 0);
      return false;
    }
    if (bytes_.fetch_add(cost, std::memory_order_relaxed) + cost > max_bytes_) {
      release(1, cost);
      return false;
    }
    link(commit);
    return true;
  }

  // Consumer. Everything queued, oldest first; waits while there is nothing. nullptr: closed and empty.
  Commit* wait_for_all() {
    for (;;) {
      const uint32_t seen = signal_.load(std::memory_order_acquire);
      if (Commit* newest = head_.exchange(nullptr, std::memory_order_acquire); newest != nullptr)
        return turned_round(newest);
      if (closed_.load(std::memory_order_acquire)) return nullptr;
      signal_.wait(seen, std::memory_order_acquire);
    }
  }

  // Gives the room of answered batches back.
  void release(uint32_t batches, uint64_t bytes) {
    batches_.fetch_sub(batches, std::memory_order_relaxed);
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }

  // The consumer drains what is queued and then gets nullptr. REQUIRES: no push follows.
  void close() {
    closed_.store(true, std::memory_order_release);
    wake();
  }

 private:
  void link(Commit* commit) {
    Commit* head = head_.load(std::memory_order_relaxed);
    do {
      commit->next = head;
    } while (
        !head_.compare_exchange_weak(head, commit, std::memory_order_release, std::memory_order_relaxed));
    if (head == nullptr) wake();
  }
  void wake() {
    signal_.fetch_add(1, std::memory_order_release);
    signal_.notify_one();
  }
  static Commit* turned_round(Commit* newest) {
    Commit* oldest = nullptr;
    while (newest != nullptr) {
      Commit* next = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = next;
    }
    return oldest;
  }

  const uint32_t max_batches_;
  const uint64_t max_bytes_;
  std::atomic<Commit*> head_{nullptr};
  std::atomic<uint32_t> signal_{0};
  std::atomic<bool> closed_{false};
  std::atomic<uint32_t> batches_{0};
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace lcg::storage_rocksdb
