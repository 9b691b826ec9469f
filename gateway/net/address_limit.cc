#include "gateway/net/address_limit.h"

#include <netinet/in.h>

#include <cstring>

namespace lcg::net {

AddressKey address_key(const sockaddr* address) {
  constexpr AddressKey kIpv4 = 0xFFFFull << 32;  // no IPv6 network begins with 0000:ffff
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    return kIpv4 | ntohl(v4.sin_addr.s_addr);
  }
  if (address->sa_family != AF_INET6) return 0;
  sockaddr_in6 v6;
  std::memcpy(&v6, address, sizeof v6);
  const uint8_t* bytes = v6.sin6_addr.s6_addr;
  const auto read = [bytes](int from, int count) {
    AddressKey value = 0;
    for (int i = from; i < from + count; ++i) value = value << 8 | bytes[i];
    return value;
  };
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return kIpv4 | read(12, 4);
  return read(0, 8);
}

bool AddressLimit::add(AddressKey key) {
  uint32_t& count = counts_[key];
  if (count >= limit_) {
    if (count == 0) counts_.erase(key);
    return false;
  }
  ++count;
  return true;
}

void AddressLimit::remove(AddressKey key) {
  const auto at = counts_.find(key);
  if (--at->second == 0) counts_.erase(at);
}

}  // namespace lcg::net
