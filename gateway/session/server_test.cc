// What the server does to a connected session: subscriptions, their end, its credentials.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Client = TestGateway::Client;

DeliverSubscribe subscribe(const TestGateway& g, std::string channel) {
  auto grant = std::make_shared<SubscribeGrant>();
  grant->data = SharedBytes("1");
  return {g.session(), std::move(channel), std::move(grant), false, {}};
}

TEST(ServerSubscribe, TheSlotIsAskedAndTheClientTold) {
  TestGateway g;
  Client& client = g.connected();
  g.on_subscribe.positioned = g.on_subscribe.recoverable = true;
  g.on_subscribe.position = {4, "E"};
  DeliverSubscribe wanted = subscribe(g, "c");
  wanted.recover = true;
  wanted.since = {2, "E"};

  g.deliver_now(wanted);

  const auto asked = g.bus.last<SubscribeRequest>();
  EXPECT_EQ(asked.channel, "c");
  EXPECT_EQ(asked.grant, wanted.grant);
  EXPECT_TRUE(asked.server_side && asked.recover && asked.positioned && asked.recoverable);
  EXPECT_EQ(asked.since, wanted.since);
  EXPECT_THAT(
      client.transport.lines,
      ElementsAre(
          R"({"push":{"channel":"c","subscribe":{"recoverable":true,"epoch":"E","offset":4,"positioned":true}}})"));
}

TEST(ServerSubscribe, PublicationsFollow) {
  TestGateway g;
  Client& client = g.connected();
  g.deliver_now(subscribe(g, "c"));
  client.transport.lines.clear();

  g.deliver_now(DeliverPublication{"c", publication(0, "1")});

  EXPECT_THAT(client.transport.lines, ElementsAre(R"({"push":{"channel":"c","pub":{"data":1}}})"));
}

// A publication of bytes that a JSON client cannot be sent is missed, and the subscription lives.
TEST(ServerSubscribe, WhatIsNotForTheEncodingIsNotRecovered) {
  TestGateway g;
  Client& client = g.connected();
  g.on_subscribe.positioned = g.on_subscribe.recovered = g.on_subscribe.was_recovering = true;
  g.on_subscribe.position = {4, "E"};
  auto bytes = std::make_shared<Publication>(*publication(5, "x"));
  bytes->binary = true;
  g.on_subscribe.publications = {bytes};
  g.deliver_now(subscribe(g, "c"));
  EXPECT_THAT(client.transport.lines, ElementsAre(HasSubstr(R"("offset":5)")));
  client.transport.lines.clear();

  g.deliver_now(DeliverPublication{"c", publication(6, "6")});

  EXPECT_THAT(client.transport.lines, ElementsAre(HasSubstr(R"("data":6)")));
}

TEST(ServerSubscribe, WhatWasRecoveredComesBehindThePush) {
  TestGateway g;
  Client& client = g.connected();
  g.on_subscribe.positioned = g.on_subscribe.recovered = g.on_subscribe.was_recovering = true;
  g.on_subscribe.position = {2, "E"};
  g.on_subscribe.publications = {publication(3, "3"), publication(4, "4")};

  g.deliver_now(subscribe(g, "c"));
  g.deliver_now(DeliverPublication{"c", publication(5, "5")});

  ASSERT_THAT(client.transport.lines, SizeIs(4));
  EXPECT_THAT(client.transport.lines[0], HasSubstr("\"subscribe\""));
  for (int i = 1; i < 4; ++i) {
    EXPECT_THAT(client.transport.lines[static_cast<size_t>(i)],
                HasSubstr("\"offset\":" + std::to_string(i + 2)));
  }
}

TEST(ServerSubscribe, OneThatIsThereIsLeftAlone) {
  TestGateway g;
  Client& client = g.connected();
  g.send(client, R"({"id":2,"subscribe":{"channel":"c"}})");
  client.transport.lines.clear();

  g.deliver_now(subscribe(g, "c"));

  EXPECT_THAT(client.transport.lines, IsEmpty());
  EXPECT_THAT(g.bus.asked<SubscribeRequest>(), SizeIs(1));
}

TEST(ServerSubscribe, ARefusalIsOnlyNotThere) {
  TestGateway g;
  Client& client = g.connected();
  g.on_subscribe.error = make_error(error_code::kUnknownChannel);

  g.deliver_now(subscribe(g, "c"));

  EXPECT_THAT(client.transport.lines, IsEmpty());
  EXPECT_EQ(client.transport.close_code, 0u);
  EXPECT_EQ(g.gateway.stats().channels, 0u);
}

TEST(ServerSubscribe, NotOverTheLimit) {
  GatewayConfig config;
  config.session.channel_limit = 1;
  TestGateway g(config);
  g.connected();
  g.deliver_now(subscribe(g, "c"));

  g.deliver_now(subscribe(g, "d"));

  EXPECT_THAT(g.bus.asked<SubscribeRequest>(), SizeIs(1));
}

TEST(ServerSubscribe, DuringConnectItWaitsForTheReply) {
  TestGateway g;
  Client& client = g.open();
  g.bus.on_request = [&](const Request& request) {
    return std::holds_alternative<ConnectRequest>(request) ? std::nullopt : g.answer(request);
  };
  g.send(client, R"({"id":1,"connect":{}})");

  g.deliver_now(subscribe(g, "c"));
  g.deliver_now(DeliverRefresh{g.session(), false, g.world.clock().wall_ms() + 60'000, {}});
  EXPECT_THAT(client.transport.lines, IsEmpty());
  ConnectResponse answer;
  answer.peer = std::make_shared<Peer>();
  g.answer_waiting(answer);

  ASSERT_THAT(client.transport.lines, SizeIs(3));
  EXPECT_THAT(client.transport.lines[0], HasSubstr("\"connect\""));
  EXPECT_THAT(client.transport.lines[1], HasSubstr("\"subscribe\""));
  EXPECT_THAT(client.transport.lines[2], HasSubstr("\"refresh\""));
}

TEST(ServerSubscribe, AClientThatLeavesItMeanwhileHasLeft) {
  TestGateway g;
  Client& client = g.connected();
  g.bus.on_request = [&](const Request& request) {
    return std::holds_alternative<SubscribeRequest>(request) ? std::nullopt : g.answer(request);
  };
  g.deliver_now(subscribe(g, "c"));
  g.send(client, R"({"id":2,"unsubscribe":{"channel":"c"}})");
  client.transport.lines.clear();

  g.answer_waiting(SubscribeResponse{});

  EXPECT_THAT(client.transport.lines, IsEmpty());
  EXPECT_EQ(g.gateway.stats().channels, 0u);
}

TEST(ServerSubscribe, ALostPositionCostsTheSubscriptionWhichTheServerMakesAnew) {
  TestGateway g;
  Client& client = g.connected();
  g.on_subscribe.positioned = true;
  g.on_subscribe.position = {4, "E"};
  g.deliver_now(subscribe(g, "c"));
  const SubscribeGrantPtr grant = g.bus.asked<SubscribeRequest>().back().grant;
  client.transport.lines.clear();
  g.on_subscribe.position = {6, "E"};

  g.deliver_now(DeliverPublication{"c", publication(6, "6")});

  const SubscribeRequest again = g.bus.asked<SubscribeRequest>().back();
  EXPECT_EQ(g.bus.asked<SubscribeRequest>().size(), 2u);
  EXPECT_TRUE(again.server_side && again.recover);
  EXPECT_EQ(again.since, (StreamPosition{4, "E"}));
  EXPECT_EQ(again.grant, grant);
  EXPECT_EQ(client.transport.close_code, 0u);
  EXPECT_THAT(
      client.transport.lines,
      ElementsAre(R"({"push":{"channel":"c","unsubscribe":{"code":2500,"reason":"insufficient state"}}})",
                  testing::HasSubstr(R"("subscribe":{)")));
}

// A client that lost a position in `c`, and what it is told when the new subscription is answered with `again`.
std::vector<std::string> after_a_gap(TestGateway& g, Client& client, SubscribeResponse again) {
  g.on_subscribe.positioned = true;
  g.on_subscribe.position = {4, "E"};
  g.deliver_now(subscribe(g, "c"));
  client.transport.lines.clear();
  g.on_subscribe = std::move(again);
  g.deliver_now(DeliverPublication{"c", publication(6, "6")});
  return client.transport.lines;
}

// The client has not asked for it, so it would not come back to it by itself.
TEST(ServerSubscribe, WhatCannotBeMadeAnewForNowEndsTheConnection) {
  TestGateway g;
  Client& client = g.connected();

  after_a_gap(g, client, refused<SubscribeResponse>(make_error(error_code::kInternal)));

  EXPECT_EQ(client.transport.close_code, 3010u);
}

TEST(ServerSubscribe, WhatIsRefusedAfterAGapHasEnded) {
  TestGateway g;
  Client& client = g.connected();

  const auto told =
      after_a_gap(g, client, refused<SubscribeResponse>(make_error(error_code::kPermissionDenied)));

  EXPECT_THAT(told, ElementsAre(HasSubstr("2500")));
  EXPECT_EQ(client.transport.close_code, 0u);
  EXPECT_EQ(g.gateway.stats().channels, 0u);
}

// With the end that a refresh has given it, not with the one it began with.
TEST(ServerSubscribe, AfterAGapItEndsWhenItWouldHaveEnded) {
  TestGateway g;
  g.connected();
  DeliverSubscribe wanted = subscribe(g, "c");
  auto grant = std::make_shared<SubscribeGrant>(*wanted.grant);
  grant->expire_at_ms = g.world.clock().wall_ms() + 5'000;
  wanted.grant = std::move(grant);
  g.on_subscribe.positioned = g.on_subscribe.server_refresh = true;
  g.on_subscribe.position = {4, "E"};
  g.on_subscribe.expire_at_ms = wanted.grant->expire_at_ms;
  const int64_t end = g.on_sub_refresh.expire_at_ms = wanted.grant->expire_at_ms + 60'000;
  g.deliver_now(wanted);
  g.world.run_for(seconds(6));

  g.deliver_now(DeliverPublication{"c", publication(6, "6")});

  EXPECT_EQ(g.bus.last<SubscribeRequest>().grant->expire_at_ms, end);
}

TEST(ServerUnsubscribe, OfEverything) {
  TestGateway g;
  g.on_connect.channels = {ServerSub{"a"}};
  Client& client = g.connected();
  g.send(client, R"({"id":2,"subscribe":{"channel":"b"}})");
  client.transport.lines.clear();

  g.deliver_now(DeliverUnsubscribe{"", g.session(), 2000, "server unsubscribe"});

  EXPECT_THAT(client.transport.lines,
              testing::UnorderedElementsAre(
                  R"({"push":{"channel":"a","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}})",
                  R"({"push":{"channel":"b","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}})"));
  EXPECT_EQ(g.gateway.stats().channels, 0u);
  EXPECT_EQ(client.transport.close_code, 0u);
}

TEST(ServerUnsubscribe, TheClientMayLeaveWhatTheServerChose) {
  TestGateway g;
  g.on_connect.channels = {ServerSub{"a"}};
  Client& client = g.connected();

  EXPECT_THAT(g.ask(client, R"({"id":2,"unsubscribe":{"channel":"a"}})"),
              ElementsAre(R"({"id":2,"unsubscribe":{}})"));

  EXPECT_EQ(g.gateway.stats().channels, 0u);
}

TEST(ServerRefresh, TellsTheClientAndExtendsItsLife) {
  TestGateway g;
  Client& client = g.connected();

  g.deliver_now(DeliverRefresh{g.session(), false, g.world.clock().wall_ms() + 5'000, {}});

  EXPECT_THAT(client.transport.lines, ElementsAre(R"({"push":{"refresh":{"expires":true,"ttl":5}}})"));
  EXPECT_THAT(g.ask(client, R"({"id":2,"refresh":{"token":"t"}})"), ElementsAre(R"({"id":2,"refresh":{}})"));
}

// The client was told of an end, and the server has put it off since.
TEST(ServerRefresh, ARefreshThatIsNotNeededAnyMoreIsAnswered) {
  TestGateway g;
  g.on_connect.expire_at_ms = g.world.clock().wall_ms() + 5'000;
  Client& client = g.connected();
  g.deliver_now(DeliverRefresh{g.session(), false, 0, {}});

  EXPECT_THAT(g.ask(client, R"({"id":2,"refresh":{"token":"t"}})"), ElementsAre(R"({"id":2,"refresh":{}})"));
  EXPECT_THAT(g.bus.asked<RefreshRequest>(), IsEmpty());
}

TEST(ServerRefresh, WhatHasExpiredCloses) {
  for (const bool by_time : {false, true}) {
    TestGateway g;
    Client& client = g.connected();

    g.deliver_now(DeliverRefresh{g.session(), !by_time, by_time ? 1 : 0, {}});

    EXPECT_EQ(client.transport.close_code, 3005u);
  }
}

TEST(ServerRefresh, NewInfoIsUsedFromThenOn) {
  TestGateway g;
  Client& client = g.connected();

  g.deliver_now(DeliverRefresh{g.session(), false, 0, SharedBytes("{\"n\":1}")});
  g.send(client, R"({"id":2,"publish":{"channel":"c","data":1}})");

  EXPECT_EQ(g.bus.last<PublishRequest>().peer->conn_info.view(), "{\"n\":1}");
  EXPECT_EQ(g.bus.last<PublishRequest>().peer->user, "42");
}

}  // namespace
}  // namespace lcg::gateway
