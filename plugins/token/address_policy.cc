// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/address_policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace lcg::token {
namespace {

constexpr std::string_view kDenied[] = {
    "0.0.0.0/8",           // this host (RFC 1122)
    "100.100.100.200/32",  // metadata of Alibaba Cloud
    "168.63.129.16/32",    // the wire server of Azure
    "169.254.0.0/16",      // link-local (RFC 3927); metadata of AWS, Azure, Google, ...
    "192.0.0.192/32",      // metadata of Oracle Cloud
    "224.0.0.0/4",         // multicast
    "240.0.0.0/4",         // reserved, broadcast
    "::/128",
    "fe80::/10",      // link-local
    "fec0::/10",      // site-local
    "ff00::/8",       // multicast
    "fd00:ec2::/32",  // metadata of AWS
    "fd20:ce::/32",   // metadata of Google Cloud
};

Address mapped(const uint8_t* v4) {
  Address out{};
  out[10] = out[11] = 0xff;
  std::copy(v4, v4 + 4, out.begin() + 12);
  return out;
}

// An IPv4 address that is written inside an IPv6 one.
Address unwrapped(const Address& a) {
  const auto begins = [&a](std::initializer_list<uint8_t> head) {
    return std::equal(head.begin(), head.end(), a.begin());
  };
  const auto zeros = [&a](size_t from, size_t to) {
    return std::all_of(a.begin() + static_cast<std::ptrdiff_t>(from),
                       a.begin() + static_cast<std::ptrdiff_t>(to), [](uint8_t byte) { return byte == 0; });
  };
  if (begins({0x20, 0x02})) return mapped(a.data() + 2);                               // 6to4
  if (begins({0x00, 0x64, 0xff, 0x9b}) && zeros(4, 12)) return mapped(a.data() + 12);  // NAT64
  // Compatible, which :: and ::1 only look like.
  if (zeros(0, 12) && !(zeros(12, 15) && a[15] <= 1)) return mapped(a.data() + 12);
  return a;
}

const std::vector<Network>& denied() {
  static const std::vector<Network> all = [] {
    std::vector<Network> out;
    for (const std::string_view text : kDenied) out.push_back(Network::parse(text).value());
    return out;
  }();
  return all;
}

bool any_contains(const std::vector<Network>& networks, const Address& address) {
  return std::any_of(networks.begin(), networks.end(),
                     [&address](const Network& network) { return network.contains(address); });
}

}  // namespace

std::optional<Network> Network::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  Network out;
  int bits = 128, offset = 0;
  uint8_t v4[4];
  if (inet_pton(AF_INET, host.c_str(), v4) == 1) {
    out.address = mapped(v4);
    bits = 32;
    offset = 96;
  } else if (inet_pton(AF_INET6, host.c_str(), out.address.data()) != 1) {
    return std::nullopt;
  }
  int prefix = bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (error != std::errc() || rest != digits.data() + digits.size() || prefix < 0 || prefix > bits)
      return std::nullopt;
  }
  out.prefix = prefix + offset;
  return out;
}

bool Network::contains(const Address& other) const {
  const auto whole = static_cast<size_t>(prefix / 8);
  if (std::memcmp(address.data(), other.data(), whole) != 0) return false;
  const int rest = prefix % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  return (address[whole] & mask) == (other[whole] & mask);
}

AddressPolicy::AddressPolicy(const std::vector<std::string>& listed) {
  for (const std::string& text : listed) {
    const std::optional<Network> network = Network::parse(text);
    if (!network) throw std::invalid_argument("'" + text + "' is no network; 169.254.0.0/16 is one");
    listed_.push_back(*network);
  }
}

bool AddressPolicy::allows(Address address) const {
  address = unwrapped(address);
  return !any_contains(denied(), address) || any_contains(listed_, address);
}

bool AddressPolicy::allows(const sockaddr* address) const {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    return allows(mapped(reinterpret_cast<const uint8_t*>(&v4.sin_addr)));
  }
  if (address->sa_family != AF_INET6) return false;
  sockaddr_in6 v6;
  std::memcpy(&v6, address, sizeof v6);
  Address bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return allows(bytes);
}

}  // namespace lcg::token
