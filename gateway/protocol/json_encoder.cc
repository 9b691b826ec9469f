// Replies and pushes as JSON lines. A field with its zero value is left out, but for those that are always
// there: ClientInfo.user and client, presence, num_clients and num_users, and publications, epoch and offset
// of history (client-protocol 1.2). A result object is there even when it is empty.
#include <cassert>

#include "base/json_writer.h"
#include "base/utf8.h"
#include "gateway/protocol/delta.h"
#include "gateway/protocol/json_codec.h"

namespace lcg::protocol {

namespace {

// A message of the frame in `out`: a newline before all but the first.
std::string& line(std::string& out) {
  if (!out.empty()) out.push_back('\n');
  return out;
}

// {"id":7,"<name>": ... }
class Reply {
 public:
  Reply(std::string& out, uint32_t id, std::string_view name) : json_(line(out)) {
    json_.begin_object();
    if (id != 0) json_.field("id", id);
    json_.key(name).begin_object();
  }
  ~Reply() { json_.end_object().end_object(); }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  JsonWriter* operator->() { return &json_; }
  JsonWriter& json() { return json_; }

 private:
  JsonWriter json_;
};

// {"push":{"channel":"...","<name>": ... }}, or only what is inside: {"channel":"...","<name>": ... }
class Push {
 public:
  Push(std::string& out, bool bare, const PushChannel& channel, std::string_view name)
      : json_(line(out)), bare_(bare) {
    if (!bare) json_.begin_object().key("push");
    json_.begin_object();
    if (channel.id != 0) {
      json_.field("id", channel.id);
    } else if (!channel.name.empty()) {
      json_.field("channel", channel.name);
    }
    json_.key(name);
  }
  ~Push() {
    json_.end_object();
    if (!bare_) json_.end_object();
  }
  Push(const Push&) = delete;
  Push& operator=(const Push&) = delete;
  JsonWriter& json() { return json_; }

 private:
  JsonWriter json_;
  bool bare_;
};

template <class T>
void optional(JsonWriter& json, std::string_view name, const T& value) {
  if (value != T{}) json.field(name, value);
}
void optional_raw(JsonWriter& json, std::string_view name, std::string_view value) {
  if (!value.empty()) json.raw_field(name, value);
}

void write(JsonWriter& json, const ClientInfo& info) {
  json.begin_object().field("user", info.user).field("client", info.client);
  optional_raw(json, "conn_info", info.conn_info.view());
  optional_raw(json, "chan_info", info.chan_info.view());
  json.end_object();
}

enum class Payload : uint8_t { kValue, kWholeText, kPatchText };

// A patch that is to be sent, where it can be.
Payload payload_of(const Publication& pub, bool patch) {
  return patch && valid_utf8(pub.patch.view()) ? Payload::kPatchText : Payload::kWholeText;
}

void write(JsonWriter& json, const Publication& pub, Payload payload) {
  json.begin_object();
  if (payload == Payload::kValue) {
    optional_raw(json, "data", pub.data.view());
  } else {
    json.field("data", (payload == Payload::kPatchText ? pub.patch : pub.data).view());
  }
  if (pub.has_info) {
    json.key("info");
    write(json, pub.info);
  }
  optional(json, "offset", pub.offset);
  if (!pub.tags.empty()) {
    json.key("tags").begin_object();
    for (const auto& [name, value] : pub.tags) json.key_escaped(name).value(value);
    json.end_object();
  }
  optional(json, "delta", payload == Payload::kPatchText);
  // So that a subscriber of an empty stream learns its epoch.
  if (pub.offset == 1) optional(json, "epoch", std::string_view(pub.epoch));
  json.end_object();
}

void write(JsonWriter& json, std::span<const PublicationPtr> publications, bool delta) {
  json.begin_array();
  const Publication* before = nullptr;
  for (const PublicationPtr& pub : publications) {
    write(json, *pub, delta ? payload_of(*pub, patch_follows(before, *pub)) : Payload::kValue);
    before = pub.get();
  }
  json.end_array();
}

// Inside its object.
void write_fields(JsonWriter& json, const SubscribeReply& reply) {
  optional(json, "expires", reply.ttl_seconds > 0);
  optional(json, "ttl", reply.ttl_seconds);
  optional(json, "recoverable", reply.recoverable);
  optional(json, "epoch", std::string_view(reply.position.epoch));
  if (!reply.publications.empty()) {
    json.key("publications");
    write(json, reply.publications, reply.delta);
  }
  optional(json, "recovered", reply.recovered);
  optional(json, "offset", reply.position.offset);
  optional(json, "positioned", reply.positioned);
  optional_raw(json, "data", reply.data);
  optional(json, "was_recovering", reply.was_recovering);
  optional(json, "delta", reply.delta);
  optional(json, "id", reply.id);
}

// Inside its object.
void write_fields(JsonWriter& json, const ConnectReply& connect) {
  optional(json, "client", connect.client);
  optional(json, "version", connect.version);
  optional(json, "expires", connect.ttl_seconds > 0);
  optional(json, "ttl", connect.ttl_seconds);
  optional_raw(json, "data", connect.data);
  if (!connect.subs.empty()) {
    json.key("subs").begin_object();
    for (const ServerSubscription& sub : connect.subs) {
      json.key_escaped(sub.channel).begin_object();
      write_fields(json, sub.reply);
      json.end_object();
    }
    json.end_object();
  }
  optional(json, "ping", connect.ping_seconds);
  optional(json, "pong", connect.expects_pong);
  optional(json, "session", connect.session);
  optional(json, "node", connect.node);
  optional(json, "time", connect.time_ms);
}

// Inside its object: of refresh and sub_refresh, reply and push.
void write_fields(JsonWriter& json, const RefreshReply& refresh) {
  optional(json, "expires", refresh.ttl_seconds > 0);
  optional(json, "ttl", refresh.ttl_seconds);
}

}  // namespace

void JsonEncoder::error(std::string& out, uint32_t id, const Error& error) const {
  assert(!unidirectional_);
  Reply reply(out, id, "error");
  reply->field("code", error.code);
  optional(reply.json(), "message", std::string_view(error.message));
  optional(reply.json(), "temporary", error.temporary);
}

void JsonEncoder::connect(std::string& out, uint32_t id, const ConnectReply& connect) const {
  if (unidirectional_) {
    Push push(out, true, {}, "connect");
    push.json().begin_object();
    write_fields(push.json(), connect);
    push.json().end_object();
    return;
  }
  Reply reply(out, id, "connect");
  write_fields(reply.json(), connect);
}

void JsonEncoder::subscribe(std::string& out, uint32_t id, const SubscribeReply& subscribe) const {
  assert(!unidirectional_);
  Reply reply(out, id, "subscribe");
  write_fields(reply.json(), subscribe);
}

void JsonEncoder::unsubscribe(std::string& out, uint32_t id) const {
  assert(!unidirectional_);
  Reply(out, id, "unsubscribe");
}

void JsonEncoder::publish(std::string& out, uint32_t id) const {
  assert(!unidirectional_);
  Reply(out, id, "publish");
}

void JsonEncoder::presence(std::string& out, uint32_t id, std::span<const ClientInfo> clients) const {
  assert(!unidirectional_);
  Reply reply(out, id, "presence");
  reply->key("presence").begin_object();
  for (const ClientInfo& info : clients) {
    reply->key_escaped(info.client);
    write(reply.json(), info);
  }
  reply->end_object();
}

void JsonEncoder::presence_stats(std::string& out, uint32_t id, uint32_t clients, uint32_t users) const {
  assert(!unidirectional_);
  Reply reply(out, id, "presence_stats");
  reply->field("num_clients", clients).field("num_users", users);
}

void JsonEncoder::history(std::string& out, uint32_t id, const HistoryReply& history) const {
  assert(!unidirectional_);
  Reply reply(out, id, "history");
  reply->key("publications");
  write(reply.json(), history.publications, false);
  reply->field("epoch", history.position.epoch).field("offset", history.position.offset);
}

void JsonEncoder::rpc(std::string& out, uint32_t id, std::string_view data) const {
  assert(!unidirectional_);
  Reply reply(out, id, "rpc");
  optional_raw(reply.json(), "data", data);
}

void JsonEncoder::refresh(std::string& out, uint32_t id, const RefreshReply& refresh) const {
  assert(!unidirectional_);
  Reply reply(out, id, "refresh");
  write_fields(reply.json(), refresh);
}

void JsonEncoder::sub_refresh(std::string& out, uint32_t id, const RefreshReply& refresh) const {
  assert(!unidirectional_);
  Reply reply(out, id, "sub_refresh");
  write_fields(reply.json(), refresh);
}

void JsonEncoder::ping(std::string& out) const { line(out).append("{}"); }

void JsonEncoder::push_publication(std::string& out, const PushChannel& channel, const Publication& pub,
                                   DeltaForm delta) const {
  Push push(out, unidirectional_, channel, "pub");
  const bool patch = delta == DeltaForm::kPatch && !pub.patch.empty();
  write(push.json(), pub, delta == DeltaForm::kNone ? Payload::kValue : payload_of(pub, patch));
}

void JsonEncoder::push_info(std::string& out, const PushChannel& channel, std::string_view name,
                            const ClientInfo& info) const {
  Push push(out, unidirectional_, channel, name);
  push.json().begin_object().key("info");
  write(push.json(), info);
  push.json().end_object();
}

void JsonEncoder::push_join(std::string& out, const PushChannel& channel, const ClientInfo& info) const {
  push_info(out, channel, "join", info);
}

void JsonEncoder::push_leave(std::string& out, const PushChannel& channel, const ClientInfo& info) const {
  push_info(out, channel, "leave", info);
}

void JsonEncoder::push_unsubscribe(std::string& out, const PushChannel& channel, uint32_t code,
                                   std::string_view reason) const {
  Push push(out, unidirectional_, channel, "unsubscribe");
  push.json().begin_object();
  optional(push.json(), "code", code);
  optional(push.json(), "reason", reason);
  push.json().end_object();
}

void JsonEncoder::push_subscribe(std::string& out, std::string_view channel,
                                 const SubscribeReply& reply) const {
  Push push(out, unidirectional_, {channel}, "subscribe");
  push.json().begin_object();
  optional(push.json(), "recoverable", reply.recoverable);
  optional(push.json(), "epoch", std::string_view(reply.position.epoch));
  optional(push.json(), "offset", reply.position.offset);
  optional(push.json(), "positioned", reply.positioned);
  optional_raw(push.json(), "data", reply.data);
  push.json().end_object();
}

void JsonEncoder::push_message(std::string& out, std::string_view data) const {
  Push push(out, unidirectional_, {}, "message");
  push.json().begin_object();
  optional_raw(push.json(), "data", data);
  push.json().end_object();
}

void JsonEncoder::push_disconnect(std::string& out, uint32_t code, std::string_view reason) const {
  Push push(out, unidirectional_, {}, "disconnect");
  push.json().begin_object();
  optional(push.json(), "code", code);
  optional(push.json(), "reason", reason);
  push.json().end_object();
}

void JsonEncoder::push_refresh(std::string& out, const RefreshReply& refresh) const {
  Push push(out, unidirectional_, {}, "refresh");
  push.json().begin_object();
  write_fields(push.json(), refresh);
  push.json().end_object();
}

}  // namespace lcg::protocol
