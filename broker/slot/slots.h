// Slots: which lane of this node serves a slot, and under which term the node holds it.
//
// One object a node. The lane of a slot never changes while the process lives (slot mod lanes); a term is
// written by the lease keeper and read by every lane, because a service with a single instance serves keys of
// slots that other lanes own. Hence the one atomic word a slot: terms only grow.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

namespace lcg::broker {

class Slots {
 public:
  // REQUIRES: count and lanes at least 1.
  Slots(uint32_t count, uint32_t lanes)
      : count_(count), lanes_(lanes), terms_(std::make_unique<std::atomic<uint64_t>[]>(count)) {}

  uint32_t count() const { return count_; }
  uint32_t lanes() const { return lanes_; }
  uint32_t lane_of(uint32_t slot) const { return slot % lanes_; }

  // 0: not held. Any lane.
  uint64_t term(uint32_t slot) const { return terms_[slot].load(std::memory_order_acquire); }
  // The lease keeper's lane.
  void set_term(uint32_t slot, uint64_t term) { terms_[slot].store(term, std::memory_order_release); }

 private:
  const uint32_t count_, lanes_;
  std::unique_ptr<std::atomic<uint64_t>[]> terms_;
};

}  // namespace lcg::broker
