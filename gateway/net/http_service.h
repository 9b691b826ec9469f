// HttpService: the HTTP connections of one lane, and what they need: routes, limits, and where upgraded ones
// go.
//
// Knows no sockets: it is given streams (by a Listener, or by a test). Lane: everything. Must outlive its
// connections' streams, and be destroyed before the router, the endpoints and the ConnectionSet.
#pragma once
#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "base/lane.h"
#include "gateway/net/address_limit.h"
#include "gateway/net/connection_gate.h"
#include "gateway/net/forwarded.h"
#include "gateway/net/http_limits.h"
#include "gateway/net/http_router.h"
#include "gateway/net/upgrade.h"
#include "gateway/ws/connection_set.h"

namespace lcg::net {

class HttpConnection;

// Written by the lane, read by any thread.
struct HttpCounters {
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> refused_full{0};       // 503: max_connections, connections_per_second, draining
  std::atomic<uint64_t> refused_address{0};    // 429: max_connections_per_address
  std::atomic<uint64_t> refused_half_open{0};  // 429: max_half_open_per_address
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> bad_requests{0};  // refused by the parser
  std::atomic<uint64_t> upgrades{0};
  std::atomic<uint64_t> upgrades_refused{0};
  std::atomic<uint64_t> streams{0};   // responses without an end begun
  std::atomic<uint64_t> timeouts{0};  // 408 and 504, and clients that do not read
};

// How a connection came.
struct Arrival {
  ClientAddress peer{};   // the socket's other end, or whom a PROXY header named
  bool trusted = false;   // the peer is a trusted proxy: it speaks for many, and names the client in a header
  bool local = false;     // this host itself
  bool internal = false;  // by an internal listener
};

class HttpService {
 public:
  // `gate` outlives every stream that comes in here.
  HttpService(Lane& lane, const HttpLimits& limits, UpgradePolicy policy, const HttpRouter& router,
              ws::ConnectionSet& websockets, ConnectionGate& gate, ProxyPolicy proxies = {});
  ~HttpService();
  HttpService(const HttpService&) = delete;
  HttpService& operator=(const HttpService&) = delete;

  // First of all: may another connection come? If not it is answered (`speaks_http`: in HTTP, else not at all),
  // closed, and false.
  bool admit(ws::StreamPtr& stream, bool speaks_http);
  // Serves a connection that was admitted, or refuses it at a limit of its address with a short answer.
  void accept(ws::StreamPtr stream, const Arrival& arrival);

  // HTTP connections; upgraded ones are the ConnectionSet's.
  size_t size() const { return connections_.size(); }
  // No request is begun any more: idle connections are closed, others after the answer they wait for.
  void drain();

  // For requests to come.
  void set_policy(UpgradePolicy policy) { policy_ = std::move(policy); }

  const HttpCounters& counters() const { return counters_; }

 private:
  friend class HttpConnection;

  std::span<char> read_buffer() { return {read_buffer_.get(), kReadBufferBytes}; }
  void at_turn_end(HttpConnection& connection);
  void run_turn_end();

  static constexpr size_t kReadBufferBytes = 16u << 10;

  Lane& lane_;
  const HttpLimits limits_;
  UpgradePolicy policy_;
  const HttpRouter& router_;
  ws::ConnectionSet& websockets_;
  ConnectionGate& gate_;
  const ProxyPolicy proxies_;
  HttpCounters counters_;
  AddressLimit half_open_;
  bool draining_ = false;
  std::unique_ptr<char[]> read_buffer_;
  std::vector<HttpConnection*> finished_;
  std::vector<std::unique_ptr<HttpConnection>> connections_;  // each knows its index
  std::shared_ptr<HttpService*> self_;                        // null inside once destroyed
};

}  // namespace lcg::net
