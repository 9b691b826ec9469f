// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/event_doc.h"

#include <algorithm>
#include <iterator>

#include "lcg/json.hpp"
#include "lcg/wire.hpp"

namespace lcg::http_callback {
namespace {

constexpr std::string_view kNames[] = {"",         "connect", "disconnect", "subscribe", "unsubscribe",
                                       "occupied", "vacated"};
constexpr uint32_t kConnectionClosed =
    3000;  // client-protocol 1.11: the connection is gone, nobody closed it
constexpr std::string_view kRestarted = "server restarted";

}  // namespace

EventDoc doc_of(const ClientEvent& event) {
  EventDoc doc;
  doc.kind = event.kind;
  doc.time_ms = event.time_ms;
  doc.user = event.peer.user_id;
  doc.session = event.peer.session_id;
  doc.device = event.peer.device_id;
  doc.channel = event.channel;
  doc.code = event.code;
  doc.reason = event.reason;
  if (event.kind == LCG_EVENT_CONNECT) {
    doc.transport = event.peer.transport;
    doc.protocol = event.peer.protocol;
    doc.name = event.peer.client_name;
    doc.version = event.peer.client_version;
  }
  return doc;
}

bool begins(uint32_t kind) {
  return kind == LCG_EVENT_CONNECT || kind == LCG_EVENT_SUBSCRIBE || kind == LCG_EVENT_OCCUPIED;
}

std::string live_key(const EventDoc& doc) {
  switch (doc.kind) {
    case LCG_EVENT_CONNECT:
    case LCG_EVENT_DISCONNECT:
      return "s" + doc.session;
    case LCG_EVENT_SUBSCRIBE:
    case LCG_EVENT_UNSUBSCRIBE:
      return "c" + doc.channel + '\0' + doc.session;
    default:
      return "o" + doc.channel;
  }
}

EventDoc end_of(EventDoc begun, int64_t now_ms) {
  EventDoc end = std::move(begun);
  ++end.kind;  // every end follows its beginning in lcg/ext/events.h
  end.time_ms = now_ms;
  end.transport.clear();
  end.protocol.clear();
  end.name.clear();
  end.version.clear();
  if (end.kind == LCG_EVENT_VACATED) return end;
  if (end.kind == LCG_EVENT_DISCONNECT) end.code = kConnectionClosed;
  end.reason = kRestarted;
  return end;
}

std::string encode(const EventDoc& doc) {
  wire::Writer w;
  w.u64(doc.kind).u64(static_cast<uint64_t>(doc.time_ms)).str(doc.user).str(doc.session).str(doc.device);
  w.str(doc.channel).u64(doc.code).str(doc.reason);
  return w.str(doc.transport).str(doc.protocol).str(doc.name).str(doc.version).take();
}

bool decode(std::string_view data, EventDoc& doc) {
  wire::Reader r(data);
  doc.kind = static_cast<uint32_t>(r.u64());
  doc.time_ms = static_cast<int64_t>(r.u64());
  doc.user = r.str();
  doc.session = r.str();
  doc.device = r.str();
  doc.channel = r.str();
  doc.code = static_cast<uint32_t>(r.u64());
  doc.reason = r.str();
  doc.transport = r.str();
  doc.protocol = r.str();
  doc.name = r.str();
  doc.version = r.str();
  return r.ok() && doc.kind > 0 && doc.kind < std::size(kNames);
}

std::string encode(const EventCursor& cursor) {
  return wire::Writer().u64(cursor.delivered).u64(cursor.dropped).take();
}

bool decode(std::string_view data, EventCursor& cursor) {
  wire::Reader r(data);
  cursor.delivered = r.u64();
  cursor.dropped = r.u64();
  return r.ok();
}

std::string to_json(const EventDoc& doc, uint32_t slot, uint64_t sequence) {
  const bool of_user = doc.kind == LCG_EVENT_CONNECT || doc.kind == LCG_EVENT_DISCONNECT;
  const bool of_channel = doc.kind == LCG_EVENT_OCCUPIED || doc.kind == LCG_EVENT_VACATED;
  json::Writer out;
  out.text("id", std::to_string(slot) + "-" + std::to_string(sequence));
  out.text("type", kNames[doc.kind]).num("time", static_cast<uint64_t>(std::max<int64_t>(doc.time_ms, 0)));
  out.text("key", of_user ? doc.user : doc.channel);
  if (!of_channel) out.text("user", doc.user).text("client", doc.session).text("device", doc.device);
  if (!of_user) out.text("channel", doc.channel);
  if (doc.kind == LCG_EVENT_CONNECT) {
    out.text("transport", doc.transport).text("protocol", doc.protocol);
    if (!doc.name.empty()) out.text("name", doc.name);
    if (!doc.version.empty()) out.text("version", doc.version);
  }
  if (doc.kind == LCG_EVENT_DISCONNECT || doc.kind == LCG_EVENT_UNSUBSCRIBE)
    out.num("code", doc.code).text("reason", doc.reason);
  return out.take();
}

}  // namespace lcg::http_callback
