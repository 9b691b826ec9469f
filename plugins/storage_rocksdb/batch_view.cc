// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage_rocksdb/batch_view.h"

namespace lcg::storage_rocksdb {
namespace {

std::string over(std::string_view what, size_t found, size_t limit) {
  return std::string(what) + " has " + std::to_string(found) + " bytes, the limit is " +
         std::to_string(limit);
}

std::string check_document(std::string_view collection, std::string_view key, std::string_view value) {
  if (collection.empty()) return "a collection has no name";
  if (collection.size() > kMaxCollectionBytes)
    return over("a collection's name", collection.size(), kMaxCollectionBytes);
  if (key.empty()) return "a key is empty";
  if (key.size() > storage::kMaxKeyBytes) return over("a key", key.size(), storage::kMaxKeyBytes);
  if (value.size() > storage::kMaxValueBytes) return over("a value", value.size(), storage::kMaxValueBytes);
  return {};
}

}  // namespace

std::string check_batch(std::string_view data, BatchSummary& out) {
  if (data.size() > storage::kMaxBatchBytes) return over("the batch", data.size(), storage::kMaxBatchBytes);
  wire::Reader reader(data);
  out.durable = reader.boolean();
  for (const uint64_t max_kind : {uint64_t{2}, uint64_t{1}}) {  // conditions, then operations
    const uint64_t count = reader.count();
    if (count > storage::kMaxBatchOps)
      return "the batch has " + std::to_string(count) + (max_kind == 2 ? " conditions" : " operations") +
             ", the limit is " + std::to_string(storage::kMaxBatchOps);
    if (max_kind == 2) out.conditional = count > 0;
    for (uint64_t i = 0; i < count && reader.ok(); ++i) {
      const uint64_t kind = reader.u64();
      const std::string_view collection = reader.str();
      const std::string_view key = reader.str();
      const std::string_view value = reader.str();
      if (!reader.ok()) break;
      if (kind > max_kind) return "the batch holds a kind this store does not know: " + std::to_string(kind);
      if (std::string why = check_document(collection, key, value); !why.empty()) return why;
    }
  }
  return reader.ok() ? std::string() : "the batch's encoding is cut short";
}

}  // namespace lcg::storage_rocksdb
