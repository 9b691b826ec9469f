// The HTTP paths of one lane: what answers where.
//   /connection/websocket   the client protocol
//   POST /rpc/<method>      the same methods with a bearer token
//   /oauth/*, /.well-known/*  (gateway.http_plugin_paths) the plugins
//   /health  the process lives      /ready  it takes clients (503 while starting and draining)      /metrics
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "gateway/gateway_lane.h"
#include "gateway/net/http_router.h"

namespace lcg {

// What the routes need; outlives the router.
struct RouteContext {
  Lane& lane;
  Bus& bus;
  gateway::GatewayLane& gateway;
  const gateway::GatewayConfig& config;
  const std::atomic<bool>& ready;
  // Gives the exposition, later, on `lane`.
  std::function<void(UniqueFunction<void(std::string)>)> metrics;
};

// The endpoint behind /connection/websocket.
class ClientEndpoint final : public net::WebSocketEndpoint {
 public:
  explicit ClientEndpoint(RouteContext& context) : context_(context) {}
  std::optional<net::HttpResponse> admit(const net::WebSocketRequest& request) override;
  ws::TransportHandler* open(ws::Transport& transport, net::WebSocketRequest request) override;

 private:
  RouteContext& context_;
};

net::HttpRouter make_router(RouteContext& context, ClientEndpoint& endpoint);

}  // namespace lcg
