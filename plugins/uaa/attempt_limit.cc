// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/attempt_limit.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace lcg::uaa {
namespace {

constexpr double kRounding = 1e-6;  // of refills in many small steps

}  // namespace

AttemptLimit::Bucket& AttemptLimit::bucket(std::string_view key, int64_t now_ns) {
  static_assert(crypto_shorthash_BYTES == sizeof(uint64_t) && crypto_shorthash_KEYBYTES == sizeof(Secret));
  unsigned char digest[crypto_shorthash_BYTES];
  crypto_shorthash(digest, reinterpret_cast<const unsigned char*>(key.data()), key.size(), secret_.data());
  uint64_t hash = 0;
  std::memcpy(&hash, digest, sizeof hash);

  auto it = young_.find(hash);
  if (it == young_.end()) {
    if (young_.size() == max_keys_) {
      old_ = std::move(young_);
      young_.clear();
    }
    const auto before = old_.find(hash);
    it = young_.emplace(hash, before == old_.end() ? Bucket{rule_.burst, now_ns} : before->second).first;
  }
  Bucket& found = it->second;
  const double minutes = static_cast<double>(std::max<int64_t>(0, now_ns - found.at_ns)) / 60e9;
  found.tokens = std::min(rule_.burst, found.tokens + minutes * rule_.per_minute);
  found.at_ns = now_ns;
  return found;
}

bool AttemptLimit::take(std::string_view key, int64_t now_ns) {
  if (rule_.burst <= 0) return true;
  Bucket& found = bucket(key, now_ns);
  if (found.tokens < 1 - kRounding) return false;
  found.tokens -= 1;
  return true;
}

void AttemptLimit::refund(std::string_view key, int64_t now_ns) {
  if (rule_.burst <= 0) return;
  Bucket& found = bucket(key, now_ns);
  found.tokens = std::min(rule_.burst, found.tokens + 1);
}

}  // namespace lcg::uaa
