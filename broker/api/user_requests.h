// What is asked of the slot that owns a user, and of every lane of a node, and the answers: the session registry,
// the server API (client-protocol 4) and the operator's tool.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "broker/api/grant.h"
#include "broker/api/outcome.h"
#include "broker/api/types.h"

namespace lcg {

// Slot of the user: the connection is gone. Its subscriptions are unsubscribed one by one before this.
struct SessionClosed {
  using Answer = struct SessionClosedResponse;
  PeerPtr peer;
  uint32_t code = 0;
  std::string reason{};  // "": the standard words of the code
  bool again = false;    // the gateway does not have it: this may have been said before
};
struct SessionClosedResponse : Outcome {};

// Slot of the user; the second half of connect. Broker to broker. Of a bearer token of HTTP (peer->http) as well: it is
// bound until SessionClosed, and whatever would close a session is delivered to its gateway.
struct BindSession {
  using Answer = struct BindSessionResponse;
  std::shared_ptr<Peer> peer;  // device_epoch is filled in
  // What the client says its device was issued; 0: nothing, it starts over. Absent: the device keeps what it has.
  std::optional<uint64_t> claimed_epoch;
  std::string client_name, client_version;
  MonoTime asked{}, accepted{};  // as of ConnectRequest
};
struct BindSessionResponse : Outcome {
  uint64_t device_epoch = 0;
};

// Slot of key: one plugin calls another's service (lcg_call), or the server API does, as the caller "api".
struct ServiceCall {
  using Answer = struct ServiceCallResponse;
  std::string service, method, key, data, caller;
  int64_t deadline_ns = 0;
};
struct ServiceCallResponse {
  int32_t status = 0;  // lcg_status
  uint32_t error_code = 0;
  std::string message, data;
};

// Every lane: what the operator's tool lists. Answered as JSON text. Broker to broker.
struct Inspect {
  using Answer = struct InspectResponse;
  enum class What : uint8_t { kSessions, kChannels, kSlots };
  What what;
  std::string filter;  // user or channel prefix
  uint32_t limit = 1000;
};
struct InspectResponse : Outcome {
  std::vector<std::string> rows;  // one JSON object each
  bool more = false;
};

// Slot of the user when user is set, else every lane: closes the sessions that match all non-empty fields, but
// for those of `except`; refuses the connects that were asked for before and are still under way; has bearer tokens
// asked for anew. The answer comes when that is so: whoever has it meets no open session. Error 100: not known to be.
struct DisconnectSessions {
  using Answer = struct DisconnectSessionsResponse;
  std::string session, user, device, auth;
  Disconnect disconnect;
  std::vector<std::string> except{};  // session ids
};
struct DisconnectSessionsResponse : Outcome {
  uint32_t closed = 0;  // sessions
};

// Slot of the channel: ends the subscriptions to it of the sessions that match all non-empty fields; session
// or user is set. One that is still being answered fails with error 100, so that its client asks again.
// Broker to broker.
struct UnsubscribeSessions {
  using Answer = struct UnsubscribeSessionsResponse;
  std::string channel, session, user;
  uint32_t code = 0;  // 2000..2999: client-protocol 1.11
  std::string reason;
};
struct UnsubscribeSessionsResponse : Outcome {
  uint32_t ended = 0;
};

// ---- The server API about users (client-protocol 4). Slot of the user; of its sessions those that match
// `session`, or all when it is "".

struct UserAnswer : Outcome {
  uint32_t sessions = 0;  // that matched
};
struct SubscribeUser {
  using Answer = struct UserAnswer;
  std::string user, session, channel;
  SubscribeGrantPtr grant;  // not null
  bool recover = false;
  StreamPosition since;
};
// Ends every subscription. Of one channel: UnsubscribeSessions.
struct UnsubscribeUser {
  using Answer = struct UserAnswer;
  std::string user, session;
  uint32_t code = 0;  // 2000..2999
  std::string reason;
};
struct RefreshUser {
  using Answer = struct UserAnswer;
  std::string user, session;
  bool expired = false;
  int64_t expire_at_ms = 0;  // Unix ms, 0 never
  SharedBytes info;
};
// No session of the user may begin before `until_ms` (Unix ms, INT64_MAX never); those there are closed. Durable.
// 0 lifts it.
struct BlockUser {
  using Answer = struct UserAnswer;
  std::string user;
  int64_t until_ms = 0;
};

struct UserStatus {
  using Answer = struct UserStatusResponse;
  std::string user;
};
struct UserStatusResponse : Outcome {
  bool online = false;
  int64_t last_seen_ms =
      0;  // Unix ms of the end of the last session, now when online; 0: never seen. Durable
  int64_t blocked_until_ms = 0;
};

struct SessionInfo {
  PeerPtr peer;
  std::string name, version;
  int64_t connected_ms = 0;  // Unix ms
};
struct ListSessions {
  using Answer = struct ListSessionsResponse;
  std::string user;
};
struct ListSessionsResponse : Outcome {
  std::vector<SessionInfo> sessions;
};

// ---- The server API about the node: every lane.

struct ListChannels {
  using Answer = struct ListChannelsResponse;
  std::string pattern;  // '*' any run of characters, '?' one; "" all
  uint32_t limit = 1000;
};
struct ListChannelsResponse : Outcome {
  std::vector<std::pair<std::string, uint32_t>> channels;  // name, sessions in
  bool more = false;
};
struct NodeInfo {
  using Answer = struct NodeInfoResponse;
};
struct NodeInfoResponse {
  uint64_t clients = 0, users = 0, channels = 0, subscriptions = 0;  // of the lane
};

}  // namespace lcg
