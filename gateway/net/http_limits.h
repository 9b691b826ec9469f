// Every limit of an HTTP connection, with its unit. All but the body's size are what a gateway in front of
// browsers needs; nothing here depends on what is served.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace lcg::net {

struct HttpLimits {
  // Bytes of a request's head, its first line included; over it 431, or 414 if the first line alone is too
  // long. Cookies and bearer tokens of several KiB are common.
  size_t max_head_bytes = 16u << 10;
  size_t max_target_bytes = 8u << 10;
  size_t max_headers = 100;  // over it 431
  // Bytes of a request's body; over it 413.
  size_t max_body_bytes = 1u << 20;

  // From the connection, or from the first byte of a further request, to the end of the head: in total, not
  // per read. Else 408.
  std::chrono::milliseconds head_timeout{10'000};
  // From the end of the head to the end of the body. Else 408.
  std::chrono::milliseconds body_timeout{30'000};
  // Between two requests on one connection. Then it is closed without a word. Longer than common proxies and load
  // balancers keep a connection (60 s): else one of them may send a request into the close, and answer 502.
  std::chrono::milliseconds idle_timeout{75'000};
  // For a handler to answer. Else 504; what it answers later is dropped. Handlers have deadlines of their
  // own, shorter ones.
  std::chrono::milliseconds answer_timeout{60'000};
  // A client that takes no byte of its response for this long is cut off.
  std::chrono::milliseconds write_progress_timeout{30'000};
  // After an answer that ends the connection, for the client to read it and close.
  std::chrono::milliseconds linger_timeout{2'000};

  // Connections of this lane that have not sent their first request yet, from one address (IPv6: from one
  // /64). Over it 429.
  uint32_t max_half_open_per_address = 256;
  // Connections of this lane, WebSockets and streams included; over it 503.
  size_t max_connections = 1u << 20;
  // Of those, from one address (IPv6: from one /64), but for trusted proxies; over it 429. 0: no limit.
  uint32_t max_connections_per_address = 0;
  // Connections this lane accepts a second, and at once; over it 503, before a byte is read. 0: no limit.
  double connections_per_second = 0;
  double connection_burst = 0;
};

// Bytes of a chunk header, with its extensions, that may wait for their end.
inline constexpr size_t kMaxChunkHeaderBytes = 4u << 10;
// Connections accepted before others on the lane get their turn.
inline constexpr unsigned kAcceptsPerTurn = 64;
// Connections the kernel holds for us (net.core.somaxconn may lower it).
inline constexpr int kListenBacklog = 4096;
// Pause after the process ran out of file descriptors.
inline constexpr std::chrono::milliseconds kAcceptBackoff{100};

}  // namespace lcg::net
