#include "broker/channel/access.h"

namespace lcg::broker {

SubscribeDecision decide_subscribe(const ChannelOptions& options, const SubscribeRequest& request,
                                   bool plugins_care) {
  if (request.server_side) return SubscribeDecision::kAllow;
  const ChannelName name(request.channel);
  if (!request.token.empty()) return SubscribeDecision::kAskPlugins;
  if (name.is_private) return SubscribeDecision::kDeny;
  if (options.provided()) return SubscribeDecision::kAllow;
  if (name.user_limited) {
    const bool allowed = options.allow_user_limited_channels && name.lists(request.peer->user);
    return allowed ? SubscribeDecision::kAllow : SubscribeDecision::kDeny;
  }
  if (plugins_care) return SubscribeDecision::kAskPluginsThenOptions;
  return options_allow_subscribe(options, *request.peer) ? SubscribeDecision::kAllow
                                                         : SubscribeDecision::kDeny;
}

bool options_allow_subscribe(const ChannelOptions& options, const Peer& peer) {
  return options.subscribe.allows(peer, false);
}

bool is_recoverable(const ChannelOptions& options, const SubscribeRequest& request) {
  if (options.provided()) return true;
  if (!options.keeps_history()) return false;
  if (options.force_recovery) return true;
  return request.recoverable &&
         (request.server_side || options.allow_recovery || options.history_read.allows(*request.peer, true));
}

bool is_positioned(const ChannelOptions& options, const SubscribeRequest& request) {
  if (is_recoverable(options, request)) return true;
  if (!options.keeps_history()) return false;
  if (options.force_positioning) return true;
  return request.positioned && (request.server_side || options.allow_positioning ||
                                options.history_read.allows(*request.peer, true));
}

bool pushes_join_leave(const ChannelOptions& options, const SubscribeRequest& request) {
  if (!options.join_leave) return false;
  if (options.force_push_join_leave) return true;
  return request.join_leave && (request.server_side || options.presence_read.allows(*request.peer, true));
}

}  // namespace lcg::broker
