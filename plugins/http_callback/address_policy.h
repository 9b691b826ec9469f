// SPDX-License-Identifier: Apache-2.0
// AddressPolicy: which addresses a callback may be sent to. It is asked with the address a socket is about to be
// opened to, after names were resolved: a name that changes its mind between two look-ups gains nothing.
//
// A rule is a network ("10.0.0.0/8"), an address, or either with a port ("127.0.0.1:9000", "[::1]:9000"). The most
// specific rule decides: one with a port before one without, then the longer prefix; of two alike the denial.
// Without rules: everything but link-local addresses (cloud metadata lives there), the metadata addresses known
// elsewhere, multicast, broadcast and "this host". IPv4 inside IPv6 is treated as the IPv4 address. Pure.
#pragma once
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lcg::http_callback {

struct Endpoint {
  std::array<uint8_t, 16> address{};  // IPv4 as ::ffff:a.b.c.d
  uint16_t port = 0;
};

// Nothing: neither IPv4 nor IPv6.
std::optional<Endpoint> endpoint_of(const sockaddr& address);
// "192.0.2.1:80", "[2001:db8::1]:80"
std::string to_text(const Endpoint& endpoint);

class AddressPolicy {
 public:
  AddressPolicy();

  // False: not a rule.
  bool add(std::string_view rule, bool allow);
  bool allows(const Endpoint& endpoint) const;
  // Allowed by a rule with a port: somebody meant exactly this one.
  bool lists(const Endpoint& endpoint) const;

 private:
  struct Rule {
    std::array<uint8_t, 16> network{};
    unsigned bits = 0;  // of 128
    uint16_t port = 0;  // 0: any
    bool allow = false;
  };
  static std::optional<Rule> parse(std::string_view text);
  static bool matches(const Rule& rule, const Endpoint& endpoint);
  const Rule* decide(const Endpoint& endpoint) const;

  std::vector<Rule> rules_;
};

}  // namespace lcg::http_callback
