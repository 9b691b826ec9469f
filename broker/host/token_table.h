// TokenTable: values behind generation-checked handles, so that a plugin holds numbers and never pointers.
//
// A token is (generation << kIndexBits) | index. Opening a slot makes its generation odd; claim() makes it
// even by one compare-and-swap, which exactly one caller wins: the answer, the deadline or the stop. From
// then on every other holder of the token is stale. A generation has 64 - kIndexBits bits: with 16 index bits
// and a million uses of one slot a second it comes round after four years, so a token kept for ever does no
// harm.
//
// Lane: open, close, for_each are the owner lane's. Any thread: claim, and then value() by the winner until
// it has handed the token back to the lane. Slots sit in chunks that live as long as the table.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace lcg::host {

template <class T, unsigned kIndexBits>
class TokenTable {
 public:
  using Token = uint64_t;  // 0 is none
  static constexpr size_t kCapacity = size_t{1} << kIndexBits;

  // Generations begin at `seed`, so that a token taken to another table (the plugin's instance on another
  // lane) is stale there and does not happen to name somebody else's request.
  explicit TokenTable(uint64_t seed) : first_generation_(seed & kGenerations & ~uint64_t{1}) {}
  TokenTable(const TokenTable&) = delete;
  TokenTable& operator=(const TokenTable&) = delete;
  ~TokenTable() {
    for (auto& chunk : chunks_) delete chunk.load(std::memory_order_relaxed);
  }

  // Lane. 0 when kCapacity slots are open. `owner` is whom claim() accepts; nullptr: no plugin.
  Token open(const void* owner) {
    if (free_ == kNone && !grow()) return 0;
    const uint32_t index = free_;
    Slot& s = slot(index);
    free_ = s.next_free;
    ++open_;
    return publish(s, index, owner);
  }

  // Any thread. True for one caller only: it may use value(token) until it closes or reopens the token, or
  // posts that to the lane. False: stale, forged, or of another owner.
  bool claim(Token token, const void* owner) {
    Slot* s = find(token);
    if (s == nullptr || s->owner.load(std::memory_order_relaxed) != owner) return false;
    return swap(*s, token);
  }
  // Lane: for the host's own ends (deadline, stop), whoever the owner is.
  bool claim(Token token) {
    Slot* s = find(token);
    return s != nullptr && swap(*s, token);
  }

  // Lane. True while nobody has claimed it.
  bool is_open(Token token) const {
    const Slot* s = find(token);
    return s != nullptr && s->generation.load(std::memory_order_acquire) == token >> kIndexBits;
  }

  // REQUIRES: issued by this table; claimed by the caller, or open and on the lane.
  T& value(Token token) { return slot(index_of(token)).value; }

  // Lane. A claimed slot becomes open again under a new token and owner, its value untouched.
  Token reopen(Token token, const void* owner) {
    const uint32_t index = index_of(token);
    return publish(slot(index), index, owner);
  }
  // Lane. Ends a claimed token; the value keeps what the caller left in it.
  void close(Token token) {
    const uint32_t index = index_of(token);
    slot(index).next_free = free_;
    free_ = index;
    --open_;
  }

  // Lane. Calls fn(token, value) for every open token; fn may claim and close it, not open others.
  template <class Fn>
  void for_each(Fn&& fn) {
    for (uint32_t index = 0; index < grown_; ++index) {
      Slot& s = slot(index);
      const uint64_t generation = s.generation.load(std::memory_order_acquire);
      if ((generation & 1) != 0) fn(generation << kIndexBits | index, s.value);
    }
  }

  // Lane. Open and claimed ones.
  size_t size() const { return open_; }

 private:
  static constexpr uint32_t kChunk = 128;  // slots
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint64_t kGenerations = UINT64_MAX >> kIndexBits;
  struct Slot {
    std::atomic<uint64_t> generation{0};  // odd: open
    std::atomic<const void*> owner{nullptr};
    uint32_t next_free = kNone;
    T value{};
  };
  using Chunk = std::array<Slot, kChunk>;

  static uint32_t index_of(Token token) { return static_cast<uint32_t>(token & (kCapacity - 1)); }
  Slot& slot(uint32_t index) const {
    return (*chunks_[index / kChunk].load(std::memory_order_acquire))[index % kChunk];
  }
  // Null for what this table cannot have issued.
  Slot* find(Token token) const {
    const uint32_t index = index_of(token);
    if ((token >> kIndexBits & 1) == 0) return nullptr;
    Chunk* chunk = chunks_[index / kChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &(*chunk)[index % kChunk];
  }
  static bool swap(Slot& s, Token token) {
    uint64_t open = token >> kIndexBits;
    return s.generation.compare_exchange_strong(open, open + 1, std::memory_order_acq_rel);
  }
  Token publish(Slot& s, uint32_t index, const void* owner) {
    const uint64_t generation = (s.generation.load(std::memory_order_relaxed) + 1) & kGenerations;
    s.owner.store(owner, std::memory_order_relaxed);
    s.generation.store(generation, std::memory_order_release);
    return generation << kIndexBits | index;
  }
  bool grow() {
    if (grown_ == kCapacity) return false;
    auto chunk = std::make_unique<Chunk>();
    for (uint32_t i = 0; i < kChunk; ++i) {
      (*chunk)[i].generation.store(first_generation_, std::memory_order_relaxed);
      (*chunk)[i].next_free = i + 1 < kChunk ? grown_ + i + 1 : kNone;
    }
    chunks_[grown_ / kChunk].store(chunk.release(), std::memory_order_release);
    free_ = grown_;
    grown_ += kChunk;
    return true;
  }

  const uint64_t first_generation_;
  std::array<std::atomic<Chunk*>, kCapacity / kChunk> chunks_{};
  uint32_t grown_ = 0;  // slots that exist
  uint32_t free_ = kNone;
  size_t open_ = 0;
};

}  // namespace lcg::host
