// Emulated sessions: their secret, where they are, and how commands find them.
#include "gateway/session/emulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using protocol::Framing;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Client = TestGateway::Client;

const OpenOptions kSse{.variant = {.framing = Framing::kEventStream}, .transport = TransportKind::kSse};
const OpenOptions kStream{.variant = {.framing = Framing::kStream}, .transport = TransportKind::kHttpStream};

TEST(EmulationNode, TextAndBack) {
  EXPECT_EQ(node_text({3, 17}), "3.17");
  EXPECT_EQ(parse_node("3.17"), (GatewayAddress{3, 17}));
  for (const char* wrong :
       {"", ".", "1", "1.", ".1", "1.2.3", "-1.2", "01.2", "1.2 ", "4294967296.0", "a.b"}) {
    EXPECT_FALSE(parse_node(wrong)) << wrong;
  }
}

TEST(EmulationSecret, Is128RandomBits) {
  SimRandom random(7);
  const std::string a = make_session_secret(random), b = make_session_secret(random);

  EXPECT_EQ(a.size(), 32u);
  EXPECT_NE(a, b);
  EXPECT_EQ(a.find_first_not_of("0123456789abcdef"), std::string::npos);
}

// The value of a string member of a line.
std::string member(const std::string& line, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":\"";
  const size_t at = line.find(key);
  if (at == std::string::npos) return {};
  const size_t begin = at + key.size();
  return line.substr(begin, line.find('"', begin) - begin);
}

struct Rig : TestGateway {
  explicit Rig(const OpenOptions& options = kSse) : client(open(options)) {
    send(client, R"({"id":1,"connect":{}})");
    connected_with = client.transport.last();
    secret = member(connected_with, "session");
    client.transport.lines.clear();
  }
  Emulated emulate(std::string_view node, std::string_view with, std::string_view commands) {
    Emulated result{};
    world.on(world.lane(0), [&] { result = gateway.emulate(node, with, commands); });
    world.run_until_idle();
    return result;
  }
  Client& client;
  std::string connected_with, secret;
};

TEST(Emulation, TheReplyTellsWhereAndBySecret) {
  for (const OpenOptions& options : {kSse, kStream}) {
    Rig rig(options);

    EXPECT_EQ(member(rig.connected_with, "node"), "0.0");
    EXPECT_THAT(rig.secret, SizeIs(32));
    EXPECT_THAT(rig.connected_with, HasSubstr("\"ping\":25,\"pong\":true"));
    EXPECT_EQ(rig.client.transport.secrets, 1u);  // never compressed
  }
}

TEST(Emulation, AWebSocketHasNeither) {
  Rig rig(OpenOptions{});

  EXPECT_THAT(rig.connected_with, Not(HasSubstr("\"session\"")));
  EXPECT_THAT(rig.connected_with, Not(HasSubstr("\"node\"")));
}

TEST(Emulation, CommandsAreAnsweredOnTheStream) {
  Rig rig;

  EXPECT_EQ(
      rig.emulate("0.0", rig.secret, "{\"id\":2,\"rpc\":{\"data\":1}}\n{\"id\":3,\"rpc\":{\"data\":2}}"),
      Emulated::kAccepted);

  EXPECT_THAT(rig.client.transport.lines,
              ElementsAre(R"({"id":2,"rpc":{"data":1}})", R"({"id":3,"rpc":{"data":2}})"));
}

TEST(Emulation, APongToo) {
  Rig rig;
  ASSERT_TRUE(
      rig.world.run_until([&] { return !rig.client.transport.lines.empty(); }, std::chrono::seconds(26)));

  rig.emulate("0.0", rig.secret, "{}");
  rig.world.run_for(std::chrono::seconds(10));

  EXPECT_EQ(rig.client.transport.close_code, 0u);
}

TEST(Emulation, NobodyLearnsWhetherASessionExists) {
  Rig rig;

  EXPECT_EQ(rig.emulate("0.0", "ffffffffffffffffffffffffffffffff", R"({"id":2,"rpc":{}})"),
            Emulated::kAccepted);

  EXPECT_THAT(rig.client.transport.lines, IsEmpty());
}

TEST(Emulation, TheClientIdOpensNothing) {
  Rig rig;

  rig.emulate("0.0", rig.session(), R"({"id":2,"rpc":{}})");

  EXPECT_THAT(rig.client.transport.lines, IsEmpty());
}

TEST(Emulation, ForAnotherLaneItGoesOverTheBus) {
  Rig rig;

  EXPECT_EQ(rig.emulate("0.1", rig.secret, "{}"), Emulated::kAccepted);

  ASSERT_THAT(rig.bus.delivered, SizeIs(1));
  EXPECT_EQ(rig.bus.delivered[0].first, (GatewayAddress{0, 1}));
  const auto& delivery = std::get<DeliverEmulation>(rig.bus.delivered[0].second);
  EXPECT_EQ(delivery.secret, rig.secret);
  EXPECT_EQ(delivery.data.view(), "{}");
}

TEST(Emulation, FromAnotherLaneItIsTheSame) {
  Rig rig;

  rig.deliver_now(DeliverEmulation{rig.secret, SharedBytes(R"({"id":2,"rpc":{"data":1}})")});

  EXPECT_THAT(rig.client.transport.lines, ElementsAre(R"({"id":2,"rpc":{"data":1}})"));
}

TEST(Emulation, OnlyANodeThatIsNotThereIsUnknown) {
  Rig rig;

  for (const char* node : {"", "0.2", "1.0", "here"})
    EXPECT_EQ(rig.emulate(node, rig.secret, "{}"), Emulated::kUnknownNode) << node;
}

TEST(Emulation, WhatIsNotTheProtocolEndsTheSession) {
  Rig rig;

  rig.emulate("0.0", rig.secret, "");

  EXPECT_EQ(rig.client.transport.close_code, 3501u);
}

TEST(Emulation, ASessionThatIsGoneIsForgotten) {
  Rig rig;
  rig.gone(rig.client);

  EXPECT_EQ(rig.emulate("0.0", rig.secret, R"({"id":2,"rpc":{}})"), Emulated::kAccepted);

  EXPECT_THAT(rig.bus.asked<RpcRequest>(), IsEmpty());
}

TEST(Emulation, TheEndIsAPush) {
  Rig rig;

  rig.deliver_now(DeliverDisconnect{rig.session(), make_disconnect(disconnect_code::kForceDisconnect)});

  EXPECT_THAT(rig.client.transport.lines,
              ElementsAre(R"({"push":{"disconnect":{"code":3503,"reason":"force disconnect"}}})"));
  EXPECT_EQ(rig.client.transport.close_code, 3503u);
}

TEST(Emulation, AShutdownToo) {
  Rig rig;

  rig.world.on(rig.world.lane(0), [&] { rig.gateway.drain(Millis(0), [] {}); });
  rig.world.run_for(Millis(1));

  EXPECT_THAT(rig.client.transport.lines,
              ElementsAre(R"({"push":{"disconnect":{"code":3001,"reason":"shutdown"}}})"));
  EXPECT_EQ(rig.client.transport.close_code, 3001u);
}

TEST(Emulation, ASlowOneIsNotToldWhatItCannotRead) {
  Rig rig;
  rig.send(rig.client, R"({"id":2,"rpc":{"method":"wait"}})");

  rig.emulate("0.0", rig.secret, std::string(SessionOptions().held_bytes() + 1, ' '));

  EXPECT_EQ(rig.client.transport.close_code, 3008u);
  EXPECT_TRUE(rig.client.transport.aborted);
  EXPECT_THAT(rig.client.transport.lines, IsEmpty());
}

TEST(Emulation, PublicationsAreFramedForTheStream) {
  for (const OpenOptions& options : {kSse, kStream}) {
    Rig rig(options);
    rig.send(rig.client, R"({"id":2,"subscribe":{"channel":"c"}})");
    rig.client.transport.lines.clear();

    rig.deliver_now(DeliverPublication{"c", publication(0, "1")});

    EXPECT_THAT(rig.client.transport.lines, ElementsAre(R"({"push":{"channel":"c","pub":{"data":1}}})"));
  }
}

TEST(Emulation, TheBrokerIsToldTheTransport) {
  Rig rig(kStream);

  EXPECT_EQ(rig.bus.last<ConnectRequest>().transport, TransportKind::kHttpStream);
}

}  // namespace
}  // namespace lcg::gateway
