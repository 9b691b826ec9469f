#include "tests/integration/simulation/sim_store.h"

#include <algorithm>
#include <iterator>

namespace lcg::sim {

using storage::Condition;
using storage::Op;

SimStore::Answer SimStore::serve(const Request& request) {
  if (request.method == "commit") return commit(request);
  if (request.method == "scan") return scan(request);
  wire::Reader reader(request.data);
  const std::string collection(reader.str()), key(reader.str());
  if (request.method != "get" || !reader.ok()) return {LCG_E_INVALID, {}};
  const std::string* value = find(request.partition, collection, key);
  return value != nullptr ? Answer{LCG_OK, *value} : Answer{LCG_E_NOT_FOUND, {}};
}

SimStore::Answer SimStore::commit(const Request& request) {
  storage::Batch batch;
  if (!storage::Batch::decode(request.data, batch)) return {LCG_E_INVALID, {}};
  uint64_t& newest_term = term_of_slot_[request.slot];
  if (request.term < newest_term) return {LCG_E_FENCED, {}};
  if (refuse_writes_) return {LCG_E_UNAVAILABLE, {}};
  newest_term = request.term;
  for (const Condition& condition : batch.conditions) {
    const std::string* value = find(request.partition, condition.collection, condition.key);
    const bool holds = condition.kind == Condition::Kind::kAbsent ? value == nullptr
                       : condition.kind == Condition::Kind::kPresent
                           ? value != nullptr
                           : value != nullptr && *value == condition.value;
    if (!holds) return {LCG_E_CONFLICT, {}};
  }
  since_stable_.push_back({request.partition, std::move(batch.ops)});
  apply(live_, since_stable_.back());
  if (batch.durable && !lies_) {
    for (const Batch& applied : since_stable_) apply(stable_, applied);
    since_stable_.clear();
  }
  return {};
}

SimStore::Answer SimStore::scan(const Request& request) const {
  storage::Scan scan;
  if (!storage::Scan::decode(request.data, scan)) return {LCG_E_INVALID, {}};
  storage::ScanRows out;
  const auto table = live_.find({scan.collection, request.partition});
  if (table != live_.end() && (scan.to.empty() || scan.from < scan.to)) {
    auto low = table->second.lower_bound(scan.from);
    auto high = scan.to.empty() ? table->second.end() : table->second.lower_bound(scan.to);
    while (low != high) {
      if (out.rows.size() == scan.limit) {
        out.more = true;
        break;
      }
      const auto row = scan.reverse ? std::prev(high) : low;
      out.rows.push_back({row->first, row->second});
      scan.reverse ? high = row : ++low;
    }
  }
  return {LCG_OK, out.encode()};
}

const std::string* SimStore::find(const std::string& partition, const std::string& collection,
                                  const std::string& key) const {
  const auto table = live_.find({collection, partition});
  if (table == live_.end()) return nullptr;
  const auto row = table->second.find(key);
  return row == table->second.end() ? nullptr : &row->second;
}

void SimStore::apply(Image& image, const Batch& batch) {
  for (const Op& op : batch.ops) {
    Table& table = image[{op.collection, batch.partition}];
    if (op.kind == Op::Kind::kPut)
      table[op.key] = op.value;
    else
      table.erase(op.key);
  }
}

void SimStore::crash(size_t keep) {
  keep = std::min(keep, since_stable_.size());
  for (size_t i = 0; i < keep; ++i) apply(stable_, since_stable_[i]);
  since_stable_.clear();
  live_ = stable_;
}

std::vector<std::pair<std::string, std::string>> SimStore::keys(const std::string& collection) const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [name, table] : live_) {
    if (name.first != collection) continue;
    for (const auto& [key, value] : table) out.emplace_back(name.second, key);
  }
  return out;
}

}  // namespace lcg::sim
