// rpc and HTTP: answered by the plugins, whole. `done` once, on the same lane.
#pragma once
#include "broker/command/lane_context.h"

namespace lcg::broker {

// No plugin wants rpc: 108. None of them takes the method: 104.
void rpc(LaneContext& context, RpcRequest request, UniqueFunction<void(RpcResponse)> done);
// Nobody serves the path: 404. A refusal without a body gets {"message": "..."}.
void http(LaneContext& context, HttpRequest request, UniqueFunction<void(HttpResponse)> done);

}  // namespace lcg::broker
