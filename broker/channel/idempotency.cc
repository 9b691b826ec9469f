#include "broker/channel/idempotency.h"

namespace lcg::broker {
namespace {

// No channel has a control character in its name.
std::string name_of(std::string_view channel, std::string_view key) {
  std::string name;
  name.reserve(channel.size() + 1 + key.size());
  name.append(channel).append(1, '\n').append(key);
  return name;
}

}  // namespace

const StreamPosition* Idempotency::find(MonoTime now, std::string_view channel, std::string_view key) {
  forget_until(now);
  const auto known = known_.find(name_of(channel, key));
  return known == known_.end() ? nullptr : &known->second;
}

void Idempotency::remember(MonoTime now, std::string_view channel, std::string_view key,
                           StreamPosition position) {
  forget_until(now);
  const auto [known, fresh] = known_.try_emplace(name_of(channel, key), std::move(position));
  if (!fresh) return;
  order_.push_back({now + kIdempotencyWindow, &known->first});
  if (known_.size() > kMaxIdempotencyKeys) forget_oldest();
}

void Idempotency::forget_until(MonoTime now) {
  while (!order_.empty() && order_.front().until <= now) forget_oldest();
}

void Idempotency::forget_oldest() {
  known_.erase(known_.find(*order_.front().name));
  order_.pop_front();
}

}  // namespace lcg::broker
