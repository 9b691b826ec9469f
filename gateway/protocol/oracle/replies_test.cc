// What our encoders wrote, read by protoc's code; JSON by way of the same messages.
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "client_protocol.pb.h"
#include "gateway/protocol/codec.h"
#include "gateway/protocol/oracle/json_bridge.h"
#include "gateway/protocol/oracle/random.h"

namespace lcg::oracle {
namespace {

using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;
using protocol::DeltaForm;
using protocol::Encoder;
using protocol::Variant;

constexpr int kSeeds = 60;

// The messages of a Protobuf frame.
std::vector<std::string> split(std::string_view frame) {
  std::vector<std::string> out;
  while (!frame.empty()) {
    size_t size = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(frame.front());
      frame.remove_prefix(1);
      size |= size_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) break;
    }
    out.emplace_back(frame.substr(0, size));
    frame.remove_prefix(size);
  }
  return out;
}

// Writes one message with each encoding, after a ping that shares its frame, and compares it.
template <class Call>
void expect_written(const Message& want, bool unidirectional, Call&& call) {
  for (const Encoding encoding : {Encoding::kJson, Encoding::kProtobuf}) {
    const Encoder& encoder =
        protocol::encoder_of(Variant{.encoding = encoding, .unidirectional = unidirectional});
    std::string frame;
    encoder.ping(frame);
    call(frame, encoder);
    const std::unique_ptr<Message> got(want.New());
    if (encoding == Encoding::kJson) {
      ASSERT_TRUE(frame.starts_with("{}\n")) << frame;
      ASSERT_EQ(frame.find('\n', 3), std::string::npos) << frame;
      ASSERT_TRUE(from_json(std::string_view(frame).substr(3), *got)) << frame;
    } else {
      const std::vector<std::string> messages = split(frame);
      ASSERT_EQ(messages.size(), 2u);
      EXPECT_EQ(messages[0], "");
      ASSERT_TRUE(got->ParseFromString(messages[1]));
      ASSERT_TRUE(got->GetReflection()->GetUnknownFields(*got).empty());
    }
    ASSERT_TRUE(MessageDifferencer::Equals(*got, want))
        << encoding_name(encoding) << ' ' << got->DebugString() << "instead of\n"
        << want.DebugString();
  }
}

SharedBytes shared(const std::string& text) { return SharedBytes(text); }

lcg::ClientInfo random_info(Random& random) {
  return {random.text(8), random.key(), shared(random.json()), shared(random.json())};
}
ClientInfo message_of(const lcg::ClientInfo& info) {
  ClientInfo out;
  out.set_user(info.user);
  out.set_client(info.client);
  out.set_conn_info(std::string(info.conn_info.view()));
  out.set_chan_info(std::string(info.chan_info.view()));
  return out;
}

PublicationPtr random_publication(Random& random, uint64_t offset, const std::string& epoch) {
  auto pub = std::make_shared<lcg::Publication>();
  pub->offset = offset;
  pub->epoch = epoch;
  pub->data = shared(random.json());
  pub->has_info = random.flip();
  if (pub->has_info) pub->info = random_info(random);
  for (size_t i = 0; i < random.below(4); ++i) {
    pub->tags.emplace_back(std::to_string(i) + random.text(3), random.text(6));
  }
  return pub;
}
Publication message_of(const lcg::Publication& pub) {
  Publication out;
  out.set_data(std::string(pub.data.view()));
  if (pub.has_info) *out.mutable_info() = message_of(pub.info);
  out.set_offset(pub.offset);
  for (const auto& [name, value] : pub.tags) (*out.mutable_tags())[name] = value;
  if (pub.offset == 1) out.set_epoch(pub.epoch);
  return out;
}

// A SubscribeReply and what it borrows.
struct RandomSubscribe {
  explicit RandomSubscribe(Random& random) : data(random.json()) {
    reply.position = {random.number(), random.text(8)};
    const uint64_t first = random.below(3);
    for (size_t i = 0; i < random.below(4); ++i) {
      publications.push_back(random_publication(random, first + i, reply.position.epoch));
    }
    reply.publications = publications;
    reply.data = data;
    reply.recoverable = random.flip();
    reply.positioned = random.flip();
    reply.recovered = random.flip();
    reply.was_recovering = random.flip();
    reply.ttl_seconds = random.flip() ? random.number32() : 0;
    reply.id = random.flip() ? random.signed64() : 0;
  }
  SubscribeResult message() const {
    SubscribeResult out;
    out.set_expires(reply.ttl_seconds > 0);
    out.set_ttl(reply.ttl_seconds);
    out.set_recoverable(reply.recoverable);
    out.set_epoch(reply.position.epoch);
    for (const PublicationPtr& pub : publications) *out.add_publications() = message_of(*pub);
    out.set_recovered(reply.recovered);
    out.set_offset(reply.position.offset);
    out.set_positioned(reply.positioned);
    out.set_data(data);
    out.set_was_recovering(reply.was_recovering);
    out.set_id(reply.id);
    return out;
  }

  std::string data;
  std::vector<PublicationPtr> publications;
  protocol::SubscribeReply reply;
};

struct RandomConnect {
  explicit RandomConnect(Random& random)
      : client(random.text(8)),
        version(random.text(8)),
        data(random.json()),
        session(random.text(8)),
        node(random.text(8)) {
    for (size_t i = random.below(4); i > 0; --i) {
      channels.push_back(random.key());
      replies.emplace_back(random);
    }
    for (size_t i = 0; i < channels.size(); ++i) subs.push_back({channels[i], replies[i].reply});
    reply = {.client = client,
             .version = version,
             .data = data,
             .subs = subs,
             .ttl_seconds = random.number32(),
             .ping_seconds = random.number32(),
             .expects_pong = random.flip(),
             .session = session,
             .node = node,
             .time_ms = random.signed64()};
  }
  RandomConnect(const RandomConnect&) = delete;
  RandomConnect& operator=(const RandomConnect&) = delete;
  // ConnectResult and Connect have fields of the same names.
  template <class Result>
  Result message() const {
    Result out;
    out.set_client(client);
    out.set_version(version);
    out.set_data(data);
    for (size_t i = 0; i < channels.size(); ++i) (*out.mutable_subs())[channels[i]] = replies[i].message();
    out.set_expires(reply.ttl_seconds > 0);
    out.set_ttl(reply.ttl_seconds);
    out.set_ping(reply.ping_seconds);
    out.set_pong(reply.expects_pong);
    out.set_session(session);
    out.set_node(node);
    out.set_time(reply.time_ms);
    return out;
  }

  std::string client, version, data, session, node;
  std::vector<std::string> channels;
  std::deque<RandomSubscribe> replies;
  std::vector<protocol::ServerSubscription> subs;
  protocol::ConnectReply reply;
};

class Replies : public testing::TestWithParam<int> {
 protected:
  Random random{static_cast<uint64_t>(GetParam())};
};
INSTANTIATE_TEST_SUITE_P(Seeds, Replies, testing::Range(0, kSeeds));

TEST_P(Replies, Error) {
  const lcg::Error error{random.number32(), random.text(), random.flip()};
  Reply want;
  want.set_id(random.number32());
  want.mutable_error()->set_code(error.code);
  want.mutable_error()->set_message(error.message);
  want.mutable_error()->set_temporary(error.temporary);

  expect_written(want, false, [&](auto& out, auto& encoder) { encoder.error(out, want.id(), error); });
}

TEST_P(Replies, Connect) {
  const RandomConnect connect(random);
  Reply want;
  want.set_id(random.number32());
  *want.mutable_connect() = connect.message<ConnectResult>();
  Push pushed;
  *pushed.mutable_connect() = connect.message<oracle::Connect>();

  expect_written(want, false,
                 [&](auto& out, auto& encoder) { encoder.connect(out, want.id(), connect.reply); });
  expect_written(pushed, true, [&](auto& out, auto& encoder) { encoder.connect(out, 7, connect.reply); });
}

TEST_P(Replies, Subscribe) {
  const RandomSubscribe subscribe(random);
  Reply want;
  want.set_id(random.number32());
  *want.mutable_subscribe() = subscribe.message();

  expect_written(want, false,
                 [&](auto& out, auto& encoder) { encoder.subscribe(out, want.id(), subscribe.reply); });
}

TEST_P(Replies, EmptyResults) {
  Reply unsubscribed, published;
  unsubscribed.set_id(random.number32());
  unsubscribed.mutable_unsubscribe();
  published.set_id(random.number32());
  published.mutable_publish();

  expect_written(unsubscribed, false,
                 [&](auto& out, auto& encoder) { encoder.unsubscribe(out, unsubscribed.id()); });
  expect_written(published, false, [&](auto& out, auto& encoder) { encoder.publish(out, published.id()); });
}

TEST_P(Replies, Presence) {
  std::vector<lcg::ClientInfo> clients;
  Reply want, stats;
  want.set_id(random.number32());
  want.mutable_presence();
  for (size_t i = random.below(5); i > 0; --i) {
    clients.push_back(random_info(random));
    (*want.mutable_presence()->mutable_presence())[clients.back().client] = message_of(clients.back());
  }
  stats.mutable_presence_stats()->set_num_clients(random.number32());
  stats.mutable_presence_stats()->set_num_users(random.number32());

  expect_written(want, false, [&](auto& out, auto& encoder) { encoder.presence(out, want.id(), clients); });
  expect_written(stats, false, [&](auto& out, auto& encoder) {
    encoder.presence_stats(out, 0, stats.presence_stats().num_clients(), stats.presence_stats().num_users());
  });
}

TEST_P(Replies, History) {
  std::vector<PublicationPtr> publications;
  const lcg::StreamPosition position{random.number(), random.text(8)};
  Reply want;
  want.mutable_history()->set_epoch(position.epoch);
  want.mutable_history()->set_offset(position.offset);
  for (size_t i = random.below(5); i > 0; --i) {
    publications.push_back(random_publication(random, random.number(), position.epoch));
    *want.mutable_history()->add_publications() = message_of(*publications.back());
  }

  expect_written(want, false, [&](auto& out, auto& encoder) {
    encoder.history(out, 0, protocol::HistoryReply{publications, position});
  });
}

TEST_P(Replies, RpcAndRefreshes) {
  const std::string data = random.json();
  const uint32_t ttl = random.flip() ? random.number32() : 0;
  Reply rpc, refresh, sub_refresh;
  rpc.mutable_rpc()->set_data(data);
  refresh.mutable_refresh()->set_expires(ttl > 0);
  refresh.mutable_refresh()->set_ttl(ttl);
  sub_refresh.mutable_sub_refresh()->set_expires(ttl > 0);
  sub_refresh.mutable_sub_refresh()->set_ttl(ttl);

  expect_written(rpc, false, [&](auto& out, auto& encoder) { encoder.rpc(out, 0, data); });
  expect_written(refresh, false, [&](auto& out, auto& encoder) { encoder.refresh(out, 0, {ttl}); });
  expect_written(sub_refresh, false, [&](auto& out, auto& encoder) { encoder.sub_refresh(out, 0, {ttl}); });
}

// Bare, and in a Reply.
template <class Call>
void expect_push(const Push& want, Call&& call) {
  Reply reply;
  *reply.mutable_push() = want;

  expect_written(reply, false, call);
  expect_written(want, true, call);
}

// A push's channel: by name, or by number.
protocol::PushChannel random_channel(Random& random, std::string& name, Push& want) {
  name = random.key();
  const int64_t id = random.flip() ? 0 : static_cast<int64_t>(1 + random.below(100'000));
  if (id != 0) {
    want.set_id(id);
  } else {
    want.set_channel(name);
  }
  return {name, id};
}

TEST_P(Replies, PublicationPush) {
  std::string name;
  Push want;
  const protocol::PushChannel channel = random_channel(random, name, want);
  const PublicationPtr pub = random_publication(random, random.number() % 3, "xYz");
  *want.mutable_pub() = message_of(*pub);

  expect_push(want, [&](auto& out, auto& encoder) {
    encoder.push_publication(out, channel, *pub, DeltaForm::kNone);
  });
}

TEST_P(Replies, JoinAndLeavePush) {
  std::string name;
  Push joined;
  const protocol::PushChannel channel = random_channel(random, name, joined);
  Push left = joined;
  const lcg::ClientInfo info = random_info(random);
  *joined.mutable_join()->mutable_info() = message_of(info);
  *left.mutable_leave()->mutable_info() = message_of(info);

  expect_push(joined, [&](auto& out, auto& encoder) { encoder.push_join(out, channel, info); });
  expect_push(left, [&](auto& out, auto& encoder) { encoder.push_leave(out, channel, info); });
}

TEST_P(Replies, UnsubscribeAndDisconnectPush) {
  std::string name;
  Push ended, closed;
  const protocol::PushChannel channel = random_channel(random, name, ended);
  const uint32_t code = random.number32();
  const std::string reason = random.text();
  ended.mutable_unsubscribe()->set_code(code);
  ended.mutable_unsubscribe()->set_reason(reason);
  closed.mutable_disconnect()->set_code(code);
  closed.mutable_disconnect()->set_reason(reason);

  expect_push(ended, [&](auto& out, auto& encoder) { encoder.push_unsubscribe(out, channel, code, reason); });
  expect_push(closed, [&](auto& out, auto& encoder) { encoder.push_disconnect(out, code, reason); });
}

TEST_P(Replies, SubscribePush) {
  const RandomSubscribe subscribe(random);
  Push want;
  want.set_channel("c");
  want.mutable_subscribe()->set_recoverable(subscribe.reply.recoverable);
  want.mutable_subscribe()->set_epoch(subscribe.reply.position.epoch);
  want.mutable_subscribe()->set_offset(subscribe.reply.position.offset);
  want.mutable_subscribe()->set_positioned(subscribe.reply.positioned);
  want.mutable_subscribe()->set_data(subscribe.data);

  expect_push(want, [&](auto& out, auto& encoder) { encoder.push_subscribe(out, "c", subscribe.reply); });
}

TEST_P(Replies, MessageAndRefreshPush) {
  const std::string data = random.json();
  Push message, refresh;
  message.mutable_message()->set_data(data);
  refresh.mutable_refresh()->set_ttl(60);
  refresh.mutable_refresh()->set_expires(true);

  expect_push(message, [&](auto& out, auto& encoder) { encoder.push_message(out, data); });
  expect_push(refresh, [&](auto& out, auto& encoder) { encoder.push_refresh(out, {60}); });
}

TEST_P(Replies, ProtobufDataIsAnyBytes) {
  auto pub = std::make_shared<lcg::Publication>();
  pub->data = shared(random.bytes());
  pub->binary = true;
  std::string frame;

  protocol::encoder_of(Variant{.encoding = Encoding::kProtobuf})
      .push_publication(frame, {"c"}, *pub, DeltaForm::kNone);

  Reply got;
  ASSERT_TRUE(got.ParseFromString(split(frame).at(0)));
  EXPECT_EQ(got.push().pub().data(), pub->data.view());
}

}  // namespace
}  // namespace lcg::oracle
