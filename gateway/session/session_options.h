// What an operator may set for the sessions of a gateway; read by session_config.h. Defaults and sources: limits.h.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "gateway/protocol/limits.h"
#include "gateway/session/rate_limits.h"

namespace lcg::gateway {

struct SessionOptions {
  std::string server_version = "lcg";  // told in the connect reply

  uint32_t channel_limit = protocol::kMaxChannelsPerClient;  // subscriptions of one connection
  size_t channel_max_length = protocol::kMaxChannelBytes;    // bytes
  // Bytes of the largest message a transport hands over (gateway/frame_size.h), and of what waits for the command
  // before it; over the second 3008.
  size_t max_message_bytes = protocol::kMaxMessageBytes;
  size_t held_bytes() const { return max_message_bytes + protocol::kHeldMaxBytes; }

  Millis ping_interval = protocol::kPingInterval;  // 0: the server does not ping
  Millis pong_timeout = protocol::kPongTimeout;    // < ping_interval
  Millis stale_timeout = protocol::kStaleTimeout;  // from the upgrade to an answered connect
  Millis expired_grace = protocol::kExpiredGrace;  // from the end of the credentials to 3005, for a refresh

  // Over one of these: error 111. `all` of a connection is commands_per_second and command_burst.
  RateTable connection_rates{.all = {protocol::kCommandsPerSecond, protocol::kCommandBurst}};
  RateTable user_rates, address_rates;
  // Bytes of answers; a connection over it is refused what asks for more of them: error 111.
  RateLimit answers{.per_second = protocol::kAnswerBytesPerSecond, .burst = protocol::kAnswerBurstBytes};
  // Errors a connection may be answered with, but for those that another try may help against; over it 3509. Nobody
  // who means well gets so many.
  RateLimit errors{.per_second = 10, .burst = 1000};

  // HTTP headers that plugins may see, lower case: of the request, and of those a browser's connect may claim.
  std::vector<std::string> headers, emulated_headers;
  bool connect_time = false;  // tell the server's time in the connect reply

  // Messages in one frame to a client: its SDK handles a frame's messages one after the other.
  size_t messages_per_frame = protocol::kMaxPushesPerFrame;
  // A channel with a positioned subscriber in which nothing came for so long is compared with its owner's position;
  // 0: never.
  Millis position_check{40'000};

  size_t soft_queue_bytes = protocol::kSoftQueueBytes;  // owed to a client: its dialogs are collapsed

  // Bearer tokens of HTTP calls that are remembered, each for at most this long; what is revoked is forgotten at once.
  size_t token_cache_entries = 1024;  // a lane
  Millis token_cache_ttl{10'000};
};

}  // namespace lcg::gateway
