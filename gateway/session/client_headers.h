// The HTTP headers of a client that plugins may see: those whose names are allowed, and nothing else. Any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
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

// The headers that name the client's device (docs/protocol.md, "Devices"). They are the gateway's own: `headers` and
// `emulated_headers` of the configuration say nothing about them.
inline constexpr std::string_view kDeviceHeader = "lcg-device", kDeviceEpochHeader = "lcg-epoch";
ClientHeaders device_headers(const HeaderViews& headers);
// Of a real header and an emulated one the real one; nothing: neither is there.
std::optional<std::string> value_of(std::string_view name, const ClientHeaders& real,
                                    const ClientHeaders& emulated);

// As Peer::headers; "" if there are none. A real header hides an emulated one of its name (client-protocol 3).
SharedBytes headers_json(const ClientHeaders& real, const ClientHeaders& emulated);

}  // namespace lcg::gateway
