// What an operator may set for the sessions of a gateway; read by session_config.h. Defaults and sources: limits.h.
#pragma once
#include <string>

#include "base/clock.h"
#include "gateway/protocol/limits.h"

namespace lcg::gateway {

struct SessionOptions {
  std::string server_version = "lcg";  // told in the connect reply

  uint32_t channel_limit = protocol::kMaxChannelsPerClient;  // subscriptions of one connection
  size_t channel_max_length = protocol::kMaxChannelBytes;    // bytes

  Millis ping_interval = protocol::kPingInterval;  // 0: the server does not ping
  Millis pong_timeout = protocol::kPongTimeout;    // < ping_interval
  Millis stale_timeout = protocol::kStaleTimeout;  // from the upgrade to an answered connect
  Millis expired_grace = protocol::kExpiredGrace;  // from the end of the credentials to 3005, for a refresh

  double commands_per_second = protocol::kCommandsPerSecond;  // of one connection; 0: no limit
  double command_burst = protocol::kCommandBurst;

  size_t soft_queue_bytes = protocol::kSoftQueueBytes;  // owed to a client: its dialogs are collapsed

  // Bearer tokens of HTTP calls that are remembered, each for at most this long: a revoked one works that
  // much longer.
  size_t token_cache_entries = 1024;  // a lane
  Millis token_cache_ttl{10'000};
};

}  // namespace lcg::gateway
