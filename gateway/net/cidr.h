// CidrList: networks of addresses, IPv4 and IPv6. Immutable once made; any thread.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace lcg::net {

// An address as 16 bytes of IPv6; IPv4 as ::ffff:a.b.c.d, whichever socket it came by. Nothing for other families.
using AddressBytes = std::array<uint8_t, 16>;
std::optional<AddressBytes> address_bytes(const sockaddr_storage& address);

// "192.0.2.1", "2001:db8::1"; no name, no port. Nothing if it is neither.
std::optional<sockaddr_storage> parse_ip(std::string_view text, uint16_t port = 0);

bool is_loopback(const sockaddr_storage& address);

class CidrList {
 public:
  CidrList() = default;
  // "10.0.0.0/8", "192.0.2.1", "fd00::/8". Bits behind the prefix must be zero: "10.0.0.1/8" is a slip of the
  // pen. kInvalid names the entry.
  static Result<CidrList> parse(const std::vector<std::string>& networks);

  bool contains(const sockaddr_storage& address) const;
  bool empty() const { return networks_.empty(); }

 private:
  struct Network {
    AddressBytes address;
    unsigned bits;  // of 128
  };
  std::vector<Network> networks_;
};

}  // namespace lcg::net
