// SPDX-License-Identifier: Apache-2.0
// storage_wire.hpp: the messages of the service "storage", and how they are put into a call's bytes. No
// client here: the typed client and the meaning of it all are in storage.hpp.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lcg/wire.hpp"

namespace lcg::storage {

inline constexpr size_t kMaxKeyBytes = 512, kMaxValueBytes = 4u << 20, kMaxBatchOps = 1024,
                        kMaxBatchBytes = 16u << 20, kMaxScanRows = 1000, kMaxScanBytes = 4u << 20;

struct Row {
  std::string key, value;
};

struct Condition {
  enum class Kind : uint8_t { kAbsent = 0, kPresent = 1, kEquals = 2 };
  Kind kind;
  std::string collection, key, value;  // value: kEquals only
};

struct Op {
  enum class Kind : uint8_t { kPut = 0, kErase = 1 };
  Kind kind;
  std::string collection, key, value;
};

struct Batch {
  std::vector<Condition> conditions;
  std::vector<Op> ops;
  bool durable = true;

  Batch& require_absent(std::string collection, std::string key) {
    conditions.push_back({Condition::Kind::kAbsent, std::move(collection), std::move(key), {}});
    return *this;
  }
  Batch& require_present(std::string collection, std::string key) {
    conditions.push_back({Condition::Kind::kPresent, std::move(collection), std::move(key), {}});
    return *this;
  }
  Batch& require_equals(std::string collection, std::string key, std::string value) {
    conditions.push_back({Condition::Kind::kEquals, std::move(collection), std::move(key), std::move(value)});
    return *this;
  }
  Batch& put(std::string collection, std::string key, std::string value) {
    ops.push_back({Op::Kind::kPut, std::move(collection), std::move(key), std::move(value)});
    return *this;
  }
  Batch& erase(std::string collection, std::string key) {
    ops.push_back({Op::Kind::kErase, std::move(collection), std::move(key), {}});
    return *this;
  }

  std::string encode() const;
  static bool decode(std::string_view data, Batch& out);
};

// Rows with from <= key < to (to empty: no upper bound), at most limit, from the low or the high end.
struct Scan {
  std::string collection, from, to;
  uint32_t limit = 100;
  bool reverse = false;

  Scan() = default;
  Scan(std::string in, std::string first, std::string end, uint32_t max_rows = 100,
       bool from_high_end = false)
      : collection(std::move(in)),
        from(std::move(first)),
        to(std::move(end)),
        limit(max_rows),
        reverse(from_high_end) {}

  std::string encode() const;
  static bool decode(std::string_view data, Scan& out);
};

struct ScanRows {
  std::vector<Row> rows;
  bool more = false;  // the limit in rows or bytes cut the answer

  std::string encode() const;
  static bool decode(std::string_view data, ScanRows& out);
};

// Keys are built from parts so that they order as expected: numbers big-endian, strings last or terminated.
std::string key_u64(uint64_t value);
uint64_t u64_of_key(std::string_view key);  // the first 8 bytes; 0 when shorter

// --- implementation ------------------------------------------------------------------------------

inline std::string Batch::encode() const {
  wire::Writer w;
  w.boolean(durable).u64(conditions.size());
  for (const Condition& c : conditions)
    w.u64(static_cast<uint64_t>(c.kind)).str(c.collection).str(c.key).str(c.value);
  w.u64(ops.size());
  for (const Op& o : ops) w.u64(static_cast<uint64_t>(o.kind)).str(o.collection).str(o.key).str(o.value);
  return w.take();
}

inline bool Batch::decode(std::string_view data, Batch& out) {
  wire::Reader r(data);
  out.durable = r.boolean();
  for (uint64_t n = r.count(); n > 0 && r.ok(); --n) {
    const uint64_t kind = r.u64();
    if (kind > 2) return false;
    Condition c{static_cast<Condition::Kind>(kind), std::string(r.str()), {}, {}};
    c.key = r.str();
    c.value = r.str();
    out.conditions.push_back(std::move(c));
  }
  for (uint64_t n = r.count(); n > 0 && r.ok(); --n) {
    const uint64_t kind = r.u64();
    if (kind > 1) return false;
    Op o{static_cast<Op::Kind>(kind), std::string(r.str()), {}, {}};
    o.key = r.str();
    o.value = r.str();
    out.ops.push_back(std::move(o));
  }
  return r.ok();
}

inline std::string Scan::encode() const {
  return wire::Writer().str(collection).str(from).str(to).u64(limit).boolean(reverse).take();
}

inline bool Scan::decode(std::string_view data, Scan& out) {
  wire::Reader r(data);
  out.collection = r.str();
  out.from = r.str();
  out.to = r.str();
  const uint64_t limit = r.u64();
  out.limit = static_cast<uint32_t>(limit < kMaxScanRows ? limit : kMaxScanRows);
  out.reverse = r.boolean();
  return r.ok();
}

inline std::string ScanRows::encode() const {
  wire::Writer w;
  w.boolean(more).u64(rows.size());
  for (const Row& row : rows) w.str(row.key).str(row.value);
  return w.take();
}

inline bool ScanRows::decode(std::string_view data, ScanRows& out) {
  wire::Reader r(data);
  out.more = r.boolean();
  for (uint64_t n = r.count(); n > 0 && r.ok(); --n) {
    Row row{std::string(r.str()), {}};
    row.value = r.str();
    out.rows.push_back(std::move(row));
  }
  return r.ok();
}

inline std::string key_u64(uint64_t value) {
  std::string key(8, '\0');
  for (int i = 7; i >= 0; --i, value >>= 8) key[static_cast<size_t>(i)] = static_cast<char>(value & 0xff);
  return key;
}

inline uint64_t u64_of_key(std::string_view key) {
  if (key.size() < 8) return 0;
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(key[i]);
  return value;
}

}  // namespace lcg::storage
