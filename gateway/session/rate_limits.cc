#include "gateway/session/rate_limits.h"

#include <algorithm>
#include <utility>

namespace lcg::gateway {

Gcra::Gcra(const RateLimit& limit) {
  if (limit.per_second <= 0) return;
  interval_ns_ = std::max<int64_t>(static_cast<int64_t>(1e9 / limit.per_second), 1);
  slack_ns_ = static_cast<int64_t>((std::max(limit.burst, 1.0) - 1) * static_cast<double>(interval_ns_));
}

std::optional<int64_t> Gcra::next(int64_t empty_at, MonoTime now) const {
  const int64_t from = std::max(empty_at, now.ns);
  if (from - now.ns > slack_ns_) return std::nullopt;
  return from + interval_ns_;
}

bool Gcra::take(int64_t& empty_at, MonoTime now) const {
  if (interval_ns_ == 0) return true;
  const std::optional<int64_t> then = next(empty_at, now);
  if (then) empty_at = *then;
  return then.has_value();
}

bool Gcra::take(std::atomic<int64_t>& empty_at, MonoTime now) const {
  if (interval_ns_ == 0) return true;
  int64_t seen = empty_at.load(std::memory_order_relaxed);
  for (;;) {
    const std::optional<int64_t> then = next(seen, now);
    if (!then) return false;
    if (empty_at.compare_exchange_weak(seen, *then, std::memory_order_relaxed)) return true;
  }
}

void Gcra::charge(int64_t& empty_at, MonoTime now, size_t units) const {
  empty_at = std::max(empty_at, now.ns) + interval_ns_ * static_cast<int64_t>(units);
}

std::string_view operation_name(protocol::Method method) {
  static constexpr std::array<std::string_view, kMethods> kNames = {
      "",        "connect", "",     "subscribe", "unsubscribe", "publish", "presence", "presence_stats",
      "history", "rpc",     "send", "refresh",   "sub_refresh"};
  return kNames[static_cast<size_t>(method)];
}

RateRules::RateRules(const RateTable& table) {
  const bool any =
      table.all.per_second > 0 || std::any_of(table.operations.begin(), table.operations.end(),
                                              [](const RateLimit& limit) { return limit.per_second > 0; });
  if (!any) return;
  buckets_.emplace_back(table.all);
  for (size_t i = 0; i < kMethods; ++i) {
    if (table.operations[i].per_second <= 0) continue;
    of_method_[i] = static_cast<uint8_t>(buckets_.size());
    buckets_.emplace_back(table.operations[i]);
  }
}

SharedNumbersPtr SharedRates::user(std::string_view id, MonoTime now) {
  if (user_rules_.numbers() == 0 || id.empty()) return nullptr;
  return find(users_, id, user_rules_.numbers(), now);
}

SharedNumbersPtr SharedRates::address(const ClientAddress& remote, MonoTime now) {
  if (address_rules_.numbers() == 0) return nullptr;
  return find(addresses_, std::to_string(remote.key()), address_rules_.numbers(), now);
}

void SharedRates::sweep(Shard& shard, MonoTime now) {
  std::vector<std::string_view> drained;
  shard.swept = shard.numbers.walk(shard.swept, kSwept, [&](const auto& entry) {
    const SharedNumbers& all = *entry.value;
    const bool empty = std::all_of(all.begin(), all.end(), [now](const auto& empty_at) {
      return empty_at.load(std::memory_order_relaxed) <= now.ns;
    });
    if (entry.value.use_count() == 1 && empty) drained.push_back(entry.key);
  });
  for (const std::string_view key : drained) shard.numbers.erase(key);
}

// A table uses the low bits of the hash, so the shard is of the high ones.
SharedNumbersPtr SharedRates::find(Shards& shards, std::string_view key, size_t numbers, MonoTime now) {
  static_assert(std::tuple_size_v<Shards> == 16);
  Shard& shard = shards[text_hash(key) >> 60];
  const std::lock_guard<std::mutex> lock(shard.mutex);
  if (const auto* known = shard.numbers.find(key)) return known->value;
  sweep(shard, now);
  return shard.numbers.try_emplace(key, std::make_shared<SharedNumbers>(numbers)).first->value;
}

}  // namespace lcg::gateway
