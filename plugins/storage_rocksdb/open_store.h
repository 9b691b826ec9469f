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

// Opens the store at options.path, creating the directory (mode 0700) and an empty store where there is none.
// nullptr: `error` names the path, what is wrong and what to do.
std::unique_ptr<rocksdb::DB> open_store(const EngineOptions& options, std::string& error);

}  // namespace lcg::storage_rocksdb
