// SPDX-License-Identifier: Apache-2.0
// open_store: the directory, RocksDB's options and the format check.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include <rocksdb/db.h>

namespace lcg::storage_rocksdb {

struct EngineOptions;

inline constexpr std::string_view kCorruptText =
    "the store failed a checksum and refuses to serve; restore it from a backup";

// Makes the directory (mode 0700), or takes from one that is empty or holds a store, and from RocksDB's files in it, what
// others than its owner may do with them; `note` then says so. False: it is not this user's, others may exchange it, or
// it holds other things; `error` says why, and nothing was changed.
bool prepare_directory(const std::string& path, std::string& note, std::string& error);

// Opens the store at options.path, prepared as above, and makes an empty store where there is none.
// nullptr: `error` names the path, what is wrong and what to do.
std::unique_ptr<rocksdb::DB> open_store(const EngineOptions& options, std::string& error);

}  // namespace lcg::storage_rocksdb
