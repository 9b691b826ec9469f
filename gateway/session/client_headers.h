// The HTTP headers of a client that plugins may see: those whose names are allowed, and nothing else. Any thread.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "gateway/session/open_options.h"

namespace lcg::gateway {

// Lower-case name and value, sorted by name; names unique.
using ClientHeaders = std::vector<std::pair<std::string, std::string>>;

// Those of `headers` whose names, in any case, are in `allowed` (lower case). Of several with one name the values are
// joined by ", " (RFC 9110 5.3).
ClientHeaders allowed_headers(const std::vector<std::string>& allowed, const HeaderViews& headers);

// As Peer::headers; "" if there are none. A real header hides an emulated one of its name (client-protocol 3).
SharedBytes headers_json(const ClientHeaders& real, const ClientHeaders& emulated);

}  // namespace lcg::gateway
