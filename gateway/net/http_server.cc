#include "gateway/net/http_server.h"

#include <algorithm>
#include <utility>

#include "base/asio_lane.h"

namespace lcg::net {

HttpServer::HttpServer(AsioLane& lane, const Config& config, HttpRouter router)
    : lane_(lane),
      router_(std::move(router)),
      websockets_(lane, config.websocket),
      http_(lane, config.http, config.upgrade, router_, websockets_) {}

HttpServer::~HttpServer() = default;

bool HttpServer::exhausted() const {
  return std::any_of(listeners_.begin(), listeners_.end(),
                     [](const auto& listener) { return listener->exhausted(); });
}

Result<uint16_t> HttpServer::listen(const ListenAddress& address) {
  auto listener = Listener::open(
      lane_, address, [this](ws::StreamPtr stream, AddressKey key) { http_.accept(std::move(stream), key); });
  if (!listener.ok()) return listener.status();
  listeners_.push_back(std::move(listener.value()));
  return listeners_.back()->port();
}

}  // namespace lcg::net
