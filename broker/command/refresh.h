// refresh: the credentials of a connection end, and the client's new token or the server extends them. Source:
// client-protocol 1.9, 1.13 and 3. Lane: the one that got the request; `done` once, there.
#pragma once
#include "broker/command/lane_context.h"

namespace lcg::broker {

using RefreshFn = UniqueFunction<void(RefreshResponse)>;

// By the client: an empty token is 3501, an expired one 3005, one of another user or of nobody's 3500, one that no
// plugin could look at error 100.
// By the server: 3005 when a plugin says so, or none wants to answer; error 100 when one could not.
void refresh(LaneContext& context, RefreshRequest request, RefreshFn done);

}  // namespace lcg::broker
