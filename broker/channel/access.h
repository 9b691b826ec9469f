// Who may do what in a channel, and which of a subscriber's wishes are honoured. Pure functions over the
// namespace's options: the decision order of client-protocol 1.12, apart from tokens and plugins, which take
// time.
#pragma once
#include "broker/api/requests.h"
#include "broker/channel/namespace.h"

namespace lcg::broker {

enum class SubscribeDecision {
  kAllow,
  kDeny,                   // 103
  kAskPlugins,             // the chain's LCG_REQ_SUBSCRIBE; all deferred is 103
  kAskPluginsThenOptions,  // all deferred: allowed if the options say so
};

// `plugins_care`: a plugin wants LCG_REQ_SUBSCRIBE. A provided channel is allowed here; its provider decides.
SubscribeDecision decide_subscribe(const ChannelOptions& options, const SubscribeRequest& request,
                                   bool plugins_care);
// The last step of the order: the namespace's own permission.
bool options_allow_subscribe(const ChannelOptions& options, const Peer& peer);

// Of a subscriber that is let in. A recoverable subscription is positioned too.
bool is_recoverable(const ChannelOptions& options, const SubscribeRequest& request);
bool is_positioned(const ChannelOptions& options, const SubscribeRequest& request);
bool pushes_join_leave(const ChannelOptions& options, const SubscribeRequest& request);

}  // namespace lcg::broker
