// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage_rocksdb/open_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include "lcg/trusted_path.hpp"
#include "plugins/storage_rocksdb/engine.h"
#include "plugins/storage_rocksdb/key_codec.h"

namespace lcg::storage_rocksdb {
namespace {

constexpr unsigned kFormat = 1;
constexpr std::string_view kFormatName = "lcg-storage ";
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

bool fail(std::string& error, std::string what, int number) {
  error = std::move(what) + ": " + std::strerror(number);
  return false;
}

// Takes from the files of the directory what others than the owner may do with them: RocksDB makes them by the umask
// of whoever ran it.
bool tighten_files(int directory, const std::string& path, std::string& error) {
  struct Close {
    void operator()(DIR* entries) const { ::closedir(entries); }
  };
  const std::unique_ptr<DIR, Close> entries(::fdopendir(::dup(directory)));
  if (entries == nullptr) return fail(error, "cannot read " + path, errno);
  while (const dirent* entry = ::readdir(entries.get())) {
    struct stat info {};
    if (::fstatat(directory, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode) ||
        (info.st_mode & kOthers) == 0)
      continue;
    if (::fchmodat(directory, entry->d_name, info.st_mode & 0700, 0) != 0 && errno != ENOENT)
      return fail(error, "cannot change the mode of " + path + "/" + entry->d_name, errno);
  }
  return true;
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

bool prepare_directory(const std::string& path, std::string& note, std::string& error) {
  std::error_code failure;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, failure);
  if (failure) {
    error = "cannot create " + parent.string() + ": " + failure.message();
    return false;
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail(error, "cannot create " + path, errno);
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode) && info.st_uid != 0 &&
      info.st_uid != ::geteuid()) {
    error = path + " is a link of uid " + std::to_string(info.st_uid) + ": choose another path";
    return false;
  }
  const detail::Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fstat(directory.get(), &info) != 0)
    return fail(error, "cannot open " + path, errno);
  if (info.st_uid != ::geteuid()) {
    error = path + " belongs to uid " + std::to_string(info.st_uid) + ", expected uid " +
            std::to_string(::geteuid()) + " that the server runs as: chown -R it, or choose another path";
    return false;
  }
  if ((info.st_mode & kOthers) != 0) {
    if (::fchmod(directory.get(), info.st_mode & 0700) != 0)
      return fail(error, "cannot change the mode of " + path, errno);
    note = path + " had mode " + detail::octal(info.st_mode & 07777) +
           ", so that other users of this machine could look into it: it is 0700 now, its files 0600";
  }
  // Whoever may exchange it, or a directory above it, may exchange the store.
  if (const TrustedPath trusted = trusted_directory(path); !trusted.ok()) {
    error = "the store is not safe in " + path + ": " + trusted.why;
    return false;
  }
  return tighten_files(directory.get(), path, error);
}

std::unique_ptr<rocksdb::DB> open_store(const EngineOptions& options, std::string& error) {
  std::string note;
  if (!prepare_directory(options.path, note, error)) return nullptr;
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
