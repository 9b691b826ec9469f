// What is asked of the slot that owns a channel, and the answers.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "broker/api/grant.h"
#include "broker/api/outcome.h"
#include "broker/api/types.h"

namespace lcg {

// Slot of the channel. After an ok answer the gateway receives the channel's deliveries until it unsubscribes
// the same session. Deliveries may reach the gateway before the answer: it holds them and merges by offset.
struct SubscribeRequest {
  using Answer = struct SubscribeResponse;
  std::string channel;
  PeerPtr peer;
  std::string token;
  SharedBytes data;
  bool recover = false, positioned = false, recoverable = false, join_leave = false, server_side = false;
  StreamPosition since{};  // recover only; epoch "" matches any
  bool delta = false;      // the client takes Fossil deltas
  bool filtered =
      false;  // the client filters by tags: the gateway does it, the namespace must allow it (107)
  SubscribeGrantPtr grant{};  // server_side: authorised already; null as well when nothing special is granted
};
struct SubscribeResponse : Outcome {
  bool recoverable = false, positioned = false, recovered = false, was_recovering = false,
       push_join_leave = false;
  StreamPosition position;  // stream head; when recovered: the position asked for
  std::vector<PublicationPtr> publications;
  SharedBytes data;
  int64_t expire_at_ms = 0;
  bool server_refresh = false;  // of expire_at_ms: the client is not told
  bool delta = false;           // granted: publications may be sent as their patch
  bool compaction = false;      // the namespace lets the gateway use numeric channel ids
  Millis batch_delay{0};        // publications of the channel may wait that long to leave together
};

struct UnsubscribeRequest {
  using Answer = struct UnsubscribeResponse;
  std::string channel;
  PeerPtr peer;
};
struct UnsubscribeResponse : Outcome {};

// What others are shown of a session, or plugins told, has changed: presence, join and leave tell the new from here on.
struct PeerChanged {
  using Answer = struct PeerChangedResponse;
  std::string channel;
  PeerPtr peer;
};
struct PeerChangedResponse : Outcome {};

// Client-protocol 2 and 4: publish.
struct PublishOptions {
  Tags tags;
  std::string idempotency_key;  // the same key within kIdempotencyWindow has the first one's result
  uint64_t version = 0;         // not above the channel's stored one (of version_epoch): skipped; 0: none
  std::string version_epoch;
  bool delta = false;         // make a patch from the publication before, if somebody takes it
  bool skip_history = false;  // of no position
};

struct PublishRequest {
  using Answer = struct PublishResponse;
  std::string channel;
  PeerPtr peer;
  SharedBytes data;
  bool checked_json = true;  // data is valid JSON without raw newlines; else any bytes
};
struct PublishResponse : Outcome {
  StreamPosition position;
};

// Of history and presence: with no peer it is the server that asks, which needs no permission.
struct HistoryRequest {
  using Answer = struct HistoryResponse;
  std::string channel;
  PeerPtr peer;
  bool has_since = false, reverse = false;
  StreamPosition since{};
  int32_t limit = 0;  // 0: position only; < 0: as many as allowed
};
struct HistoryResponse : Outcome {
  StreamPosition position;
  std::vector<PublicationPtr> publications;
};

// Slot of the channel: forgets its publications; position and epoch stay. By the server.
struct HistoryRemove {
  using Answer = struct HistoryRemoveResponse;
  std::string channel;
};
struct HistoryRemoveResponse : Outcome {};

struct PresenceRequest {
  using Answer = struct PresenceResponse;
  std::string channel;
  PeerPtr peer;
  bool stats_only = false;
};
struct PresenceResponse : Outcome {
  std::vector<ClientInfo> clients;  // empty with stats_only
  uint32_t num_clients = 0, num_users = 0;
};

// Slot of the channel: a subscription's credentials, by the client's token or by the server.
struct SubRefreshRequest {
  using Answer = struct SubRefreshResponse;
  std::string channel;
  PeerPtr peer;
  std::string token;
  bool server = false;  // as RefreshRequest::server
};
struct SubRefreshResponse : Outcome {
  int64_t expire_at_ms = 0;
};

// Slot of the channel: a plugin (lcg_publication) or the server API publishes.
struct ServerPublish {
  using Answer = struct PublishResponse;
  std::string channel;
  Publication publication;  // positioned: offset and epoch are the provider's
  bool positioned = false;
  PublishOptions options{};
};

}  // namespace lcg
