// connect: authenticate through the plugins, then bind (user, device) at the owner of the user's slot. Source:
// client-protocol 1.7. Lane: the one that got the request; `done` once, there.
#pragma once
#include <optional>
#include <vector>

#include "broker/command/lane_context.h"

namespace lcg::broker {

using ConnectFn = UniqueFunction<void(ConnectResponse)>;

// Nobody takes the request: with a token 3500, without one anonymous if the configuration allows it, else
// 3501. A plugin that denies without a code of its own means 3500; a token without a user, where the configuration
// wants one, 3507. With request.http the peer is bound and is no session.
void connect(LaneContext& context, ConnectRequest request, ConnectFn done);

// The server-side subscriptions of an answer to connect or refresh: those of its options with their grants, then the
// bare ones, then the user's personal channel. No channel twice. Nothing: the options are not what docs/plugins.md
// says (logged).
std::optional<std::vector<ServerSub>> server_subs(const LaneContext& context, const host::ChainResult& who,
                                                  const std::string& user);

}  // namespace lcg::broker
