// SPDX-License-Identifier: Apache-2.0
// Budget: what each user may still do of something that is limited by rate. A bucket for each user, which
// refills with time. Lane: the instance's.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>

namespace lcg::dialog {

class Budget {
 public:
  // `burst` at once, and `per_second` more each second.
  Budget(double per_second, uint64_t burst) : rate_(per_second), burst_(static_cast<double>(burst)) {}
  // 0: paid. Else the milliseconds to wait. What costs more than the burst is never paid.
  uint64_t pay(const std::string& user, double cost, int64_t now_ns);

 private:
  static constexpr size_t kMaxUsers = 65'536;  // full buckets make room first
  struct Bucket {
    double level = 0;
    int64_t at_ns = 0;
  };
  const double rate_, burst_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace lcg::dialog
