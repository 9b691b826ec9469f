// Every limit of the server API, with its unit. Those an operator may change are the defaults of ApiConfig.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lcg::gateway::api {

// Bytes of a request's body; over it 413. The listener's own limit (gateway.http.body_size) comes first.
inline constexpr size_t kMaxBodyBytes = 1u << 20;
// Commands in one batch, or in the lines of one request to POST /api.
inline constexpr size_t kMaxBatchCommands = 1000;
// Channels of one broadcast.
inline constexpr size_t kMaxBroadcastChannels = 10'000;
// Requests of a lane that wait for the broker; over it 503.
inline constexpr uint32_t kMaxInFlight = 1024;

// Publications of one broadcast, and commands of one parallel batch, that are on their way at the same time.
inline constexpr size_t kBroadcastWidth = 256;
inline constexpr size_t kBatchWidth = 64;

// Bytes of a channel, user, client, method, pattern or key of a publication. Of a channel: client-protocol 1.8.
inline constexpr size_t kMaxNameBytes = 255;
inline constexpr size_t kMaxEpochBytes = 64;
inline constexpr size_t kMaxReasonBytes = 123;  // RFC 6455 5.5
inline constexpr size_t kMaxUsers = 1000;       // of one user_status
inline constexpr size_t kMaxWhitelist = 1000;   // clients
inline constexpr size_t kMaxTags = 64;
inline constexpr size_t kMaxTagBytes = 1024;  // of a key and of a value each
inline constexpr unsigned kMaxJsonDepth = 64;

// Rows of one answer of `channels` in all; when there are more it says so.
inline constexpr uint32_t kMaxListedChannels = 10'000;
// Bytes of a batch's answers at which the commands behind them are refused with 106.
inline constexpr size_t kMaxAnswersBytes = 16u << 20;
// Values in the metrics of one node.
inline constexpr size_t kMaxMetrics = 2000;

// Bytes of an API key, and how many there may be: each request is compared with all of them.
inline constexpr size_t kMaxKeyBytes = 1024;
inline constexpr size_t kMaxKeys = 256;

}  // namespace lcg::gateway::api
