// The paths of the client protocol on one lane (client-protocol 1.1, 1.14), each of which gateway.transports may
// switch off:
//   /connection/websocket        both ways, JSON or Protobuf
//   /connection/http_stream, /connection/sse, /emulation    the server's half a response without end, the
//                                client's half requests
//   /connection/uni_websocket, /connection/uni_http_stream, /connection/uni_sse    pushes alone
//   /connection/init             answers {}: warms a connection up
// What Origin a request may have is decided before (gateway/net/browser_guard.h). Lane: its own.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "gateway/gateway_lane.h"
#include "gateway/net/http_router.h"
#include "gateway/net/websocket_endpoint.h"
#include "gateway/stream/stream_set.h"

namespace lcg {

class ClientRoutes {
 public:
  // All are borrowed. `ready` false: clients are refused with 503.
  ClientRoutes(gateway::GatewayLane& gateway, const gateway::GatewayConfig& config,
               const std::atomic<bool>& ready);
  ~ClientRoutes();

  void add_to(net::HttpRouter& router);
  // Where the streams live; before the first request. It goes before this does.
  void set_streams(stream::StreamSet* streams) { streams_ = streams; }

 private:
  class Endpoint;
  struct StreamPath {
    const char* path;
    TransportKind transport;
    stream::Format format;
    bool unidirectional;
  };

  void add_stream(net::HttpRouter& router, const StreamPath& path);
  // CORS (client-protocol 1.1) around a handler: preflight, and what is reflected of an Origin that is allowed.
  void add_shared(net::HttpRouter& router, const std::string& method, const std::string& path,
                  net::HttpRouter::Handler handler);
  void add_preflight(net::HttpRouter& router, const std::string& path);
  net::HttpResponse begin_stream(const StreamPath& path, net::HttpRequest request);
  net::HttpResponse emulate(const net::HttpRequest& request);

  gateway::GatewayLane& gateway_;
  const gateway::GatewayConfig& config_;
  const std::atomic<bool>& ready_;
  stream::StreamSet* streams_ = nullptr;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
};

}  // namespace lcg
