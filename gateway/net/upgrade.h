// The WebSocket upgrade (RFC 6455 4.2), decided on a parsed request: pure, no I/O.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "gateway/net/browser_guard.h"
#include "gateway/net/http_message.h"

namespace lcg::net {

struct UpgradePolicy {
  BrowserPolicy browsers;  // of every request, upgrade or not
  // Subprotocols served, the preferred first. The client protocol's encodings are chosen by them.
  std::vector<std::string> subprotocols = {"centrifuge-json"};
  // Accept permessage-deflate (ws/extensions.h).
  bool deflate = false;
};

struct UpgradeResult {
  bool accepted = false;
  std::string subprotocol;  // to serve; "" when none of ours was offered
  bool protobuf = false;    // asked for by subprotocol or query
  uint8_t deflate = 0;      // permessage-deflate is agreed, with so many bits of window; 0: it is not
  HttpResponse response;    // 101, or the refusal, which ends the connection
};

// Which pages may ask is browser_guard.h. Refuses with 426 a request that asks for no WebSocket or for another version
// than 13, with 400 everything else that is not in order: method, HTTP version, Connection,
// key, a body, an encoding that is not served, Sec-WebSocket-Extensions that is no list of extensions. Unknown query keys are ignored.
UpgradeResult negotiate_upgrade(const HttpRequest& request, const UpgradePolicy& policy);

// Sec-WebSocket-Accept for a key (RFC 6455 4.2.2).
std::string websocket_accept(std::string_view key);

}  // namespace lcg::net
