#include "broker/channel/idempotency.h"

#include <utility>

namespace lcg::broker {
namespace {

constexpr size_t kExpiredAtATime = 4;  // more than one use adds

// No channel has a control character in its name.
std::string name_of(std::string_view channel, std::string_view key) {
  std::string name;
  name.reserve(channel.size() + 1 + key.size());
  name.append(channel).append(1, '\n').append(key);
  return name;
}

}  // namespace

const StreamPosition* Idempotency::find(MonoTime now, std::string_view channel, std::string_view key) {
  forget_expired(now);
  const auto* known = known_.find(name_of(channel, key));
  return known == nullptr || known->value.until <= now ? nullptr : &known->value.position;
}

void Idempotency::remember(MonoTime now, std::string_view channel, std::string_view key,
                           StreamPosition position) {
  forget_expired(now);
  const auto [known, fresh] = known_.try_emplace(name_of(channel, key));
  if (!fresh && known->value.until > now) return;
  known->value = {std::move(position), now + kIdempotencyWindow};
  order_.push_back({known->value.until, &known->key});
  while (known_.size() > kMaxIdempotencyKeys) forget_oldest();
}

void Idempotency::forget_expired(MonoTime now) {
  for (size_t i = 0; i < kExpiredAtATime && !order_.empty() && order_.front().until <= now; ++i)
    forget_oldest();
}

void Idempotency::forget_oldest() {
  const Order oldest = order_.front();
  order_.pop_front();
  // One that was remembered anew meanwhile stands further behind as well.
  if (known_.find(*oldest.name)->value.until == oldest.until) known_.erase(*oldest.name);
}

}  // namespace lcg::broker
