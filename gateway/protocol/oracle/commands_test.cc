// Commands that protoc's code wrote, read by our readers: Protobuf, and the same as JSON.
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <array>

#include "client_protocol.pb.h"
#include "gateway/protocol/codec.h"
#include "gateway/protocol/oracle/json_bridge.h"
#include "gateway/protocol/oracle/random.h"

namespace lcg::oracle {
namespace {

using google::protobuf::util::MessageDifferencer;
using protocol::Method;

// What every one of the readers takes from a command, put back into a message.
FilterNode seen(const protocol::TagFilter& filter) {
  FilterNode out;
  out.set_op(filter.op);
  out.set_key(filter.key);
  out.set_cmp(filter.cmp);
  out.set_val(filter.val);
  for (const std::string& val : filter.vals) out.add_vals(val);
  for (const protocol::TagFilter& node : filter.nodes) *out.add_nodes() = seen(node);
  return out;
}

SubscribeRequest seen(const protocol::SubscribeCommand& sub) {
  SubscribeRequest out;
  out.set_channel(std::string(sub.channel));
  out.set_token(std::string(sub.token));
  out.set_recover(sub.recover);
  out.set_epoch(std::string(sub.epoch));
  out.set_offset(sub.offset);
  out.set_data(std::string(sub.data));
  out.set_positioned(sub.positioned);
  out.set_recoverable(sub.recoverable);
  out.set_join_leave(sub.join_leave);
  out.set_delta(std::string(sub.delta));
  if (sub.filter != nullptr) *out.mutable_tf() = seen(*sub.filter);
  out.set_flag(sub.flag);
  out.set_type(sub.type);
  return out;
}

ConnectRequest seen(const protocol::ConnectCommand& connect) {
  ConnectRequest out;
  out.set_token(std::string(connect.token));
  out.set_data(std::string(connect.data));
  out.set_name(std::string(connect.name));
  out.set_version(std::string(connect.version));
  for (const auto& [name, value] : connect.headers) (*out.mutable_headers())[std::string(name)] = value;
  for (const protocol::SubscribeCommand& sub : connect.subs) {
    SubscribeRequest& one = (*out.mutable_subs())[std::string(sub.channel)];
    one = seen(sub);
    one.clear_channel();
  }
  return out;
}

Command seen(const protocol::Command& command) {
  Command out;
  out.set_id(command.id);
  // Of the members only that of the method means anything: the others may be views of an earlier frame.
  const auto text = [](std::string_view view) { return std::string(view); };
  const protocol::NamedCommand& named = command.named;
  switch (command.method) {
    case Method::kNone:
      break;
    case Method::kConnect:
      *out.mutable_connect() = seen(command.connect);
      break;
    case Method::kPing:
      out.mutable_ping();
      break;
    case Method::kSubscribe:
      *out.mutable_subscribe() = seen(command.subscribe);
      break;
    case Method::kUnsubscribe:
      out.mutable_unsubscribe()->set_channel(text(named.channel));
      break;
    case Method::kPublish:
      out.mutable_publish()->set_channel(std::string(command.publish.channel));
      out.mutable_publish()->set_data(std::string(command.publish.data));
      out.mutable_publish()->set_key(std::string(command.publish.key));
      out.mutable_publish()->set_type(command.publish.type);
      break;
    case Method::kPresence:
      out.mutable_presence()->set_channel(text(named.channel));
      break;
    case Method::kPresenceStats:
      out.mutable_presence_stats()->set_channel(text(named.channel));
      break;
    case Method::kHistory: {
      HistoryRequest& history = *out.mutable_history();
      history.set_channel(std::string(command.history.channel));
      history.set_limit(command.history.limit);
      history.set_reverse(command.history.reverse);
      if (command.history.has_since) {
        history.mutable_since()->set_offset(command.history.offset);
        history.mutable_since()->set_epoch(std::string(command.history.epoch));
      }
      break;
    }
    case Method::kRpc:
      out.mutable_rpc()->set_method(std::string(command.rpc.method));
      out.mutable_rpc()->set_data(std::string(command.rpc.data));
      break;
    case Method::kSend:
      out.mutable_send();
      break;
    case Method::kRefresh:
      out.mutable_refresh()->set_token(text(named.token));
      break;
    case Method::kSubRefresh:
      out.mutable_sub_refresh()->set_channel(text(named.channel));
      out.mutable_sub_refresh()->set_token(text(named.token));
      out.mutable_sub_refresh()->set_type(command.named.type);
  }
  return out;
}

FilterNode random_filter(Random& random, size_t depth) {
  FilterNode out;
  out.set_op(random.text(2));
  out.set_key(random.text(3));
  out.set_cmp(random.text(2));
  out.set_val(random.text(3));
  for (size_t i = random.below(3); i > 0; --i) out.add_vals(random.text(3));
  if (depth == protocol::kMaxFilterDepth) return out;
  for (size_t i = random.below(3); i > 0; --i) *out.add_nodes() = random_filter(random, depth + 2);
  return out;
}

SubscribeRequest random_subscribe(Random& random) {
  SubscribeRequest out;
  out.set_token(random.text());
  out.set_recover(random.flip());
  out.set_epoch(random.text(8));
  out.set_offset(random.number());
  out.set_data(random.json());
  out.set_positioned(random.flip());
  out.set_recoverable(random.flip());
  out.set_join_leave(random.flip());
  out.set_delta(random.text(2));
  out.set_flag(random.signed64());
  out.set_type(random.signed32());
  return out;
}

// The request of a method, with everything that is read of it.
void set_request(Random& random, Method method, Command& out) {
  switch (method) {
    case Method::kNone:
      return;
    case Method::kConnect: {
      ConnectRequest& connect = *out.mutable_connect();
      connect.set_token(random.text());
      connect.set_data(random.json());
      connect.set_name(random.text());
      connect.set_version(random.text());
      for (size_t i = random.below(4); i > 0; --i) (*connect.mutable_headers())[random.key()] = random.text();
      for (size_t i = random.below(4); i > 0; --i) {
        (*connect.mutable_subs())[random.key()] = random_subscribe(random);
      }
      return;
    }
    case Method::kPing:
      out.mutable_ping();
      return;
    case Method::kSubscribe:
      *out.mutable_subscribe() = random_subscribe(random);
      out.mutable_subscribe()->set_channel(random.text());
      if (random.flip()) *out.mutable_subscribe()->mutable_tf() = random_filter(random, 2);
      return;
    case Method::kUnsubscribe:
      out.mutable_unsubscribe()->set_channel(random.text());
      return;
    case Method::kPublish:
      out.mutable_publish()->set_channel(random.text());
      out.mutable_publish()->set_data(random.json());
      out.mutable_publish()->set_key(random.text());
      out.mutable_publish()->set_type(random.signed32());
      return;
    case Method::kPresence:
      out.mutable_presence()->set_channel(random.text());
      return;
    case Method::kPresenceStats:
      out.mutable_presence_stats()->set_channel(random.text());
      return;
    case Method::kHistory:
      out.mutable_history()->set_channel(random.text());
      out.mutable_history()->set_limit(random.signed32());
      out.mutable_history()->set_reverse(random.flip());
      if (random.flip()) {
        out.mutable_history()->mutable_since()->set_offset(random.number());
        out.mutable_history()->mutable_since()->set_epoch(random.text(8));
      }
      return;
    case Method::kRpc:
      out.mutable_rpc()->set_method(random.text());
      out.mutable_rpc()->set_data(random.json());
      return;
    case Method::kSend:
      out.mutable_send();
      return;
    case Method::kRefresh:
      out.mutable_refresh()->set_token(random.text());
      return;
    case Method::kSubRefresh:
      out.mutable_sub_refresh()->set_channel(random.text());
      out.mutable_sub_refresh()->set_token(random.text());
      out.mutable_sub_refresh()->set_type(random.signed32());
  }
}

// Fields of the protocol that nobody reads.
void add_noise(Random& random, Command& out) {
  if (out.has_connect()) {
    out.mutable_connect()->set_flag(random.signed64());
    out.mutable_connect()->set_dict(random.text());
    out.mutable_connect()->set_profile(random.text());
  }
  if (out.has_subscribe()) {
    out.mutable_subscribe()->set_phase(2);
    out.mutable_subscribe()->set_cursor(random.text());
    out.mutable_subscribe()->set_asc(true);
  }
  if (out.has_publish()) out.mutable_publish()->set_removed(true);
  if (out.has_send()) out.mutable_send()->set_data(random.json());
  if (out.has_sub_refresh()) {
    TrackBatch& batch = *out.mutable_sub_refresh()->add_track();
    batch.set_signature(random.text());
    batch.add_items()->set_version(random.number());
    out.mutable_sub_refresh()->add_untrack(random.text());
  }
}

std::string framed(const std::string& message) {
  std::string out;
  size_t size = message.size();
  for (; size > 0x7F; size >>= 7) out.push_back(static_cast<char>((size & 0x7F) | 0x80));
  out.push_back(static_cast<char>(size));
  return out + message;
}
std::string framed(const Command& command) { return framed(command.SerializeAsString()); }

void expect_read(Encoding encoding, const std::string& frame, const std::vector<Command>& expected) {
  const auto reader = protocol::make_reader(encoding);
  reader->open(frame);
  for (const Command& want : expected) {
    ASSERT_EQ(reader->next(), protocol::Next::kCommand) << want.DebugString();
    const Command got = seen(reader->command());
    ASSERT_TRUE(MessageDifferencer::Equals(got, want)) << got.DebugString() << "instead of\n"
                                                       << want.DebugString();
  }
  ASSERT_EQ(reader->next(), protocol::Next::kEnd);
}

class Commands : public testing::TestWithParam<int> {};

TEST_P(Commands, AreReadInBothEncodings) {
  const auto method = static_cast<Method>(GetParam());
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<Command> commands;
    std::string protobuf, json;
    for (size_t i = 1 + random.below(3); i > 0; --i) {
      Command& want = commands.emplace_back();
      want.set_id(random.number32());
      set_request(random, method, want);
      Command sent = want;
      add_noise(random, sent);
      protobuf += framed(sent);
      json += to_json(sent) + '\n';
    }

    expect_read(Encoding::kProtobuf, protobuf, commands);
    expect_read(Encoding::kJson, json, commands);
    if (HasFatalFailure()) return;
  }
}

TEST_P(Commands, TheFirstInTheOrderOfMethodCounts) {
  const auto method = static_cast<Method>(GetParam());
  for (auto other = static_cast<int>(method) + 1; other <= static_cast<int>(Method::kSubRefresh); ++other) {
    Random random(static_cast<uint64_t>(other));
    Command want;
    want.set_id(7);
    set_request(random, method, want);
    Command sent = want;
    set_request(random, static_cast<Method>(other), sent);
    if (method == Method::kNone) continue;

    expect_read(Encoding::kProtobuf, framed(sent), {want});
    expect_read(Encoding::kJson, to_json(sent), {want});
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, Commands, testing::Range(0, static_cast<int>(Method::kSubRefresh) + 1));

TEST(CommandBytes, ProtobufDataIsAnyBytes) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    Command want;
    want.mutable_publish()->set_channel("c");
    want.mutable_publish()->set_data(random.bytes());

    expect_read(Encoding::kProtobuf, framed(want), {want});
  }
}

TEST(CommandBytes, ARepeatedRequestIsMerged) {
  Command first, second, want;
  first.mutable_subscribe()->set_channel("c");
  first.mutable_subscribe()->set_offset(7);
  second.mutable_subscribe()->set_epoch("e");
  second.mutable_subscribe()->set_offset(8);
  want.ParseFromString(first.SerializeAsString() + second.SerializeAsString());
  const std::string message = first.SerializeAsString() + second.SerializeAsString();

  expect_read(Encoding::kProtobuf, static_cast<char>(message.size()) + message, {want});
}

// Of a message that is damaged, whatever both take for one means the same to both.
TEST(CommandBytes, DamagedOnesAreReadAsProtocReadsThem) {
  const google::protobuf::LogSilencer silent;
  size_t both = 0;
  const auto reader = protocol::make_reader(Encoding::kProtobuf);
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    Command command;
    set_request(random, static_cast<Method>(1 + random.below(12)), command);
    std::string message = command.SerializeAsString();
    for (size_t i = 1 + random.below(3); i > 0 && !message.empty(); --i) {
      message[random.below(message.size())] = static_cast<char>(random.below(256));
    }
    Command parsed;
    if (!parsed.ParseFromString(message)) continue;
    const std::string damaged = framed(message), repaired = framed(parsed.SerializeAsString());
    reader->open(damaged);
    if (reader->next() != protocol::Next::kCommand) continue;
    ++both;
    const Command got = seen(reader->command());

    reader->open(repaired);
    ASSERT_EQ(reader->next(), protocol::Next::kCommand) << seed;
    EXPECT_TRUE(MessageDifferencer::Equals(got, seen(reader->command()))) << seed << got.DebugString();
  }
  EXPECT_GT(both, 200u);
}

}  // namespace
}  // namespace lcg::oracle
