// WebSocketEndpoint: what the application puts behind a path that upgrades to WebSocket.
#pragma once
#include <optional>
#include <string>

#include "base/clock.h"
#include "gateway/net/http_message.h"
#include "gateway/ws/transport.h"

namespace lcg::net {

struct WebSocketRequest {
  HttpRequest http;         // the upgrade request: headers, query, address
  std::string subprotocol;  // one of UpgradePolicy::subprotocols, or "" when the client offered none of them
  bool protobuf = false;    // the encoding asked for, by subprotocol or by ?format=protobuf
  uint8_t deflate = 0;      // permessage-deflate is agreed, with so many bits of window; 0: it is not
  MonoTime taken{};         // before the client was told
};

// Lane: the connection's, always. Must outlive the HttpService.
class WebSocketEndpoint {
 public:
  // Asked when the request is in order and before it is answered: a response refuses it (overload, shutdown).
  virtual std::optional<HttpResponse> admit(const WebSocketRequest& request) {
    static_cast<void>(request);
    return std::nullopt;
  }

  // The upgrade is answered: makes the handler of the connection (ws/transport.h says who lives how long).
  // Not null. It may send at once; on_message() comes after this has returned.
  virtual ws::TransportHandler* open(ws::Transport& transport, WebSocketRequest request) = 0;

 protected:
  ~WebSocketEndpoint() = default;
};

}  // namespace lcg::net
