// SPDX-License-Identifier: Apache-2.0
// Tail: the last durable entries of a dialog in memory, dense up to its head, bounded by number and by what they weigh.
// Pure. Lane: the instance's.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "entry.h"

namespace lcg::dialog {

class Tail {
 public:
  static constexpr size_t kMaxEntries = 128,
                          kMaxBytes = 64u << 10;  // the last entry stays whatever it weighs

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  size_t bytes() const { return bytes_; }
  // REQUIRES: !empty().
  uint64_t first() const { return entries_.front()->dseq; }
  uint64_t last() const { return entries_.back()->dseq; }
  // nullptr: it is not kept.
  EntryPtr find(uint64_t dseq) const { return has(dseq) ? entries_[index(dseq)] : nullptr; }
  // REQUIRES: first() <= dseq <= last().
  const EntryPtr& at(uint64_t dseq) const { return entries_[index(dseq)]; }

  // REQUIRES: empty(), or its position is behind last().
  void push(EntryPtr entry) {
    bytes_ += weight(*entry);
    entries_.push_back(std::move(entry));
    while (entries_.size() > kMaxEntries || (bytes_ > kMaxBytes && entries_.size() > 1)) {
      bytes_ -= weight(*entries_.front());
      entries_.pop_front();
    }
  }
  // Takes the place of the entry of the same position, where that is kept.
  void replace(EntryPtr entry) {
    if (!has(entry->dseq)) return;
    EntryPtr& kept = entries_[index(entry->dseq)];
    bytes_ += weight(*entry);
    bytes_ -= weight(*kept);
    kept = std::move(entry);
  }

 private:
  static size_t weight(const Entry& e) { return sizeof(Entry) + e.body.size() + e.detail.size() + 64; }
  bool has(uint64_t dseq) const { return !empty() && dseq >= first() && dseq <= last(); }
  size_t index(uint64_t dseq) const { return static_cast<size_t>(dseq - first()); }

  std::deque<EntryPtr> entries_;
  size_t bytes_ = 0;
};

}  // namespace lcg::dialog
