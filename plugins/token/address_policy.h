// SPDX-License-Identifier: Apache-2.0
// address_policy: which addresses a fetch may connect to, whatever a name resolves to.
//
// Never, unless listed: link-local addresses, where clouds serve credentials; their other metadata addresses;
// "this host", multicast and reserved ranges. An IPv4 address in the clothes of IPv6 (mapped, compatible, NAT64,
// 6to4) is judged as the IPv4 address. Loopback and private networks are allowed: the URL is the operator's, and
// that is where identity providers live. Immutable; any thread.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace lcg::token {

// An IPv4 address is held as ::ffff:a.b.c.d.
using Address = std::array<uint8_t, 16>;

struct Network {
  Address address{};
  int prefix = 128;  // bits

  // "169.254.0.0/16", "fe80::/10", or one address. nullopt: none of these.
  static std::optional<Network> parse(std::string_view text);
  bool contains(const Address& other) const;
};

class AddressPolicy {
 public:
  AddressPolicy() = default;
  // Throws std::invalid_argument naming the one that is no network.
  explicit AddressPolicy(const std::vector<std::string>& listed);

  // False also for what is neither IPv4 nor IPv6.
  bool allows(const sockaddr* address) const;
  bool allows(Address address) const;

 private:
  std::vector<Network> listed_;
};

}  // namespace lcg::token
