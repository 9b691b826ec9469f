// The HTTP parser, the upgrade and the router under arbitrary bytes. Beside memory errors it looks for two
// broken promises:
//  - the outcome does not depend on how the bytes were cut;
//  - a request that is taken has one Host at most, one length or coding at most, and a path for a target.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/net/http_parser.h"
#include "gateway/net/upgrade.h"

namespace {

using lcg::net::HttpParser;
using lcg::net::HttpRequest;

const lcg::net::HttpLimits kLimits{
    .max_head_bytes = 2000, .max_target_bytes = 500, .max_headers = 20, .max_body_bytes = 500};

void require(bool promise) {
  if (!promise) std::abort();
}

struct Outcome {
  HttpParser::State state;
  unsigned status = 0;
  std::string request;
  bool operator==(const Outcome&) const = default;
};

Outcome run(const std::string& bytes, size_t step) {
  HttpParser parser(kLimits);
  size_t used = 0;
  while (used < bytes.size() &&
         (parser.state() == HttpParser::State::kHead || parser.state() == HttpParser::State::kBody)) {
    const size_t size = std::min(step, bytes.size() - used);
    parser.feed(std::string_view(bytes).substr(used, size));
    used += size;
  }
  Outcome outcome{parser.state(), 0, {}};
  if (outcome.state == HttpParser::State::kRefused) outcome.status = parser.refusal().status;
  if (outcome.state == HttpParser::State::kComplete) {
    const HttpRequest request = parser.take_request();
    require(request.path.starts_with('/'));
    require(request.count("Host") <= 1);
    require(request.count("Content-Length") + request.count("Transfer-Encoding") <= 1);
    outcome.request = request.method + " " + request.path + "?" + request.query + "\n" + request.body + "\n";
    for (const auto& header : request.headers) outcome.request += header.name + ":" + header.value + "\n";
    outcome.request += "rest " + parser.take_rest() + bytes.substr(used);

    const lcg::net::UpgradePolicy policy{
        {lcg::net::OriginList({"https://*.example.com", "http://localhost:*"}),
         lcg::net::HostList({"*.example.com"})}};
    const auto foreign = refuse_foreign(request, policy.browsers);
    if (foreign.has_value()) serialize(*foreign, false, false, 0);
    const auto upgrade = negotiate_upgrade(request, policy);
    require(upgrade.accepted == (upgrade.response.status == 101));
    serialize(upgrade.response, false, false, 0);
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = run(bytes, bytes.size());
  require(run(bytes, 1) == whole);
  require(run(bytes, 7) == whole);
  return 0;
}
