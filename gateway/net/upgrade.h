// The WebSocket upgrade (RFC 6455 4.2), decided on a parsed request: pure, no I/O.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "gateway/net/http_message.h"

namespace lcg::net {

// Origins that may connect (client protocol 1.1). A pattern is an origin in which "*" stands for any run of
// characters
// ("https://*.example.com", "http://localhost:*"); "*" alone allows everything. A request without an Origin
// header, which no browser sends, is always allowed; with an empty list every request that has one is
// refused.
class OriginList {
 public:
  OriginList() = default;
  explicit OriginList(std::vector<std::string> patterns);

  // Origins are compared byte by byte as browsers send them: lower case, no default port, punycode. What is
  // not of the form scheme://host[:port] ("null", user info, a path, upper case) is matched by "*" alone.
  bool allows(std::string_view origin) const;

 private:
  std::vector<std::string> patterns_;
  bool all_ = false;
};

struct UpgradePolicy {
  OriginList origins;
  // Subprotocols served, the preferred first. The client protocol's encodings are chosen by them.
  std::vector<std::string> subprotocols = {"centrifuge-json"};
  // Accept permessage-deflate (ws/extensions.h).
  bool deflate = false;
};

struct UpgradeResult {
  bool accepted = false;
  std::string subprotocol;  // to serve; "" when none of ours was offered
  bool protobuf = false;    // asked for by subprotocol or query
  bool deflate = false;     // permessage-deflate is agreed
  HttpResponse response;    // 101, or the refusal, which ends the connection
};

// Refuses with 403 an Origin that is not allowed, with 426 a request that asks for no WebSocket or for
// another version than 13, with 400 everything else that is not in order: method, HTTP version, Connection,
// key, a body, an encoding that is not served, Sec-WebSocket-Extensions that is no list of extensions. Unknown query keys are ignored.
UpgradeResult negotiate_upgrade(const HttpRequest& request, const UpgradePolicy& policy);

// Sec-WebSocket-Accept for a key (RFC 6455 4.2.2).
std::string websocket_accept(std::string_view key);

}  // namespace lcg::net
