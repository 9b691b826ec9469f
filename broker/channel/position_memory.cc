#include "broker/channel/position_memory.h"

#include <utility>

namespace lcg::broker {
namespace {

constexpr size_t kEpochLetters = 8;
constexpr size_t kExpiredAtATime = 2;  // forgotten by one keep(): more than it adds

size_t shelf_of(std::string_view name) { return text_hash(name) % PositionMemory::kShelves; }

// The finalizer of SplitMix64: a bijection, so that no two lives of one name are the same number.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

PositionMemory::PositionMemory(size_t spaces, size_t limit, Random& random)
    : limit_(limit), random_(random), spaces_(spaces) {}

std::string PositionMemory::epoch_of(std::string_view name) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (secret_ == 0) secret_ = random_.u64() | 1;
  uint64_t number = mix(mix(text_hash(name) ^ secret_) + shelves_[shelf_of(name)]);
  std::string epoch(kEpochLetters, ' ');
  for (char& c : epoch) {
    c = letters[number % letters.size()];
    number /= letters.size();
  }
  return epoch;
}

PastStream PositionMemory::take(MonoTime now, uint32_t space, std::string_view name) {
  Space& in = spaces_[space];
  if (std::optional<Kept> kept = in.streams.take(name)) {
    in.oldest_first.erase(kept->order);
    in.count();
    if (now < kept->until) return std::move(kept->stream);
    ++shelves_[shelf_of(name)];
  }
  PastStream fresh;
  fresh.position.epoch = epoch_of(name);
  return fresh;
}

void PositionMemory::keep(MonoTime now, uint32_t space, std::string_view name, PastStream stream,
                          MonoTime until) {
  Space& in = spaces_[space];
  for (size_t i = 0; i < kExpiredAtATime && !in.oldest_first.empty(); ++i)
    if (in.streams.find(in.oldest_first.front())->value.until <= now) forget_oldest(in);
  const auto [entry, fresh] = in.streams.try_emplace(name);
  if (fresh) entry->value.order = in.oldest_first.insert(in.oldest_first.end(), entry->key);
  entry->value.stream = std::move(stream);
  entry->value.until = until;
  if (in.streams.size() > limit_) forget_oldest(in);
  in.count();
}

void PositionMemory::forget_oldest(Space& space) {
  const std::string_view name = space.oldest_first.front();
  ++shelves_[shelf_of(name)];
  space.streams.erase(name);
  space.oldest_first.pop_front();
}

}  // namespace lcg::broker
