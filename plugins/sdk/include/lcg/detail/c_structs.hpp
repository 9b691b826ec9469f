// SPDX-License-Identifier: Apache-2.0
// c_structs.hpp: the values of reply.hpp from and to the C structs. A field the other side does not know reads as
// empty.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "lcg/ext/before_commit.h"
#include "lcg/ext/events.h"
#include "lcg/lcg_plugin.h"
#include "lcg/reply.hpp"

namespace lcg::detail {

#define LCG_DETAIL_GET(p, field, fallback) (LCG_HAS(p, field) ? (p)->field : (fallback))

inline Reply from_c(const lcg_result* r) {
  Reply reply;
  if (r == nullptr || !LCG_HAS(r, status)) return Reply::error(LCG_E_INTERNAL, "malformed result");
  reply.status = r->status;
  reply.error_code = LCG_DETAIL_GET(r, error_code, 0u);
  reply.disconnect_code = LCG_DETAIL_GET(r, disconnect_code, 0u);
  reply.message = copy(LCG_DETAIL_GET(r, message, lcg_str{}));
  reply.data = copy(LCG_DETAIL_GET(r, data, lcg_bytes{}));
  reply.user_id = copy(LCG_DETAIL_GET(r, user_id, lcg_str{}));
  reply.auth_id = copy(LCG_DETAIL_GET(r, auth_id, lcg_str{}));
  reply.info = copy(LCG_DETAIL_GET(r, info, lcg_bytes{}));
  reply.expire_at_ms = LCG_DETAIL_GET(r, expire_at_ms, int64_t{0});
  if (LCG_HAS(r, channel_count))
    for (size_t i = 0; i < r->channel_count; ++i) reply.channels.push_back(copy(r->channels[i]));
  reply.content_type = copy(LCG_DETAIL_GET(r, content_type, lcg_str{}));
  reply.meta = copy(LCG_DETAIL_GET(r, meta, lcg_bytes{}));
  reply.options = copy(LCG_DETAIL_GET(r, options, lcg_bytes{}));
  reply.flags = LCG_DETAIL_GET(r, flags, uint64_t{0});
  return reply;
}

// Calls `use(const lcg_result*)` with a C view of `reply`, valid during the call.
template <class F>
auto with_c(const Reply& reply, F use) {
  std::vector<lcg_str> channels;
  channels.reserve(reply.channels.size());
  for (const std::string& channel : reply.channels) channels.push_back(str(channel));
  lcg_result r{};
  r.struct_size = sizeof r;
  r.status = reply.status;
  r.error_code = reply.error_code;
  r.disconnect_code = reply.disconnect_code;
  r.message = str(reply.message);
  r.data = bytes(reply.data);
  r.user_id = str(reply.user_id);
  r.auth_id = str(reply.auth_id);
  r.info = bytes(reply.info);
  r.expire_at_ms = reply.expire_at_ms;
  r.channels = channels.data();
  r.channel_count = channels.size();
  r.content_type = str(reply.content_type);
  r.meta = bytes(reply.meta);
  r.options = bytes(reply.options);
  r.flags = reply.flags;
  return use(static_cast<const lcg_result*>(&r));
}

inline void from_c(const lcg_peer* p, Peer& out) {
  if (p == nullptr) return;
  out.flags = LCG_DETAIL_GET(p, flags, 0u);
  out.session_id = copy(LCG_DETAIL_GET(p, session_id, lcg_str{}));
  out.user_id = copy(LCG_DETAIL_GET(p, user_id, lcg_str{}));
  out.device_id = copy(LCG_DETAIL_GET(p, device_id, lcg_str{}));
  out.device_epoch = LCG_DETAIL_GET(p, device_epoch, uint64_t{0});
  out.auth_id = copy(LCG_DETAIL_GET(p, auth_id, lcg_str{}));
  out.remote_addr = copy(LCG_DETAIL_GET(p, remote_addr, lcg_str{}));
  out.transport = copy(LCG_DETAIL_GET(p, transport, lcg_str{}));
  out.protocol = copy(LCG_DETAIL_GET(p, protocol, lcg_str{}));
  out.client_name = copy(LCG_DETAIL_GET(p, client_name, lcg_str{}));
  out.client_version = copy(LCG_DETAIL_GET(p, client_version, lcg_str{}));
  out.meta = copy(LCG_DETAIL_GET(p, meta, lcg_bytes{}));
  out.headers = copy(LCG_DETAIL_GET(p, headers, lcg_bytes{}));
}

inline Request from_c(const lcg_request* q) {
  Request request;
  request.kind = q->kind;
  request.token = q->token;
  request.deadline_ns = LCG_DETAIL_GET(q, deadline_ns, int64_t{0});
  from_c(LCG_DETAIL_GET(q, peer, nullptr), request);
  request.name = copy(LCG_DETAIL_GET(q, name, lcg_str{}));
  request.data = copy(LCG_DETAIL_GET(q, data, lcg_bytes{}));
  request.credential = copy(LCG_DETAIL_GET(q, credential, lcg_str{}));
  request.route = copy(LCG_DETAIL_GET(q, route, lcg_str{}));
  request.channels = copy(LCG_DETAIL_GET(q, channels, lcg_bytes{}));
  return request;
}

inline ServiceCall from_c(lcg_token token, const lcg_call* c) {
  ServiceCall call;
  call.token = token;
  call.service = copy(LCG_DETAIL_GET(c, service, lcg_str{}));
  call.method = copy(LCG_DETAIL_GET(c, method, lcg_str{}));
  call.key = copy(LCG_DETAIL_GET(c, key, lcg_str{}));
  call.data = copy(LCG_DETAIL_GET(c, data, lcg_bytes{}));
  call.deadline_ns = LCG_DETAIL_GET(c, deadline_ns, int64_t{0});
  call.slot = LCG_DETAIL_GET(c, slot, 0u);
  call.term = LCG_DETAIL_GET(c, term, uint64_t{0});
  call.caller = copy(LCG_DETAIL_GET(c, caller, lcg_str{}));
  return call;
}

inline ClientEvent from_c(lcg_token token, const lcg_event* e) {
  ClientEvent event;
  event.token = token;
  event.kind = e->kind;
  event.time_ms = LCG_DETAIL_GET(e, time_ms, int64_t{0});
  from_c(LCG_DETAIL_GET(e, peer, nullptr), event.peer);
  event.channel = copy(LCG_DETAIL_GET(e, channel, lcg_str{}));
  event.code = LCG_DETAIL_GET(e, code, 0u);
  event.slot = LCG_DETAIL_GET(e, slot, 0u);
  event.reason = copy(LCG_DETAIL_GET(e, reason, lcg_str{}));
  event.term = LCG_DETAIL_GET(e, term, uint64_t{0});
  return event;
}

inline Commit from_c(lcg_token token, const lcg_commit* c) {
  Commit commit;
  commit.token = token;
  commit.kind = c->kind;
  commit.deadline_ns = LCG_DETAIL_GET(c, deadline_ns, int64_t{0});
  from_c(LCG_DETAIL_GET(c, peer, nullptr), commit.peer);
  commit.channel = copy(LCG_DETAIL_GET(c, channel, lcg_str{}));
  commit.type = copy(LCG_DETAIL_GET(c, type, lcg_str{}));
  commit.data = copy(LCG_DETAIL_GET(c, data, lcg_bytes{}));
  commit.target = LCG_DETAIL_GET(c, target, uint64_t{0});
  commit.cseq = LCG_DETAIL_GET(c, cseq, uint64_t{0});
  commit.max_bytes = LCG_DETAIL_GET(c, max_bytes, 0u);
  return commit;
}

#undef LCG_DETAIL_GET

// Borrows from `peer`.
inline lcg_peer to_c(const Peer& peer) noexcept {
  lcg_peer out{};
  out.struct_size = sizeof out;
  out.flags = peer.flags;
  out.session_id = str(peer.session_id);
  out.user_id = str(peer.user_id);
  out.device_id = str(peer.device_id);
  out.device_epoch = peer.device_epoch;
  out.auth_id = str(peer.auth_id);
  out.remote_addr = str(peer.remote_addr);
  out.transport = str(peer.transport);
  out.protocol = str(peer.protocol);
  out.client_name = str(peer.client_name);
  out.client_version = str(peer.client_version);
  out.meta = bytes(peer.meta);
  out.headers = bytes(peer.headers);
  return out;
}

// Borrows from `commit` and from `peer`, which is to_c(commit.peer).
inline lcg_commit to_c(const Commit& commit, const lcg_peer& peer) noexcept {
  lcg_commit out{};
  out.struct_size = sizeof out;
  out.kind = commit.kind;
  out.deadline_ns = commit.deadline_ns;
  out.peer = &peer;
  out.channel = str(commit.channel);
  out.type = str(commit.type);
  out.data = bytes(commit.data);
  out.target = commit.target;
  out.cseq = commit.cseq;
  out.max_bytes = commit.max_bytes;
  return out;
}

}  // namespace lcg::detail
