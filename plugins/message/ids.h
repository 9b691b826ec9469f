// SPDX-License-Identifier: Apache-2.0
// IdAllocator: message ids that never decrease within a slot, whatever the clock does.
//
// 41 bits ms since 2024-01-01 | 12 bits slot | 10 bits counter. More than 1,024 ids in one millisecond run
// ahead of the clock; a clock that jumps back stands still until it has caught up. After a restart observe()
// the last id found in the store before the first next(). Lane: the instance's.
#pragma once
#include <cstdint>
#include <unordered_map>

namespace lcg::message {

class IdAllocator {
 public:
  // Later ids of the slot are greater than `id`.
  void observe(uint32_t slot, uint64_t id);
  uint64_t next(uint32_t slot, int64_t unix_ms);
  void forget(uint32_t slot) { last_.erase(slot); }

 private:
  std::unordered_map<uint32_t, uint64_t> last_;
};

}  // namespace lcg::message
