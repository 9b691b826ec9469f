// PROXY protocol, versions 1 and 2 (haproxy's doc/proxy-protocol.txt): what a load balancer in front says of its
// client before the client's own bytes. Pure: bytes in, one header out. One parser a connection.
//
// The parser never asks for a byte behind the header: wanted() bytes are read, fed, and asked for again, so that
// what follows stays in the socket for TLS or HTTP.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/client_address.h"

namespace lcg::net {

// Bytes of a version 2 header with all its extensions; over it refused. Those of TLS and of clouds have some 100.
inline constexpr size_t kMaxProxyHeaderBytes = 2048;
// Of a version 1 line, as the specification bounds it.
inline constexpr size_t kMaxProxyLineBytes = 107;

class ProxyParser {
 public:
  enum class State { kMore, kDone, kRefused };

  // How many bytes to read next: at least 1 in kMore, never beyond the header.
  size_t wanted() const;
  // REQUIRES: kMore, and at most wanted() bytes
  State feed(std::string_view bytes);
  State state() const { return state_; }

  // In kDone. Nothing: the proxy speaks for itself (LOCAL, UNKNOWN) or for a client that has no IP address
  // (AF_UNIX): the peer of the socket stands.
  const std::optional<ClientAddress>& source() const { return source_; }
  const char* reason() const { return reason_; }  // in kRefused

 private:
  State refuse(const char* reason);
  State feed_line();
  State feed_binary();
  State take_binary();

  State state_ = State::kMore;
  std::string bytes_;
  std::optional<ClientAddress> source_;
  const char* reason_ = "";
};

}  // namespace lcg::net
