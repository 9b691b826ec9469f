#include "gateway/net/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace lcg::net {
namespace {

constexpr unsigned kMappedBits = 96;  // ::ffff:0:0/96

bool same_prefix(const AddressBytes& a, const AddressBytes& b, unsigned bits) {
  const unsigned whole = bits / 8, rest = bits % 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

}  // namespace

std::optional<AddressBytes> address_bytes(const sockaddr_storage& address) {
  AddressBytes out{};
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    out[10] = out[11] = 0xFF;
    std::memcpy(out.data() + 12, &v4.sin_addr, 4);
    return out;
  }
  if (address.ss_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6;
  std::memcpy(&v6, &address, sizeof v6);
  std::memcpy(out.data(), &v6.sin6_addr, 16);
  return out;
}

std::optional<sockaddr_storage> parse_ip(std::string_view text, uint16_t port) {
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy || text.find('\0') != text.npos) return std::nullopt;
  copy[text.copy(copy, sizeof copy - 1)] = '\0';
  sockaddr_storage out{};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, copy, &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&out, &v4, sizeof v4);
    return out;
  }
  if (::inet_pton(AF_INET6, copy, &v6.sin6_addr) != 1) return std::nullopt;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&out, &v6, sizeof v6);
  return out;
}

bool is_loopback(const sockaddr_storage& address) {
  const auto bytes = address_bytes(address);
  if (!bytes.has_value()) return false;
  constexpr AddressBytes kV6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  constexpr AddressBytes kV4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 0};
  return *bytes == kV6 || same_prefix(*bytes, kV4, kMappedBits + 8);
}

Result<CidrList> CidrList::parse(const std::vector<std::string>& networks) {
  CidrList list;
  for (const std::string& text : networks) {
    const size_t slash = text.find('/');
    const auto address = parse_ip(std::string_view(text).substr(0, slash));
    const Status wrong(Code::kInvalid, "\"" + text + "\" is not a network like 10.0.0.0/8 or fd00::/8");
    if (!address.has_value()) return wrong;
    const bool v4 = address->ss_family == AF_INET;
    unsigned bits = v4 ? 32 : 128;
    if (slash != std::string::npos) {
      const char* begin = text.data() + slash + 1;
      const char* end = text.data() + text.size();
      const unsigned most = bits;
      const auto [stop, error] = std::from_chars(begin, end, bits);
      if (error != std::errc() || stop != end || bits > most || (end - begin > 1 && *begin == '0'))
        return wrong;
    }
    if (v4) bits += kMappedBits;
    Network network{*address_bytes(*address), bits};
    for (unsigned bit = bits; bit < 128; ++bit) {
      if ((network.address[bit / 8] & (0x80u >> (bit % 8))) != 0) {
        return Status(Code::kInvalid,
                      "\"" + text + "\" has bits behind its prefix; write the network's first address");
      }
    }
    list.networks_.push_back(network);
  }
  return list;
}

bool CidrList::contains(const sockaddr_storage& address) const {
  const auto bytes = address_bytes(address);
  return bytes.has_value() && std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
           return same_prefix(*bytes, network.address, network.bits);
         });
}

}  // namespace lcg::net
