// SPDX-License-Identifier: Apache-2.0
// engine: one RocksDB store, shared by every instance of the plugin in the process.
//
// Writes go to one commit thread that applies whatever has queued up as a group (committer.h): one log write
// and one sync for all that wait, no added delay. Reads run on the caller's thread and see every acknowledged
// write. A store that fails a checksum refuses to serve until it is restored; nothing is ever deleted or
// repaired.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include <rocksdb/db.h>

#include "plugins/storage_rocksdb/commit_queue.h"
#include "plugins/storage_rocksdb/committer.h"
#include "plugins/storage_rocksdb/scrubber.h"

namespace lcg::storage_rocksdb {

struct EngineOptions {
  std::string path;
  bool sync = true;  // false: for benchmarks, durable batches are not
  size_t write_buffer_bytes = 64u << 20;
  size_t cache_bytes = 128u << 20;
  int max_open_files = 1024;
  uint32_t queue_batches = 1u << 14;
  uint64_t queue_bytes = 64u << 20;
};

enum class ReadOutcome {
  kOk,
  kNotFound,
  kWouldBlock,  // Tier::kMemory only: ask again with Tier::kDisk on a thread that may block
  kFailed       // `out` says why
};

// kMemory touches memtables and the block cache alone, and gives up rather than work for long.
enum class Tier { kMemory, kDisk };

class Engine {
 public:
  // Opens or creates the store; blocks, for seconds after a crash with a long log. nullptr: `error` says why
  // and what to do.
  static std::unique_ptr<Engine> open(const EngineOptions& options, std::string& error);
  // Writes and syncs what is queued. REQUIRES: no submit follows.
  ~Engine();

  // Any thread. False: the queue is full. Otherwise commit->sink gets it back, answered.
  bool submit(Commit* commit) { return queue_.push(commit); }

  // Any thread. `out` is the value, or an error's text.
  ReadOutcome get(Tier tier, std::string_view partition, std::string_view collection, std::string_view key,
                  std::string& out);
  // Any thread. `out` is an encoded storage::ScanRows, or an error's text.
  ReadOutcome scan(Tier tier, std::string_view partition, const storage::Scan& scan, std::string& out);
  Scrubber& scrubber() { return scrubber_; }

 private:
  Engine(const EngineOptions& options, std::unique_ptr<rocksdb::DB> db);
  void run();
  void apply(Commit* group);
  static void deliver(Commit* group);
  ReadOutcome failed(const rocksdb::Status& status, std::string& out);

  const std::unique_ptr<rocksdb::DB> db_;
  CommitQueue queue_;
  Committer committer_;
  Scrubber scrubber_;
  std::atomic<bool> corrupt_{false};
  std::thread thread_;
};

}  // namespace lcg::storage_rocksdb
