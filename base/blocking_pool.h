// BlockingPool: where calls that block go (fsync, password hashing, name lookups), off the lanes.
//
// `work` runs on some thread that may block and must touch nothing that belongs to a lane; `done` then runs
// on the lane that asked. Everything accepted is run and answered, also by stop().
#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/lane.h"
#include "base/status.h"

namespace lcg {

class BlockingPool {
 public:
  virtual ~BlockingPool() = default;

  // Any thread. Runs `work`, destroys it, then posts `done` to `back`, which must outlive the pool's stop().
  // Errors: kBusy (queue at its limit), kCancelled (stopped); both tasks are then dropped unrun.
  // An exception that leaves `work` is logged; `done` is still posted.
  virtual Status run(LaneTask work, Lane& back, LaneTask done) = 0;

  // As run(), with what `work` returns handed to `done` as a Result<T>; kInternal if `work` threw.
  template <class Work, class Done>
  Status call(Work work, Lane& back, Done done) {
    using T = std::invoke_result_t<Work&>;
    auto result = std::make_unique<std::optional<T>>();
    std::optional<T>* slot = result.get();
    auto run_it = [slot, work = std::move(work)]() mutable { slot->emplace(work()); };
    auto hand_over = [result = std::move(result), done = std::move(done)]() mutable {
      if (!result->has_value()) return done(Result<T>(Status(Code::kInternal, "blocking work threw")));
      done(Result<T>(std::move(**result)));
    };
    return run(std::move(run_it), back, std::move(hand_over));
  }
};

class ThreadBlockingPool final : public BlockingPool {
 public:
  struct Options {
    unsigned threads = 2;
    size_t queue_limit = 1024;      // jobs waiting for a thread
    std::string name = "lcg-pool";  // threads are <name>-<n>; 15 characters in all
  };
  explicit ThreadBlockingPool(Options options);
  ~ThreadBlockingPool() override;  // stops

  Status run(LaneTask work, Lane& back, LaneTask done) override;

  // Main's. Refuses new work, runs all that was accepted, joins the threads. Harmless twice.
  void stop();

  // Any thread. Jobs waiting for a thread.
  size_t queued() const;

 private:
  struct Job {
    LaneTask work;
    Lane* back;
    LaneTask done;
  };
  void loop();

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Job> queue_;  // under mutex_
  bool stopping_ = false;  // under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace lcg
