#include "broker/channel/access.h"

namespace lcg::broker {
namespace {

// Positions are told to who asks for them, if the namespace lets everybody, or him, read its history. A subscription that
// the server makes always asks.
bool may_track(const ChannelOptions& options, bool allowed, const SubscribeRequest& request) {
  return allowed || permits(options, options.history_read, ChannelName(request.channel), *request.peer, true);
}

}  // namespace

SubscribeDecision decide_subscribe(const ChannelOptions& options, const SubscribeRequest& request,
                                   bool plugins_care) {
  if (request.server_side) return SubscribeDecision::kAllow;
  const ChannelName name(request.channel);
  if (!request.token.empty()) return SubscribeDecision::kAskPlugins;
  if (name.is_private) return SubscribeDecision::kDeny;
  if (options.provided()) return SubscribeDecision::kAllow;
  if (name.limited_in(options) && (options.allow_user_limited_channels || options.subscribe_route.empty())) {
    const bool admitted = name_admits(options, name, *request.peer, false);
    return admitted ? SubscribeDecision::kAllow : SubscribeDecision::kDeny;
  }
  if (!options.subscribe_route.empty()) return SubscribeDecision::kAskPlugins;
  if (plugins_care) return SubscribeDecision::kAskPluginsThenOptions;
  return options_allow_subscribe(options, name, *request.peer) ? SubscribeDecision::kAllow
                                                               : SubscribeDecision::kDeny;
}

bool options_allow_subscribe(const ChannelOptions& options, const ChannelName& name, const Peer& peer) {
  return permits(options, options.subscribe, name, peer, false);
}

bool name_admits(const ChannelOptions& options, const ChannelName& name, const Peer& peer, bool subscribed) {
  if (subscribed) return true;  // a token, a back end or the server let the session in
  if (name.is_private) return false;
  if (!name.limited_in(options) || options.insecure) return true;
  // Somebody's own channel: where the option is off, nobody but a back end may let anybody in.
  return options.allow_user_limited_channels && name.lists(peer.user);
}

bool permits(const ChannelOptions& options, const Permission& permission, const ChannelName& name,
             const Peer& peer, bool subscribed) {
  if (!name_admits(options, name, peer, subscribed)) return false;
  return options.insecure || permission.allows(peer, subscribed);
}

SubscriberOptions subscriber_options(const ChannelOptions& options, const ChannelOverride& own) {
  return {own.presence.value_or(options.presence), own.join_leave.value_or(options.join_leave),
          own.force_push_join_leave.value_or(options.force_push_join_leave),
          own.force_recovery.value_or(options.force_recovery),
          own.force_positioning.value_or(options.force_positioning)};
}

bool is_recoverable(const ChannelOptions& options, const SubscriberOptions& own,
                    const SubscribeRequest& request) {
  if (options.provided()) return true;
  if (!options.keeps_history()) return false;
  return own.force_recovery || (request.recoverable && may_track(options, options.allow_recovery, request));
}

bool is_positioned(const ChannelOptions& options, const SubscriberOptions& own,
                   const SubscribeRequest& request) {
  if (is_recoverable(options, own, request)) return true;
  if (!options.keeps_history()) return false;
  return own.force_positioning ||
         (request.positioned && may_track(options, options.allow_positioning, request));
}

bool pushes_join_leave(const ChannelOptions& options, const SubscriberOptions& own,
                       const SubscribeRequest& request) {
  if (own.force_push_join_leave) return true;
  if (!request.join_leave || !own.join_leave) return false;
  return request.server_side ||
         permits(options, options.presence_read, ChannelName(request.channel), *request.peer, true);
}

bool takes_delta(const ChannelOptions& options, const SubscribeRequest& request) {
  return request.delta && options.allow_fossil && !request.filtered;
}

}  // namespace lcg::broker
