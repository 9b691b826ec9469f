// Emulated sessions: the server's half is a response that never ends, the client's half are POSTs to /emulation, which
// may reach any lane of any node (client-protocol 1.14). So the connect reply names the gateway lane that has the
// session, and a secret that only its client knows: it, not the client id that others see, lets commands in.
//
// Any thread.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "broker/api/types.h"

namespace lcg::gateway {

// 128 random bits in hexadecimal.
std::string make_session_secret(Random& random);

// "<node>.<lane>", decimal without leading zeros.
std::string node_text(GatewayAddress address);
std::optional<GatewayAddress> parse_node(std::string_view text);

enum class Emulated : uint8_t {
  kAccepted,     // 204; also when there is no such session, so that nobody can probe for one
  kUnknownNode,  // 404
};

}  // namespace lcg::gateway
