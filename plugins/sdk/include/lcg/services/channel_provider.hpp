// SPDX-License-Identifier: Apache-2.0
// channel_provider.hpp: what a plugin implements to be the provider of a channel namespace.
//
// A namespace with `provider: NAME` in YAML is served by the service "channel:NAME". The partition key of
// every call is the channel's name after the namespace boundary ("dialog:42" -> "42"), so the provider's
// instance that owns the slot is on the lane that fans the channel out, and it alone publishes there: with
// host->publish and LCG_PUB_POSITIONED, in offset order, offsets dense from 1, the epoch constant for the
// life of the stream.
//
// Methods (request -> response), status < 0 refuses: LCG_E_DENIED (103), LCG_E_NOT_FOUND (102), others by the
// table of broker/error_table.cc.
//   subscribe   SubscribeRequest  -> StreamPage   may this peer read; the stream's head, and with recover the
//                                                 publications after `since` (all, or recovered = false)
//   publish     PublishRequest    -> (empty)      a stock client's; the answer comes when it is durable
//   history     HistoryRequest    -> StreamPage
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "lcg/wire.hpp"

namespace lcg::channel {

// Who asks, as in lcg_peer.
struct Peer {
  std::string session_id, user_id, device_id;
  uint64_t device_epoch = 0;
  bool ephemeral_device = false;  // the client named no device: its id is the session's and dies with it
};

struct SubscribeRequest {
  std::string channel;
  Peer peer;
  bool recover = false;
  uint64_t offset = 0;   // recover: the last one the client has
  std::string epoch;     // recover: of that offset; empty matches any
  uint32_t limit = 300;  // recover: more than this many missed is recovered = false
};

struct PublishRequest {
  std::string channel;
  Peer peer;
  std::string data;  // a JSON value
};

struct HistoryRequest {
  std::string channel;
  Peer peer;
  bool has_since = false, reverse = false;
  uint64_t since = 0;
  std::string epoch;
  int32_t limit = 0;  // 0: position only; the caller has applied its maximum already
};

struct StreamPublication {
  uint64_t offset = 0;
  std::string data, user_id, session_id;
};

struct StreamPage {
  uint64_t head = 0;
  std::string epoch;
  bool recovered = false;
  std::vector<StreamPublication> publications;
};

inline void put(wire::Writer& w, const Peer& p) {
  w.str(p.session_id).str(p.user_id).str(p.device_id).u64(p.device_epoch).boolean(p.ephemeral_device);
}
inline void get(wire::Reader& r, Peer& p) {
  p.session_id = r.str();
  p.user_id = r.str();
  p.device_id = r.str();
  p.device_epoch = r.u64();
  p.ephemeral_device = r.boolean();
}

inline std::string encode(const SubscribeRequest& q) {
  wire::Writer w;
  w.str(q.channel);
  put(w, q.peer);
  return w.boolean(q.recover).u64(q.offset).str(q.epoch).u64(q.limit).take();
}
inline bool decode(std::string_view data, SubscribeRequest& q) {
  wire::Reader r(data);
  q.channel = r.str();
  get(r, q.peer);
  q.recover = r.boolean();
  q.offset = r.u64();
  q.epoch = r.str();
  q.limit = static_cast<uint32_t>(r.u64());
  return r.ok();
}

inline std::string encode(const PublishRequest& q) {
  wire::Writer w;
  w.str(q.channel);
  put(w, q.peer);
  return w.str(q.data).take();
}
inline bool decode(std::string_view data, PublishRequest& q) {
  wire::Reader r(data);
  q.channel = r.str();
  get(r, q.peer);
  q.data = r.str();
  return r.ok();
}

inline std::string encode(const HistoryRequest& q) {
  wire::Writer w;
  w.str(q.channel);
  put(w, q.peer);
  return w.boolean(q.has_since)
      .boolean(q.reverse)
      .u64(q.since)
      .str(q.epoch)
      .u64(static_cast<uint32_t>(q.limit))
      .take();
}
inline bool decode(std::string_view data, HistoryRequest& q) {
  wire::Reader r(data);
  q.channel = r.str();
  get(r, q.peer);
  q.has_since = r.boolean();
  q.reverse = r.boolean();
  q.since = r.u64();
  q.epoch = r.str();
  q.limit = static_cast<int32_t>(static_cast<uint32_t>(r.u64()));
  return r.ok();
}

inline std::string encode(const StreamPage& p) {
  wire::Writer w;
  w.u64(p.head).str(p.epoch).boolean(p.recovered).u64(p.publications.size());
  for (const StreamPublication& pub : p.publications)
    w.u64(pub.offset).str(pub.data).str(pub.user_id).str(pub.session_id);
  return w.take();
}
inline bool decode(std::string_view data, StreamPage& p) {
  wire::Reader r(data);
  p.head = r.u64();
  p.epoch = r.str();
  p.recovered = r.boolean();
  for (uint64_t n = r.count(); n > 0 && r.ok(); --n) {
    StreamPublication pub;
    pub.offset = r.u64();
    pub.data = r.str();
    pub.user_id = r.str();
    pub.session_id = r.str();
    p.publications.push_back(std::move(pub));
  }
  return r.ok();
}

}  // namespace lcg::channel
