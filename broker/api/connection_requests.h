// What a gateway asks about a connection and of the plugins, and the answers. `Answer` names the answer type.
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

// Authenticates a connection through the plugin chain, registers (user, device) and its epoch.
// Routed to any lane; the broker goes on to the owner of the user's slot itself.
struct ConnectRequest {
  using Answer = struct ConnectResponse;
  std::string session, token, name, version, remote;
  SharedBytes data;  // the client's connect data: the application's, any bytes
  GatewayAddress gateway;
  bool http =
      false;  // a bearer token: no session, but its gateway says SessionClosed when it forgets the answer
  TransportKind transport = TransportKind::kWebSocket;
  Encoding encoding = Encoding::kJson;
  SharedBytes headers{};  // as Peer::headers
  // Those the client names: to recover, or, unidirectional, to subscribe to.
  std::vector<std::string> channels{};
  // On the clock of the gateway's node, 0: not told. When the client asked, which is before or after a disconnect; and
  // when the server took its socket: of two connections of one device the one that was taken later stays.
  MonoTime asked{}, accepted{};
  // As the client's headers say, unchecked; nothing: it sent none. See broker/command/connect_data.h.
  std::optional<std::string> device{}, device_epoch{};
};
struct ConnectResponse : Outcome {
  PeerPtr peer;
  int64_t expire_at_ms = 0;         // 0: never
  bool server_refresh = false;      // the server refreshes, not the client: see RefreshRequest::server
  SharedBytes data;                 // for the connect reply; of a JSON connection one line of JSON
  std::vector<ServerSub> channels;  // server-side subscriptions, before the reply
};

struct RefreshRequest {
  using Answer = struct RefreshResponse;
  PeerPtr peer;
  std::string token;
  // The credentials have ended and the server refreshes them: no token. An answer with error 100 (nobody could
  // be asked) is asked again later.
  bool server = false;
};
struct RefreshResponse : Outcome {
  int64_t expire_at_ms = 0;
  PeerPtr peer;  // null: as before; else it takes the old one's place (new info or meta)
  // The server-side channels of the new token, sorted; set when the token names any. Another set than the
  // session has means 3010 (client-protocol 1.13).
  std::optional<std::vector<std::string>> channels;
};

// Any lane: the plugin chain.
struct RpcRequest {
  using Answer = struct RpcResponse;
  std::string method;
  PeerPtr peer;
  SharedBytes data;
};
struct RpcResponse : Outcome {
  SharedBytes data;
};

// Any lane: an HTTP path that a plugin serves, name "POST /oauth/token".
struct HttpRequest {
  using Answer = struct HttpResponse;
  std::string name, authorization, remote;
  SharedBytes body;
};
struct HttpResponse : Outcome {
  uint32_t status = 200;
  std::string content_type;  // "" is application/json
  SharedBytes body;
};

}  // namespace lcg
