// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage_rocksdb/key_codec.h"

namespace lcg::storage_rocksdb {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (size_t at = text.find('\0'); at != std::string_view::npos; at = text.find('\0')) {
    out.append(text.substr(0, at + 1)).push_back('\xff');
    text.remove_prefix(at + 1);
  }
  out.append(text).push_back('\0');
  out.push_back('\x01');
}

}  // namespace

void append_partition_prefix(std::string& out, std::string_view collection, std::string_view partition) {
  out.push_back('\x01');
  append_escaped(out, collection);
  append_escaped(out, partition);
}

std::string partition_prefix(std::string_view collection, std::string_view partition) {
  std::string out;
  append_partition_prefix(out, collection, partition);
  return out;
}

size_t partition_prefix_size(std::string_view key) {
  if (key.empty() || key.front() != '\x01') return 0;
  size_t at = 1;
  for (int terminators = 0; terminators < 2; ++terminators) {
    at = key.find(std::string_view("\0\x01", 2), at);
    if (at == std::string_view::npos) return 0;
    at += 2;
  }
  return at;
}

std::string after_partition(std::string prefix) {
  prefix.back() = '\x02';  // of the closing 00 01
  return prefix;
}

std::string fence_key(uint32_t slot) {
  std::string key(kFencePrefix);
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(slot >> shift & 0xff));
  return key;
}

uint32_t slot_of_fence_key(std::string_view key) {
  uint32_t slot = 0;
  for (const char byte : key.substr(kFencePrefix.size())) slot = slot << 8 | static_cast<unsigned char>(byte);
  return slot;
}

}  // namespace lcg::storage_rocksdb
