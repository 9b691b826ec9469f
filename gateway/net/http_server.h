// HttpServer: everything one lane needs to serve HTTP and WebSocket on sockets, put together. The application
// makes one a lane.
//
//   HttpServer server(lane, config, std::move(router));
//   server.listen({"127.0.0.1", 8000});
//
// Stopping, in the order that loses nothing: stop_accepting(); close the sessions (their handlers, or
// close_websockets()); drain(); when idle() holds, or time is up, destroy it.
//
// Lane: everything, after the lane runs; made before it runs or on it, destroyed on it or after it stopped.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "gateway/net/http_service.h"
#include "gateway/net/listener.h"
#include "gateway/net/proxy_gate.h"
#include "gateway/net/tls_context.h"

namespace lcg::net {

class HttpServer {
 public:
  struct Config {
    HttpLimits http;
    UpgradePolicy upgrade;
    ws::ConnectionLimits websocket;
    ProxyPolicy proxies{};
  };
  struct ListenOptions {
    bool tls = false;             // with what set_tls() gave last
    bool proxy_protocol = false;  // required, and from proxies.trusted alone
    bool internal = false;        // serves the internal routes, not the public ones
  };

  HttpServer(AsioLane& lane, const Config& config, HttpRouter router);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // May be called several times, for several addresses. Returns the port. Errors: as Listener::open().
  Result<uint16_t> listen(const ListenAddress& address) { return listen(address, ListenOptions{}); }
  Result<uint16_t> listen(const ListenAddress& address, const ListenOptions& options);
  // For connections to come. Null: those of TLS listeners are closed.
  void set_tls(std::shared_ptr<const TlsContext> context) { tls_ = std::move(context); }

  void stop_accepting() {
    listeners_.clear();
    proxied_.close_all();
  }
  void close_websockets(uint32_t code, std::string_view reason) { websockets_.close_all(code, reason); }
  void drain() { http_.drain(); }
  bool idle() const { return http_.size() == 0 && websockets_.size() == 0; }

  // Do connections wait for file descriptors?
  bool exhausted() const;

  // All of this lane, whatever they have become.
  size_t connections() const { return gate_.size(); }

  HttpService& http() { return http_; }
  ws::ConnectionSet& websockets() { return websockets_; }

 private:
  void arrive(ws::StreamPtr stream, const ClientAddress& peer, int fd, const ListenOptions& options);
  void serve(ws::StreamPtr stream, int fd, const Arrival& arrival, bool tls);

  AsioLane& lane_;
  const ProxyPolicy proxies_;
  ConnectionGate gate_;
  const HttpRouter router_;
  ws::ConnectionSet websockets_;
  HttpService http_;
  ProxyGate proxied_;
  std::shared_ptr<const TlsContext> tls_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace lcg::net
