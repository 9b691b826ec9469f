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
#include <memory>
#include <string_view>
#include <vector>

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

// As RocksDB names them, when the whole store is in one directory.
bool is_rocksdb_file(std::string_view name) {
  for (const std::string_view whole : {"CURRENT", "IDENTITY", "LOCK", "LOG"})
    if (name == whole) return true;
  for (const std::string_view head : {"LOG.old.", "MANIFEST-", "OPTIONS-"})
    if (name.starts_with(head)) return true;
  const size_t dot = name.find_first_not_of("0123456789");
  if (dot == 0 || dot == std::string_view::npos) return false;
  for (const std::string_view tail : {".sst", ".log", ".blob", ".dbtmp", ".sst.trash", ".log.trash"})
    if (name.substr(dot) == tail) return true;
  return false;
}

struct Contents {
  std::vector<std::string> files;  // of RocksDB, ours
  std::string other;               // one that is not RocksDB's; "": there is none
  bool has_store = false;
};

bool list(int directory, const std::string& path, Contents& out, std::string& error) {
  struct Close {
    void operator()(DIR* entries) const { ::closedir(entries); }
  };
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, Close> entries(copy < 0 ? nullptr : ::fdopendir(copy));
  if (entries == nullptr) return fail(error, "cannot read " + path, errno);
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || name == "lost+found")
      continue;  // the last: of a file system of its own
    struct stat info {};
    const bool ours = is_rocksdb_file(name) &&
                      ::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISREG(info.st_mode) && info.st_uid == ::geteuid();
    if (!ours) {
      out.other = name;
      continue;
    }
    out.has_store = out.has_store || name == "CURRENT";
    out.files.push_back(name);
  }
  return true;
}

// Takes from RocksDB's files what others than the owner may do with them: RocksDB makes them by the umask of whoever
// ran it.
bool tighten_files(int directory, const std::string& path, const std::vector<std::string>& files,
                   std::string& error) {
  for (const std::string& name : files) {
    struct stat info {};
    if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || (info.st_mode & kOthers) == 0)
      continue;
    if (::fchmodat(directory, name.c_str(), info.st_mode & 0700, 0) != 0 && errno != ENOENT)
      return fail(error, "cannot change the mode of " + path + "/" + name, errno);
  }
  return true;
}

// Whoever may exchange what is above the store may exchange the store. Its own mode is not looked at yet.
bool check_above(const std::string& path, std::string& error) {
  namespace fs = std::filesystem;
  std::error_code failure;
  const fs::path real = fs::canonical(path, failure);
  if (failure) return fail(error, "cannot open " + path, failure.value());
  const fs::path named = fs::path(path).parent_path();
  for (const std::string& above :
       {named.empty() ? std::string(".") : named.string(), real.parent_path().string()}) {
    const TrustedPath trusted = trusted_directory(above);
    if (trusted.ok()) continue;
    error = "the store is not safe in " + path + ": " + trusted.why;
    return false;
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

// Nothing that was there before is changed until it is known to be a store's, or empty, and in a safe place.
bool prepare_directory(const std::string& configured, std::string& note, std::string& error) {
  std::string path = configured;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
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
  if (!check_above(path, error)) return false;
  const detail::Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fstat(directory.get(), &info) != 0)
    return fail(error, "cannot open " + path, errno);
  if (info.st_uid != ::geteuid()) {
    error = path + " belongs to uid " + std::to_string(info.st_uid) + ", expected uid " +
            std::to_string(::geteuid()) + " that the server runs as: chown -R it, or choose another path";
    return false;
  }
  if ((info.st_mode & S_ISVTX) != 0 && (info.st_mode & S_IWOTH) != 0) {
    error = path + " is a directory for everybody (mode " + detail::octal(info.st_mode & 07777) +
            "): give the store one of its own";
    return false;
  }
  Contents contents;
  if (!list(directory.get(), path, contents, error)) return false;
  if (!contents.has_store && !contents.other.empty()) {
    error = path + " holds \"" + contents.other + "\" and no store: give the store a directory of its own";
    return false;
  }
  if ((info.st_mode & kOthers) != 0) {
    if (::fchmod(directory.get(), info.st_mode & 0700) != 0)
      return fail(error, "cannot change the mode of " + path, errno);
    note = path + " had mode " + detail::octal(info.st_mode & 07777) +
           ", so that other users of this machine could look into it: it is 0700 now, its files 0600";
  }
  if (const TrustedPath trusted = trusted_directory(path); !trusted.ok()) {
    error = "the store is not safe in " + path + ": " + trusted.why;
    return false;
  }
  return tighten_files(directory.get(), path, contents.files, error);
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
