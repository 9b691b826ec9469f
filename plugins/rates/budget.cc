// SPDX-License-Identifier: Apache-2.0
#include "plugins/rates/budget.h"

#include <algorithm>

namespace lcg::rates {

double Budget::refilled(const Bucket& bucket, int64_t now_ns) const {
  return std::min(burst_, bucket.level + rate_ * static_cast<double>(now_ns - bucket.at_ns) / 1e9);
}

uint64_t Budget::wait_for(double missing) const {
  return missing <= 0 ? 0 : static_cast<uint64_t>(missing / rate_ * 1000) + 1;
}

uint64_t Budget::wait_ms(const std::string& user, double cost, int64_t now_ns) const {
  const auto known = index_.find(user);
  return wait_for(cost - (known == index_.end() ? burst_ : refilled(*known->second, now_ns)));
}

Budget::Bucket& Budget::at(const std::string& user, int64_t now_ns) {
  auto known = index_.find(user);
  if (known == index_.end()) {
    if (index_.size() >= kMaxUsers) make_room(now_ns);
    known = index_.emplace(user, buckets_.insert(buckets_.end(), {user, burst_, now_ns})).first;
  }
  buckets_.splice(buckets_.end(), buckets_, known->second);
  Bucket& bucket = *known->second;
  bucket.level = refilled(bucket, now_ns);
  bucket.at_ns = now_ns;
  return bucket;
}

uint64_t Budget::pay(const std::string& user, double cost, int64_t now_ns) {
  Bucket& bucket = at(user, now_ns);
  const uint64_t wait = wait_for(cost - bucket.level);
  if (wait == 0) bucket.level -= cost;
  return wait;
}

// A full bucket says no more than none.
void Budget::make_room(int64_t now_ns) {
  auto fullest = buckets_.begin();
  size_t looks = 0;
  for (auto it = buckets_.begin(); it != buckets_.end() && looks < kLooks; ++it, ++looks)
    if (refilled(*it, now_ns) > refilled(*fullest, now_ns)) fullest = it;
  looks_ += looks;
  index_.erase(fullest->user);
  buckets_.erase(fullest);
}

}  // namespace lcg::rates
