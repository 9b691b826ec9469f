// GatewayConfig: the `gateway` section of the configuration. Read once, shared immutable by the lanes.
#pragma once
#include <string>
#include <vector>

#include "base/config.h"
#include "gateway/net/http_limits.h"
#include "gateway/net/tls_context.h"
#include "gateway/session/session_options.h"
#include "gateway/ws/limits.h"

namespace lcg::gateway {

// Which endpoints of the client protocol are served; /emulation is with http_stream or sse.
struct TransportSwitches {
  bool websocket = true;
  bool http_stream = false;
  bool sse = false;
  bool uni_websocket = false;
  bool uni_http_stream = false;
  bool uni_sse = false;
  bool init = true;  // /connection/init
};

struct ListenConfig {
  std::string address;          // "address:port", "[address]:port"
  bool tls = false;             // with GatewayConfig::certificates
  bool proxy_protocol = false;  // a PROXY header is required, from ProxyConfig::trusted alone
  bool internal = false;        // for the server API and the metrics, not for clients
};

// Who in front of this server may say for whom it speaks.
struct ProxyConfig {
  std::vector<std::string> trusted;  // networks
  bool forwarded = false;            // the header is Forwarded, not X-Forwarded-For
};

struct GatewayConfig {
  std::vector<ListenConfig> listen = {{"127.0.0.1:8000"}};
  std::vector<net::TlsCertificate> certificates;  // the first is for clients that name none
  ProxyConfig proxies;
  // Patterns of Origin, '*' any number of characters; a request that has an Origin needs one that matches,
  // one without needs none.
  std::vector<std::string> allowed_origins;
  // Names that Host may have on listeners for clients; empty: any.
  std::vector<std::string> allowed_hosts;
  // Paths beginning with one of these are HTTP requests for the plugins.
  std::vector<std::string> http_plugin_paths = {"/oauth/", "/.well-known/"};
  Millis drain_spread{5'000};  // over which sessions are closed when the daemon stops

  TransportSwitches transports;
  SessionOptions session;
  ws::ConnectionLimits connection;  // its frame sizes follow from the other limits (frame_size.h)
  // Bytes of a client's publication in a channel in memory; over it error 107. websocket.message_size.
  size_t publication_bytes = protocol::kMaxMessageBytes;
  net::HttpLimits http;
};

// Of the section `gateway`; every key is optional. What is wrong is reported by the section. The keys are in
// config.cc, the commented defaults in conf/lcg.yaml.
GatewayConfig read_config(config::Section section);

}  // namespace lcg::gateway
