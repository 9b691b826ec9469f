#include "base/asio_lane.h"

#include <pthread.h>
#include <sched.h>

#include <boost/asio/post.hpp>
#include <exception>
#include <string>
#include <utility>

#include "base/log.h"

namespace lcg {
namespace {

thread_local AsioLane* t_current = nullptr;

void bump(std::atomic<uint64_t>& counter, uint64_t by = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);  // one writer
}

}  // namespace

AsioLane::AsioLane(unsigned index, const Clock& clock, Random& random)
    : index_(index), clock_(clock), random_(random), work_(context_.get_executor()), timers_(clock.mono()) {}

AsioLane::~AsioLane() = default;

AsioLane* AsioLane::current() noexcept { return t_current; }

void AsioLane::wake() {
  boost::asio::post(context_, [] {});
}

void AsioLane::post(LaneTask task) {
  if (mailbox_.push(std::move(task), Mailbox::kNoLimit) == Mailbox::Push::kWake) wake();
}

bool AsioLane::try_post(LaneTask task) {
  switch (mailbox_.push(std::move(task), kMailboxLimit)) {
    case Mailbox::Push::kQueued:
      return true;
    case Mailbox::Push::kWake:
      wake();
      return true;
    case Mailbox::Push::kFull:
      stats_.refused.fetch_add(1, std::memory_order_relaxed);
      return false;
    case Mailbox::Push::kClosed:
      return false;
  }
  return false;
}

void AsioLane::at_turn_end(LaneTask task) { turn_end_.push_back(std::move(task)); }

TimerId AsioLane::start_timer(Millis delay, LaneTask task) {
  return timers_.start(clock_.mono(), delay, std::move(task));
}

void AsioLane::cancel_timer(TimerId id) { timers_.cancel(id); }

void AsioLane::charge(const char* what) {
  MonoTime end = clock_.mono();
  Nanos took = end - std::exchange(began_, end);
  if (took < kSlow) return;
  bump(stats_.over_budget);
  if (took < kVerySlow) return;
  log::warn("lane blocked",
            {{"lane", index_}, {"by", what}, {"ms", std::chrono::duration_cast<Millis>(took).count()}});
}

template <class Call>
void AsioLane::guarded(const char* what, Call&& call) {
  try {
    call();
  } catch (const std::exception& e) {
    bump(stats_.exceptions);
    log::error("exception on a lane", {{"lane", index_}, {"by", what}, {"what", e.what()}});
  } catch (...) {
    bump(stats_.exceptions);
    log::error("exception on a lane", {{"lane", index_}, {"by", what}, {"what", "of unknown type"}});
  }
}

void AsioLane::wait() {
  if (more_work_ || !turn_end_.empty() || !mailbox_.prepare_wait()) return;
  began_ = {};
  guarded("event", [&] {
    std::optional<MonoTime> next = timers_.next();
    if (!next) {
      context_.run_one();
    } else if (Nanos left = *next - clock_.mono(); left > Nanos(0)) {
      context_.run_one_for(left);
    }
  });
  if (began_.ns != 0) charge("event");
  mailbox_.end_wait();
}

void AsioLane::poll_events() {
  began_ = clock_.mono();
  size_t ran = 0;
  bool ready = true;
  while (ready && ran < kEventsPerTurn) {
    guarded("event", [&] { ready = context_.poll_one() > 0; });
    charge("event");
    ++ran;
  }
  more_work_ = ready;
}

void AsioLane::run_turn_end() {
  while (!turn_end_.empty()) {
    turn_end_running_.swap(turn_end_);
    for (LaneTask& task : turn_end_running_) {
      guarded("turn end", task);
      charge("turn end");
    }
    turn_end_running_.clear();
  }
}

void AsioLane::run() {
  t_current = this;
  metrics::bind_thread_to_shard(index_);
  while (!stopping_.load(std::memory_order_acquire)) {
    wait();
    poll_events();
    size_t tasks = mailbox_.drain(kTasksPerTurn, [&](LaneTask& task) {
      guarded("task", task);
      charge("task");
    });
    if (tasks == kTasksPerTurn) more_work_ = true;
    size_t expired = timers_.expire(clock_.mono(), kTimersPerTurn, [&](LaneTask& task) {
      guarded("timer", task);
      charge("timer");
    });
    if (expired == kTimersPerTurn) more_work_ = true;
    run_turn_end();
    bump(stats_.turns);
    bump(stats_.tasks, tasks);
  }
  mailbox_.close();
  timers_.clear();
  while (!turn_end_.empty()) std::exchange(turn_end_, {}).clear();
  t_current = nullptr;
}

void AsioLane::stop() {
  stopping_.store(true, std::memory_order_release);
  wake();
}

LaneSet::LaneSet(Options options) : options_(options) {
  for (unsigned i = 0; i < options_.lanes; ++i) lanes_.push_back(std::make_unique<AsioLane>(i));
}

LaneSet::~LaneSet() {
  stop();
  join();
}

namespace {

void name_and_pin(unsigned index, bool pin) {
  std::string name = "lcg-lane-" + std::to_string(index);
  ::pthread_setname_np(::pthread_self(), name.c_str());
  if (!pin) return;
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  unsigned wanted = index % static_cast<unsigned>(CPU_COUNT(&allowed));
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || wanted-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (::pthread_setaffinity_np(::pthread_self(), sizeof(one), &one) != 0) {
      log::warn("lane not pinned", {{"lane", index}, {"cpu", cpu}});
    }
    return;
  }
}

}  // namespace

void LaneSet::start() {
  for (auto& lane : lanes_) {
    threads_.emplace_back([&lane = *lane, pin = options_.pin] {
      name_and_pin(lane.index(), pin);
      lane.run();
    });
  }
}

void LaneSet::add_metrics(metrics::Registry& registry) {
  for (auto& lane : lanes_) {
    const LaneStats& stats = lane->stats();
    metrics::Labels labels = {{"lane", std::to_string(lane->index())}};
    auto count = [&](const char* name, const char* help, const std::atomic<uint64_t>& of) {
      auto read = [&of] { return static_cast<double>(of.load(std::memory_order_relaxed)); };
      registry.counter_from(name, help, labels, read);
    };
    count("lcg_lane_turns_total", "Turns of the lane's loop.", stats.turns);
    count("lcg_lane_tasks_total", "Tasks run from the lane's mailbox.", stats.tasks);
    count("lcg_lane_refused_total", "Tasks refused by a full mailbox.", stats.refused);
    count("lcg_lane_over_budget_total", "Handlers and tasks that held the lane over 1 ms.",
          stats.over_budget);
    count("lcg_lane_exceptions_total", "Exceptions that left a handler or task.", stats.exceptions);
    auto depth = [lane = lane.get()] { return static_cast<double>(lane->mailbox_size()); };
    registry.gauge_from("lcg_lane_mailbox_tasks", "Tasks waiting in the lane's mailbox.", labels, depth);
  }
}

void LaneSet::stop() {
  for (auto& lane : lanes_) lane->stop();
}

void LaneSet::join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace lcg
