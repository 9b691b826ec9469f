// ClientAddress: the IP address a client comes from, and its port where that is known. The only parser of
// such an address, its only text and its only key: what counts, limits, compares, logs or tells by address
// has one of these from where it enters (a socket, a PROXY header, X-Forwarded-For, Forwarded) to where it is
// told, and reads no text again. A value; any thread.
#pragma once
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lcg {

class ClientAddress {
 public:
  // IPv6; IPv4 as ::ffff:a.b.c.d, whichever socket it came by.
  using Bytes = std::array<uint8_t, 16>;
  // An address as limits see it: an IPv4 address, or the /64 that an IPv6 host chooses its addresses from.
  using Key = uint64_t;
  static constexpr Key kNoKey = UINT64_MAX;  // no address has it

  ClientAddress() = default;  // not known
  explicit ClientAddress(const Bytes& bytes, uint16_t port = 0);
  // Not known for families other than AF_INET and AF_INET6.
  static ClientAddress of_socket(const sockaddr_storage& address);

  // "192.0.2.1", "2001:db8::1": inet_pton's forms, in any case; no port, no brackets, no zone, no name.
  static std::optional<ClientAddress> parse_ip(std::string_view text, uint16_t port = 0);
  // As proxies write a client (RFC 7239 6): also "192.0.2.1:4711", "[2001:db8::1]", "[2001:db8::1]:4711". A
  // zone
  // ("fe80::1%eth0") and a hidden port (":_p1") mean something to their writer alone and are dropped. Nothing
  // for "unknown", "_hidden" and anything else.
  static std::optional<ClientAddress> parse(std::string_view text);

  bool known() const { return known_; }
  bool is_loopback() const;  // 127.0.0.0/8, ::1
  const Bytes& bytes() const { return bytes_; }
  uint16_t port() const { return port_; }  // 0: not known

  // "192.0.2.1:4711", "[2001:db8::1]:4711", in RFC 5952's form; without a port "192.0.2.1", "[2001:db8::1]".
  // "" if not known.
  std::string text() const;
  // kNoKey if not known. The port is no part of it.
  Key key() const;

  bool operator==(const ClientAddress&) const = default;

 private:
  bool is_v4() const;

  Bytes bytes_{};
  uint16_t port_ = 0;
  bool known_ = false;
};

}  // namespace lcg
