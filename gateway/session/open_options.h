// OpenOptions: how a client came, as the transport that accepted it tells the session. Borrowed during
// GatewayLane::open().
#pragma once
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "broker/api/types.h"
#include "gateway/protocol/codec.h"

namespace lcg::gateway {

using HeaderViews = std::vector<std::pair<std::string_view, std::string_view>>;

struct OpenOptions {
  protocol::Variant variant{};  // delta and compact are agreed with each subscription
  TransportKind transport = TransportKind::kWebSocket;
  // All HTTP headers of the client's request; the session keeps those of SessionOptions::headers.
  HeaderViews headers{};
  // cf_ws_frame_ping_pong: pings are WebSocket frames, for tools that know nothing of the protocol (client-protocol
  // 1.1). WebSocket only; a unidirectional WebSocket always has it.
  bool frame_ping = false;
  // When the server took the socket, before the client was told; 0: now. Of two connections of one device it says which is
  // the newer.
  MonoTime accepted{};
};

// Are its commands brought by POST /emulation (client-protocol 1.14)?
constexpr bool is_emulated(TransportKind kind) {
  return kind == TransportKind::kHttpStream || kind == TransportKind::kSse;
}
// Has it close frames, which carry the code of a disconnect?
constexpr bool is_websocket(TransportKind kind) {
  return kind == TransportKind::kWebSocket || kind == TransportKind::kUniWebSocket;
}

}  // namespace lcg::gateway
