// Mailbox: many posting threads, one consuming lane; FIFO for each poster.
//
// Tasks sit in chunks of kChunkTasks. push() writes one task under a short lock; take() hands the consumer
// every full or part-filled chunk in O(1), so the lock is held for a pointer swap however long the queue is.
// A task is never moved again after it was pushed. The consumer learns that it may sleep from prepare_wait(),
// and only the push that finds it waiting has to wake it: one wake-up a batch.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/lane.h"

namespace lcg {

class Mailbox {
 public:
  enum class Push : uint8_t {
    kQueued,  // the consumer will come to it by itself
    kWake,    // queued, and the caller must wake the consumer
    kFull,    // refused: `limit` tasks wait; the task is untouched
    kClosed   // refused: the consumer is gone; the task is untouched
  };
  static constexpr size_t kNoLimit = SIZE_MAX;

  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Any thread. Takes `task` unless refused.
  Push push(LaneTask&& task, size_t limit) {
    std::lock_guard lock(mutex_);
    if (closed_) return Push::kClosed;
    if (pending_ >= limit) return Push::kFull;
    if (chunks_.empty() || chunks_.back()->full()) chunks_.push_back(fresh_chunk());
    Chunk& chunk = *chunks_.back();
    chunk.tasks[chunk.end++] = std::move(task);
    ++pending_;
    return std::exchange(waiting_, false) ? Push::kWake : Push::kQueued;
  }

  // Consumer. Runs up to `max` tasks through `run(LaneTask&)`, which must not throw, in order; tasks pushed
  // meanwhile wait for the next call. Returns how many ran.
  template <class Run>
  size_t drain(size_t max, Run&& run) {
    if (next_ == taken_.size()) take();
    size_t ran = 0;
    while (next_ < taken_.size() && ran < max) {
      Chunk& chunk = *taken_[next_];
      while (chunk.begin < chunk.end && ran < max) {
        LaneTask task = std::move(chunk.tasks[chunk.begin++]);
        ++ran;
        run(task);
      }
      if (chunk.begin == chunk.end) ++next_;
    }
    ran_since_take_ += ran;
    return ran;
  }

  // Consumer. True: nothing is queued and the next push() answers kWake. False: there is work.
  bool prepare_wait() {
    if (next_ < taken_.size()) return false;
    std::lock_guard lock(mutex_);
    settle_count();
    if (pending_ != 0) return false;
    waiting_ = true;
    return true;
  }

  // Consumer. The wait ended for another reason; pushes need not wake it.
  void end_wait() {
    std::lock_guard lock(mutex_);
    waiting_ = false;
  }

  // Consumer. Refuses everything from now on and destroys what is queued, on this thread.
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    do {
      taken_.clear();
      next_ = 0;
      std::lock_guard lock(mutex_);
      taken_.swap(chunks_);
      pending_ = ran_since_take_ = 0;
    } while (!taken_.empty());
  }

  // Any thread. Tasks waiting, those of the batch in hand included.
  size_t size() const {
    std::lock_guard lock(mutex_);
    return pending_;
  }

 private:
  static constexpr uint32_t kChunkTasks = 64;
  static constexpr size_t kSpareChunks = 16;  // 64 KiB kept for the next burst
  struct Chunk {
    bool full() const { return end == kChunkTasks; }
    uint32_t begin = 0;
    uint32_t end = 0;
    std::array<LaneTask, kChunkTasks> tasks;
  };

  // Under mutex_.
  std::unique_ptr<Chunk> fresh_chunk() {
    if (spare_.empty()) return std::make_unique<Chunk>();
    std::unique_ptr<Chunk> chunk = std::move(spare_.back());
    spare_.pop_back();
    return chunk;
  }
  // Under mutex_.
  void settle_count() { pending_ -= std::exchange(ran_since_take_, 0); }

  void take() {
    std::lock_guard lock(mutex_);
    settle_count();
    waiting_ = false;
    for (auto& chunk : taken_) {
      if (spare_.size() == kSpareChunks) break;
      chunk->begin = chunk->end = 0;
      spare_.push_back(std::move(chunk));
    }
    taken_.clear();
    next_ = 0;
    taken_.swap(chunks_);
  }

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Chunk>> chunks_;  // under mutex_
  std::vector<std::unique_ptr<Chunk>> spare_;   // under mutex_
  size_t pending_ = 0;                          // under mutex_
  bool waiting_ = false;                        // under mutex_
  bool closed_ = false;                         // under mutex_

  // The consumer's alone.
  std::vector<std::unique_ptr<Chunk>> taken_;
  size_t next_ = 0;
  size_t ran_since_take_ = 0;
};

}  // namespace lcg
