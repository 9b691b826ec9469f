#include <array>

#include "base/utf8.h"
#include "gateway/protocol/connect_headers.h"
#include "gateway/protocol/limits.h"
#include "gateway/protocol/protobuf_codec.h"
#include "gateway/protocol/protobuf_fields.h"
#include "gateway/protocol/protobuf_wire.h"

namespace lcg::protocol {

namespace {

// By field number.
constexpr std::array<Method, field::command::kSubRefresh + 1> kMethods = [] {
  std::array<Method, field::command::kSubRefresh + 1> methods{};
  methods[field::command::kConnect] = Method::kConnect;
  methods[field::command::kSubscribe] = Method::kSubscribe;
  methods[field::command::kUnsubscribe] = Method::kUnsubscribe;
  methods[field::command::kPublish] = Method::kPublish;
  methods[field::command::kPresence] = Method::kPresence;
  methods[field::command::kPresenceStats] = Method::kPresenceStats;
  methods[field::command::kHistory] = Method::kHistory;
  methods[field::command::kPing] = Method::kPing;
  methods[field::command::kSend] = Method::kSend;
  methods[field::command::kRpc] = Method::kRpc;
  methods[field::command::kRefresh] = Method::kRefresh;
  methods[field::command::kSubRefresh] = Method::kSubRefresh;
  return methods;
}();

Method method_of(uint32_t number) { return number < kMethods.size() ? kMethods[number] : Method::kNone; }

}  // namespace

void ProtobufCommandReader::open(std::string_view frame, uint32_t commands) {
  rest_ = frame;
  commands_ = commands;
  more_ = commands == 0 || !frame.empty();
}

Next ProtobufCommandReader::next() {
  if (!more_) return Next::kEnd;
  try {
    FieldReader frame(rest_);
    const std::string_view message = frame.delimited();
    rest_ = frame.rest();
    more_ = !rest_.empty();
    ++commands_;
    read_command(FieldReader(message));
    return Next::kCommand;
  } catch (const protozero::exception&) {
    return Next::kMalformed;
  }
}

bool ProtobufCommandReader::open_connect(std::string_view request) {
  open(request, 0);
  command_.id = 0;
  try {
    begin(Method::kConnect);
    read_connect(FieldReader(request));
    return true;
  } catch (const protozero::exception&) {
    return false;
  }
}

void ProtobufCommandReader::read_command(FieldReader in) {
  command_.id = 0;
  command_.method = Method::kNone;
  command_.fault = nullptr;
  while (in.next()) {
    if (in.field() == field::command::kId) {
      command_.id = in.number32();
      continue;
    }
    const Method method = method_of(in.field());
    // The first in the order of Method counts; of the others only that they are fields.
    if (method == Method::kNone || (command_.method != Method::kNone && command_.method < method)) {
      in.skip();
      continue;
    }
    if (command_.method != method) begin(method);
    read_request(in.message(), method);
  }
}

std::string_view ProtobufCommandReader::text(FieldReader& in, std::string_view field) {
  const std::string_view out = in.bytes();
  if (valid_utf8(out)) return out;
  if (command_.fault == nullptr) {
    command_.fault = "not UTF-8";
    command_.fault_field = field;
  }
  return {};
}

void ProtobufCommandReader::begin(Method method) {
  command_.method = method;
  command_.fault = nullptr;
  switch (method) {
    case Method::kConnect:
      command_.connect.token = command_.connect.data = command_.connect.name = command_.connect.version = {};
      command_.connect.headers.clear();
      command_.connect.subs.clear();
      return;
    case Method::kSubscribe:
      command_.subscribe = {};
      return;
    case Method::kPublish:
      command_.publish = {};
      return;
    case Method::kHistory:
      command_.history = {};
      return;
    case Method::kRpc:
      command_.rpc = {};
      return;
    default:
      command_.named = {};
  }
}

void ProtobufCommandReader::read_request(FieldReader in, Method method) {
  switch (method) {
    case Method::kConnect:
      return read_connect(in);
    case Method::kSubscribe:
      return read_subscribe(in, command_.subscribe, true);
    case Method::kPublish:
      return read_publish(in);
    case Method::kHistory:
      return read_history(in);
    case Method::kRpc:
      return read_rpc(in);
    case Method::kUnsubscribe:
    case Method::kPresence:
    case Method::kPresenceStats:
      return read_channel(in);
    case Method::kRefresh:
      return read_refresh(in);
    case Method::kSubRefresh:
      return read_sub_refresh(in);
    case Method::kPing:
    case Method::kSend:
      while (in.next()) in.skip();
      return;
    case Method::kNone:
      return;
  }
}

void ProtobufCommandReader::read_connect(FieldReader in) {
  using namespace field::connect_request;  // NOLINT: the names of this message alone
  ConnectCommand& connect = command_.connect;
  while (in.next()) {
    switch (in.field()) {
      case kToken:
        connect.token = text(in, "token");
        break;
      case kData:
        connect.data = in.bytes();
        break;
      case kSubs:
        read_recover_sub(in.message());
        break;
      case kName:
        connect.name = text(in, "name");
        break;
      case kVersion:
        connect.version = text(in, "version");
        break;
      case kHeaders:
        read_header(in.message());
        break;
      default:
        in.skip();
    }
  }
}

void ProtobufCommandReader::read_header(FieldReader in) {
  std::string_view name, value;
  while (in.next()) {
    if (in.field() == field::map_entry::kKey) {
      name = text(in, "headers");
    } else if (in.field() == field::map_entry::kValue) {
      value = text(in, "headers");
    } else {
      in.skip();
    }
  }
  if (!add_header(command_.connect, name, value)) throw protozero::invalid_length_exception{};
}

void ProtobufCommandReader::read_recover_sub(FieldReader in) {
  std::vector<SubscribeCommand>& subs = command_.connect.subs;
  const bool wanted = subs.size() < kMaxRecoverSubs;
  std::string_view channel;
  SubscribeCommand sub;
  while (in.next()) {
    if (in.field() == field::map_entry::kKey) {
      channel = text(in, "subs");
    } else if (in.field() == field::map_entry::kValue && wanted) {
      read_subscribe(in.message(), sub, false);
    } else {
      in.skip();
    }
  }
  if (!wanted) return;
  sub.channel = channel;
  subs.push_back(sub);
}

void ProtobufCommandReader::read_subscribe(FieldReader in, SubscribeCommand& subscribe, bool with_filter) {
  using namespace field::subscribe_request;  // NOLINT: the names of this message alone
  while (in.next()) {
    switch (in.field()) {
      case kChannel:
        subscribe.channel = text(in, "channel");
        break;
      case kToken:
        subscribe.token = text(in, "token");
        break;
      case kRecover:
        subscribe.recover = in.flag();
        break;
      case kEpoch:
        subscribe.epoch = text(in, "epoch");
        break;
      case kOffset:
        subscribe.offset = in.number();
        break;
      case kData:
        subscribe.data = in.bytes();
        break;
      case kPositioned:
        subscribe.positioned = in.flag();
        break;
      case kRecoverable:
        subscribe.recoverable = in.flag();
        break;
      case kJoinLeave:
        subscribe.join_leave = in.flag();
        break;
      case kDelta:
        subscribe.delta = text(in, "delta");
        break;
      case kFilter: {
        if (!with_filter) {
          in.skip();
          break;
        }
        TagFilter& root = filter_.start();
        subscribe.filter = &root;
        read_filter(in.message(), root, 1);
        break;
      }
      case kFlag:
        subscribe.flag = static_cast<int64_t>(in.number());
        break;
      case kType:
        subscribe.type = in.signed32();
        break;
      default:
        in.skip();
    }
  }
}

void ProtobufCommandReader::read_filter(FieldReader in, TagFilter& node, size_t depth) {
  using namespace field::filter_node;  // NOLINT: the names of this message alone
  while (in.next()) {
    switch (in.field()) {
      case kOp:
        filter_.set_text(node.op, text(in, "tf"));
        break;
      case kKey:
        filter_.set_text(node.key, text(in, "tf"));
        break;
      case kCmp:
        filter_.set_text(node.cmp, text(in, "tf"));
        break;
      case kVal:
        filter_.set_text(node.val, text(in, "tf"));
        break;
      case kVals:
        filter_.add_value(node, text(in, "tf"));
        break;
      case kNodes: {
        const FieldReader inner = in.message();
        if (TagFilter* const child = filter_.add_node(node, depth)) read_filter(inner, *child, depth + 1);
        break;
      }
      default:
        in.skip();
    }
  }
}

void ProtobufCommandReader::read_publish(FieldReader in) {
  using namespace field::publish_request;  // NOLINT: the names of this message alone
  PublishCommand& publish = command_.publish;
  while (in.next()) {
    switch (in.field()) {
      case kChannel:
        publish.channel = text(in, "channel");
        break;
      case kData:
        publish.data = in.bytes();
        break;
      case kType:
        publish.type = in.signed32();
        break;
      case kKey:
        publish.key = text(in, "key");
        break;
      default:
        in.skip();
    }
  }
}

void ProtobufCommandReader::read_history(FieldReader in) {
  using namespace field::history_request;  // NOLINT: the names of this message alone
  HistoryCommand& history = command_.history;
  while (in.next()) {
    switch (in.field()) {
      case kChannel:
        history.channel = text(in, "channel");
        break;
      case kLimit:
        history.limit = in.signed32();
        break;
      case kReverse:
        history.reverse = in.flag();
        break;
      case kSince: {
        history.has_since = true;
        FieldReader since = in.message();
        while (since.next()) {
          if (since.field() == field::stream_position::kOffset) {
            history.offset = since.number();
          } else if (since.field() == field::stream_position::kEpoch) {
            history.epoch = text(since, "epoch");
          } else {
            since.skip();
          }
        }
        break;
      }
      default:
        in.skip();
    }
  }
}

void ProtobufCommandReader::read_rpc(FieldReader in) {
  while (in.next()) {
    if (in.field() == field::rpc_request::kData) {
      command_.rpc.data = in.bytes();
    } else if (in.field() == field::rpc_request::kMethod) {
      command_.rpc.method = text(in, "method");
    } else {
      in.skip();
    }
  }
}

void ProtobufCommandReader::read_channel(FieldReader in) {
  while (in.next()) {
    if (in.field() == field::channel_request::kChannel) {
      command_.named.channel = text(in, "channel");
    } else {
      in.skip();
    }
  }
}

void ProtobufCommandReader::read_refresh(FieldReader in) {
  while (in.next()) {
    if (in.field() == field::refresh_request::kToken) {
      command_.named.token = text(in, "token");
    } else {
      in.skip();
    }
  }
}

void ProtobufCommandReader::read_sub_refresh(FieldReader in) {
  using namespace field::sub_refresh_request;  // NOLINT: the names of this message alone
  while (in.next()) {
    switch (in.field()) {
      case kChannel:
        command_.named.channel = text(in, "channel");
        break;
      case kToken:
        command_.named.token = text(in, "token");
        break;
      case kType:
        command_.named.type = in.signed32();
        break;
      default:
        in.skip();
    }
  }
}

}  // namespace lcg::protocol
