// SPDX-License-Identifier: Apache-2.0
// key_codec: where a document lives in RocksDB's one ordered space of keys.
//
//   0x00 name               the store's own records: its format version, the fencing terms
//   0x01 C 00 01 P 00 01 K  the document K of partition P of collection C
//
// C and P are escaped (00 becomes 00 FF) and end in 00 01, so that no pair is a prefix of another and K needs
// no escape: inside (C, P) the keys order as unsigned bytes, as the storage service promises. This is
// format 1.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace lcg::storage_rocksdb {

inline constexpr std::string_view kFormatKey("\0format", 7);
inline constexpr std::string_view kFencePrefix("\0fence/", 7);

// Appends the prefix that all the documents of (collection, partition), and no others, start with.
void append_partition_prefix(std::string& out, std::string_view collection, std::string_view partition);
std::string partition_prefix(std::string_view collection, std::string_view partition);

// The size of the partition prefix `key` starts with; 0 for the store's own records.
size_t partition_prefix_size(std::string_view key);

// The first key after every key that starts with a partition prefix.
std::string after_partition(std::string prefix);

std::string fence_key(uint32_t slot);
uint32_t slot_of_fence_key(std::string_view key);  // REQUIRES: starts with kFencePrefix

}  // namespace lcg::storage_rocksdb
