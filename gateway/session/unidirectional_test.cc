// Unidirectional sessions, and pings as WebSocket frames.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using protocol::Framing;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using Client = TestGateway::Client;

const OpenOptions kUniSse{.variant = {.framing = Framing::kEventStream, .unidirectional = true},
                          .transport = TransportKind::kUniSse};
const OpenOptions kUniSocket{.variant = {.unidirectional = true}, .transport = TransportKind::kUniWebSocket};
const OpenOptions kTool{.frame_ping = true};

TEST(Unidirectional, TheFirstMessageIsTheConnect) {
  TestGateway g;
  Client& client = g.open(kUniSse);

  g.send(client, R"({"token":"t","subs":{"news":{"recover":true,"offset":3,"epoch":"E"}}})");

  const auto asked = g.bus.last<ConnectRequest>();
  EXPECT_EQ(asked.token, "t");
  EXPECT_EQ(asked.transport, TransportKind::kUniSse);
  EXPECT_THAT(asked.channels, ElementsAre("news"));
  ASSERT_THAT(client.transport.lines, SizeIs(1));
  EXPECT_THAT(client.transport.lines[0], StartsWith(R"({"connect":{"client":")" + g.session()));
  EXPECT_THAT(client.transport.lines[0], HasSubstr(R"("session":")"));
  EXPECT_THAT(client.transport.lines[0], Not(HasSubstr("\"node\"")));
}

TEST(Unidirectional, TheChannelsThatAreAllowedAreSubscribedTo) {
  TestGateway g;
  Client& client = g.open(kUniSse);
  g.on_connect.channels = {ServerSub{"news"}};

  g.send(client, R"({"subs":{"news":{"recover":true,"offset":3,"epoch":"E"},"secret":{}}})");

  const auto asked = g.bus.asked<SubscribeRequest>().at(0);
  EXPECT_EQ(asked.channel, "news");
  EXPECT_TRUE(asked.recover && asked.server_side);
  EXPECT_EQ(asked.since, (StreamPosition{3, "E"}));
  EXPECT_THAT(client.transport.lines[0], HasSubstr(R"("subs":{"news":{)"));
}

TEST(Unidirectional, PushesAreBare) {
  TestGateway g;
  g.on_connect.channels = {ServerSub{"news"}};
  Client& client = g.open(kUniSse);
  g.send(client, "{}");
  client.transport.lines.clear();

  g.deliver_now(DeliverPublication{"news", publication(0, "1")});

  EXPECT_THAT(client.transport.lines, ElementsAre(R"({"channel":"news","pub":{"data":1}})"));
}

TEST(Unidirectional, ChannelsItNamesAreAskedForAsAClient) {
  TestGateway g;
  Client& client = g.open(kUniSse);

  g.send(client, R"({"subs":{"news":{},"$own":{"token":"t","recover":true,"offset":3}}})");

  const auto asked = g.bus.asked<SubscribeRequest>();
  ASSERT_EQ(asked.size(), 2u);
  for (const SubscribeRequest& request : asked) EXPECT_FALSE(request.server_side) << request.channel;
  const SubscribeRequest& own = asked[0].channel == "$own" ? asked[0] : asked[1];
  EXPECT_EQ(own.token, "t");
  EXPECT_TRUE(own.recover);
  EXPECT_THAT(client.transport.lines.front(), HasSubstr("\"news\":{"));
}

TEST(Unidirectional, AChannelNamedTwiceIsSubscribedToOnce) {
  TestGateway g;
  Client& client = g.open(kUniSse);

  g.send(client, R"({"subs":{"news":{},"news":{}}})");

  EXPECT_THAT(g.bus.asked<SubscribeRequest>(), SizeIs(1));
}

TEST(Unidirectional, AChannelItMayNotHaveIsLeftOut) {
  TestGateway g;
  Client& client = g.open(kUniSse);
  g.on_subscribe.error = make_error(error_code::kPermissionDenied);

  g.send(client, R"({"subs":{"news":{}}})");

  EXPECT_EQ(client.transport.close_code, 0u);
  EXPECT_THAT(client.transport.lines.front(), HasSubstr("\"connect\""));
  EXPECT_THAT(client.transport.lines.front(), Not(HasSubstr("news")));
}

TEST(Unidirectional, WhatIsNoConnectIsABadRequest) {
  for (const char* message : {"", "x", "[]", R"({"token":7})"}) {
    TestGateway g;
    Client& client = g.open(kUniSse);

    g.send(client, message);

    EXPECT_EQ(client.transport.close_code, 3501u) << message;
  }
}

TEST(Unidirectional, WhatIsSentLaterIsIgnored) {
  TestGateway g;
  Client& client = g.open(kUniSocket);
  g.send(client, "{}");
  client.transport.lines.clear();

  g.send(client, "x");
  g.send(client, R"({"id":2,"rpc":{}})");

  EXPECT_EQ(client.transport.close_code, 0u);
  EXPECT_THAT(client.transport.lines, IsEmpty());
  EXPECT_THAT(g.bus.asked<RpcRequest>(), IsEmpty());
}

TEST(Unidirectional, ErrorsAreDisconnects) {
  for (const auto& [error, code] : std::vector<std::pair<uint32_t, uint32_t>>{{100, 3004},
                                                                              {102, 3507},
                                                                              {103, 3507},
                                                                              {106, 3505},
                                                                              {107, 3501},
                                                                              {108, 3508},
                                                                              {109, 3005},
                                                                              {110, 3005},
                                                                              {111, 3013},
                                                                              {400, 3004}}) {
    TestGateway g;
    Client& client = g.open(kUniSse);
    g.on_connect.error = make_error(error);

    g.send(client, "{}");

    EXPECT_EQ(client.transport.close_code, code) << error;
    EXPECT_THAT(client.transport.last(), HasSubstr("{\"disconnect\":{\"code\":" + std::to_string(code)))
        << error;
  }
}

TEST(Unidirectional, ADisconnectOfTheBrokerIsOne) {
  TestGateway g;
  Client& client = g.open(kUniSse);
  g.on_connect.disconnect = make_disconnect(disconnect_code::kInvalidToken);

  g.send(client, "{}");

  EXPECT_THAT(client.transport.lines,
              ElementsAre(R"({"disconnect":{"code":3500,"reason":"invalid token"}})"));
}

TEST(Unidirectional, PingsNeedNoPong) {
  TestGateway g;
  Client& client = g.open(kUniSse);
  g.send(client, "{}");
  EXPECT_THAT(client.transport.last(), HasSubstr("\"ping\":25"));
  EXPECT_THAT(client.transport.last(), Not(HasSubstr("\"pong\"")));
  client.transport.lines.clear();

  g.world.run_for(seconds(60));

  EXPECT_EQ(client.transport.close_code, 0u);
  EXPECT_THAT(client.transport.lines, Not(IsEmpty()));
  EXPECT_EQ(client.transport.last(), "{}");
}

TEST(Unidirectional, AWebSocketIsEndedByItsCloseFrameAlone) {
  TestGateway g;
  Client& client = g.open(kUniSocket);
  g.send(client, "{}");
  client.transport.lines.clear();

  g.deliver_now(DeliverDisconnect{g.session(), make_disconnect(disconnect_code::kForceDisconnect)});

  EXPECT_EQ(client.transport.close_code, 3503u);
  EXPECT_THAT(client.transport.lines, IsEmpty());
}

TEST(Unidirectional, RuntimeSubscriptionsArePushed) {
  TestGateway g;
  Client& client = g.open(kUniSse);
  g.send(client, "{}");
  client.transport.lines.clear();

  g.deliver_now(DeliverSubscribe{g.session(), "news", std::make_shared<SubscribeGrant>(), false, {}});

  EXPECT_THAT(client.transport.lines, ElementsAre(R"({"channel":"news","subscribe":{}})"));
}

// ---- pings of the WebSocket

TEST(FramePing, TheReplyAnnouncesNoPing) {
  for (const OpenOptions& options : {kTool, kUniSocket}) {
    TestGateway g;
    Client& client = g.open(options);

    g.send(client, options.variant.unidirectional ? "{}" : R"({"id":1,"connect":{}})");

    EXPECT_THAT(client.transport.last(), HasSubstr("\"connect\""));
    EXPECT_THAT(client.transport.last(), Not(HasSubstr("\"ping\"")));
    EXPECT_THAT(client.transport.last(), Not(HasSubstr("\"pong\"")));
  }
}

TEST(FramePing, PingsAreFrames) {
  TestGateway g;
  Client& client = g.connected(kTool);

  g.world.run_for(seconds(26));

  EXPECT_EQ(client.transport.pings, 1u);
  EXPECT_THAT(client.transport.lines, IsEmpty());
}

TEST(FramePing, WithoutAPongItEnds) {
  TestGateway g;
  Client& client = g.connected(kTool);

  g.world.run_for(seconds(34));

  EXPECT_EQ(client.transport.close_code, 3012u);
}

TEST(FramePing, APongOrAnyMessageIsASignOfLife) {
  for (const bool by_pong : {true, false}) {
    TestGateway g;
    Client& client = g.connected(kTool);
    for (int i = 1; i <= 3; ++i) {
      ASSERT_TRUE(
          g.world.run_until([&] { return client.transport.pings == static_cast<size_t>(i); }, seconds(26)));
      if (by_pong) {
        g.world.on(g.world.lane(0), [&] { client.handler->on_pong({}); });
      } else {
        g.send(client, R"({"id":2,"rpc":{}})");
      }
    }

    EXPECT_EQ(client.transport.close_code, 0u);
  }
}

TEST(FramePing, AProtocolPongIsABadRequest) {
  TestGateway g;
  Client& client = g.connected(kTool);
  ASSERT_TRUE(g.world.run_until([&] { return client.transport.pings == 1; }, seconds(26)));

  g.send(client, "{}");

  EXPECT_EQ(client.transport.close_code, 3501u);
}

}  // namespace
}  // namespace lcg::gateway
