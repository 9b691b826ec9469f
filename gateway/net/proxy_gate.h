// ProxyGate: the connections of one lane whose PROXY header has not come yet (proxy_protocol.h). On listeners set so
// the header is required, and only from trusted networks; nothing is guessed.
//
// A connection without one in time, or with a broken one, is closed without a word. Lane: everything.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/lane.h"
#include "gateway/net/proxy_protocol.h"
#include "gateway/ws/byte_stream.h"

namespace lcg::net {

class ProxyGate {
 public:
  // `client`: nothing when the proxy speaks for itself. The stream's next byte is the client's first.
  using Done = std::function<void(ws::StreamPtr, const std::optional<ClientAddress>& client)>;

  // `timeout`: from the connection to the end of its header, in total.
  ProxyGate(Lane& lane, std::chrono::milliseconds timeout);
  ~ProxyGate();
  ProxyGate(const ProxyGate&) = delete;
  ProxyGate& operator=(const ProxyGate&) = delete;

  void start(ws::StreamPtr stream, Done done);

  size_t size() const { return pending_.size(); }
  void close_all();

 private:
  class Pending;
  void finish(Pending& pending, bool good);

  Lane& lane_;
  const std::chrono::milliseconds timeout_;
  std::vector<std::unique_ptr<Pending>> pending_;
};

}  // namespace lcg::net
