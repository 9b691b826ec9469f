// SPDX-License-Identifier: Apache-2.0
// attempt_limit: how often somebody may try. A token bucket for each key, in bounded memory.
//
// Two generations of buckets: when the young one is full it becomes the old one and what was old is
// forgotten, so a bucket in use is never lost while fewer than `max_keys` others are tried. Keys are hashed
// with a secret, so that nobody can choose keys that collide. Lane: the instance's.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace lcg::uaa {

class AttemptLimit {
 public:
  struct Rule {
    double burst = 10;       // attempts at once; 0: no limit
    double per_minute = 10;  // refill
  };
  using Secret = std::array<unsigned char, 16>;

  AttemptLimit(Rule rule, Secret secret, size_t max_keys = 1u << 16)
      : rule_(rule), secret_(secret), max_keys_(max_keys) {}

  // Takes one attempt of `key`. False: none is left.
  bool take(std::string_view key, int64_t now_ns);
  // Gives it back: the attempt was not of the kind that counts.
  void refund(std::string_view key, int64_t now_ns);

 private:
  struct Bucket {
    double tokens;
    int64_t at_ns;
  };
  Bucket& bucket(std::string_view key, int64_t now_ns);

  const Rule rule_;
  const Secret secret_;
  const size_t max_keys_;
  std::unordered_map<uint64_t, Bucket> young_, old_;
};

}  // namespace lcg::uaa
