// SPDX-License-Identifier: Apache-2.0
// committer: decides and writes one group of batches. Owned by the engine, used by its commit thread alone.
//
// In submission order each batch is checked against its slot's fencing term and against the documents as the
// earlier batches of the group leave them; the accepted ones become one RocksDB write, synced when any of
// them is durable.
#pragma once
#include <chrono>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "plugins/storage_rocksdb/batch_view.h"
#include "plugins/storage_rocksdb/commit_queue.h"

namespace lcg::storage_rocksdb {

inline constexpr uint32_t kMaxSlots = 1u << 16;

class Committer {
 public:
  // `sync` false writes without ever syncing: for benchmarks. `db` outlives the committer.
  Committer(rocksdb::DB& db, bool sync) : db_(db), sync_(sync) {}

  // Reads the stored fencing terms. Call once, before the first apply.
  rocksdb::Status load_fences();

  // Fills status and message of every batch of `list`. Blocks for the write and its sync. Returns a sentence
  // for the log when the store has just begun or stopped to refuse writes, else "".
  std::string apply(Commit* list);
  // A condition of the last group met a document that fails its checksum.
  bool saw_corruption() const { return read_failure_.IsCorruption(); }

 private:
  // The documents the accepted batches of this group have written: no value means erased. Keys live in the
  // arena, values in the batches.
  struct Overlay {
    std::pmr::monotonic_buffer_resource arena;
    std::pmr::unordered_map<std::string_view, std::optional<std::string_view>> documents{&arena};
    void clear() {
      std::destroy_at(&documents);
      arena.release();
      std::construct_at(&documents, &arena);
    }
  };

  bool passes_fence(Commit& commit);
  bool conditions_hold(Commit& commit);
  bool holds(const ConditionView& condition, std::string_view partition);
  void append(const Commit& commit, bool remembering);
  void remember(std::string_view key, std::optional<std::string_view> value);
  rocksdb::Status write(bool durable);
  bool writable(std::string& event);
  std::string settle(Commit* list, const rocksdb::Status& written);

  rocksdb::DB& db_;
  const bool sync_;
  std::vector<uint64_t> fences_;  // highest term seen, by slot
  rocksdb::WriteBatch batch_;
  Overlay overlay_;
  std::string key_;               // scratch
  rocksdb::PinnableSlice value_;  // scratch
  rocksdb::Status read_failure_;  // of a condition, in this group

  bool refusing_ = false;  // a write has failed and RocksDB has not resumed
  std::string refusal_;
  std::chrono::steady_clock::time_point next_resume_;
};

}  // namespace lcg::storage_rocksdb
