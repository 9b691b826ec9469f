#include "gateway/net/http_server.h"

#include <algorithm>
#include <utility>

#include "base/asio_lane.h"
#include "gateway/net/tls_stream.h"

namespace lcg::net {

HttpServer::HttpServer(AsioLane& lane, const Config& config, HttpRouter router)
    : lane_(lane),
      proxies_(config.proxies),
      gate_(lane, config.http),
      router_(std::move(router)),
      websockets_(lane, config.websocket),
      http_(lane, config.http, config.upgrade, router_, websockets_, gate_, config.proxies),
      proxied_(lane, config.http.head_timeout) {}

HttpServer::~HttpServer() = default;

bool HttpServer::exhausted() const {
  return std::any_of(listeners_.begin(), listeners_.end(),
                     [](const auto& listener) { return listener->exhausted(); });
}

Result<uint16_t> HttpServer::listen(const ListenAddress& address, const ListenOptions& options) {
  auto listener = Listener::open(lane_, address,
                                 [this, options](ws::StreamPtr stream, const ClientAddress& peer, int fd) {
                                   arrive(std::move(stream), peer, fd, options);
                                 });
  if (!listener.ok()) return listener.status();
  listeners_.push_back(std::move(listener.value()));
  return listeners_.back()->port();
}

void HttpServer::arrive(ws::StreamPtr stream, const ClientAddress& peer, int fd,
                        const ListenOptions& options) {
  if (!http_.admit(stream, !options.tls && !options.proxy_protocol)) return;
  const bool trusted = proxies_.trusted.contains(peer);
  Arrival arrival{peer, trusted, !trusted && peer.is_loopback(), options.internal};
  if (!options.proxy_protocol) return serve(std::move(stream), fd, arrival, options.tls);
  if (!trusted) return;  // whoever may name any address must be known
  proxied_.start(std::move(stream),
                 [this, arrival, fd, tls = options.tls](ws::StreamPtr proxied,
                                                        const std::optional<ClientAddress>& client) mutable {
                   if (client.has_value()) {
                     proxied->set_remote_address(*client);
                     arrival.peer = *client;
                     arrival.trusted = proxies_.trusted.contains(*client);
                   }
                   serve(std::move(proxied), fd, arrival, tls);
                 });
}

void HttpServer::serve(ws::StreamPtr stream, int fd, const Arrival& arrival, bool tls) {
  if (tls && tls_ == nullptr) return;
  if (tls) stream = start_tls(lane_, std::move(stream), fd, tls_);
  if (stream != nullptr) http_.accept(std::move(stream), arrival);
}

}  // namespace lcg::net
