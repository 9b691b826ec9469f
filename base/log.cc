#include "base/log.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"

namespace lcg::log {
namespace {

std::atomic<Level> g_level{Level::kInfo};
std::atomic<Format> g_format{Format::kLogfmt};
std::atomic<int> g_fd{STDERR_FILENO};

void write_all(std::string_view data) {
  int fd = g_fd.load(std::memory_order_relaxed);
  while (!data.empty()) {
    ssize_t written = ::write(fd, data.data(), data.size());
    if (written >= 0) {
      data.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      // Someone made stderr non-blocking (it is shared with the parent): wait a while, then give the line up.
      pollfd wait{fd, POLLOUT, 0};
      if (::poll(&wait, 1, 1000) <= 0) return;
    } else if (errno != EINTR) {
      return;  // nobody can be told
    }
  }
}

class Writer {
 public:
  ~Writer() { stop(); }

  bool push(std::string_view line) {
    std::unique_lock lock(mutex_);
    if (!running_) return false;
    if (queue_.size() + line.size() > kQueueBytes) {
      ++dropped_;
      return true;
    }
    bool wake = queue_.empty();
    queue_.append(line);
    lock.unlock();
    if (wake) ready_.notify_one();
    return true;
  }

  void start() {
    std::lock_guard lock(mutex_);
    if (running_) return;
    running_ = true;
    thread_ = std::thread([this] { loop(); });
  }

  void stop() {
    {
      std::lock_guard lock(mutex_);
      if (!running_) return;
      running_ = false;
    }
    ready_.notify_one();
    thread_.join();
  }

  // For die(): what is queued, from whatever thread is ending the process.
  void flush_now() {
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock) write_all(std::exchange(queue_, {}));
  }

 private:
  void loop() {
    std::string batch;
    std::unique_lock lock(mutex_);
    while (true) {
      ready_.wait(lock, [this] { return !queue_.empty() || !running_; });
      if (queue_.empty()) return;
      batch.clear();
      batch.swap(queue_);
      uint64_t dropped = std::exchange(dropped_, 0);
      lock.unlock();
      write_all(batch);
      if (dropped > 0) {
        write_all(format_line(g_format.load(std::memory_order_relaxed), system_clock().wall_ms(),
                              Level::kWarn, "log lines dropped", {{"lines", dropped}}) +
                  "\n");
      }
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::string queue_;     // under mutex_
  uint64_t dropped_ = 0;  // under mutex_
  bool running_ = false;  // under mutex_
  std::thread thread_;
};

Writer& writer() {
  static Writer instance;
  return instance;
}
// True between start_writer() and stop_writer(), so that direct writing takes no lock.
std::atomic<bool> g_queued{false};

}  // namespace

void set_level(Level level) { g_level.store(level, std::memory_order_relaxed); }
Level level() { return g_level.load(std::memory_order_relaxed); }
void set_format(Format format) { g_format.store(format, std::memory_order_relaxed); }
bool enabled(Level level) { return level >= g_level.load(std::memory_order_relaxed); }
void set_fd(int fd) { g_fd.store(fd, std::memory_order_relaxed); }

void write(Level level, std::string_view event, Fields fields) {
  std::string line =
      format_line(g_format.load(std::memory_order_relaxed), system_clock().wall_ms(), level, event, fields);
  line.push_back('\n');
  if (g_queued.load(std::memory_order_acquire) && writer().push(line)) return;
  write_all(line);
}

void start_writer() {
  writer().start();
  set_die_hook([] { writer().flush_now(); });
  g_queued.store(true, std::memory_order_release);
}

void stop_writer() {
  g_queued.store(false, std::memory_order_release);
  set_die_hook(nullptr);
  writer().stop();
}

}  // namespace lcg::log
