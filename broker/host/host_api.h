// The lcg_host table: C functions that forward to Instance and LaneHost.
#pragma once
#include "broker/host/instance.h"

namespace lcg::host {

// Everything but instance_index, instance_count and slot_count.
lcg_host make_host_table(lcg_host_ctx& context);

}  // namespace lcg::host
