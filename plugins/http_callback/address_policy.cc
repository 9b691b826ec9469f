// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/address_policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>

namespace lcg::http_callback {
namespace {

constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // RFC 4291 2.5.5.2
constexpr std::array<uint8_t, 12> kNat64 = {0x00, 0x64, 0xff, 0x9b};                     // RFC 6052 2.1

// What no back end of anybody's lives at, unless the operator says so.
constexpr std::string_view kDenied[] = {
    "0.0.0.0/8",           // "this host": connects to loopback on Linux
    "169.254.0.0/16",      // link-local; metadata of most clouds
    "100.100.100.200/32",  // metadata of Alibaba Cloud
    "168.63.129.16/32",    // the wire server of Azure
    "192.0.0.192/32",      // metadata of Oracle Cloud
    "224.0.0.0/4",         // multicast
    "240.0.0.0/4",         // reserved, broadcast
    "::/128",              // unspecified: connects to loopback on Linux
    "fe80::/10",           // link-local
    "fec0::/10",           // site-local
    "fd00:ec2::/32",       // metadata of AWS
    "fd20:ce::/32",        // metadata of Google Cloud
    "ff00::/8",            // multicast
};

void normalise(std::array<uint8_t, 16>& address) {
  if (std::memcmp(address.data(), kNat64.data(), kNat64.size()) == 0)
    std::memcpy(address.data(), kMapped.data(), kMapped.size());
}

bool parse_number(std::string_view text, unsigned max, unsigned& out) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, out);
  return error == std::errc() && rest == end && out <= max;
}

}  // namespace

std::optional<Endpoint> endpoint_of(const sockaddr& address) {
  Endpoint out;
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    std::memcpy(out.address.data(), kMapped.data(), kMapped.size());
    std::memcpy(out.address.data() + kMapped.size(), &in.sin_addr, 4);
    out.port = ntohs(in.sin_port);
    return out;
  }
  if (address.sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in{};
  std::memcpy(&in, &address, sizeof in);
  std::memcpy(out.address.data(), &in.sin6_addr, 16);
  out.port = ntohs(in.sin6_port);
  normalise(out.address);
  return out;
}

std::string to_text(const Endpoint& endpoint) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (std::memcmp(endpoint.address.data(), kMapped.data(), kMapped.size()) == 0) {
    inet_ntop(AF_INET, endpoint.address.data() + kMapped.size(), text, sizeof text);
    return std::string(text) + ":" + std::to_string(endpoint.port);
  }
  inet_ntop(AF_INET6, endpoint.address.data(), text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(endpoint.port);
}

AddressPolicy::AddressPolicy() {
  add("::/0", true);
  for (const std::string_view network : kDenied) add(network, false);
}

std::optional<AddressPolicy::Rule> AddressPolicy::parse(std::string_view text) {
  Rule rule;
  rule.bits = 128;
  unsigned number = 0;
  std::string_view address = text;
  const bool bracketed = text.starts_with('[');
  if (bracketed) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    address = text.substr(1, close - 1);
    const std::string_view port = text.substr(close + 1);
    if (!port.starts_with(':') || !parse_number(port.substr(1), 65535, number) || number == 0)
      return std::nullopt;
    rule.port = static_cast<uint16_t>(number);
  } else if (const size_t colon = text.find(':');
             colon != std::string_view::npos && colon == text.rfind(':')) {
    if (!parse_number(text.substr(colon + 1), 65535, number) || number == 0) return std::nullopt;
    rule.port = static_cast<uint16_t>(number);
    address = text.substr(0, colon);
  }
  std::string_view prefix;
  if (const size_t slash = address.find('/'); slash != std::string_view::npos) {
    prefix = address.substr(slash + 1);
    address = address.substr(0, slash);
    if (prefix.empty()) return std::nullopt;
  }
  const std::string terminated(address);
  in_addr v4{};
  unsigned base = 0;
  if (inet_pton(AF_INET, terminated.c_str(), &v4) == 1) {
    std::memcpy(rule.network.data(), kMapped.data(), kMapped.size());
    std::memcpy(rule.network.data() + kMapped.size(), &v4, 4);
    base = 96;
  } else if (inet_pton(AF_INET6, terminated.c_str(), rule.network.data()) == 1) {
    normalise(rule.network);
  } else {
    return std::nullopt;
  }
  if (!prefix.empty()) {
    if (!parse_number(prefix, 128 - base, number)) return std::nullopt;
    rule.bits = base + number;
  }
  return rule;
}

bool AddressPolicy::add(std::string_view text, bool allow) {
  std::optional<Rule> rule = parse(text);
  if (!rule) return false;
  rule->allow = allow;
  rules_.push_back(*rule);
  return true;
}

bool AddressPolicy::matches(const Rule& rule, const Endpoint& endpoint) {
  if (rule.port != 0 && rule.port != endpoint.port) return false;
  const unsigned bytes = rule.bits / 8, bits = rule.bits % 8;
  if (std::memcmp(rule.network.data(), endpoint.address.data(), bytes) != 0) return false;
  if (bits == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - bits));
  return ((rule.network[bytes] ^ endpoint.address[bytes]) & mask) == 0;
}

const AddressPolicy::Rule* AddressPolicy::decide(const Endpoint& endpoint) const {
  const auto rank = [](const Rule& r) { return (r.port != 0 ? 256u : 0u) + r.bits; };
  const Rule* best = nullptr;
  for (const Rule& rule : rules_) {
    if (!matches(rule, endpoint)) continue;
    if (best == nullptr || rank(rule) > rank(*best) || (rank(rule) == rank(*best) && !rule.allow))
      best = &rule;
  }
  return best;
}

bool AddressPolicy::allows(const Endpoint& endpoint) const {
  const Rule* rule = decide(endpoint);
  return rule != nullptr && rule->allow;
}

bool AddressPolicy::lists(const Endpoint& endpoint) const {
  const Rule* rule = decide(endpoint);
  return rule != nullptr && rule->allow && rule->port != 0;
}

}  // namespace lcg::http_callback
