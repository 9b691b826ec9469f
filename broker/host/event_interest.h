// EventInterest: which plugins want which events, and to be asked before a commit. Written once by each instance's create, on its lane; read on every
// lane, by which time all plugins have been created. Any thread.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "broker/host/limits.h"
#include "lcg/ext/events.h"

namespace lcg::host {

class EventInterest {
 public:
  // Stands where LCG_EVENT_* has none: asked before a commit (lcg/ext/before_commit.h).
  static constexpr uint32_t kCommits = 0;

  void add(uint32_t plugin, uint32_t mask) {
    by_plugin_[plugin].fetch_or(mask, std::memory_order_relaxed);
    all_.fetch_or(mask, std::memory_order_release);
  }
  bool any(uint32_t kind) const { return has(all_, kind); }
  bool of(uint32_t plugin, uint32_t kind) const { return has(by_plugin_[plugin], kind); }

 private:
  static bool has(const std::atomic<uint32_t>& mask, uint32_t kind) {
    return kind < 32 && (mask.load(std::memory_order_acquire) >> kind & 1) != 0;
  }
  std::array<std::atomic<uint32_t>, kMaxPlugins> by_plugin_{};
  std::atomic<uint32_t> all_{0};
};

}  // namespace lcg::host
