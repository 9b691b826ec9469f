// SPDX-License-Identifier: Apache-2.0
// Budget: what each user may still do of something that is limited by rate. A bucket for each user, which
// refills with time. Lane: the instance's.
#pragma once
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

namespace lcg::rates {

class Budget {
 public:
  static constexpr size_t kMaxUsers =
      65'536;  // buckets; of kLooks that were not used for longest, the fullest goes
  static constexpr size_t kLooks = 8;

  // `burst` at once, and `per_second` more each second.
  Budget(double per_second, uint64_t burst) : rate_(per_second), burst_(static_cast<double>(burst)) {}
  // 0: paid. Else the milliseconds to wait, and nothing is paid. What costs more than the burst is never paid.
  uint64_t pay(const std::string& user, double cost, int64_t now_ns);
  // Takes it also when it is not there: until it has come back nothing can be paid.
  void owe(const std::string& user, double cost, int64_t now_ns) { at(user, now_ns).level -= cost; }
  // What pay() would say.
  uint64_t wait_ms(const std::string& user, double cost, int64_t now_ns) const;

  size_t users() const { return index_.size(); }
  uint64_t looks() const { return looks_; }  // at buckets of others, since the beginning

 private:
  struct Bucket {
    std::string user;
    double level = 0;
    int64_t at_ns = 0;
  };
  using Buckets = std::list<Bucket>;
  double refilled(const Bucket& bucket, int64_t now_ns) const;
  uint64_t wait_for(double missing) const;
  Bucket& at(const std::string& user, int64_t now_ns);
  void make_room(int64_t now_ns);

  const double rate_, burst_;
  Buckets buckets_;  // used last, last
  std::unordered_map<std::string, Buckets::iterator> index_;
  uint64_t looks_ = 0;
};

}  // namespace lcg::rates
