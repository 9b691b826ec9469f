// SPDX-License-Identifier: Apache-2.0
// address_policy.hpp: which addresses a plugin's own HTTP requests may be sent to, whatever a name resolves to.
//
// It is asked with the address a socket is about to be opened to (CURLOPT_OPENSOCKETFUNCTION), after names were
// resolved: a name that changes its mind between two look-ups gains nothing. Redirects are not to be followed.
//
// A rule is a network ("10.0.0.0/8"), an address, or either with a port ("127.0.0.1:9000", "[::1]:9000"). Of the
// configured ones the most specific decides: one with a port before one without, then the longer prefix; of two
// alike the denial. What it denies is denied. What it allows is allowed, unless it has no port and a longer prefix
// of special_ranges.hpp is kNowhere. Where no configured rule matches, the Internet, loopback and private networks
// are allowed, all that is kNowhere is not. "0.0.0.0/0" is all of IPv4, "::/0" is everything.
//
// An IPv4 address inside an IPv6 one (compatible, translated, 6to4, NAT64, Teredo, ISATAP) is judged as well as the
// IPv6 address around it, and both must be allowed; a mapped one is the IPv4 address. Immutable once its rules are
// added; any thread.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lcg/net/special_ranges.hpp"

namespace lcg::net {

// IPv4 as ::ffff:a.b.c.d
using Address = std::array<uint8_t, 16>;

struct Endpoint {
  Address address{};
  uint16_t port = 0;
};

namespace detail {

inline constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

inline Address mapped(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  Address out{};
  std::copy(kMapped.begin(), kMapped.end(), out.begin());
  out[12] = a, out[13] = b, out[14] = c, out[15] = d;
  return out;
}

inline bool begins(const Address& a, std::initializer_list<uint8_t> head) {
  return std::equal(head.begin(), head.end(), a.begin());
}

inline bool zeros(const Address& a, size_t from, size_t to) {
  return std::all_of(a.data() + from, a.data() + to, [](uint8_t byte) { return byte == 0; });
}

inline bool is_mapped(const Address& a) { return std::equal(kMapped.begin(), kMapped.end(), a.begin()); }

// RFC 6052 section 2.2 by the lengths of prefix that fit into 64:ff9b:1::/48. The address does not say which one
// its network uses, so each reading counts, but for those of 0.0.0.0/8, which the shorter ones leave behind.
inline void read_local_nat64(const Address& a, std::vector<Address>& out) {
  const Address readings[] = {mapped(a[6], a[7], a[9], a[10]), mapped(a[7], a[9], a[10], a[11]),
                              mapped(a[9], a[10], a[11], a[12]), mapped(a[12], a[13], a[14], a[15])};
  const size_t before = out.size();
  for (const Address& reading : readings)
    if (reading[12] != 0) out.push_back(reading);
  if (out.size() == before) out.push_back(readings[3]);
}

}  // namespace detail

// The IPv4 addresses that an IPv6 address carries; of most: none.
inline std::vector<Address> embedded_ipv4(const Address& a) {
  using detail::begins, detail::mapped, detail::zeros;
  std::vector<Address> out;
  if (detail::is_mapped(a)) return out;
  const Address tail = mapped(a[12], a[13], a[14], a[15]);
  // Compatible (RFC 4291 2.5.5.1), which :: and ::1 only look like.
  if (zeros(a, 0, 12) && !(zeros(a, 12, 15) && a[15] <= 1)) out.push_back(tail);
  // Translated (RFC 2765): ::ffff:0:a.b.c.d
  if (zeros(a, 0, 8) && a[8] == 0xff && a[9] == 0xff && zeros(a, 10, 12)) out.push_back(tail);
  if (begins(a, {0x00, 0x64, 0xff, 0x9b}) && zeros(a, 4, 12)) out.push_back(tail);
  if (begins(a, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01})) detail::read_local_nat64(a, out);
  if (begins(a, {0x20, 0x02})) out.push_back(mapped(a[2], a[3], a[4], a[5]));  // 6to4
  if (begins(a, {0x20, 0x01, 0x00, 0x00})) {  // Teredo: the server, and the client's address, inverted
    const auto inverted = [&a](size_t i) { return static_cast<uint8_t>(a[i] ^ 0xff); };
    out.push_back(mapped(a[4], a[5], a[6], a[7]));
    out.push_back(mapped(inverted(12), inverted(13), inverted(14), inverted(15)));
  }
  // ISATAP (RFC 5214 6.1): an interface identifier of ::0:5efe:a.b.c.d, the u and g bits of any value.
  if ((a[8] & 0xfc) == 0 && a[9] == 0 && a[10] == 0x5e && a[11] == 0xfe) out.push_back(tail);
  return out;
}

// Nothing: neither IPv4 nor IPv6.
inline std::optional<Endpoint> endpoint_of(const sockaddr& address) {
  Endpoint out;
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    std::copy(detail::kMapped.begin(), detail::kMapped.end(), out.address.begin());
    std::memcpy(out.address.data() + 12, &in.sin_addr, 4);
    out.port = ntohs(in.sin_port);
    return out;
  }
  if (address.sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in{};
  std::memcpy(&in, &address, sizeof in);
  std::memcpy(out.address.data(), &in.sin6_addr, 16);
  out.port = ntohs(in.sin6_port);
  return out;
}

// "192.0.2.1:80", "[2001:db8::1]:80"
inline std::string to_text(const Endpoint& endpoint) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (detail::is_mapped(endpoint.address)) {
    inet_ntop(AF_INET, endpoint.address.data() + 12, text, sizeof text);
    return std::string(text) + ":" + std::to_string(endpoint.port);
  }
  inet_ntop(AF_INET6, endpoint.address.data(), text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(endpoint.port);
}

class AddressPolicy {
 public:
  // What a rule looks like, for messages.
  static constexpr std::string_view kRuleText = "a network like 10.0.0.0/8 or fd00::/8, or an address";

  AddressPolicy() {
    Rule everything;
    everything.allow = true;
    rules_.push_back(everything);
    for (const SpecialRange& range : kSpecialRanges) {
      std::optional<Rule> rule = parse(range.network);
      if (!rule) throw std::logic_error("a special range that is no network");
      rule->allow = range.reach != Reach::kNowhere;
      rules_.push_back(*rule);
    }
  }

  // False: not a rule.
  bool add(std::string_view text, bool allow) {
    std::optional<Rule> rule = parse(text);
    if (!rule) return false;
    rule->allow = allow;
    rule->configured = true;
    rules_.push_back(*rule);
    return true;
  }

  bool allows(const Endpoint& endpoint) const {
    if (!decide(endpoint).allow) return false;
    const std::vector<Address> inside = embedded_ipv4(endpoint.address);
    return std::all_of(inside.begin(), inside.end(), [&](const Address& address) {
      return decide({address, endpoint.port}).allow;
    });
  }
  // False also for what is neither IPv4 nor IPv6.
  bool allows(const sockaddr& address) const {
    const std::optional<Endpoint> endpoint = endpoint_of(address);
    return endpoint && allows(*endpoint);
  }

  // Allowed by a rule with a port: somebody meant exactly this one.
  bool lists(const Endpoint& endpoint) const { return allows(endpoint) && decide(endpoint).port != 0; }

 private:
  struct Rule {
    Address network{};
    unsigned bits = 0;  // of 128
    uint16_t port = 0;  // 0: any
    bool allow = false, configured = false;

    bool matches(const Endpoint& endpoint) const {
      if (port != 0 && port != endpoint.port) return false;
      const unsigned bytes = bits / 8, rest = bits % 8;
      if (!std::equal(network.begin(), network.begin() + bytes, endpoint.address.begin())) return false;
      const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
      return rest == 0 || ((network[bytes] ^ endpoint.address[bytes]) & mask) == 0;
    }
    // Of the configured rules, and of the built-in ones, the greatest counts.
    unsigned rank() const { return (port != 0 ? 1024u : 0u) + 2 * bits + (allow ? 0u : 1u); }
  };

  static bool parse_number(std::string_view text, unsigned max, unsigned& out) {
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, out);
    return error == std::errc() && rest == end && out <= max;
  }

  // Takes ":port" off the end of `text`, also of "[address]:port". False: a port it is not.
  static bool take_port(std::string_view& text, uint16_t& port) {
    size_t colon = text.find(':');
    if (text.starts_with('[')) {
      const size_t close = text.find(']');
      if (close == std::string_view::npos || close + 1 == text.size()) return false;
      colon = close + 1;
      if (text[colon] != ':') return false;
    } else if (colon == std::string_view::npos || colon != text.rfind(':')) {
      return true;
    }
    unsigned number = 0;
    if (!parse_number(text.substr(colon + 1), 65535, number) || number == 0) return false;
    port = static_cast<uint16_t>(number);
    text = text.starts_with('[') ? text.substr(1, colon - 2) : text.substr(0, colon);
    return true;
  }

  static std::optional<Rule> parse(std::string_view text) {
    Rule rule;
    if (!take_port(text, rule.port)) return std::nullopt;
    const size_t slash = text.find('/');
    const std::string address(text.substr(0, slash));
    unsigned base = 0, prefix = 0;
    if (inet_pton(AF_INET, address.c_str(), rule.network.data() + 12) == 1) {
      std::copy(detail::kMapped.begin(), detail::kMapped.end(), rule.network.begin());
      base = 96;
    } else if (inet_pton(AF_INET6, address.c_str(), rule.network.data()) != 1) {
      return std::nullopt;
    }
    rule.bits = 128;
    if (slash == std::string_view::npos) return rule;
    if (!parse_number(text.substr(slash + 1), 128 - base, prefix)) return std::nullopt;
    rule.bits = base + prefix;
    return rule;
  }

  const Rule& decide(const Endpoint& endpoint) const {
    const Rule* built_in = &rules_.front();  // matches everything
    const Rule* configured = nullptr;
    for (const Rule& rule : rules_) {
      const Rule*& best = rule.configured ? configured : built_in;
      if ((best == nullptr || rule.rank() > best->rank()) && rule.matches(endpoint)) best = &rule;
    }
    if (configured == nullptr) return *built_in;
    // A built-in row closes what a wider configured rule allows. None opens what a configured rule denies.
    const bool closed = !built_in->allow && built_in->bits > configured->bits && configured->port == 0;
    return configured->allow && closed ? *built_in : *configured;
  }

  std::vector<Rule> rules_;
};

}  // namespace lcg::net
