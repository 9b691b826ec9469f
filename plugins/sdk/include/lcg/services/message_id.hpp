// SPDX-License-Identifier: Apache-2.0
// message_id.hpp: what a message id says by itself. Needs nothing else of the SDK.
#pragma once
#include <cstdint>
#include <string>

namespace lcg::message {

// Message ids: 41 bits ms since 2024-01-01 | 12 bits slot of the dialog | 10 bits counter.
inline constexpr uint64_t kIdEpochMs = 1704067200000;
inline constexpr uint32_t slot_of_id(uint64_t id) { return static_cast<uint32_t>(id >> 10 & 0xfff); }
inline constexpr int64_t ms_of_id(uint64_t id) { return static_cast<int64_t>((id >> 22) + kIdEpochMs); }
inline constexpr uint64_t make_id(int64_t unix_ms, uint32_t slot, uint32_t counter) {
  return (static_cast<uint64_t>(unix_ms) - kIdEpochMs) << 22 | static_cast<uint64_t>(slot & 0xfff) << 10 |
         (counter & 0x3ff);
}
// The partition that holds a slot's messages.
inline std::string partition_of_slot(uint32_t slot) { return "@" + std::to_string(slot); }

}  // namespace lcg::message
