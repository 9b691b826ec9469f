// SPDX-License-Identifier: Apache-2.0
// crash_child DIRECTORY FIRST: commits numbered batches from FIRST on, 64 under way, until it is killed;
// writes the number of each acknowledged one to standard output. crash_test.cc kills it and looks what is
// there.
//
// Batch n puts n into "a" and "b" of partition n mod 7; every third is not durable: a killed process loses
// none.
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "plugins/storage_rocksdb/engine.h"

namespace {

using namespace lcg::storage_rocksdb;

struct Numbered : Commit {
  uint64_t number = 0;
};

class Returned : public CommitSink {
 public:
  void on_event(const std::string& event) noexcept override { std::fprintf(stderr, "%s\n", event.c_str()); }
  void on_committed(Commit* list) noexcept override {
    const std::lock_guard lock(mutex_);
    for (Commit* c = list; c != nullptr; c = c->next) done_.push_back(static_cast<Numbered*>(c));
    changed_.notify_one();
  }
  std::vector<Numbered*> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !done_.empty(); });
    return std::exchange(done_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Numbered*> done_;
};

void submit(Engine& engine, Numbered& commit, uint64_t number) {
  commit.number = number;
  commit.partition = std::to_string(number % 7);
  const std::string key = lcg::storage::key_u64(number);
  lcg::storage::Batch batch;
  batch.require_absent("a", key).put("a", key, "v").put("b", key, "v");
  batch.durable = number % 3 != 0;
  commit.data = batch.encode();
  commit.durable = batch.durable;
  commit.conditional = true;
  commit.term = 1;
  if (!engine.submit(&commit)) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  EngineOptions options;
  options.path = argv[1];
  options.write_buffer_bytes = 1u << 20;  // flushes and switches logs while it runs
  std::string error;
  const auto engine = Engine::open(options, error);
  if (!engine) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  Returned returned;
  uint64_t next = std::strtoull(argv[2], nullptr, 10);
  std::vector<std::unique_ptr<Numbered>> commits;
  for (int i = 0; i < 64; ++i) {
    commits.push_back(std::make_unique<Numbered>());
    commits.back()->sink = &returned;
    submit(*engine, *commits.back(), next++);
  }
  for (;;) {
    std::string acknowledged;
    for (Numbered* commit : returned.wait()) {
      if (commit->status != LCG_OK) return 1;
      acknowledged += std::to_string(commit->number) + "\n";
      submit(*engine, *commit, next++);
    }
    if (::write(STDOUT_FILENO, acknowledged.data(), acknowledged.size()) < 0) return 1;
  }
}
