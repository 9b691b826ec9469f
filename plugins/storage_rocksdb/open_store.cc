// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage_rocksdb/open_store.h"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include "plugins/storage_rocksdb/engine.h"
#include "plugins/storage_rocksdb/key_codec.h"

namespace lcg::storage_rocksdb {
namespace {

constexpr unsigned kFormat = 1;
constexpr std::string_view kFormatName = "lcg-storage ";

bool make_directory(const std::string& path, std::string& error) {
  std::error_code failure;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, failure);
  if (failure) {
    error = "cannot create " + parent.string() + ": " + failure.message();
    return false;
  }
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return true;
  error = "cannot create " + path + ": " + std::strerror(errno);
  return false;
}

// A partition's documents arrive mostly in order, so the memtable remembers where the last one went in.
class PartitionHint final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "lcg.partition"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), partition_prefix_size({key.data(), key.size()})};
  }
  bool InDomain(const rocksdb::Slice& key) const override {
    return partition_prefix_size({key.data(), key.size()}) != 0;
  }
};

rocksdb::Options rocksdb_options(const EngineOptions& ours) {
  rocksdb::Options options;
  options.create_if_missing = true;
  // Corruption is found, never papered over: only a record torn by a crash at the log's very end is dropped.
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  // One thread writes.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  options.memtable_insert_with_hint_prefix_extractor = std::make_shared<PartitionHint>();
  options.write_buffer_size = ours.write_buffer_bytes;
  options.max_write_buffer_number = 4;
  options.max_total_wal_size = ours.write_buffer_bytes * 4;
  options.memtable_prefix_bloom_size_ratio = 0.05;  // conditions mostly ask for what is absent
  options.memtable_whole_key_filtering = true;
  options.max_open_files = ours.max_open_files;
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1u << 20;
  options.level_compaction_dynamic_level_bytes = true;
  options.compression = rocksdb::kLZ4Compression;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 4;
  options.max_log_file_size = 8u << 20;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(ours.cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

bool is_empty(rocksdb::DB& db) {
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator({}));
  it->SeekToFirst();
  return !it->Valid() && it->status().ok();
}

// The version is checked before anything else is read, and written before anything else is.
bool check_format(rocksdb::DB& db, const std::string& path, std::string& error) {
  const rocksdb::Slice key(kFormatKey.data(), kFormatKey.size());
  std::string stored;
  const rocksdb::Status got = db.Get({}, key, &stored);
  if (got.IsNotFound() && is_empty(db)) {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    const rocksdb::Status put = db.Put(synced, key, std::string(kFormatName) + std::to_string(kFormat));
    if (!put.ok()) error = "cannot write to " + path + ": " + put.ToString();
    return put.ok();
  }
  if (!got.ok() && !got.IsNotFound()) {
    error = path + ": " + got.ToString() + "; restore it from a backup";
    return false;
  }
  unsigned version = 0;
  const bool ours = stored.starts_with(kFormatName);
  if (ours) std::from_chars(stored.data() + kFormatName.size(), stored.data() + stored.size(), version);
  if (version == kFormat) return true;
  if (ours && version > kFormat) {
    error = path + " was written in storage format " + std::to_string(version) +
            ", this version reads up to " + std::to_string(kFormat) + ": install the newer lcg again";
  } else {
    error = path + " holds a RocksDB database that is not an lcg store: choose another path";
  }
  return false;
}

}  // namespace

std::unique_ptr<rocksdb::DB> open_store(const EngineOptions& options, std::string& error) {
  if (!make_directory(options.path, error)) return nullptr;
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(rocksdb_options(options), options.path, &raw);
  if (!opened.ok()) {
    error = "cannot open " + options.path + ": " + opened.ToString();
    if (opened.IsCorruption()) error += "; restore it from a backup, nothing was changed";
    if (error.find("lock") != std::string::npos) error += "; is another lcg running on it?";
    return nullptr;
  }
  std::unique_ptr<rocksdb::DB> db(raw);
  if (!check_format(*db, options.path, error)) return nullptr;
  return db;
}

}  // namespace lcg::storage_rocksdb
