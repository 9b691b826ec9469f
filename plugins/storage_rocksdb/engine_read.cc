// SPDX-License-Identifier: Apache-2.0
// The reading half of engine.h.
#include <algorithm>
#include <memory>

#include "plugins/storage_rocksdb/engine.h"
#include "plugins/storage_rocksdb/key_codec.h"
#include "plugins/storage_rocksdb/open_store.h"

namespace lcg::storage_rocksdb {
namespace {

// What a read may cost on a lane before it moves to the blocking pool: about 100 microseconds of work.
constexpr size_t kLaneRows = 128;
constexpr size_t kLaneBytes = 64u << 10;
constexpr uint64_t kLaneTombstones = 1024;

rocksdb::ReadOptions read_options(Tier tier) {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  if (tier == Tier::kMemory) {
    options.read_tier = rocksdb::kBlockCacheTier;
    options.max_skippable_internal_keys = kLaneTombstones;
  }
  return options;
}

}  // namespace

ReadOutcome Engine::get(Tier tier, std::string_view partition, std::string_view collection,
                        std::string_view key, std::string& out) {
  if (corrupt_.load(std::memory_order_relaxed)) {
    out = kCorruptText;
    return ReadOutcome::kFailed;
  }
  std::string full = partition_prefix(collection, partition);
  full.append(key);
  rocksdb::PinnableSlice value;
  const rocksdb::Status got = db_->Get(read_options(tier), db_->DefaultColumnFamily(), full, &value);
  if (got.IsNotFound()) return ReadOutcome::kNotFound;
  if (!got.ok()) return failed(got, out);
  out.assign(value.data(), value.size());
  return ReadOutcome::kOk;
}

ReadOutcome Engine::scan(Tier tier, std::string_view partition, const storage::Scan& scan, std::string& out) {
  if (corrupt_.load(std::memory_order_relaxed)) {
    out = kCorruptText;
    return ReadOutcome::kFailed;
  }
  const std::string prefix = partition_prefix(scan.collection, partition);
  const std::string lower = prefix + scan.from;
  const std::string upper = scan.to.empty() ? after_partition(prefix) : prefix + scan.to;
  const size_t limit = std::min<size_t>(scan.limit, storage::kMaxScanRows);

  wire::Writer rows;
  size_t count = 0, bytes = 0;
  bool more = false;
  if (lower < upper) {
    const rocksdb::Slice lower_slice(lower), upper_slice(upper);
    rocksdb::ReadOptions options = read_options(tier);
    options.iterate_lower_bound = &lower_slice;
    options.iterate_upper_bound = &upper_slice;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
    if (scan.reverse) {
      it->SeekToLast();
    } else {
      it->SeekToFirst();
    }
    for (; it->Valid(); scan.reverse ? it->Prev() : it->Next()) {
      const size_t row_bytes = it->key().size() - prefix.size() + it->value().size();
      more = count == limit || (count > 0 && bytes + row_bytes > storage::kMaxScanBytes);
      if (more) break;
      if (tier == Tier::kMemory && (count == kLaneRows || bytes > kLaneBytes))
        return ReadOutcome::kWouldBlock;
      const std::string_view key(it->key().data(), it->key().size());
      rows.str(key.substr(prefix.size())).str({it->value().data(), it->value().size()});
      ++count;
      bytes += row_bytes;
    }
    if (!it->status().ok()) return failed(it->status(), out);
  }
  // ScanRows::encode's layout: its count stands before the rows.
  out = wire::Writer().boolean(more).u64(count).take();
  out.append(rows.take(), 1);
  return ReadOutcome::kOk;
}

}  // namespace lcg::storage_rocksdb
