// SPDX-License-Identifier: Apache-2.0
#include "testing/fake_storage.h"

#include <algorithm>

namespace lcg::testing {

using storage::Batch;
using storage::Condition;
using storage::Op;
using storage::Row;
using storage::Scan;
using storage::ScanRows;

Reply FakeStorage::handle(const ServiceCall& call) {
  if (call.key.empty() || call.key.size() > storage::kMaxKeyBytes)
    return Reply::error(LCG_E_INVALID, "partition must be 1 to 512 bytes");
  if (call.method == "commit") return commit(call);
  if (call.method == "get") return get(call);
  if (call.method == "scan") return scan(call);
  if (call.method == "scrub") return {};  // it has no files
  return Reply::error(LCG_E_UNSUPPORTED, "storage has no method " + call.method);
}

Reply FakeStorage::commit(const ServiceCall& call) {
  Batch batch;
  if (!Batch::decode(call.data, batch)) return Reply::error(LCG_E_INVALID, "malformed batch");
  if (batch.ops.size() > storage::kMaxBatchOps || call.data.size() > storage::kMaxBatchBytes)
    return Reply::error(LCG_E_INVALID, "batch over its limits");
  for (const Op& op : batch.ops)
    if (op.key.empty() || op.key.size() > storage::kMaxKeyBytes || op.value.size() > storage::kMaxValueBytes)
      return Reply::error(LCG_E_INVALID, "key or value over its limit");
  uint64_t& newest_term = term_of_slot_[call.slot];
  if (call.term < newest_term) return Reply::error(LCG_E_FENCED, "a newer term has written");
  if (refuse_writes_) return Reply::error(LCG_E_UNAVAILABLE, "the store refuses writes");
  newest_term = call.term;

  for (const Condition& condition : batch.conditions) {
    const auto value = find(call.key, condition.collection, condition.key);
    const bool holds = condition.kind == Condition::Kind::kAbsent    ? !value.has_value()
                       : condition.kind == Condition::Kind::kPresent ? value.has_value()
                                                                     : value == condition.value;
    if (!holds) return Reply::error(LCG_E_CONFLICT, condition.collection + "/" + condition.key);
  }

  ++commits_;
  since_durable_.push_back({call.key, std::move(batch.ops)});
  apply(live_, since_durable_.back());
  if (batch.durable) {
    ++durable_commits_;
    for (const Applied& applied : since_durable_) apply(durable_, applied);
    since_durable_.clear();
  }
  return {};
}

Reply FakeStorage::get(const ServiceCall& call) const {
  wire::Reader reader(call.data);
  const std::string collection(reader.str());
  const std::string key(reader.str());
  if (!reader.ok()) return Reply::error(LCG_E_INVALID, "malformed get");
  const auto value = find(call.key, collection, key);
  return value ? Reply::with(*value) : Reply::error(LCG_E_NOT_FOUND);
}

Reply FakeStorage::scan(const ServiceCall& call) const {
  Scan scan;
  if (!Scan::decode(call.data, scan)) return Reply::error(LCG_E_INVALID, "malformed scan");
  ScanRows out;
  const auto table = live_.find({scan.collection, call.key});
  if (table == live_.end() || (!scan.to.empty() && scan.to <= scan.from)) return Reply::with(out.encode());
  auto low = table->second.lower_bound(scan.from);
  auto high = scan.to.empty() ? table->second.end() : table->second.lower_bound(scan.to);
  size_t bytes = 0;
  while (low != high && !out.more) {
    const auto row = scan.reverse ? std::prev(high) : low;
    bytes += row->first.size() + row->second.size();
    out.more = out.rows.size() == scan.limit || (bytes > storage::kMaxScanBytes && !out.rows.empty());
    if (out.more) break;
    out.rows.push_back({row->first, row->second});
    if (scan.reverse)
      high = row;
    else
      ++low;
  }
  return Reply::with(out.encode());
}

void FakeStorage::apply(Image& image, const Applied& batch) {
  for (const Op& op : batch.ops) {
    auto& table = image[{op.collection, batch.partition}];
    if (op.kind == Op::Kind::kPut)
      table[op.key] = op.value;
    else
      table.erase(op.key);
  }
}

void FakeStorage::crash(size_t keep_unsynced) {
  const size_t kept = std::min(keep_unsynced, since_durable_.size());
  for (size_t i = 0; i < kept; ++i) apply(durable_, since_durable_[i]);
  since_durable_.clear();
  live_ = durable_;
}

std::optional<std::string> FakeStorage::find(const std::string& partition, const std::string& collection,
                                             const std::string& key) const {
  const auto table = live_.find({collection, partition});
  if (table == live_.end()) return std::nullopt;
  const auto row = table->second.find(key);
  if (row == table->second.end()) return std::nullopt;
  return row->second;
}

std::vector<Row> FakeStorage::rows(const std::string& partition, const std::string& collection) const {
  std::vector<Row> out;
  const auto table = live_.find({collection, partition});
  if (table != live_.end())
    for (const auto& [key, value] : table->second) out.push_back({key, value});
  return out;
}

std::vector<std::string> FakeStorage::partitions(const std::string& collection) const {
  std::vector<std::string> out;
  for (const auto& [name, table] : live_)
    if (name.first == collection && !table.empty()) out.push_back(name.second);
  return out;
}

}  // namespace lcg::testing
