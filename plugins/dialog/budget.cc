// SPDX-License-Identifier: Apache-2.0
#include "budget.h"

#include <algorithm>

namespace lcg::dialog {

uint64_t Budget::pay(const std::string& user, double cost, int64_t now_ns) {
  const auto refilled = [&](const Bucket& b) {
    return std::min(burst_, b.level + rate_ * static_cast<double>(now_ns - b.at_ns) / 1e9);
  };
  if (buckets_.size() >= kMaxUsers)
    std::erase_if(buckets_, [&](const auto& item) { return refilled(item.second) >= burst_; });
  if (buckets_.size() >= kMaxUsers) buckets_.erase(buckets_.begin());
  Bucket& bucket = buckets_.try_emplace(user, Bucket{burst_, now_ns}).first->second;
  const double level = refilled(bucket);
  bucket.at_ns = now_ns;
  bucket.level = level;
  if (level < cost) return static_cast<uint64_t>((cost - level) / rate_ * 1000) + 1;
  bucket.level = level - cost;
  return 0;
}

}  // namespace lcg::dialog
