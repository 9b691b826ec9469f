#include "base/client_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace lcg {
namespace {

constexpr size_t kV4At = 12;  // where the four bytes of IPv4 are
constexpr ClientAddress::Bytes kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool of_hidden(char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; }
bool of_zone(char c) { return of_hidden(c) || c == '%' || c == '~'; }

// "4711", or "_p1" (RFC 7239 6.3), which is 0.
std::optional<uint16_t> parse_port(std::string_view text) {
  if (text.size() > 1 && text.front() == '_') {
    if (!std::all_of(text.begin(), text.end(), of_hidden)) return std::nullopt;
    return 0;
  }
  uint16_t port = 0;
  if (text.empty() || text.size() > 5) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

ClientAddress::Key read(const ClientAddress::Bytes& bytes, size_t from, size_t count) {
  ClientAddress::Key value = 0;
  for (size_t i = from; i < from + count; ++i) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

ClientAddress::ClientAddress(const Bytes& bytes, uint16_t port) : bytes_(bytes), port_(port), known_(true) {}

ClientAddress ClientAddress::of_socket(const sockaddr_storage& address) {
  Bytes bytes = kMapped;
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    std::memcpy(bytes.data() + kV4At, &v4.sin_addr, 4);
    return ClientAddress(bytes, ntohs(v4.sin_port));
  }
  if (address.ss_family != AF_INET6) return {};
  sockaddr_in6 v6;
  std::memcpy(&v6, &address, sizeof v6);
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return ClientAddress(bytes, ntohs(v6.sin6_port));
}

std::optional<ClientAddress> ClientAddress::parse_ip(std::string_view text, uint16_t port) {
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy || text.find('\0') != text.npos) return std::nullopt;
  copy[text.copy(copy, sizeof copy - 1)] = '\0';
  Bytes bytes = kMapped;
  if (::inet_pton(AF_INET, copy, bytes.data() + kV4At) == 1) return ClientAddress(bytes, port);
  if (::inet_pton(AF_INET6, copy, bytes.data()) == 1) return ClientAddress(bytes, port);
  return std::nullopt;
}

std::optional<ClientAddress> ClientAddress::parse(std::string_view text) {
  std::string_view host = text;
  std::optional<std::string_view> port;
  const bool brackets = text.starts_with('[');
  if (brackets) {
    const size_t end = text.find(']');
    if (end == text.npos) return std::nullopt;
    host = text.substr(1, end - 1);
    const std::string_view behind = text.substr(end + 1);
    if (!behind.empty() && behind.front() != ':') return std::nullopt;
    if (!behind.empty()) port = behind.substr(1);
  } else if (const size_t colon = text.find(':'); colon != text.npos && text.rfind(':') == colon) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  const bool v6 = host.find(':') != host.npos;
  if (brackets && !v6) return std::nullopt;
  if (const size_t zone = host.find('%'); v6 && zone != host.npos) {
    const std::string_view name = host.substr(zone + 1);
    if (name.empty() || !std::all_of(name.begin(), name.end(), of_zone)) return std::nullopt;
    host = host.substr(0, zone);
  }
  const std::optional<uint16_t> number = port.has_value() ? parse_port(*port) : 0;
  return number.has_value() ? parse_ip(host, *number) : std::nullopt;
}

bool ClientAddress::is_v4() const {
  return known_ && std::equal(kMapped.begin(), kMapped.begin() + kV4At, bytes_.begin());
}

bool ClientAddress::is_loopback() const {
  constexpr Bytes kV6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return known_ && (bytes_ == kV6 || (is_v4() && bytes_[kV4At] == 127));
}

std::string ClientAddress::text() const {
  if (!known_) return {};
  char host[INET6_ADDRSTRLEN] = "";
  const bool v4 = is_v4();
  ::inet_ntop(v4 ? AF_INET : AF_INET6, bytes_.data() + (v4 ? kV4At : 0), host, sizeof host);
  std::string out = v4 ? std::string(host) : std::string("[").append(host).append("]");
  return port_ == 0 ? out : out.append(":").append(std::to_string(port_));
}

ClientAddress::Key ClientAddress::key() const {
  // Keys of IPv4 and kNoKey are where those of multicast networks (ff00::/8) would be, from which nobody
  // comes: all of these are one.
  constexpr Key kV4 = 0xFFFFull << 48, kMulticast = 0xFF00ull << 48;
  if (!known_) return kNoKey;
  if (is_v4()) return kV4 | read(bytes_, kV4At, 4);
  return bytes_[0] == 0xFF ? kMulticast : read(bytes_, 0, 8);
}

}  // namespace lcg
