// SPDX-License-Identifier: Apache-2.0
// batch_view: reads an encoded storage::Batch in place, so that the commit path copies each value once, into
// the write-ahead log's buffer. The layout is Batch::encode's in lcg/services/storage.hpp. No I/O.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lcg/services/storage_wire.hpp"
#include "lcg/wire.hpp"

namespace lcg::storage_rocksdb {

inline constexpr size_t kMaxCollectionBytes = 128;

struct ConditionView {
  storage::Condition::Kind kind;
  std::string_view collection, key, value;
};

struct OpView {
  storage::Op::Kind kind;
  std::string_view collection, key, value;
};

struct BatchSummary {
  bool durable = true;
  bool conditional = false;
};

// Checks the whole encoding and every limit. Returns "" and fills `out`, or what is wrong, for the caller's
// author.
std::string check_batch(std::string_view data, BatchSummary& out);

// Walks a batch that check_batch has passed: all the conditions, then all the operations. Views borrow from
// `data`.
class BatchReader {
 public:
  explicit BatchReader(std::string_view data) : reader_(data) {
    reader_.boolean();
    left_ = reader_.u64();
  }

  bool next(ConditionView& out) {
    if (left_ == 0) {
      left_ = reader_.u64();  // the count of operations
      return false;
    }
    --left_;
    out.kind = static_cast<storage::Condition::Kind>(reader_.u64());
    out.collection = reader_.str();
    out.key = reader_.str();
    out.value = reader_.str();
    return true;
  }

  // REQUIRES: next(ConditionView&) has returned false.
  bool next(OpView& out) {
    if (left_ == 0) return false;
    --left_;
    out.kind = static_cast<storage::Op::Kind>(reader_.u64());
    out.collection = reader_.str();
    out.key = reader_.str();
    out.value = reader_.str();
    return true;
  }

 private:
  wire::Reader reader_;
  uint64_t left_ = 0;
};

}  // namespace lcg::storage_rocksdb
