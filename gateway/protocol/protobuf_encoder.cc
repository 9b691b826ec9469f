// Replies and pushes as length-delimited Protobuf messages. A field with its zero value is left out; a result is
// there even when it is empty. Source: client-protocol 1.2, 1.4, 1.5.
#include <cassert>

#include "gateway/protocol/delta.h"
#include "gateway/protocol/protobuf_codec.h"
#include "gateway/protocol/protobuf_fields.h"
#include "gateway/protocol/protobuf_wire.h"

namespace lcg::protocol {

namespace {

// One Reply with `body` in its `number`.
template <class Body>
void write_reply(std::string& out, uint32_t id, uint32_t number, Body&& body) {
  FieldWriter(out).delimited([&](FieldWriter& reply) {
    reply.number(field::reply::kId, id);
    reply.message(number, body);
  });
}

constexpr auto kEmpty = [](FieldWriter&) {};

void write(FieldWriter& out, const ClientInfo& info) {
  out.bytes(field::client_info::kUser, info.user);
  out.bytes(field::client_info::kClient, info.client);
  out.bytes(field::client_info::kConnInfo, info.conn_info.view());
  out.bytes(field::client_info::kChanInfo, info.chan_info.view());
}

void write(FieldWriter& out, const Publication& pub, bool as_patch) {
  namespace number = field::publication;
  out.bytes(number::kData, (as_patch ? pub.patch : pub.data).view());
  if (pub.has_info) out.message(number::kInfo, [&](FieldWriter& info) { write(info, pub.info); });
  out.number(number::kOffset, pub.offset);
  for (const auto& [name, value] : pub.tags) {
    out.message(number::kTags, [&name = name, &value = value](FieldWriter& entry) {
      entry.bytes(field::map_entry::kKey, name);
      entry.bytes(field::map_entry::kValue, value);
    });
  }
  out.flag(number::kDelta, as_patch);
  // So that a subscriber of an empty stream learns its epoch.
  if (pub.offset == 1) out.bytes(number::kEpoch, pub.epoch);
}

void write(FieldWriter& out, const SubscribeReply& reply) {
  namespace number = field::subscribe_result;
  out.flag(number::kExpires, reply.ttl_seconds > 0);
  out.number(number::kTtl, reply.ttl_seconds);
  out.flag(number::kRecoverable, reply.recoverable);
  out.bytes(number::kEpoch, reply.position.epoch);
  const Publication* before = nullptr;
  for (const PublicationPtr& pub : reply.publications) {
    const bool as_patch = reply.delta && patch_follows(before, *pub);
    out.message(number::kPublications, [&](FieldWriter& item) { write(item, *pub, as_patch); });
    before = pub.get();
  }
  out.flag(number::kRecovered, reply.recovered);
  out.number(number::kOffset, reply.position.offset);
  out.flag(number::kPositioned, reply.positioned);
  out.bytes(number::kData, reply.data);
  out.flag(number::kWasRecovering, reply.was_recovering);
  out.flag(number::kDelta, reply.delta);
  out.number(number::kId, static_cast<uint64_t>(reply.id));
}

void write_sub(FieldWriter& entry, const ServerSubscription& sub) {
  entry.bytes(field::map_entry::kKey, sub.channel);
  entry.message(field::map_entry::kValue, [&](FieldWriter& reply) { write(reply, sub.reply); });
}

// Of the reply and of the push, whose numbers differ.
void write(FieldWriter& out, const ConnectReply& connect) {
  namespace number = field::connect_result;
  out.bytes(number::kClient, connect.client);
  out.bytes(number::kVersion, connect.version);
  out.flag(number::kExpires, connect.ttl_seconds > 0);
  out.number(number::kTtl, connect.ttl_seconds);
  out.bytes(number::kData, connect.data);
  for (const ServerSubscription& sub : connect.subs) {
    out.message(number::kSubs, [&](FieldWriter& entry) { write_sub(entry, sub); });
  }
  out.number(number::kPing, connect.ping_seconds);
  out.flag(number::kPong, connect.expects_pong);
  out.bytes(number::kSession, connect.session);
  out.bytes(number::kNode, connect.node);
  out.number(number::kTime, static_cast<uint64_t>(connect.time_ms));
}

void write_push(FieldWriter& out, const ConnectReply& connect) {
  namespace number = field::connect_push;
  out.bytes(number::kClient, connect.client);
  out.bytes(number::kVersion, connect.version);
  out.bytes(number::kData, connect.data);
  for (const ServerSubscription& sub : connect.subs) {
    out.message(number::kSubs, [&](FieldWriter& entry) { write_sub(entry, sub); });
  }
  out.flag(number::kExpires, connect.ttl_seconds > 0);
  out.number(number::kTtl, connect.ttl_seconds);
  out.number(number::kPing, connect.ping_seconds);
  out.flag(number::kPong, connect.expects_pong);
  out.bytes(number::kSession, connect.session);
  out.bytes(number::kNode, connect.node);
  out.number(number::kTime, static_cast<uint64_t>(connect.time_ms));
}

}  // namespace

template <class Body>
void ProtobufEncoder::push(std::string& out, const PushChannel& channel, uint32_t number, Body&& body) const {
  const auto write_fields = [&](FieldWriter& push) {
    push.number(field::push::kId, static_cast<uint64_t>(channel.id));
    if (channel.id == 0) push.bytes(field::push::kChannel, channel.name);
    push.message(number, body);
  };
  FieldWriter(out).delimited([&](FieldWriter& message) {
    if (unidirectional_) {
      write_fields(message);
    } else {
      message.message(field::reply::kPush, write_fields);
    }
  });
}

void ProtobufEncoder::error(std::string& out, uint32_t id, const Error& error) const {
  assert(!unidirectional_);
  write_reply(out, id, field::reply::kError, [&](FieldWriter& to) {
    to.number(field::error::kCode, error.code);
    to.bytes(field::error::kMessage, error.message);
    to.flag(field::error::kTemporary, error.temporary);
  });
}

void ProtobufEncoder::connect(std::string& out, uint32_t id, const ConnectReply& connect) const {
  if (unidirectional_)
    return push(out, {}, field::push::kConnect, [&](FieldWriter& to) { write_push(to, connect); });
  write_reply(out, id, field::reply::kConnect, [&](FieldWriter& to) { write(to, connect); });
}

void ProtobufEncoder::subscribe(std::string& out, uint32_t id, const SubscribeReply& subscribe) const {
  assert(!unidirectional_);
  write_reply(out, id, field::reply::kSubscribe, [&](FieldWriter& to) { write(to, subscribe); });
}

void ProtobufEncoder::unsubscribe(std::string& out, uint32_t id) const {
  assert(!unidirectional_);
  write_reply(out, id, field::reply::kUnsubscribe, kEmpty);
}

void ProtobufEncoder::publish(std::string& out, uint32_t id) const {
  assert(!unidirectional_);
  write_reply(out, id, field::reply::kPublish, kEmpty);
}

void ProtobufEncoder::presence(std::string& out, uint32_t id, std::span<const ClientInfo> clients) const {
  assert(!unidirectional_);
  write_reply(out, id, field::reply::kPresence, [&](FieldWriter& to) {
    for (const ClientInfo& info : clients) {
      to.message(field::presence_result::kPresence, [&](FieldWriter& entry) {
        entry.bytes(field::map_entry::kKey, info.client);
        entry.message(field::map_entry::kValue, [&](FieldWriter& value) { write(value, info); });
      });
    }
  });
}

void ProtobufEncoder::presence_stats(std::string& out, uint32_t id, uint32_t clients, uint32_t users) const {
  assert(!unidirectional_);
  write_reply(out, id, field::reply::kPresenceStats, [&](FieldWriter& to) {
    to.number(field::presence_stats_result::kNumClients, clients);
    to.number(field::presence_stats_result::kNumUsers, users);
  });
}

void ProtobufEncoder::history(std::string& out, uint32_t id, const HistoryReply& history) const {
  assert(!unidirectional_);
  write_reply(out, id, field::reply::kHistory, [&](FieldWriter& to) {
    for (const PublicationPtr& pub : history.publications) {
      to.message(field::history_result::kPublications, [&](FieldWriter& item) { write(item, *pub, false); });
    }
    to.bytes(field::history_result::kEpoch, history.position.epoch);
    to.number(field::history_result::kOffset, history.position.offset);
  });
}

void ProtobufEncoder::rpc(std::string& out, uint32_t id, std::string_view data) const {
  assert(!unidirectional_);
  write_reply(out, id, field::reply::kRpc,
              [&](FieldWriter& to) { to.bytes(field::rpc_result::kData, data); });
}

void ProtobufEncoder::refresh(std::string& out, uint32_t id, const RefreshReply& refresh) const {
  assert(!unidirectional_);
  write_reply(out, id, field::reply::kRefresh, [&](FieldWriter& to) {
    to.flag(field::refresh_result::kExpires, refresh.ttl_seconds > 0);
    to.number(field::refresh_result::kTtl, refresh.ttl_seconds);
  });
}

void ProtobufEncoder::sub_refresh(std::string& out, uint32_t id, const RefreshReply& refresh) const {
  assert(!unidirectional_);
  write_reply(out, id, field::reply::kSubRefresh, [&](FieldWriter& to) {
    to.flag(field::sub_refresh_result::kExpires, refresh.ttl_seconds > 0);
    to.number(field::sub_refresh_result::kTtl, refresh.ttl_seconds);
  });
}

void ProtobufEncoder::ping(std::string& out) const { out.push_back('\0'); }

void ProtobufEncoder::push_publication(std::string& out, const PushChannel& channel, const Publication& pub,
                                       DeltaForm delta) const {
  const bool as_patch = delta == DeltaForm::kPatch && !pub.patch.empty();
  push(out, channel, field::push::kPub, [&](FieldWriter& to) { write(to, pub, as_patch); });
}

void ProtobufEncoder::push_join(std::string& out, const PushChannel& channel, const ClientInfo& info) const {
  push(out, channel, field::push::kJoin, [&](FieldWriter& to) {
    to.message(field::join_leave::kInfo, [&](FieldWriter& inner) { write(inner, info); });
  });
}

void ProtobufEncoder::push_leave(std::string& out, const PushChannel& channel, const ClientInfo& info) const {
  push(out, channel, field::push::kLeave, [&](FieldWriter& to) {
    to.message(field::join_leave::kInfo, [&](FieldWriter& inner) { write(inner, info); });
  });
}

void ProtobufEncoder::push_unsubscribe(std::string& out, const PushChannel& channel, uint32_t code,
                                       std::string_view reason) const {
  push(out, channel, field::push::kUnsubscribe, [&](FieldWriter& to) {
    to.number(field::unsubscribe_push::kCode, code);
    to.bytes(field::unsubscribe_push::kReason, reason);
  });
}

void ProtobufEncoder::push_subscribe(std::string& out, std::string_view channel,
                                     const SubscribeReply& reply) const {
  namespace number = field::subscribe_push;
  push(out, {channel}, field::push::kSubscribe, [&](FieldWriter& to) {
    to.flag(number::kRecoverable, reply.recoverable);
    to.bytes(number::kEpoch, reply.position.epoch);
    to.number(number::kOffset, reply.position.offset);
    to.flag(number::kPositioned, reply.positioned);
    to.bytes(number::kData, reply.data);
  });
}

void ProtobufEncoder::push_message(std::string& out, std::string_view data) const {
  push(out, {}, field::push::kMessage, [&](FieldWriter& to) { to.bytes(field::message_push::kData, data); });
}

void ProtobufEncoder::push_disconnect(std::string& out, uint32_t code, std::string_view reason) const {
  push(out, {}, field::push::kDisconnect, [&](FieldWriter& to) {
    to.number(field::disconnect_push::kCode, code);
    to.bytes(field::disconnect_push::kReason, reason);
  });
}

void ProtobufEncoder::push_refresh(std::string& out, const RefreshReply& refresh) const {
  push(out, {}, field::push::kRefresh, [&](FieldWriter& to) {
    to.flag(field::refresh_push::kExpires, refresh.ttl_seconds > 0);
    to.number(field::refresh_push::kTtl, refresh.ttl_seconds);
  });
}

}  // namespace lcg::protocol
