#include "base/blocking_pool.h"

#include <pthread.h>

#include <exception>
#include <utility>

#include "base/log.h"

namespace lcg {

ThreadBlockingPool::ThreadBlockingPool(Options options) : options_(std::move(options)) {
  for (unsigned i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this, i] {
      std::string name = (options_.name + "-" + std::to_string(i)).substr(0, 15);
      ::pthread_setname_np(::pthread_self(), name.c_str());
      loop();
    });
  }
}

ThreadBlockingPool::~ThreadBlockingPool() { stop(); }

Status ThreadBlockingPool::run(LaneTask work, Lane& back, LaneTask done) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return {Code::kCancelled, "the pool of blocking threads is stopped"};
    if (queue_.size() >= options_.queue_limit) {
      return {Code::kBusy, std::to_string(queue_.size()) + " blocking calls are waiting"};
    }
    queue_.push_back({std::move(work), &back, std::move(done)});
  }
  ready_.notify_one();
  return {};
}

void ThreadBlockingPool::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    try {
      job.work();
    } catch (const std::exception& e) {
      log::error("exception in blocking work", {{"pool", options_.name}, {"what", e.what()}});
    } catch (...) {
      log::error("exception in blocking work", {{"pool", options_.name}, {"what", "of unknown type"}});
    }
    job.work = nullptr;
    job.back->post(std::move(job.done));
    lock.lock();
  }
}

void ThreadBlockingPool::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

size_t ThreadBlockingPool::queued() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

}  // namespace lcg
