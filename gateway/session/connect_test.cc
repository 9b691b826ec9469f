// connect: the reply, what refuses it, and server-side subscriptions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Client = TestGateway::Client;

constexpr std::string_view kConnect =
    R"({"id":1,"connect":{"token":"t","name":"js","version":"1","data":{"device":"d"}}})";

TEST(Connect, TheSocketWasTakenWhenTheTransportSays) {
  TestGateway g;
  OpenOptions options;
  options.accepted = MonoTime{7};

  g.ask(g.open(options), kConnect);

  EXPECT_EQ(g.bus.last<ConnectRequest>().accepted, MonoTime{7});
}

TEST(Connect, ReplyNamesTheConnection) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.data = SharedBytes(R"({"device":"d"})");

  const auto lines = g.ask(client, kConnect);

  EXPECT_THAT(lines, ElementsAre(R"({"id":1,"connect":{"client":")" + g.session() +
                                 R"(","version":"lcg","data":{"device":"d"},"ping":25,"pong":true}})"));
}

TEST(Connect, TheBrokerIsToldWhatTheClientSays) {
  TestGateway g;
  Client& client = g.open();

  g.send(client, kConnect);

  const auto asked = g.bus.last<ConnectRequest>();
  EXPECT_EQ(asked.token, "t");
  EXPECT_EQ(asked.name, "js");
  EXPECT_EQ(asked.version, "1");
  EXPECT_EQ(asked.data.view(), R"({"device":"d"})");
  EXPECT_EQ(asked.remote, "192.0.2.1:4711");
  EXPECT_FALSE(asked.http);
}

TEST(Connect, AnErrorLeavesTheConnectionUnusable) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.error = make_error(error_code::kTokenExpired);

  EXPECT_THAT(g.ask(client, kConnect),
              ElementsAre(R"({"id":1,"error":{"code":109,"message":"token expired"}})"));
  EXPECT_EQ(client.transport.close_code, 0u);
  g.send(client, kConnect);

  EXPECT_EQ(client.transport.close_code, 3501u);
}

TEST(Connect, WhatIsPipelinedBehindAnErrorIsABadRequest) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.error = make_error(error_code::kUnauthorized);

  g.send(client, std::string(kConnect) + "\n" + R"({"id":2,"subscribe":{"channel":"c"}})");

  EXPECT_EQ(client.transport.lines.size(), 1u);
  EXPECT_EQ(client.transport.close_code, 3501u);
}

TEST(Connect, ADisconnectCloses) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.disconnect = make_disconnect(disconnect_code::kInvalidToken);

  g.send(client, kConnect);

  EXPECT_EQ(client.transport.close_code, 3500u);
  EXPECT_THAT(g.bus.asked<SessionClosed>(), IsEmpty());
}

TEST(Connect, ATokenTooLongIsInvalid) {
  TestGateway g;
  Client& client = g.open();

  g.send(client, R"({"id":1,"connect":{"token":")" + std::string(8193, 'x') + "\"}}");

  EXPECT_EQ(client.transport.close_code, 3500u);
}

TEST(Connect, CredentialsThatEnded) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.expire_at_ms = g.world.clock().wall_ms();

  EXPECT_THAT(g.ask(client, kConnect),
              ElementsAre(R"({"id":1,"error":{"code":110,"message":"expired","temporary":true}})"));
  EXPECT_EQ(g.bus.asked<SessionClosed>().size(), 1u);
}

TEST(Connect, CredentialsThatWillEnd) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.expire_at_ms = g.world.clock().wall_ms() + 60'500;

  EXPECT_THAT(g.ask(client, kConnect)[0], HasSubstr(R"("expires":true,"ttl":60,)"));
}

TEST(Connect, PipelinedCommandsWaitForASlowConnect) {
  TestGateway g;
  Client& client = g.open();
  g.bus.on_request = [](const Request&) { return std::nullopt; };
  g.send(client, std::string(kConnect) + "\n" + R"({"id":2,"subscribe":{"channel":"c"}})");
  EXPECT_EQ(g.bus.log.size(), 1u);

  ConnectResponse answer;
  auto peer = std::make_shared<Peer>();
  peer->session = g.session();
  answer.peer = peer;
  g.answer_waiting(answer);
  EXPECT_EQ(g.bus.last<SubscribeRequest>().channel, "c");
  g.answer_waiting(SubscribeResponse{});

  ASSERT_EQ(client.transport.lines.size(), 2u);
  EXPECT_THAT(client.transport.lines[0], StartsWith(R"({"id":1,"connect":)"));
  EXPECT_EQ(client.transport.lines[1], R"({"id":2,"subscribe":{}})");
}

TEST(Connect, TheBrokerForgetsOneThatLeftMeanwhile) {
  TestGateway g;
  Client& client = g.open();
  g.bus.on_request = [](const Request&) { return std::nullopt; };
  g.send(client, kConnect);
  g.gone(client);

  ConnectResponse answer;
  auto peer = std::make_shared<Peer>();
  peer->session = g.session();
  answer.peer = peer;
  g.answer_waiting(answer);

  ASSERT_EQ(g.bus.asked<SessionClosed>().size(), 1u);
  EXPECT_EQ(g.bus.last<SessionClosed>().peer, answer.peer);
}

// ---- server-side subscriptions

TEST(Connect, ServerSideSubscriptionsAreInTheReply) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.channels = {ServerSub{"#42"}, ServerSub{"news"}};
  g.on_subscribe.recoverable = g.on_subscribe.positioned = true;
  g.on_subscribe.position = {3, "E"};

  const auto lines = g.ask(client, kConnect);

  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(
      lines[0],
      HasSubstr(R"("subs":{"#42":{"recoverable":true,"epoch":"E","offset":3,"positioned":true},"news":{)"));
  for (const SubscribeRequest& asked : g.bus.asked<SubscribeRequest>()) EXPECT_TRUE(asked.server_side);
}

TEST(Connect, ServerSideSubscriptionsRecoverFromTheCommand) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.channels = {ServerSub{"#42"}, ServerSub{"news"}};

  g.send(
      client,
      R"({"id":1,"connect":{"subs":{"#42":{"recover":true,"offset":7,"epoch":"E"},"other":{"recover":true}}}})");

  const auto asked = g.bus.asked<SubscribeRequest>();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_TRUE(asked[0].recover);
  EXPECT_EQ(asked[0].since, (StreamPosition{7, "E"}));
  EXPECT_FALSE(asked[1].recover);
}

TEST(Connect, ServerSidePushesComeAfterTheReply) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.channels = {ServerSub{"#42"}};
  g.bus.on_request = [&g](const Request& request) -> std::optional<Response> {
    if (std::holds_alternative<SubscribeRequest>(request)) return std::nullopt;
    return g.answer(request);
  };
  g.send(client, kConnect);
  g.deliver_now(DeliverPublication{"#42", publication(4, "\"x\"")});
  EXPECT_THAT(client.transport.lines, IsEmpty());

  SubscribeResponse answer;
  answer.positioned = true;
  answer.position = {3, "E"};
  g.answer_waiting(answer);

  ASSERT_EQ(client.transport.lines.size(), 2u);
  EXPECT_THAT(client.transport.lines[0], StartsWith(R"({"id":1,"connect":)"));
  EXPECT_THAT(client.transport.lines[1], HasSubstr(R"("offset":4)"));
}

TEST(Connect, OneServerSideErrorFailsItAll) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.channels = {ServerSub{"#42"}, ServerSub{"a"}, ServerSub{"b"}};
  g.bus.on_request = [&g](const Request& request) -> std::optional<Response> {
    const auto* subscribe = std::get_if<SubscribeRequest>(&request);
    if (subscribe != nullptr && subscribe->channel == "a") {
      return refused<SubscribeResponse>(make_error(error_code::kPermissionDenied));
    }
    return g.answer(request);
  };

  EXPECT_THAT(g.ask(client, kConnect),
              ElementsAre(R"({"id":1,"error":{"code":103,"message":"permission denied"}})"));
  EXPECT_EQ(g.bus.asked<UnsubscribeRequest>().size(), 3u);
  EXPECT_EQ(g.bus.asked<SessionClosed>().size(), 1u);
  EXPECT_EQ(g.gateway.stats().channels, 0u);
}

TEST(Connect, AServerSideDisconnectCloses) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.channels = {ServerSub{"#42"}};
  g.on_subscribe = disconnected<SubscribeResponse>(disconnect_code::kPermissionDenied);

  g.send(client, kConnect);

  EXPECT_EQ(client.transport.close_code, 3507u);
  EXPECT_EQ(g.bus.asked<SessionClosed>().size(), 1u);
}

TEST(Connect, MoreServerSideSubscriptionsThanAllowed) {
  GatewayConfig config;
  config.session.channel_limit = 1;
  TestGateway g(config);
  Client& client = g.open();
  g.on_connect.channels = {ServerSub{"a"}, ServerSub{"b"}};

  g.send(client, kConnect);

  EXPECT_EQ(client.transport.close_code, 3505u);
}

TEST(Connect, ALostPositionOfAServerSideOneCostsNotTheConnection) {
  TestGateway g;
  g.on_connect.channels = {ServerSub{"#42"}};
  g.on_subscribe.positioned = true;
  g.on_subscribe.position = {3, "E"};
  Client& client = g.connected();

  g.on_subscribe.position = {5, "E"};

  g.deliver_now(DeliverPublication{"#42", publication(5, "1")});

  EXPECT_EQ(client.transport.close_code, 0u);
  EXPECT_EQ(g.bus.asked<SubscribeRequest>().back().since, (StreamPosition{3, "E"}));
}

TEST(Connect, WhatIsEndedMeanwhileFailsTheConnectForNow) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.channels = {ServerSub{"#42"}};
  g.bus.on_request = [&g](const Request& request) -> std::optional<Response> {
    if (std::holds_alternative<SubscribeRequest>(request)) return std::nullopt;
    return g.answer(request);
  };
  g.send(client, kConnect);
  g.deliver_now(DeliverUnsubscribe{"#42", g.session(), 2000, "left"});

  g.answer_waiting(SubscribeResponse{});

  EXPECT_THAT(
      client.transport.lines,
      ElementsAre(R"({"id":1,"error":{"code":100,"message":"internal server error","temporary":true}})"));
}

TEST(Connect, TheDeviceIsNamedByHeadersThePluginsDoNotSee) {
  TestGateway g;
  Client& client = g.open({.headers = {{"LCG-Epoch", "3"}}});

  g.send(client, R"({"id":1,"connect":{"headers":{"lcg-device":"phone","lcg-epoch":"9","x":"y"}}})");

  const auto asked = g.bus.last<ConnectRequest>();
  EXPECT_EQ(asked.device, "phone");
  EXPECT_EQ(asked.device_epoch, "3") << "a real header hides an emulated one";
  EXPECT_TRUE(asked.headers.empty());
}

// ---- the end

TEST(Close, TheBrokerIsToldChannelByChannelAndThenOfTheSession) {
  TestGateway g;
  Client& client = g.connected();
  g.send(client,
         "{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}\n{\"id\":3,\"subscribe\":{\"channel\":\"b\"}}");

  g.gone(client);

  ASSERT_EQ(g.bus.log.size(), 6u);
  EXPECT_TRUE(std::holds_alternative<UnsubscribeRequest>(g.bus.log[3]));
  EXPECT_TRUE(std::holds_alternative<UnsubscribeRequest>(g.bus.log[4]));
  EXPECT_TRUE(std::holds_alternative<SessionClosed>(g.bus.log[5]));
  EXPECT_EQ(g.bus.last<SessionClosed>().code, 3000u);
  EXPECT_EQ(g.gateway.stats().channels, 0u);
}

TEST(Close, TheBrokerIsToldOnce) {
  TestGateway g;
  Client& client = g.connected();

  g.send(client, "x");
  g.gone(client);

  ASSERT_EQ(g.bus.asked<SessionClosed>().size(), 1u);
  EXPECT_EQ(g.bus.last<SessionClosed>().code, 3501u);
}

TEST(Close, WhatComesAfterIsDropped) {
  TestGateway g;
  Client& client = g.connected();
  g.send(client, "x");
  const size_t asked = g.bus.log.size();

  g.send(client, R"({"id":2,"rpc":{}})");
  g.deliver_now(DeliverDisconnect{g.session(), make_disconnect(disconnect_code::kForceDisconnect)});

  EXPECT_EQ(g.bus.log.size(), asked);
  EXPECT_EQ(client.transport.close_code, 3501u);
}

}  // namespace
}  // namespace lcg::gateway
