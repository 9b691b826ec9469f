// For tests: an HttpService in a simulated world, with clients whose wires the test holds.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/sim_lane.h"
#include "gateway/net/http_service.h"
#include "gateway/ws/test_connection.h"

namespace lcg::net {

// Records what it is asked and echoes what it is sent.
struct EchoEndpoint final : WebSocketEndpoint {
  std::optional<HttpResponse> admit(const WebSocketRequest&) override { return refusal; }
  ws::TransportHandler* open(ws::Transport& transport, WebSocketRequest r) override {
    request = std::move(r);
    handlers.push_back(std::make_unique<ws::RecordingHandler>());
    ws::RecordingHandler* handler = handlers.back().get();
    handler->transport = &transport;
    handler->when_message = [handler](std::string_view m) {
      handler->transport->send_message(m, ws::MessageKind::kText);
    };
    return handler;
  }
  std::optional<HttpResponse> refusal;
  WebSocketRequest request;
  std::vector<std::unique_ptr<ws::RecordingHandler>> handlers;
};

struct ServiceWorld {
  explicit ServiceWorld(HttpLimits limits = {}, UpgradePolicy policy = {}, ProxyPolicy proxies = {}) {
    router.add("GET", "/health",
               [](HttpRequest, HttpResponder r) { r.send(HttpResponse::text(200, "up\n")); });
    router.add("POST", "/echo",
               [](HttpRequest q, HttpResponder r) { r.send(HttpResponse::text(200, std::move(q.body))); });
    router.add("GET", "/later", [this](HttpRequest, HttpResponder r) { later.push_back(std::move(r)); });
    router.add("GET", "/throw", [](HttpRequest, HttpResponder) { throw std::runtime_error("a fault"); });
    router.add_websocket("/connection/websocket", endpoint);
    websockets = std::make_unique<ws::ConnectionSet>(world.lane(0), ws::ConnectionLimits{});
    gate = std::make_unique<ConnectionGate>(world.lane(0), limits);
    service = std::make_unique<HttpService>(world.lane(0), limits, std::move(policy), router, *websockets,
                                            *gate, std::move(proxies));
  }
  ~ServiceWorld() {
    service.reset();
    websockets.reset();
  }

  // A new client of 192.0.2.<host>.
  ws::Wire& connect(unsigned host = 1) {
    return connect({.peer = ClientAddress::parse_ip("192.0.2." + std::to_string(host)).value()});
  }
  ws::Wire& connect(const Arrival& arrival) {
    wires.push_back(std::make_unique<ws::Wire>(world.lane(0)));
    ws::Wire& wire = *wires.back();
    world.lane(0).post([this, &wire, arrival] {
      ws::StreamPtr stream = ws::TestStream::make(wire);
      if (service->admit(stream, true)) service->accept(std::move(stream), arrival);
    });
    settle();
    return wire;
  }
  std::string ask(ws::Wire& wire, std::string_view bytes) {
    wire.send(bytes);
    settle();
    return wire.take();
  }
  void settle() { world.run_until_idle(); }

  SimWorld world{1};
  std::vector<std::unique_ptr<ws::Wire>> wires;
  EchoEndpoint endpoint;
  HttpRouter router;
  std::vector<HttpResponder> later;
  std::unique_ptr<ConnectionGate> gate;
  std::unique_ptr<ws::ConnectionSet> websockets;
  std::unique_ptr<HttpService> service;
};

inline std::string get(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
}

inline std::string upgrade_request(const std::string& headers = "", const std::string& query = "") {
  return get("/connection/websocket" + query,
             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                 headers);
}

// The status of the first response in `bytes`, 0 if there is none.
inline int status_of(std::string_view bytes) {
  return bytes.starts_with("HTTP/1.1 ") ? std::stoi(std::string(bytes.substr(9, 3))) : 0;
}
// What is behind the head of the first response.
inline std::string after_head(std::string_view bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  return end == bytes.npos ? "" : std::string(bytes.substr(end + 4));
}

}  // namespace lcg::net
