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
bool options_allow_subscribe(const ChannelOptions& options, const ChannelName& name, const Peer& peer);

// What the name itself asks of a client, whatever it wants to do there: of "$private" that it is subscribed, of
// "#users" that its user is listed (allow_user_limited_channels) or that it is subscribed.
bool name_admits(const ChannelOptions& options, const ChannelName& name, const Peer& peer, bool subscribed);

// Every client's command in a channel: the name first, then `permission`, one of the options'.
bool permits(const ChannelOptions& options, const Permission& permission, const ChannelName& name,
             const Peer& peer, bool subscribed);

// What may be different for one subscriber, as whoever authorised the subscription wants it.
struct SubscriberOptions {
  bool presence = false, join_leave = false, force_push_join_leave = false;
  bool force_recovery = false, force_positioning = false;
};
SubscriberOptions subscriber_options(const ChannelOptions& options, const ChannelOverride& override_options);

// Of a subscriber that is let in. A recoverable subscription is positioned too.
bool is_recoverable(const ChannelOptions& options, const SubscriberOptions& own,
                    const SubscribeRequest& request);
bool is_positioned(const ChannelOptions& options, const SubscriberOptions& own,
                   const SubscribeRequest& request);
bool pushes_join_leave(const ChannelOptions& options, const SubscriberOptions& own,
                       const SubscribeRequest& request);
// Deltas and a filter by tags exclude each other: the base of a patch could be one that was filtered out.
bool takes_delta(const ChannelOptions& options, const SubscribeRequest& request);

}  // namespace lcg::broker
