// SPDX-License-Identifier: Apache-2.0
// What must be known of a slot before its first message: the last id given out, the messages a crash left
// neither confirmed nor cancelled, and the recalls that have not taken everything back. Lane: the instance's.
#pragma once
#include <functional>

#include "ids.h"
#include "lcg/host.hpp"

namespace lcg::message {

// Reads all from the store; `unsettled` is called for each message found trying, `erasing` for each such recall.
Task<lcg_status> read_slot(Host host, uint32_t slot, IdAllocator* ids,
                           std::function<void(uint64_t)> unsettled, std::function<void(uint64_t)> erasing);

}  // namespace lcg::message
