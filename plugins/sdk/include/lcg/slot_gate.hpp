// SPDX-License-Identifier: Apache-2.0
// slot_gate.hpp: reads what must be known of a slot before its first use, once.
//
// For a plugin with state in the store: tell it what on_slot tells you, and await ready(slot) before you
// touch the slot. Slots gained are read in the background, a slot that is needed before is read at once, and
// everybody who needs it waits for the same read. A failed read is tried again. Lane: the instance's.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "lcg/host.hpp"
#include "lcg/sync.hpp"

namespace lcg {

class SlotGate {
 public:
  using Read = std::function<Task<lcg_status>(uint32_t slot)>;

  SlotGate(Host host, Read read) : host_(host), read_(std::move(read)) {}

  void gained(uint32_t slot) {
    lost(slot);
    slots_[slot] = std::make_shared<Slot>();
    cold_.push_back(slot);
    if (warming_) return;
    warming_ = true;
    if (!host_.spawn(warm_up())) warming_ = false;
  }
  void lost(uint32_t slot) {
    const auto it = slots_.find(slot);
    if (it == slots_.end()) return;
    it->second->lost = true;
    it->second->changed.pulse();
    slots_.erase(it);
  }
  // LCG_OK once the slot has been read; LCG_E_BUSY when it could not be, or was lost meanwhile.
  Task<lcg_status> ready(uint32_t slot) {
    std::shared_ptr<Slot>& entry = slots_[slot];
    if (!entry) entry = std::make_shared<Slot>();
    const std::shared_ptr<Slot> mine = entry;
    if (mine->known) co_return LCG_OK;
    if (mine->reading) {
      co_await mine->changed.wait();
      co_return mine->known ? LCG_OK : LCG_E_BUSY;
    }
    mine->reading = true;
    const lcg_status status = co_await read_(slot);
    mine->reading = false;
    mine->known = status == LCG_OK && !mine->lost;
    mine->changed.pulse();
    co_return mine->known ? LCG_OK : LCG_E_BUSY;
  }

 private:
  static constexpr uint32_t kRetryMs = 200;
  struct Slot {
    bool known = false, reading = false, lost = false;
    Event changed;
  };

  Task<> warm_up() {
    co_await host_.yield();
    while (!cold_.empty() && !host_.stopping()) {
      const uint32_t slot = cold_.front();
      lcg_status status = LCG_OK;
      if (slots_.contains(slot)) status = co_await ready(slot);
      if (status == LCG_OK) {
        cold_.pop_front();
      } else {
        co_await host_.sleep(kRetryMs);  // returns at once when stopping
      }
    }
    warming_ = false;
  }

  Host host_;
  const Read read_;
  std::unordered_map<uint32_t, std::shared_ptr<Slot>> slots_;
  std::deque<uint32_t> cold_;  // gained, not read yet
  bool warming_ = false;
};

}  // namespace lcg
