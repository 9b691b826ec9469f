// Replies of the client protocol as plain structs of borrowed values, valid while they are encoded.
// Source: client-protocol 1.4, 1.5, 1.7 to 1.9. Fields we never grant (map state, dictionaries) have no place here.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "broker/api/requests.h"

namespace lcg::protocol {

// The result of one subscription.
struct SubscribeReply {
  StreamPosition position = {};
  std::span<const PublicationPtr> publications = {};
  std::string_view data = {};
  bool recoverable = false, positioned = false, recovered = false, was_recovering = false;
  bool delta = false;        // granted: the first publication is sent whole, the others as their patches
  uint32_t ttl_seconds = 0;  // > 0: the client has to refresh the subscription
  int64_t id = 0;            // compaction: the number that pushes use in place of the channel
};

struct ServerSubscription {
  std::string_view channel;
  SubscribeReply reply = {};
};

struct ConnectReply {
  std::string_view client = {}, version = {}, data = {};
  std::span<const ServerSubscription> subs = {};
  uint32_t ttl_seconds = 0;   // of the credentials; > 0 means that the client has to refresh
  uint32_t ping_seconds = 0;  // 0: no ping
  bool expects_pong = false;
  std::string_view session = {}, node = {};  // of emulated and unidirectional transports
  int64_t time_ms = 0;                       // Unix ms; 0: not told
};

struct HistoryReply {
  std::span<const PublicationPtr> publications;
  const StreamPosition& position;
};

struct RefreshReply {
  uint32_t ttl_seconds = 0;  // 0: the credentials do not expire
};

}  // namespace lcg::protocol
