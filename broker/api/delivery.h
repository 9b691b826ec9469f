// What the broker sends to a gateway lane on its own account. At most once; a publication carries its
// position, so a lost one is a gap that the gateway notices.
#pragma once
#include <string>
#include <variant>

#include "base/clock.h"
#include "broker/api/codes.h"
#include "broker/api/grant.h"
#include "broker/api/types.h"

namespace lcg {

// For every session of this gateway lane that is subscribed to channel.
struct DeliverPublication {
  std::string channel;
  PublicationPtr publication;
};
struct DeliverJoinLeave {
  std::string channel;
  ClientInfo info;
  bool joined = true;
};
// For one session, or with session "" for every subscriber here; with channel "" every subscription of the session.
struct DeliverUnsubscribe {
  std::string channel, session;
  uint32_t code = 0;
  std::string reason;
};
// One that the gateway does not have is answered by SessionClosed{peer, again}: its end was told and lost, or is on
// its way.
struct DeliverDisconnect {
  std::string session;
  Disconnect disconnect;
  PeerPtr peer = nullptr;  // of the session
  // 0: at once. Else the client is asked for a sign of life, and the session ends if none comes for so long.
  Millis unless_heard{0};
};

// The server subscribes a session: the gateway asks the channel's slot as for any server-side subscription, and
// tells the client when it stands (client-protocol 1.5 Subscribe). One that is subscribed already is left alone.
struct DeliverSubscribe {
  std::string session, channel;
  SubscribeGrantPtr grant;  // not null
  bool recover = false;
  StreamPosition since;
};
// The server refreshes a session's credentials, or ends them (3005).
struct DeliverRefresh {
  std::string session;
  bool expired = false;
  int64_t expire_at_ms = 0;  // Unix ms, 0 never
  SharedBytes info;          // JSON, "" leaves conn_info as it is
};
// What POST /emulation brought for a session of another lane or node; `secret` is the session's, known to its
// client alone (client-protocol 1.14).
struct DeliverEmulation {
  std::string secret;
  SharedBytes data;  // framed commands in the session's encoding
};

using Delivery = std::variant<DeliverPublication, DeliverJoinLeave, DeliverUnsubscribe, DeliverDisconnect,
                              DeliverSubscribe, DeliverRefresh, DeliverEmulation>;

}  // namespace lcg
