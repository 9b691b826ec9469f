// SPDX-License-Identifier: Apache-2.0
// storage_bench: durable commits per second of the engine, closed loop.
//
//   storage_bench DIRECTORY [outstanding=256] [value_bytes=128] [seconds=3] [sync=1]
//
// Each batch is what a chat send costs: a condition on a document that is absent, and three puts. One thread
// submits and re-submits what comes back, as a lane does. Prints one line of JSON.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plugins/storage_rocksdb/engine.h"

namespace {

using namespace lcg::storage_rocksdb;
using Clock = std::chrono::steady_clock;

struct Send : Commit {
  Clock::time_point started;
};

class Returned : public CommitSink {
 public:
  void on_event(const std::string& event) noexcept override { std::fprintf(stderr, "%s\n", event.c_str()); }
  void on_committed(Commit* list) noexcept override {
    const std::lock_guard lock(mutex_);
    if (last_ == nullptr) {
      first_ = list;
    } else {
      last_->next = list;
    }
    for (last_ = list; last_->next != nullptr;) last_ = last_->next;
    changed_.notify_one();
  }
  Commit* wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return first_ != nullptr; });
    last_ = nullptr;
    return std::exchange(first_, nullptr);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Commit *first_ = nullptr, *last_ = nullptr;
};

void fill(Send& send, uint64_t n, const std::string& value) {
  send.partition = std::to_string(n % 64);
  const std::string key = lcg::storage::key_u64(n);
  lcg::storage::Batch batch;
  batch.require_absent("dialog_log", key)
      .put("dialog_log", key, value)
      .put("message", key, value)
      .put("dialog_lane", std::to_string(n % 512), "state");
  send.data = batch.encode();
  send.conditional = true;
  send.term = 1;
  send.started = Clock::now();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY [outstanding] [value_bytes] [seconds] [sync]\n", argv[0]);
    return 2;
  }
  const auto number = [&](int at, long fallback) { return argc > at ? std::atol(argv[at]) : fallback; };
  EngineOptions options;
  options.path = argv[1];
  options.sync = number(5, 1) != 0;
  std::string error;
  auto engine = Engine::open(options, error);
  if (!engine) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  const std::string value(static_cast<size_t>(number(3, 128)), 'v');
  const auto seconds = std::chrono::seconds(number(4, 3));
  Returned returned;
  std::vector<std::unique_ptr<Send>> sends;
  uint64_t next = static_cast<uint64_t>(Clock::now().time_since_epoch().count());
  const uint64_t first = next;
  const auto begin = Clock::now();
  for (long i = 0; i < number(2, 256); ++i) {
    sends.push_back(std::make_unique<Send>());
    sends.back()->sink = &returned;
    fill(*sends.back(), next++, value);
    engine->submit(sends.back().get());
  }
  std::vector<double> latencies_ms;
  size_t in_flight = sends.size(), failed = 0;
  while (in_flight > 0) {
    for (Commit* c = returned.wait(); c != nullptr;) {
      Send& send = static_cast<Send&>(*c);
      c = c->next;
      const auto now = Clock::now();
      failed += send.status == LCG_OK ? 0 : 1;
      latencies_ms.push_back(std::chrono::duration<double, std::milli>(now - send.started).count());
      --in_flight;
      if (now - begin >= seconds) continue;
      fill(send, next++, value);
      engine->submit(&send);
      ++in_flight;
    }
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  std::sort(latencies_ms.begin(), latencies_ms.end());
  const auto at = [&](double q) {
    return latencies_ms[static_cast<size_t>(q * static_cast<double>(latencies_ms.size() - 1))];
  };
  std::printf(
      "{\"bench\":\"storage\",\"outstanding\":%ld,\"value_bytes\":%zu,\"sync\":%s,\"commits_per_s\":%.0f,"
      "\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"failed\":%zu}\n",
      number(2, 256), value.size(), options.sync ? "true" : "false", static_cast<double>(next - first) / took,
      at(0.5), at(0.99), failed);
  return failed == 0 ? 0 : 1;
}
