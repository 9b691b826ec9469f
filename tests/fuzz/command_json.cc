#include "tests/fuzz/command_json.h"

#include <algorithm>
#include <array>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "gateway/protocol/limits.h"

namespace lcg::fuzz {

namespace {

using protocol::Method;
using protocol::SubscribeCommand;

constexpr size_t kLongestKey = 256;  // base/json_reader.h: of a key that has escapes

constexpr std::array<const char*, 13> kNames = {
    "",        "connect", "ping", "subscribe", "unsubscribe", "publish", "presence", "presence_stats",
    "history", "rpc",     "send", "refresh",   "sub_refresh"};

void write(JsonWriter& json, const protocol::TagFilter& filter) {
  json.begin_object().field("op", filter.op).field("key", filter.key).field("cmp", filter.cmp);
  json.field("val", filter.val).key("vals").begin_array();
  for (const std::string& val : filter.vals) json.value(std::string_view(val));
  json.end_array().key("nodes").begin_array();
  for (const protocol::TagFilter& node : filter.nodes) write(json, node);
  json.end_array().end_object();
}

// A payload; no bytes are an absent one. False: no JSON, or deeper than the command may be with what is around it.
bool write_data(JsonWriter& json, std::string_view data) {
  if (data.empty()) return true;
  if (!validate_json(data, {.max_bytes = data.size(), .max_depth = protocol::kMaxJsonDepth - 5}))
    return false;
  // White space around it would not come back, and a line break would end the command.
  const std::string_view space = " \t\r\n";
  if (space.find(data.front()) != space.npos || space.find(data.back()) != space.npos) return false;
  if (data.find_first_of("\r\n") != data.npos) return false;
  json.raw_field("data", data);
  return true;
}

bool write(JsonWriter& json, const SubscribeCommand& sub, bool with_channel) {
  json.begin_object();
  if (with_channel) json.field("channel", sub.channel);
  json.field("token", sub.token).field("epoch", sub.epoch).field("delta", sub.delta);
  json.field("offset", sub.offset).field("flag", sub.flag).field("type", sub.type);
  json.field("recover", sub.recover).field("positioned", sub.positioned);
  json.field("recoverable", sub.recoverable).field("join_leave", sub.join_leave);
  if (sub.filter != nullptr) {
    json.key("tf");
    write(json, *sub.filter);
  }
  const bool written = write_data(json, sub.data);
  json.end_object();
  return written;
}

bool write(JsonWriter& json, const protocol::ConnectCommand& connect) {
  json.begin_object().field("token", connect.token).field("name", connect.name);
  json.field("version", connect.version).key("headers").begin_object();
  for (const auto& [name, value] : connect.headers) {
    if (name.size() > kLongestKey) return false;
    json.key_escaped(name).value(value);
  }
  json.end_object().key("subs").begin_object();
  for (const SubscribeCommand& sub : connect.subs) {
    if (sub.channel.size() > kLongestKey) return false;
    json.key_escaped(sub.channel);
    if (!write(json, sub, false)) return false;
  }
  json.end_object();
  const bool written = write_data(json, connect.data);
  json.end_object();
  return written;
}

bool write_request(JsonWriter& json, const protocol::Command& command) {
  if (command.method == Method::kConnect) return write(json, command.connect);
  if (command.method == Method::kSubscribe) return write(json, command.subscribe, true);
  bool written = true;
  json.begin_object();
  if (command.method == Method::kPublish) {
    json.field("channel", command.publish.channel).field("key", command.publish.key);
    json.field("type", command.publish.type);
    written = write_data(json, command.publish.data);
  } else if (command.method == Method::kHistory) {
    const protocol::HistoryCommand& history = command.history;
    json.field("channel", history.channel).field("limit", history.limit).field("reverse", history.reverse);
    if (history.has_since) {
      json.key("since")
          .begin_object()
          .field("offset", history.offset)
          .field("epoch", history.epoch)
          .end_object();
    }
  } else if (command.method == Method::kRpc) {
    json.field("method", command.rpc.method);
    written = write_data(json, command.rpc.data);
  } else {
    json.field("channel", command.named.channel).field("token", command.named.token);
    json.field("type", command.named.type);
  }
  json.end_object();
  return written;
}

bool equal(const SubscribeCommand& a, const SubscribeCommand& b) {
  const bool filters = (a.filter == nullptr) == (b.filter == nullptr) &&
                       (a.filter == nullptr || to_json(*a.filter) == to_json(*b.filter));
  return filters && a.channel == b.channel && a.token == b.token && a.epoch == b.epoch && a.data == b.data &&
         a.delta == b.delta && a.offset == b.offset && a.flag == b.flag && a.type == b.type &&
         a.recover == b.recover && a.positioned == b.positioned && a.recoverable == b.recoverable &&
         a.join_leave == b.join_leave;
}

}  // namespace

std::string to_json(const protocol::TagFilter& filter) {
  std::string out;
  JsonWriter json(out);
  write(json, filter);
  return out;
}

std::optional<std::string> to_json(const protocol::Command& command) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("id", command.id);
  if (command.method != Method::kNone) {
    json.key(kNames.at(static_cast<size_t>(command.method)));
    if (!write_request(json, command)) return std::nullopt;
  }
  json.end_object();
  return out;
}

bool equal(const protocol::Command& a, const protocol::Command& b) {
  if (a.id != b.id || a.method != b.method) return false;
  switch (a.method) {
    case Method::kNone:
    case Method::kPing:
    case Method::kSend:
      return true;
    case Method::kConnect:
      return a.connect.token == b.connect.token && a.connect.data == b.connect.data &&
             a.connect.name == b.connect.name && a.connect.version == b.connect.version &&
             a.connect.headers == b.connect.headers &&
             std::equal(a.connect.subs.begin(), a.connect.subs.end(), b.connect.subs.begin(),
                        b.connect.subs.end(),
                        [](const SubscribeCommand& x, const SubscribeCommand& y) { return equal(x, y); });
    case Method::kSubscribe:
      return equal(a.subscribe, b.subscribe);
    case Method::kPublish:
      return a.publish.channel == b.publish.channel && a.publish.data == b.publish.data &&
             a.publish.key == b.publish.key && a.publish.type == b.publish.type;
    case Method::kHistory:
      return a.history.channel == b.history.channel && a.history.epoch == b.history.epoch &&
             a.history.offset == b.history.offset && a.history.limit == b.history.limit &&
             a.history.has_since == b.history.has_since && a.history.reverse == b.history.reverse;
    case Method::kRpc:
      return a.rpc.method == b.rpc.method && a.rpc.data == b.rpc.data;
    default:
      return a.named.channel == b.named.channel && a.named.token == b.named.token &&
             a.named.type == b.named.type;
  }
}

}  // namespace lcg::fuzz
