// What a gateway asks of the broker, and the answers. One struct a request; each names its answer.
// The broker part that serves them: broker/broker_lane.h. Over a network bus the same structs are encoded.
#pragma once
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/api/codes.h"
#include "broker/api/types.h"

namespace lcg {

// Every answer begins with these two: at most one of them is set.
struct Outcome {
  Error error;
  Disconnect disconnect;
  bool ok() const { return !error && !disconnect; }
};

// Authenticates a connection through the plugin chain, registers (user, device) and its epoch.
// Routed to any lane; the broker goes on to the owner of the user's slot itself.
struct ConnectRequest {
  std::string session, token, name, version, remote;
  SharedBytes data;  // the client's connect data, JSON; {"device": "...", "epoch": n} names the install
  GatewayAddress gateway;
  bool http = false;  // verify a bearer token only: nothing is registered
};
struct ConnectResponse : Outcome {
  PeerPtr peer;
  int64_t expire_at_ms = 0;           // 0: never
  SharedBytes data;                   // for the connect reply, JSON; carries device and epoch
  std::vector<std::string> channels;  // server-side subscriptions, before the reply
};

struct RefreshRequest {
  PeerPtr peer;
  std::string token;
};
struct RefreshResponse : Outcome {
  int64_t expire_at_ms = 0;
};

// Slot of the channel. After an ok answer the gateway receives the channel's deliveries until it unsubscribes
// the same session. Deliveries may reach the gateway before the answer: it holds them and merges by offset.
struct SubscribeRequest {
  std::string channel;
  PeerPtr peer;
  std::string token;
  SharedBytes data;
  bool recover = false, positioned = false, recoverable = false, join_leave = false, server_side = false;
  StreamPosition since{};  // recover only; epoch "" matches any
};
struct SubscribeResponse : Outcome {
  bool recoverable = false, positioned = false, recovered = false, was_recovering = false,
       push_join_leave = false;
  StreamPosition position;  // stream head; when recovered: the position asked for
  std::vector<PublicationPtr> publications;
  SharedBytes data;
  int64_t expire_at_ms = 0;
};

struct UnsubscribeRequest {
  std::string channel;
  PeerPtr peer;
};
struct UnsubscribeResponse : Outcome {};

struct PublishRequest {
  std::string channel;
  PeerPtr peer;
  SharedBytes data;  // valid JSON without raw newlines
};
struct PublishResponse : Outcome {
  StreamPosition position;
};

struct HistoryRequest {
  std::string channel;
  PeerPtr peer;
  bool has_since = false, reverse = false;
  StreamPosition since{};
  int32_t limit = 0;  // 0: position only; < 0: as many as allowed
};
struct HistoryResponse : Outcome {
  StreamPosition position;
  std::vector<PublicationPtr> publications;
};

struct PresenceRequest {
  std::string channel;
  PeerPtr peer;
  bool stats_only = false;
};
struct PresenceResponse : Outcome {
  std::vector<ClientInfo> clients;  // empty with stats_only
  uint32_t num_clients = 0, num_users = 0;
};

// Any lane: the plugin chain.
struct RpcRequest {
  std::string method;
  PeerPtr peer;
  SharedBytes data;
};
struct RpcResponse : Outcome {
  SharedBytes data;
};

// Any lane: an HTTP path that a plugin serves, name "POST /oauth/token".
struct HttpRequest {
  std::string name, authorization, remote;
  SharedBytes body;
};
struct HttpResponse : Outcome {
  uint32_t status = 200;
  std::string content_type;  // "" is application/json
  SharedBytes body;
};

// Slot of the user: the connection is gone. Its subscriptions are unsubscribed one by one before this.
struct SessionClosed {
  PeerPtr peer;
  uint32_t code = 0;
};
struct SessionClosedResponse : Outcome {};

// Slot of the user; the second half of connect. Broker to broker.
struct BindSession {
  std::shared_ptr<Peer> peer;  // device_epoch is filled in
  uint64_t claimed_epoch = 0;  // what the client says it was issued; 0: none
  std::string client_name, client_version;
};
struct BindSessionResponse : Outcome {
  uint64_t device_epoch = 0;
};

// Slot of key: one plugin calls another's service (lcg_call). Broker to broker.
struct ServiceCall {
  std::string service, method, key, data, caller;
  int64_t deadline_ns = 0;
};
struct ServiceCallResponse {
  int32_t status = 0;  // lcg_status
  uint32_t error_code = 0;
  std::string message, data;
};

// Slot of the channel: a plugin publishes (lcg_publication). Broker to broker.
struct ServerPublish {
  std::string channel;
  Publication publication;  // positioned: offset and epoch are the provider's
  bool positioned = false, no_history = false;
};

// Every lane: what the operator's tool lists. Answered as JSON text. Broker to broker.
struct Inspect {
  enum class What : uint8_t { kSessions, kChannels, kSlots };
  What what;
  std::string filter;  // user or channel prefix
  uint32_t limit = 1000;
};
struct InspectResponse {
  std::vector<std::string> rows;  // one JSON object each
  bool more = false;
};

// Slot of the user when user is set, else every lane: closes the sessions that match all non-empty fields.
struct DisconnectSessions {
  std::string session, user, device, auth;
  Disconnect disconnect;
};
struct DisconnectSessionsResponse {
  uint32_t closed = 0;
};

// Slot of the channel: ends the subscriptions to it of the sessions that match all non-empty fields; session
// or user is set. One that is still being answered fails with error 100, so that its client asks again.
// Broker to broker.
struct UnsubscribeSessions {
  std::string channel, session, user;
  uint32_t code = 0;  // 2000..2999: client-protocol 1.11
  std::string reason;
};
struct UnsubscribeSessionsResponse : Outcome {
  uint32_t ended = 0;
};

using Request =
    std::variant<ConnectRequest, RefreshRequest, SubscribeRequest, UnsubscribeRequest, PublishRequest,
                 HistoryRequest, PresenceRequest, RpcRequest, HttpRequest, SessionClosed, BindSession,
                 ServiceCall, ServerPublish, Inspect, DisconnectSessions, UnsubscribeSessions>;
using Response =
    std::variant<Outcome, ConnectResponse, RefreshResponse, SubscribeResponse, UnsubscribeResponse,
                 PublishResponse, HistoryResponse, PresenceResponse, RpcResponse, HttpResponse,
                 SessionClosedResponse, BindSessionResponse, ServiceCallResponse, InspectResponse,
                 DisconnectSessionsResponse, UnsubscribeSessionsResponse>;

// The answer type of a request, so that a caller cannot mix them up.
template <class R>
struct ResponseOf;
template <>
struct ResponseOf<ConnectRequest> {
  using type = ConnectResponse;
};
template <>
struct ResponseOf<RefreshRequest> {
  using type = RefreshResponse;
};
template <>
struct ResponseOf<SubscribeRequest> {
  using type = SubscribeResponse;
};
template <>
struct ResponseOf<UnsubscribeRequest> {
  using type = UnsubscribeResponse;
};
template <>
struct ResponseOf<PublishRequest> {
  using type = PublishResponse;
};
template <>
struct ResponseOf<HistoryRequest> {
  using type = HistoryResponse;
};
template <>
struct ResponseOf<PresenceRequest> {
  using type = PresenceResponse;
};
template <>
struct ResponseOf<RpcRequest> {
  using type = RpcResponse;
};
template <>
struct ResponseOf<HttpRequest> {
  using type = HttpResponse;
};
template <>
struct ResponseOf<SessionClosed> {
  using type = SessionClosedResponse;
};
template <>
struct ResponseOf<BindSession> {
  using type = BindSessionResponse;
};
template <>
struct ResponseOf<ServiceCall> {
  using type = ServiceCallResponse;
};
template <>
struct ResponseOf<ServerPublish> {
  using type = PublishResponse;
};
template <>
struct ResponseOf<Inspect> {
  using type = InspectResponse;
};
template <>
struct ResponseOf<DisconnectSessions> {
  using type = DisconnectSessionsResponse;
};
template <>
struct ResponseOf<UnsubscribeSessions> {
  using type = UnsubscribeSessionsResponse;
};

}  // namespace lcg
