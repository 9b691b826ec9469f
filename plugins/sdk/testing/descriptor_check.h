// SPDX-License-Identifier: Apache-2.0
// descriptor_check.h: what must be true of a descriptor before any other code of the plugin runs.
#pragma once
#include <cstdint>
#include <string>

#include "lcg/lcg_plugin.h"

namespace lcg::testing {

// Empty when a host of this major and `host_minor` would accept the plugin, else one sentence that names the
// field, what was found and what was expected. Touches constant data only.
std::string check_descriptor(const lcg_descriptor* descriptor, uint16_t host_minor = LCG_ABI_MINOR);

}  // namespace lcg::testing
