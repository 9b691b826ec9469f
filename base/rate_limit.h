// TokenBucket: so many a second on average, so many at once. 24 bytes; used on one lane.
#pragma once
#include <algorithm>
#include <cmath>

#include "base/clock.h"

namespace lcg {

class TokenBucket {
 public:
  // `rate` tokens a second, up to `burst` (at least 1) together; begins full. Rate 0 or less: no limit.
  TokenBucket(double rate, double burst)
      : rate_(static_cast<float>(rate)), burst_(static_cast<float>(std::max(burst, 1.0))) {}

  // Takes `cost` tokens, or none and returns false. A cost over the burst is never granted.
  [[nodiscard]] bool try_take(MonoTime now, double cost = 1) {
    if (rate_ <= 0) return true;
    drain(now);
    if (used_ + cost > static_cast<double>(burst_) + kRounding) return false;
    used_ += cost;
    return true;
  }

  // Takes `cost` tokens even if they are not there: for what has happened already (bytes read). Later ones
  // wait.
  void take(MonoTime now, double cost) {
    if (rate_ <= 0) return;
    drain(now);
    used_ += cost;
  }

  // How long until try_take(cost) would succeed if nobody takes any; 0 if now. At most an hour is ever named.
  Millis wait(MonoTime now, double cost = 1) {
    if (rate_ <= 0) return Millis(0);
    drain(now);
    double missing = used_ + cost - static_cast<double>(burst_);
    if (missing <= kRounding) return Millis(0);
    double ms = std::ceil(missing * 1000.0 / static_cast<double>(rate_));
    return Millis(static_cast<int64_t>(std::min(ms, 3'600'000.0)));
  }

 private:
  static constexpr double kRounding = 1e-6;  // tokens
  void drain(MonoTime now) {
    double seconds = static_cast<double>((now - last_).count()) * 1e-9;
    if (seconds <= 0) return;
    used_ = std::max(0.0, used_ - seconds * static_cast<double>(rate_));
    last_ = now;
  }

  float rate_;
  float burst_;
  double used_ = 0;
  MonoTime last_;
};

}  // namespace lcg
