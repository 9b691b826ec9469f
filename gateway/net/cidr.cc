#include "gateway/net/cidr.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace lcg::net {
namespace {

constexpr unsigned kMappedBits = 96;  // ::ffff:0:0/96

bool same_prefix(const ClientAddress::Bytes& a, const ClientAddress::Bytes& b, unsigned bits) {
  const unsigned whole = bits / 8, rest = bits % 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

}  // namespace

Result<CidrList> CidrList::parse(const std::vector<std::string>& networks) {
  CidrList list;
  for (const std::string& text : networks) {
    const size_t slash = text.find('/');
    const std::string_view first = std::string_view(text).substr(0, slash);
    const std::optional<ClientAddress> address = ClientAddress::parse_ip(first);
    const Status wrong(Code::kInvalid, "expected a network like 10.0.0.0/8 or fd00::/8");
    if (!address.has_value()) return wrong;
    const bool v4 = first.find(':') == first.npos;
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
    Network network{address->bytes(), bits};
    for (unsigned bit = bits; bit < 128; ++bit) {
      if ((network.address[bit / 8] & (0x80u >> (bit % 8))) != 0)
        return Status(Code::kInvalid, "has bits behind its prefix; write the network's first address");
    }
    list.networks_.push_back(network);
  }
  return list;
}

bool CidrList::contains(const ClientAddress& address) const {
  return address.known() && std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
           return same_prefix(address.bytes(), network.address, network.bits);
         });
}

}  // namespace lcg::net
