// Counters, gauges and histograms, and their exposition as Prometheus text (format 0.0.4).
//
//   metrics::Registry registry;
//   metrics::Counter& closed = registry.counter("lcg_sessions_closed_total", "Sessions closed.", {{"code",
//   "3008"}}); closed.add();                                  // a relaxed add on the lane's own cache line
//
// Metrics are made once, at start, by whoever counts; the reference stays good as long as the registry lives.
// The same name and labels give the same metric. Writing: any thread, no lock, no allocation. Making,
// exposing: any thread, under the registry's lock. Label values come from a small closed set, never from a
// client: every one is memory (1 KiB a counter) for ever.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics_shard.h"

namespace lcg::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(uint64_t by = 1) { cells_[thread_shard()].value.fetch_add(by, std::memory_order_relaxed); }
  uint64_t value() const;

 private:
  struct alignas(64) Cell {
    std::atomic<uint64_t> value{0};
  };
  std::array<Cell, kShards> cells_;
};

// For states that change with connections and subscriptions, not with messages: one cell.
class Gauge {
 public:
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(int64_t by) { value_.fetch_add(by, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

class Histogram {
 public:
  static constexpr size_t kMaxBounds = 20;
  // `bounds` ascend; the bucket above the last is implied.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  // Seconds, as Prometheus wants durations.
  void observe(Nanos duration) { observe(static_cast<double>(duration.count()) * 1e-9); }

  struct Snapshot {
    std::vector<uint64_t> buckets;  // not cumulative; one more than bounds
    uint64_t count = 0;
    double sum = 0;
  };
  Snapshot snapshot() const;
  const std::vector<double>& bounds() const { return bounds_; }

 private:
  struct alignas(64) Shard {
    std::array<std::atomic<uint64_t>, kMaxBounds + 1> buckets{};
    std::atomic<double> sum{0};
  };
  std::vector<double> bounds_;
  std::array<Shard, kShards> shards_;
};

// 100 us to 10 s.
std::vector<double> latency_bounds();
// 64 B to 16 MiB by factors of 4.
std::vector<double> size_bounds();

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Names follow Prometheus: [a-zA-Z_:][a-zA-Z0-9_:]*, a unit at the end, counters with _total. A malformed
  // name, or a name used for two kinds, ends the process: it is a mistake in the program.
  Counter& counter(const std::string& name, const std::string& help, Labels labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, Labels labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, std::vector<double> bounds,
                       Labels labels = {});
  // Asked for at every exposition, on the exposing thread: `read` must be safe there and outlive the
  // registry's last exposition.
  void gauge_from(const std::string& name, const std::string& help, Labels labels,
                  std::function<double()> read);
  void counter_from(const std::string& name, const std::string& help, Labels labels,
                    std::function<double()> read);

  std::string expose() const;

 private:
  struct Family;
  struct Series;
  Series& series(const std::string& name, const std::string& help, const char* type, Labels labels);

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Family>> families_;  // under mutex_, in the order they were made
};

// The process's own memory, CPU time, file descriptors and start, under the names Prometheus clients agree
// on.
void add_process_metrics(Registry& registry);

}  // namespace lcg::metrics
