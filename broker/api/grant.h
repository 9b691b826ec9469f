// SubscribeGrant: what whoever authorised a subscription (a token, a plugin, the server API) says of it.
// Immutable once made. Source: client-protocol 1.13 `subs`, 3 subscribe, 4 subscribe.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace lcg {

// Takes the place of the namespace's option of the same name, where given.
struct ChannelOverride {
  std::optional<bool> presence, join_leave, force_push_join_leave, force_recovery, force_positioning;
  friend bool operator==(const ChannelOverride&, const ChannelOverride&) = default;
};

struct SubscribeGrant {
  SharedBytes info;          // JSON: chan_info
  SharedBytes data;          // JSON: for the subscribe reply
  int64_t expire_at_ms = 0;  // Unix ms, 0 never
  // The server, not the client, refreshes it: the chain's LCG_REQ_SUB_REFRESH when it ends.
  bool server_refresh = false;
  bool cache_recover = false;  // send the latest publication with the answer
  ChannelOverride override_options;
};
using SubscribeGrantPtr = std::shared_ptr<const SubscribeGrant>;

// One server-side subscription of a connection.
struct ServerSub {
  std::string channel;
  SubscribeGrantPtr grant = nullptr;  // null: nothing special
};

}  // namespace lcg
