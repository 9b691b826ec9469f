// AsioLane: a lane on a thread of its own with one io_context; LaneSet: all lanes of a process.
//
// A turn: wait (only if nothing is at hand), up to kEventsPerTurn ready Asio handlers, up to kTasksPerTurn
// mailbox tasks, up to kTimersPerTurn due timers, then the turn-end list until it is empty. Sockets are
// therefore read and posted work is done before anything is flushed, and no source can starve another for
// longer than its share. The wait is io_context's own, bounded by the timer wheel: no Asio timer exists and
// an idle lane does not wake.
//
// An exception that leaves a handler or task is logged and counted and the lane goes on: it belongs to one
// connection, and ending the process would hand every client a way to end all others.
// What runs over 1 ms is counted (stats), over 10 ms logged.
#pragma once
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "base/lane.h"
#include "base/mailbox.h"
#include "base/metrics.h"
#include "base/timer_wheel.h"

namespace lcg {

// Written by the lane, read by any thread.
struct LaneStats {
  std::atomic<uint64_t> turns{0};
  std::atomic<uint64_t> tasks{0};        // mailbox tasks run
  std::atomic<uint64_t> refused{0};      // try_post at kMailboxLimit
  std::atomic<uint64_t> over_budget{0};  // ran over kSlow
  std::atomic<uint64_t> exceptions{0};
};

class AsioLane final : public Lane {
 public:
  static constexpr size_t kEventsPerTurn = 256;
  static constexpr size_t kTasksPerTurn = 1024;
  static constexpr size_t kTimersPerTurn = 1024;
  static constexpr Nanos kSlow = Millis(1);
  static constexpr Nanos kVerySlow = Millis(10);

  explicit AsioLane(unsigned index, const Clock& clock = system_clock(), Random& random = system_random());
  ~AsioLane() override;  // REQUIRES: run() is not running; every socket on context() is closed
  AsioLane(const AsioLane&) = delete;
  AsioLane& operator=(const AsioLane&) = delete;

  unsigned index() const noexcept override { return index_; }
  bool is_current() const noexcept override { return current() == this; }
  const Clock& clock() const noexcept override { return clock_; }
  Random& random() noexcept override { return random_; }
  void post(LaneTask task) override;
  [[nodiscard]] bool try_post(LaneTask task) override;
  void at_turn_end(LaneTask task) override;
  TimerId start_timer(Millis delay, LaneTask task) override;
  void cancel_timer(TimerId id) override;

  // For sockets. Their handlers run on this lane; use the typed executor (any_io_executor costs 15 % in
  // echo).
  boost::asio::io_context& context() { return context_; }
  using Executor = boost::asio::io_context::executor_type;
  Executor executor() { return context_.get_executor(); }

  // The first line of an Asio handler on a hot path: the time of a handler that ended a wait cannot be told
  // from the wait itself, so it is counted from here. Costs nothing for the others of the turn.
  void handler_begins() {
    if (began_.ns == 0) began_ = clock_.mono();
  }

  // Runs the lane on the calling thread until stop(). Then destroys, still on this thread, every task and
  // timer that did not run; posts are dropped from then on.
  void run();
  // Any thread. The turn in progress is finished.
  void stop();

  const LaneStats& stats() const { return stats_; }
  // Any thread. Tasks waiting in the mailbox.
  size_t mailbox_size() const { return mailbox_.size(); }
  // The lane whose run() is on the calling thread, or nullptr.
  static AsioLane* current() noexcept;

 private:
  void wake();
  void enqueue(LaneTask&& task);
  void wait();
  void poll_events();
  void run_turn_end();
  template <class Call>
  void guarded(const char* what, Call&& call);
  void charge(const char* what);

  const unsigned index_;
  const Clock& clock_;
  Random& random_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<Executor> work_;
  Mailbox mailbox_;
  TimerWheel timers_;
  std::vector<LaneTask> turn_end_;
  std::vector<LaneTask> turn_end_running_;
  MonoTime began_;         // 0: the running handler ended a wait and did not say when it began
  bool more_work_ = true;  // the last turn stopped at a limit: do not wait
  std::atomic<bool> stopping_{false};
  LaneStats stats_;
};

// Any thread may read it; start, stop and join are main's.
class LaneSet {
 public:
  struct Options {
    unsigned lanes = 1;
    bool pin = false;  // lane n to the n-th CPU the process may use
  };
  explicit LaneSet(Options options);
  ~LaneSet();  // stops and joins
  LaneSet(const LaneSet&) = delete;
  LaneSet& operator=(const LaneSet&) = delete;

  unsigned size() const { return static_cast<unsigned>(lanes_.size()); }
  AsioLane& operator[](unsigned index) { return *lanes_[index]; }

  // Starts one thread a lane, named lcg-lane-<n>.
  void start();
  void stop();
  void join();

  // Every lane's stats and mailbox depth, as lcg_lane_*{lane="n"}. The set outlives the registry's
  // expositions.
  void add_metrics(metrics::Registry& registry);

 private:
  Options options_;
  std::vector<std::unique_ptr<AsioLane>> lanes_;
  std::vector<std::thread> threads_;
};

}  // namespace lcg
