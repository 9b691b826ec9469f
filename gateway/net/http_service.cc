#include "gateway/net/http_service.h"

#include <string>
#include <utility>

#include "gateway/net/http_connection.h"

namespace lcg::net {
namespace {

using ws::ConnectionCounters;

// Answers without reading a request: refusing must cost less than serving.
void refuse(ws::StreamPtr stream, unsigned status, std::string why, int64_t wall_ms) {
  HttpResponse response = HttpResponse::text(status, std::move(why));
  response.headers.push_back({"Retry-After", "1"});
  std::string bytes = serialize(response, false, false, wall_ms);
  const iovec buffer{bytes.data(), bytes.size()};
  stream->write_some({&buffer, 1});
  stream->shutdown_write();
}

}  // namespace

HttpService::HttpService(Lane& lane, const HttpLimits& limits, UpgradePolicy policy, const HttpRouter& router,
                         ws::ConnectionSet& websockets, ConnectionGate& gate, ProxyPolicy proxies)
    : lane_(lane),
      limits_(limits),
      policy_(std::move(policy)),
      router_(router),
      websockets_(websockets),
      gate_(gate),
      proxies_(std::move(proxies)),
      half_open_(limits.max_half_open_per_address),
      read_buffer_(new char[kReadBufferBytes]),
      self_(std::make_shared<HttpService*>(this)) {}

HttpService::~HttpService() { *self_ = nullptr; }

bool HttpService::admit(ws::StreamPtr& stream, bool speaks_http) {
  ConnectionCounters::add(counters_.accepted);
  const bool admitted = !draining_ && gate_.admit(*stream) == ConnectionGate::Verdict::kAdmitted;
  if (admitted) return true;
  ConnectionCounters::add(counters_.refused_full);
  if (speaks_http) {
    refuse(std::move(stream), 503, "the server is full, try again\n", lane_.clock().wall_ms());
  }
  stream.reset();
  return false;
}

void HttpService::accept(ws::StreamPtr stream, const Arrival& arrival) {
  const AddressKey address = arrival.peer.key();
  if (!arrival.trusted && !gate_.count_address(*stream, address)) {
    ConnectionCounters::add(counters_.refused_address);
    return refuse(std::move(stream), 429, "too many connections of one address\n", lane_.clock().wall_ms());
  }
  if (!arrival.trusted && !half_open_.add(address)) {
    ConnectionCounters::add(counters_.refused_half_open);
    return refuse(std::move(stream), 429, "too many connections without a request\n",
                  lane_.clock().wall_ms());
  }
  connections_.push_back(std::make_unique<HttpConnection>(*this, std::move(stream), arrival));
  HttpConnection& connection = *connections_.back();
  connection.index_ = connections_.size() - 1;
  connection.start();
}

void HttpService::drain() {
  draining_ = true;
  for (const auto& connection : connections_) connection->drain();
}

void HttpService::at_turn_end(HttpConnection& connection) {
  if (finished_.empty()) {
    lane_.at_turn_end([self = self_] {
      if (*self != nullptr) (*self)->run_turn_end();
    });
  }
  finished_.push_back(&connection);
}

void HttpService::run_turn_end() {
  for (HttpConnection* connection : std::exchange(finished_, {})) {
    const size_t index = connection->index_;
    connections_[index].swap(connections_.back());
    connections_[index]->index_ = index;
    connections_.pop_back();
  }
}

}  // namespace lcg::net
