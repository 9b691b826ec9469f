// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage_rocksdb/engine.h"

#include <pthread.h>

#include <vector>

#include <rocksdb/perf_level.h>

#include "plugins/storage_rocksdb/open_store.h"

namespace lcg::storage_rocksdb {
namespace {

// One group: enough to make a sync cheap, small enough that a batch never waits long behind its neighbours.
constexpr size_t kGroupBatches = 1024;
constexpr size_t kGroupBytes = 4u << 20;

}  // namespace

std::unique_ptr<Engine> Engine::open(const EngineOptions& options, std::string& error) {
  std::unique_ptr<rocksdb::DB> db = open_store(options, error);
  if (db == nullptr) return nullptr;
  std::unique_ptr<Engine> engine(new Engine(options, std::move(db)));
  if (const rocksdb::Status loaded = engine->committer_.load_fences(); !loaded.ok()) {
    error = options.path + ": " + loaded.ToString() + "; restore it from a backup";
    return nullptr;
  }
  engine->thread_ = std::thread([raw = engine.get()] { raw->run(); });
  return engine;
}

Engine::Engine(const EngineOptions& options, std::unique_ptr<rocksdb::DB> db)
    : db_(std::move(db)),
      queue_(options.queue_batches, options.queue_bytes),
      committer_(*db_, options.sync),
      scrubber_(*db_) {}

Engine::~Engine() {
  if (!thread_.joinable()) return;
  queue_.close();
  thread_.join();
  db_->SyncWAL();
}

void Engine::run() {
  pthread_setname_np(pthread_self(), "lcg-commit");
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  while (Commit* waiting = queue_.wait_for_all()) {
    while (waiting != nullptr) {
      Commit* const group = waiting;
      uint32_t batches = 0;
      uint64_t bytes = 0;
      Commit* last = nullptr;
      while (waiting != nullptr && batches < kGroupBatches && bytes < kGroupBytes) {
        ++batches;
        bytes += waiting->cost();
        last = waiting;
        waiting = waiting->next;
      }
      last->next = nullptr;
      apply(group);
      queue_.release(batches, bytes);
      deliver(group);
    }
  }
}

void Engine::apply(Commit* group) {
  if (corrupt_.load(std::memory_order_relaxed)) {
    for (Commit* c = group; c != nullptr; c = c->next) {
      c->status = LCG_E_UNAVAILABLE;
      c->message = kCorruptText;
    }
    return;
  }
  if (const std::string event = committer_.apply(group); !event.empty()) group->sink->on_event(event);
  if (committer_.saw_corruption()) corrupt_.store(true);
}

// Hands each sink its batches in one call, in submission order.
void Engine::deliver(Commit* group) {
  struct Part {
    CommitSink* sink;
    Commit *first, *last;
  };
  std::vector<Part> parts;
  for (Commit* c = group; c != nullptr;) {
    Commit* const next = c->next;
    c->next = nullptr;
    Part* part = nullptr;
    for (Part& candidate : parts)
      if (candidate.sink == c->sink) part = &candidate;
    if (part == nullptr) {
      parts.push_back({c->sink, c, c});
    } else {
      part->last->next = c;
      part->last = c;
    }
    c = next;
  }
  for (const Part& part : parts) part.sink->on_committed(part.first);
}

ReadOutcome Engine::failed(const rocksdb::Status& status, std::string& out) {
  if (status.IsIncomplete()) return ReadOutcome::kWouldBlock;
  out = "the store cannot read: " + status.ToString();
  if (status.IsCorruption()) {
    corrupt_.store(true);
    out = std::string(kCorruptText) + ": " + status.ToString();
  }
  return ReadOutcome::kFailed;
}

}  // namespace lcg::storage_rocksdb
