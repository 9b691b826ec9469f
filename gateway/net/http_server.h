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

namespace lcg::net {

class HttpServer {
 public:
  struct Config {
    HttpLimits http;
    UpgradePolicy upgrade;
    ws::ConnectionLimits websocket;
  };

  HttpServer(AsioLane& lane, const Config& config, HttpRouter router);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // May be called several times, for several addresses. Returns the port. Errors: as Listener::open().
  Result<uint16_t> listen(const ListenAddress& address);

  void stop_accepting() { listeners_.clear(); }
  void close_websockets(uint32_t code, std::string_view reason) { websockets_.close_all(code, reason); }
  void drain() { http_.drain(); }
  bool idle() const { return http_.size() == 0 && websockets_.size() == 0; }

  // Do connections wait for file descriptors?
  bool exhausted() const;

  HttpService& http() { return http_; }
  ws::ConnectionSet& websockets() { return websockets_; }

 private:
  AsioLane& lane_;
  const HttpRouter router_;
  ws::ConnectionSet websockets_;
  HttpService http_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace lcg::net
