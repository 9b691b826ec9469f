// Idempotency: what publications with a key came to, so that a publisher who asks again under the same key gets the
// first answer and nothing is published twice. Source: client-protocol 2.
//
// A key is remembered for kIdempotencyWindow within its channel; of more than kMaxIdempotencyKeys on a lane the
// oldest are forgotten first. One lane; no timer, what has expired goes with
// the next uses, a few at a time.
#pragma once
#include <chrono>
#include <deque>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/growing_map.h"
#include "broker/api/types.h"

namespace lcg::broker {

inline constexpr Millis kIdempotencyWindow = std::chrono::minutes(5);
inline constexpr size_t kMaxIdempotencyKeys = 100'000;  // of a lane

class Idempotency {
 public:
  // Null: not known, or not any more. Valid until the next call.
  const StreamPosition* find(MonoTime now, std::string_view channel, std::string_view key);
  // The first answer stays.
  void remember(MonoTime now, std::string_view channel, std::string_view key, StreamPosition position);

  size_t size() const { return known_.size(); }

 private:
  struct Order {
    MonoTime until;
    const std::string* name;  // in known_, whose entries do not move
  };
  struct Known {
    StreamPosition position;
    MonoTime until;
  };
  void forget_expired(MonoTime now);
  void forget_oldest();

  GrowingMap<std::string, Known> known_;  // by name(channel, key)
  std::deque<Order> order_;               // as they came, which is as they expire
};

}  // namespace lcg::broker
