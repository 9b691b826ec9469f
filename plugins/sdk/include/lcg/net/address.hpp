// SPDX-License-Identifier: Apache-2.0
// net/address.hpp: what a limit goes by in a client's address.
//
//   AddressKey key = address_key(request.remote_addr);
//   key.host      the IPv4 address, or the /64 of the IPv6 one: what one customer of a provider has
//   key.network   the IPv4 address, or the /48: what is given out for little money
//
// Every textual form has one key: with a port and without, IPv6 in brackets and without, shortened or not, with a zone,
// IPv4 inside IPv6. Text that is no address is a key of its own. Any thread.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>
#include <string_view>

namespace lcg {

// Bytes, not text; equal for equal clients.
struct AddressKey {
  std::string host, network;
  friend bool operator==(const AddressKey&, const AddressKey&) = default;
};

namespace detail {

// "192.0.2.1", "192.0.2.1:5", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:5": the address alone.
inline std::string_view without_port(std::string_view remote) noexcept {
  if (remote.starts_with('[')) return remote.substr(1, remote.find(']') - 1);
  const size_t colon = remote.rfind(':');
  return colon != std::string_view::npos && remote.find(':') == colon ? remote.substr(0, colon) : remote;
}

}  // namespace detail

inline AddressKey address_key(std::string_view remote) {
  constexpr size_t kHostBytes = 8, kNetworkBytes = 6;
  const std::string_view whole = detail::without_port(remote);
  const std::string text(whole.substr(0, whole.find('%')));
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    const std::string bytes(reinterpret_cast<const char*>(&v4), sizeof v4);
    return {bytes, bytes};
  }
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return {std::string(remote), std::string(remote)};
  const std::string bytes(reinterpret_cast<const char*>(&v6), sizeof v6);
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return {bytes.substr(12), bytes.substr(12)};
  return {bytes.substr(0, kHostBytes), bytes.substr(0, kNetworkBytes)};
}

}  // namespace lcg
