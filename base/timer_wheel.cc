#include "base/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace lcg {

namespace {
constexpr int64_t kTickNs = 1'000'000;
}

TimerWheel::TimerWheel(MonoTime origin) : origin_(origin) {}

TimerWheel::~TimerWheel() { clear(); }

uint64_t TimerWheel::tick_at_or_before(MonoTime t) const {
  int64_t ns = (t - origin_).count();
  return ns <= 0 ? 0 : static_cast<uint64_t>(ns / kTickNs);
}

uint32_t TimerWheel::allocate() {
  if (free_ == kNone) {
    auto first = static_cast<uint32_t>(chunks_.size() * kChunk);
    chunks_.push_back(std::make_unique<std::array<Node, kChunk>>());
    for (uint32_t i = kChunk; i-- > 0;) {
      node(first + i).next = free_;
      free_ = first + i;
    }
  }
  uint32_t index = free_;
  free_ = node(index).next;
  node(index).used = true;
  ++size_;
  return index;
}

void TimerWheel::release(uint32_t index) {
  Node& n = node(index);
  n.used = false;
  ++n.generation;
  n.next = free_;
  free_ = index;
  --size_;
}

void TimerWheel::link(uint32_t index) {
  Node& n = node(index);
  uint64_t differing = (n.tick ^ position_) | (kSlots - 1);
  unsigned level = (static_cast<unsigned>(std::bit_width(differing)) - 1) / kBits;
  auto slot = static_cast<unsigned>(n.tick >> (level * kBits)) % kSlots;
  n.slot = static_cast<uint16_t>(level * kSlots + slot);
  occupied_[level] |= uint64_t{1} << slot;
  List& list = lists_[n.slot];
  n.prev = list.tail;
  n.next = kNone;
  (list.tail == kNone ? list.head : node(list.tail).next) = index;
  list.tail = index;
}

void TimerWheel::unlink(uint32_t index) {
  Node& n = node(index);
  List& list = lists_[n.slot];
  (n.prev == kNone ? list.head : node(n.prev).next) = n.next;
  (n.next == kNone ? list.tail : node(n.next).prev) = n.prev;
  if (list.head == kNone) occupied_[n.slot / kSlots] &= ~(uint64_t{1} << (n.slot % kSlots));
}

TimerId TimerWheel::start(MonoTime now, Millis delay, LaneTask task) {
  delay = std::clamp(delay, Millis(0), kMaxDelay);
  // Rounded up: never early. The tick that may be firing right now is over for newcomers.
  uint64_t tick = tick_at_or_before(now + delay + Nanos(kTickNs - 1));
  uint32_t index = allocate();
  Node& n = node(index);
  n.tick = std::max(tick, position_ + 1);
  n.task = std::move(task);
  link(index);
  return static_cast<uint64_t>(n.generation) << 32 | (index + 1);
}

void TimerWheel::cancel(TimerId id) {
  auto low = static_cast<uint32_t>(id);
  if (low == 0 || low > chunks_.size() * kChunk) return;
  uint32_t index = low - 1;
  Node& n = node(index);
  if (!n.used || n.generation != static_cast<uint32_t>(id >> 32)) return;
  unlink(index);
  LaneTask dropped = std::move(n.task);  // its destructor may come back here
  release(index);
}

std::optional<TimerWheel::Due> TimerWheel::first_slot() const {
  // Everything on a lower level is earlier than everything on a higher one: they share the position's high
  // bits.
  for (unsigned level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    auto slot = static_cast<unsigned>(std::countr_zero(occupied_[level]));
    uint64_t above = position_ >> (level * kBits) >> kBits;
    return Due{level * kSlots + slot, (above << kBits | slot) << (level * kBits)};
  }
  return std::nullopt;
}

std::optional<MonoTime> TimerWheel::next() const {
  std::optional<Due> due = first_slot();
  if (!due) return std::nullopt;
  return origin_ + Nanos(static_cast<int64_t>(due->tick) * kTickNs);
}

std::optional<LaneTask> TimerWheel::pop_due(MonoTime now) {
  uint64_t now_tick = tick_at_or_before(now);
  while (std::optional<Due> due = first_slot()) {
    if (due->tick > now_tick) break;
    position_ = std::max(position_, due->tick);
    List& list = lists_[due->slot];
    if (due->slot < kSlots) {
      uint32_t index = list.head;
      unlink(index);
      LaneTask task = std::move(node(index).task);
      release(index);
      return task;
    }
    uint32_t index = std::exchange(list.head, kNone);
    list.tail = kNone;
    occupied_[due->slot / kSlots] &= ~(uint64_t{1} << (due->slot % kSlots));
    while (index != kNone) {
      uint32_t following = node(index).next;
      link(index);
      index = following;
    }
  }
  position_ = std::max(position_, now_tick);
  return std::nullopt;
}

void TimerWheel::clear() {
  while (size_ > 0) {
    for (List& list : lists_) {
      while (list.head != kNone) {
        uint32_t index = list.head;
        unlink(index);
        LaneTask dropped = std::move(node(index).task);
        release(index);
      }
    }
  }
}

}  // namespace lcg
