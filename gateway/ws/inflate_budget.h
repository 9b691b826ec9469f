// InflateBudget: how much work one connection's compressed messages may cost beyond the bytes they came in.
//
// A few hundred bytes inflate to a thousand times as much, so what came says nothing of what is to be done. The
// unit is a byte of output; each DEFLATE block counts kDeflateBlockCost more, for its tables. Before the client is
// connected there is a fixed sum (FrameLimits::inflated_before_connect) and kInflatedForAByte, afterwards a bucket
// (inflated_burst, inflated_per_second). Lane: the connection's.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "gateway/ws/limits.h"

namespace lcg::ws {

class InflateBudget {
 public:
  // The most that the next message may cost beyond its own bytes.
  uint32_t room(const FrameLimits& limits, MonoTime now) {
    if (!connected_) return limits.inflated_before_connect - std::min(spent_, limits.inflated_before_connect);
    refill(limits, now);
    return limits.inflated_burst - std::min(spent_, limits.inflated_burst);
  }
  // What each byte of the next message may cost besides.
  uint8_t free_for_a_byte() const { return connected_ ? 0 : uint8_t{kInflatedForAByte}; }
  // A message of `compressed` bytes cost so much. REQUIRES: at most what room() and free_for_a_byte() said.
  void spend(size_t work, size_t compressed) {
    spent_ += static_cast<uint32_t>(work - std::min(work, compressed * free_for_a_byte()));
  }
  void connected(MonoTime now) {
    connected_ = true;
    since_ = now;
  }

 private:
  void refill(const FrameLimits& limits, MonoTime now) {
    const int64_t elapsed_ms = (now - since_).count() / 1'000'000;
    if (elapsed_ms <= 0) return;
    since_ = since_ + Millis(elapsed_ms);
    const uint64_t back =
        static_cast<uint64_t>(std::min<int64_t>(elapsed_ms, 60'000)) * limits.inflated_per_second / 1000;
    spent_ -= static_cast<uint32_t>(std::min<uint64_t>(back, spent_));
  }

  MonoTime since_;
  uint32_t spent_ = 0;
  bool connected_ = false;
};

}  // namespace lcg::ws
