// SPDX-License-Identifier: Apache-2.0
// EventDoc: one event as it is stored, as the back end is told it, and what is remembered of what has begun and not
// ended. Pure.
//
// Collections of partition "@<slot>":
//   event         sequence number (8 bytes, big endian, dense) -> EventDoc: not delivered yet
//   event_cursor  "cursor" -> EventCursor
//   event_live    live_key() -> EventDoc: a session, a subscription, an occupied channel that exists now
//   event_dialog  dialog id -> position (wire u64): a dialog whose entries after it may not have been delivered
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lcg/ext/events.h"
#include "lcg/reply.hpp"

namespace lcg::http_callback {

inline constexpr char kEventDocs[] = "event", kCursorDocs[] = "event_cursor", kLiveDocs[] = "event_live",
                      kDialogDocs[] = "event_dialog", kCursorKey[] = "cursor";

struct EventDoc {
  uint32_t kind = 0;  // LCG_EVENT_*
  int64_t time_ms = 0;
  std::string user, session, device, channel;
  uint32_t code = 0;
  std::string reason;
  std::string transport, protocol, name, version;  // of the client; connect only
};

struct EventCursor {
  uint64_t delivered = 0;  // the last sequence number that is done with
  uint64_t dropped = 0;    // events given up that the back end has not been told of yet
};

EventDoc doc_of(const ClientEvent& event);
// Does it begin something that must be seen to end?
bool begins(uint32_t kind);
// The same for what the event begins and for what ends it. Sessions sort after channels' subscriptions, and an
// occupied channel after its subscriptions, so that ends are made in the right order.
std::string live_key(const EventDoc& doc);
// The end of what was left over when a server died.
EventDoc end_of(EventDoc begun, int64_t now_ms);

std::string encode(const EventDoc& doc);
bool decode(std::string_view data, EventDoc& doc);
std::string encode(const EventCursor& cursor);
bool decode(std::string_view data, EventCursor& cursor);

// One JSON object (docs/callbacks.md, "Events").
std::string to_json(const EventDoc& doc, uint32_t slot, uint64_t sequence);

}  // namespace lcg::http_callback
