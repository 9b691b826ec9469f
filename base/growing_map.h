// GrowingMap: a hash table without pauses, for tables that may come to hold a million entries on a lane.
//
// Linear hashing (Litwin 1980): an insertion that finds the table full splits one bucket, and an erasure that finds
// it three quarters empty joins four. Buckets are in segments of kSegment, so growing copies no more than a list of
// segments. What one operation moves is what is in those buckets, one entry each on average, whatever the table
// holds; std::unordered_map moves all at once: 188 ms at 10^6. An empty table owns no memory.
//
// Entries do not move in memory until they are erased. walk() goes through the table in steps between which it may
// change: the cursor is a place in the order of the reversed hashes, which growing does not change, so an entry that
// is there all the time is seen exactly once. One thread.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/text_hash.h"

namespace lcg {

// `Hash` must spread over all 64 bits; it and `Equal` take whatever keys are looked up with.
template <class Key, class Value, class Hash = TextHash, class Equal = std::equal_to<>>
class GrowingMap {
 public:
  struct Entry {
    const Key key;
    Value value;
  };

  GrowingMap() = default;
  ~GrowingMap() { clear(); }
  GrowingMap(const GrowingMap&) = delete;
  GrowingMap& operator=(const GrowingMap&) = delete;

  // Null: not there.
  template <class K>
  Entry* find(const K& key) const {
    if (size_ == 0) return nullptr;
    const uint64_t hash = Hash()(key);
    Node* node = bucket(index_of(hash));
    while (node != nullptr && !is(*node, hash, key)) node = node->next;
    return node;
  }
  template <class K>
  bool contains(const K& key) const {
    return find(key) != nullptr;
  }

  // The entry of `key`, and whether it is new: made of Key(key) and Value{args...}.
  template <class K, class... Args>
  std::pair<Entry*, bool> try_emplace(K&& key, Args&&... args) {
    if (Entry* known = find(key)) return {known, false};
    grow();
    const uint64_t hash = Hash()(key);
    Node*& head = bucket(index_of(hash));
    head = new Node{{Key(std::forward<K>(key)), Value{std::forward<Args>(args)...}}, hash, head};
    ++size_;
    return {head, true};
  }

  // Its value; nothing when it was not there. The value outlives the entry, so its end may look into the table.
  template <class K>
  std::optional<Value> take(const K& key) {
    if (size_ == 0) return std::nullopt;
    const uint64_t hash = Hash()(key);
    Node** at = &bucket(index_of(hash));
    while (*at != nullptr && !is(**at, hash, key)) at = &(*at)->next;
    if (*at == nullptr) return std::nullopt;
    const std::unique_ptr<Node> gone(*at);
    *at = gone->next;
    --size_;
    shrink();
    return std::move(gone->value);
  }
  template <class K>
  bool erase(const K& key) {
    return take(key).has_value();
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Everything in one go. `visit` must not change the table.
  template <class Fn>
  void for_each(Fn&& visit) const {
    for (size_t i = 0; i < buckets_; ++i)
      for (Node* node = bucket(i); node != nullptr; node = node->next) visit(static_cast<Entry&>(*node));
  }

  // Visits from `cursor` on, 0 for the beginning, until `steps` entries and buckets have been looked at, and to the end
  // of a bucket. Returns the next cursor; 0: that was all. `visit` must not change the table.
  template <class Fn>
  uint64_t walk(uint64_t cursor, size_t steps, Fn&& visit) const {
    if (size_ == 0) return 0;
    for (size_t done = 0; done < steps; ++done) {
      const size_t index = index_of(reversed(cursor));
      for (Node* node = bucket(index); node != nullptr; node = node->next, ++done)
        if (reversed(node->hash) >= cursor) visit(static_cast<Entry&>(*node));
      const bool split = index >= half() || index + half() < buckets_;
      const uint64_t width = uint64_t{1} << (64 - std::countr_zero(half()) - (split ? 1 : 0));
      cursor = (cursor & ~(width - 1)) + width;
      if (cursor == 0) return 0;
    }
    return cursor;
  }

  void clear() {
    for (size_t i = 0; i < buckets_; ++i)
      while (Node* node = bucket(i)) {
        bucket(i) = node->next;
        delete node;
      }
    size_ = 0;
    forget_buckets();
  }

  // Entries that were put into another bucket since the table was made: the cost of its growing.
  uint64_t moved() const { return moved_; }
  size_t buckets() const { return buckets_; }

 private:
  static constexpr size_t kFirst = 4, kSegment = 512;  // buckets
  struct Node : Entry {
    uint64_t hash;
    Node* next;
  };
  using Segment = std::unique_ptr<Node*[]>;

  static uint64_t reversed(uint64_t bits) {
    bits = (bits >> 1 & 0x5555555555555555) | (bits & 0x5555555555555555) << 1;
    bits = (bits >> 2 & 0x3333333333333333) | (bits & 0x3333333333333333) << 2;
    bits = (bits >> 4 & 0x0F0F0F0F0F0F0F0F) | (bits & 0x0F0F0F0F0F0F0F0F) << 4;
    return __builtin_bswap64(bits);
  }
  template <class K>
  static bool is(const Node& node, uint64_t hash, const K& key) {
    return node.hash == hash && Equal()(node.key, key);
  }

  // The power of two at or below the number of buckets: those below buckets_ - half() have been split.
  size_t half() const { return std::bit_floor(buckets_); }
  size_t index_of(uint64_t hash) const {
    const size_t wide = hash & (half() * 2 - 1);
    return wide < buckets_ ? wide : hash & (half() - 1);
  }
  Node*& bucket(size_t index) const { return segments_[index / kSegment][index % kSegment]; }

  // Room for one more entry.
  void grow() {
    if (buckets_ == 0) {
      segments_.push_back(std::make_unique<Node*[]>(kFirst));
      buckets_ = room_ = kFirst;
    }
    if (size_ < buckets_) return;
    if (buckets_ == room_) add_room();
    const size_t added = buckets_++;
    const size_t bit = std::bit_floor(added);
    Node** from = &bucket(added - bit);
    while (Node* node = *from) {
      if ((node->hash & bit) == 0) {
        from = &node->next;
        continue;
      }
      *from = node->next;
      node->next = std::exchange(bucket(added), node);
      ++moved_;
    }
  }

  void add_room() {
    if (room_ >= kSegment) {
      segments_.push_back(std::make_unique<Node*[]>(kSegment));
      room_ += kSegment;
      return;
    }
    Segment bigger = std::make_unique<Node*[]>(room_ * 2);
    std::copy_n(segments_.front().get(), room_, bigger.get());
    segments_.front() = std::move(bigger);
    room_ *= 2;
  }

  void shrink() {
    if (size_ == 0) return forget_buckets();
    for (int joined = 0; joined < 4 && buckets_ > kFirst && size_ < buckets_ / 4; ++joined) {
      const size_t last = --buckets_;
      Node** to = &bucket(last - std::bit_floor(last));
      while (*to != nullptr) to = &(*to)->next;
      *to = std::exchange(bucket(last), nullptr);
      for (Node* node = *to; node != nullptr; node = node->next) ++moved_;
      if (last % kSegment == 0) {  // never the first one: it holds kFirst
        segments_.pop_back();
        room_ -= kSegment;
      }
    }
  }

  void forget_buckets() {
    std::vector<Segment>().swap(segments_);
    buckets_ = room_ = 0;
  }

  std::vector<Segment> segments_;  // kSegment buckets each; one that is alone is smaller
  size_t size_ = 0;
  size_t buckets_ = 0;  // in use, of
  size_t room_ = 0;
  uint64_t moved_ = 0;
};

}  // namespace lcg
