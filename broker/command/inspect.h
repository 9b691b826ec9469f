// inspect: what an operator sees of one lane: its sessions, channels or slots, one JSON object a row.
#pragma once
#include "base/steps.h"
#include "broker/channel/channel_table.h"
#include "broker/command/lane_context.h"
#include "broker/registry/registry.h"

namespace lcg::broker {

inline constexpr uint32_t kMaxInspectRows = 10'000;  // in one answer of one lane, whatever was asked

// Rows are in no particular order. The filter is a prefix of the user, or of the channel; slots have none. A
// whole user id as the filter means its sessions alone. In steps; all outlive them.
void inspect(const LaneContext& context, const Registry& registry, const ChannelTable& channels,
             Inspect request, Steps& steps, UniqueFunction<void(InspectResponse)> done);

// What the lane holds.
NodeInfoResponse node_info(const Registry& registry, const ChannelCounts& channels);

}  // namespace lcg::broker
