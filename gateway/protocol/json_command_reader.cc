#include <array>
#include <cstring>
#include <functional>

#include "gateway/protocol/connect_headers.h"
#include "gateway/protocol/json_codec.h"
#include "gateway/protocol/limits.h"

namespace lcg::protocol {

namespace {

struct MethodName {
  std::string_view key;
  Method method;
};
constexpr std::array<MethodName, 12> kMethods = {{{"connect", Method::kConnect},
                                                  {"ping", Method::kPing},
                                                  {"subscribe", Method::kSubscribe},
                                                  {"unsubscribe", Method::kUnsubscribe},
                                                  {"publish", Method::kPublish},
                                                  {"presence", Method::kPresence},
                                                  {"presence_stats", Method::kPresenceStats},
                                                  {"history", Method::kHistory},
                                                  {"rpc", Method::kRpc},
                                                  {"send", Method::kSend},
                                                  {"refresh", Method::kRefresh},
                                                  {"sub_refresh", Method::kSubRefresh}}};

Method method_of(std::string_view key) {
  for (const MethodName& one : kMethods) {
    if (one.key == key) return one.method;
  }
  return Method::kNone;
}

// Is `part` a view into `whole`?
bool within(std::string_view part, std::string_view whole) {
  return std::greater_equal<>()(part.data(), whole.data()) &&
         std::less_equal<>()(part.data() + part.size(), whole.data() + whole.size());
}

template <class T>
void value(JsonReader& json, T& out) {
  if (!json.take_null()) json.read(out);
}

}  // namespace

void JsonCommandReader::open(std::string_view frame, uint32_t commands) {
  rest_ = frame;
  commands_ = commands;
  more_ = commands == 0 || !frame.empty();
  if (escapes_.size() > kKeptBufferBytes) escapes_ = {};
}

Next JsonCommandReader::next() {
  if (!more_) return Next::kEnd;
  const size_t newline = rest_.find('\n');
  const std::string_view line = rest_.substr(0, newline);
  rest_.remove_prefix(newline == std::string_view::npos ? rest_.size() : newline + 1);
  more_ = !rest_.empty();
  ++commands_;
  return read_command(line) ? Next::kCommand : Next::kMalformed;
}

bool JsonCommandReader::read_command(std::string_view line) {
  line_ = line;
  escapes_used_ = 0;
  over_limit_ = false;
  // What is decoded is never longer than what it is decoded from, all of a command together.
  if (escapes_.size() < line.size()) escapes_.resize(line.size());
  command_.id = 0;
  command_.method = Method::kNone;
  command_.fault = nullptr;
  JsonReader json(line, {.max_bytes = line.size(), .max_depth = kMaxJsonDepth});
  json.enter_object();
  std::string_view key;
  while (json.next_member(key)) {
    if (key == "id") {
      value(json, command_.id);
      continue;
    }
    const Method method = method_of(key);
    if (method == Method::kNone || json.take_null()) continue;
    // The first in the order of Method counts; of the others only that they are JSON.
    if (command_.method != Method::kNone && command_.method < method) continue;
    command_.method = method;
    command_.fault = nullptr;
    read_request(json, method);
  }
  return json.finish() && !over_limit_;
}

void JsonCommandReader::text(JsonReader& json, std::string_view& out, std::string_view field) {
  if (json.take_null()) return;
  const std::span<char> room(escapes_.data() + escapes_used_, escapes_.size() - escapes_used_);
  const char* fault = nullptr;
  if (!json.read_text(out, room, fault)) return;
  if (fault != nullptr) return note(fault, field);
  if (!out.empty() && !within(out, line_)) escapes_used_ += out.size();
}

void JsonCommandReader::data(JsonReader& json, std::string_view& out) {
  const char* fault = nullptr;
  json.read_payload(out, fault);
  if (fault != nullptr && command_.method != Method::kConnect) note(fault, "data");
}

void JsonCommandReader::note(const char* fault, std::string_view field) {
  if (command_.fault != nullptr) return;
  command_.fault = fault;
  command_.fault_field = field;
}

std::string_view JsonCommandReader::keep(std::string_view decoded) {
  char* const to = escapes_.data() + escapes_used_;
  std::memcpy(to, decoded.data(), decoded.size());
  escapes_used_ += decoded.size();
  return {to, decoded.size()};
}

void JsonCommandReader::read_request(JsonReader& json, Method method) {
  switch (method) {
    case Method::kConnect:
      return read_connect(json);
    case Method::kSubscribe:
      return read_subscribe(json, command_.subscribe, true);
    case Method::kPublish:
      return read_publish(json);
    case Method::kHistory:
      return read_history(json);
    case Method::kRpc:
      return read_rpc(json);
    case Method::kUnsubscribe:
    case Method::kPresence:
    case Method::kPresenceStats:
    case Method::kRefresh:
    case Method::kPing:
    case Method::kSend:
      return read_named(json, false);
    case Method::kSubRefresh:
      return read_named(json, true);
    case Method::kNone:
      return;
  }
}

void JsonCommandReader::read_connect(JsonReader& json) {
  ConnectCommand& connect = command_.connect;
  connect.token = connect.data = connect.name = connect.version = {};
  connect.headers.clear();
  connect.subs.clear();
  json.enter_object();
  std::string_view key;
  while (json.next_member(key)) {
    if (key == "token") {
      text(json, connect.token, "token");
    } else if (key == "data") {
      data(json, connect.data);
    } else if (key == "name") {
      text(json, connect.name, "name");
    } else if (key == "version") {
      text(json, connect.version, "version");
    } else if (key == "subs" && !json.take_null()) {
      read_recover_subs(json);
    } else if (key == "headers" && !json.take_null()) {
      read_headers(json);
    }
  }
}

void JsonCommandReader::read_headers(JsonReader& json) {
  json.enter_object();
  std::string_view name;
  while (json.next_member(name)) {
    if (json.take_null()) continue;
    // A key with escapes lives in the reader only until the next one.
    if (!within(name, line_)) name = keep(name);
    const std::string_view kept = name;
    std::string_view value;
    text(json, value, "headers");
    if (!add_header(command_.connect, kept, value)) over_limit_ = true;
  }
}

bool JsonCommandReader::open_connect(std::string_view request) {
  open(request, 0);
  command_.id = 0;
  command_.method = Method::kConnect;
  command_.fault = nullptr;
  line_ = request;
  escapes_used_ = 0;
  over_limit_ = false;
  if (escapes_.size() < request.size()) escapes_.resize(request.size());
  JsonReader json(request);
  read_connect(json);
  return json.finish() && !over_limit_;
}

void JsonCommandReader::read_recover_subs(JsonReader& json) {
  std::vector<SubscribeCommand>& subs = command_.connect.subs;
  json.enter_object();
  std::string_view channel;
  while (json.next_member(channel)) {
    if (json.take_null() || subs.size() == kMaxRecoverSubs) continue;
    SubscribeCommand& sub = subs.emplace_back();
    // A key with escapes lives in the reader only until the next one.
    if (!within(channel, line_)) channel = keep(channel);
    const std::string_view name = channel;
    read_subscribe(json, sub, false);
    sub.channel = name;
  }
}

void JsonCommandReader::read_subscribe(JsonReader& json, SubscribeCommand& subscribe, bool with_filter) {
  subscribe = {};
  json.enter_object();
  std::string_view key;
  while (json.next_member(key)) {
    if (key == "channel") {
      text(json, subscribe.channel, "channel");
    } else if (key == "token") {
      text(json, subscribe.token, "token");
    } else if (key == "recover") {
      value(json, subscribe.recover);
    } else if (key == "epoch") {
      text(json, subscribe.epoch, "epoch");
    } else if (key == "offset") {
      value(json, subscribe.offset);
    } else if (key == "data") {
      data(json, subscribe.data);
    } else if (key == "positioned") {
      value(json, subscribe.positioned);
    } else if (key == "recoverable") {
      value(json, subscribe.recoverable);
    } else if (key == "join_leave") {
      value(json, subscribe.join_leave);
    } else if (key == "delta") {
      text(json, subscribe.delta, "delta");
    } else if (key == "tf" && with_filter) {
      subscribe.filter = nullptr;
      if (json.take_null()) continue;
      TagFilter& root = filter_.start();
      subscribe.filter = &root;
      read_filter(json, root, 1);
    } else if (key == "flag") {
      value(json, subscribe.flag);
    } else if (key == "type") {
      value(json, subscribe.type);
    }
  }
}

void JsonCommandReader::read_filter(JsonReader& json, TagFilter& node, size_t depth) {
  json.enter_object();
  std::string_view key;
  while (json.next_member(key)) {
    std::string* to = nullptr;
    if (key == "op") {
      to = &node.op;
    } else if (key == "key") {
      to = &node.key;
    } else if (key == "cmp") {
      to = &node.cmp;
    } else if (key == "val") {
      to = &node.val;
    } else if (key == "vals" && !json.take_null()) {
      json.enter_array();
      while (json.next_element()) {
        std::string_view value;
        text(json, value, "tf");
        filter_.add_value(node, value);
      }
    } else if (key == "nodes" && !json.take_null()) {
      read_filter_nodes(json, node, depth);
    }
    if (to == nullptr) continue;
    std::string_view value;
    text(json, value, "tf");
    filter_.set_text(*to, value);
  }
}

void JsonCommandReader::read_filter_nodes(JsonReader& json, TagFilter& node, size_t depth) {
  json.enter_array();
  while (json.next_element()) {
    TagFilter* const child = filter_.add_node(node, depth);
    // One of null has nothing in it. What is over the limits is only checked to be JSON.
    if (child != nullptr && !json.take_null()) read_filter(json, *child, depth + 1);
  }
}

void JsonCommandReader::read_publish(JsonReader& json) {
  command_.publish = {};
  json.enter_object();
  std::string_view key;
  while (json.next_member(key)) {
    if (key == "channel") {
      text(json, command_.publish.channel, "channel");
    } else if (key == "data") {
      data(json, command_.publish.data);
    } else if (key == "type") {
      value(json, command_.publish.type);
    } else if (key == "key") {
      text(json, command_.publish.key, "key");
    }
  }
}

void JsonCommandReader::read_history(JsonReader& json) {
  HistoryCommand& history = command_.history;
  history = {};
  json.enter_object();
  std::string_view key;
  while (json.next_member(key)) {
    if (key == "channel") {
      text(json, history.channel, "channel");
    } else if (key == "limit") {
      value(json, history.limit);
    } else if (key == "reverse") {
      value(json, history.reverse);
    } else if (key == "since" && !json.take_null()) {
      history.has_since = true;
      json.enter_object();
      std::string_view inner;
      while (json.next_member(inner)) {
        if (inner == "offset") {
          value(json, history.offset);
        } else if (inner == "epoch") {
          text(json, history.epoch, "epoch");
        }
      }
    }
  }
}

void JsonCommandReader::read_rpc(JsonReader& json) {
  command_.rpc = {};
  json.enter_object();
  std::string_view key;
  while (json.next_member(key)) {
    if (key == "method") {
      text(json, command_.rpc.method, "method");
    } else if (key == "data") {
      data(json, command_.rpc.data);
    }
  }
}

void JsonCommandReader::read_named(JsonReader& json, bool with_type) {
  command_.named = {};
  json.enter_object();
  std::string_view key;
  while (json.next_member(key)) {
    if (key == "channel") {
      text(json, command_.named.channel, "channel");
    } else if (key == "token") {
      text(json, command_.named.token, "token");
    } else if (key == "type" && with_type) {
      value(json, command_.named.type);
    }
  }
}

}  // namespace lcg::protocol
