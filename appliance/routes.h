// The HTTP paths of one lane: what answers where.
//   /connection/*, /emulation   the client protocol (client_routes.h)
//   POST /api/<method>      the server API
//   POST /rpc/<method>      the same methods with a bearer token
//   /oauth/*, /.well-known/*  (gateway.http_plugin_paths) the plugins
//   /health  the process lives      /ready  it takes clients (503 while starting and draining)      /metrics
//
// The server API and the metrics are internal: with an internal listener they are on it alone. Without one they are on
// every listener, so that one port is enough to begin with: the API for who has a key, and for this host what asks
// for no key, the metrics and an open API.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "appliance/client_routes.h"
#include "gateway/api/api_service.h"
#include "gateway/gateway_lane.h"
#include "gateway/net/http_router.h"

namespace lcg {

// What the routes need; outlives the router.
struct RouteContext {
  Lane& lane;
  Bus& bus;
  gateway::GatewayLane& gateway;
  const gateway::GatewayConfig& config;
  gateway::api::ApiService& api;
  bool api_is_open;   // no key is asked for (gateway.api.insecure)
  bool has_internal;  // there is an internal listener
  const std::atomic<bool>& ready;
  // Gives the exposition, later, on `lane`.
  std::function<void(UniqueFunction<void(std::string)>)> metrics;
};

net::HttpRouter make_router(RouteContext& context, ClientRoutes& clients);

}  // namespace lcg
