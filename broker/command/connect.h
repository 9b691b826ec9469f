// connect: authenticate through the plugins, then bind (user, device) at the owner of the user's slot. Also
// refresh. Source: client-protocol 1.7. Lane: the one that got the request; `done` once, there.
#pragma once
#include "broker/command/lane_context.h"

namespace lcg::broker {

using ConnectFn = UniqueFunction<void(ConnectResponse)>;
using RefreshFn = UniqueFunction<void(RefreshResponse)>;

// Nobody takes the request: with a token 3500, without one anonymous if the configuration allows it, else
// 3501. A plugin that denies without a code of its own means 3500. With request.http nothing is registered.
void connect(LaneContext& context, ConnectRequest request, ConnectFn done);

// An empty token is 3501, an expired one 3005, one of another user or of nobody's 3500.
void refresh(LaneContext& context, RefreshRequest request, RefreshFn done);

}  // namespace lcg::broker
