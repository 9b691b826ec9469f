// What a load balancer says of its client: a PROXY header fed in pieces as small as the input says comes to the same
// end as the whole and never reads behind itself; an address that is read has one text; a forwarding header of any
// bytes names somebody or nobody.
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "gateway/net/forwarded.h"
#include "gateway/net/proxy_protocol.h"

namespace {

using lcg::net::ProxyParser;

ProxyParser::State run(std::string_view bytes, size_t piece, size_t& used) {
  ProxyParser parser;
  used = 0;
  while (parser.state() == ProxyParser::State::kMore && used < bytes.size()) {
    if (parser.wanted() == 0) std::abort();
    const size_t size = std::min({parser.wanted(), piece, bytes.size() - used});
    parser.feed(bytes.substr(used, size));
    used += size;
  }
  return parser.state();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  size_t whole = 0, pieces = 0;
  const auto state = run(bytes, SIZE_MAX, whole);
  if (state == ProxyParser::State::kDone && (run(bytes, 1, pieces) != state || pieces != whole)) std::abort();

  lcg::net::ProxyPolicy policy;
  policy.trusted = lcg::net::CidrList::parse({"10.0.0.0/8"}).value();
  lcg::net::HttpRequest request;
  request.headers = {{"X-Forwarded-For", std::string(bytes)}, {"Forwarded", std::string(bytes)}};
  const lcg::ClientAddress peer = lcg::ClientAddress::parse("10.0.0.1").value();
  if (const auto address = lcg::ClientAddress::parse(bytes)) {
    if (lcg::ClientAddress::parse(address->text()) != address) std::abort();
  }
  for (const bool forwarded : {false, true}) {
    policy.forwarded = forwarded;
    const auto client = lcg::net::forwarded_client(request, peer, policy);
    if (client.has_value() && !client->known()) std::abort();
  }
  return 0;
}
