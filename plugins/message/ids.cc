// SPDX-License-Identifier: Apache-2.0
#include "ids.h"

#include <algorithm>

#include "lcg/services/message.hpp"

namespace lcg::message {

void IdAllocator::observe(uint32_t slot, uint64_t id) {
  uint64_t& last = last_[slot];
  last = std::max(last, id);
}

uint64_t IdAllocator::next(uint32_t slot, int64_t unix_ms) {
  uint64_t& last = last_[slot];
  uint64_t id = make_id(std::max(unix_ms, static_cast<int64_t>(kIdEpochMs)), slot, 0);
  if (id <= last) {
    const auto counter = static_cast<uint32_t>(last & 0x3ff);
    id = counter < 0x3ff ? make_id(ms_of_id(last), slot, counter + 1) : make_id(ms_of_id(last) + 1, slot, 0);
  }
  last = id;
  return id;
}

}  // namespace lcg::message
