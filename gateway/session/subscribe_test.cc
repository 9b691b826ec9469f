// subscribe and unsubscribe, and how a subscription ends by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Client = TestGateway::Client;

constexpr std::string_view kSubscribe = R"({"id":2,"subscribe":{"channel":"c"}})";

// A tracked subscription of an empty channel.
void track(TestGateway& g, uint64_t offset = 0) {
  g.on_subscribe.recoverable = g.on_subscribe.positioned = true;
  g.on_subscribe.position = {offset, "E"};
}

TEST(Subscribe, Reply) {
  TestGateway g;
  Client& client = g.connected();
  track(g, 7);
  g.on_subscribe.data = SharedBytes("{\"d\":1}");

  EXPECT_THAT(
      g.ask(client, R"({"id":2,"subscribe":{"channel":"c","flag":1}})"),
      ElementsAre(
          R"({"id":2,"subscribe":{"recoverable":true,"epoch":"E","offset":7,"positioned":true,"data":{"d":1}}})"));
}

TEST(Subscribe, RequestCarriesWhatTheClientSays) {
  TestGateway g;
  Client& client = g.connected();

  g.send(
      client,
      R"({"id":2,"subscribe":{"channel":"dialog:7","token":"t","recover":true,"offset":9,"epoch":"E","data":[1],)"
      R"("positioned":true,"recoverable":true,"join_leave":true,"delta":"fossil"}})");

  const auto asked = g.bus.last<SubscribeRequest>();
  EXPECT_EQ(asked.channel, "dialog:7");
  EXPECT_EQ(asked.token, "t");
  EXPECT_EQ(asked.data.view(), "[1]");
  EXPECT_TRUE(asked.recover && asked.positioned && asked.recoverable && asked.join_leave &&
              !asked.server_side);
  EXPECT_EQ(asked.since, (StreamPosition{9, "E"}));
}

TEST(Subscribe, ADeltaIsSilentlyNotGranted) {
  TestGateway g;
  Client& client = g.connected();

  EXPECT_THAT(g.ask(client, R"({"id":2,"subscribe":{"channel":"c","delta":"fossil"}})"),
              ElementsAre(R"({"id":2,"subscribe":{}})"));
}

TEST(Subscribe, TwiceIsAnError) {
  TestGateway g;
  Client& client = g.connected();
  g.send(client, kSubscribe);

  EXPECT_THAT(g.ask(client, R"({"id":3,"subscribe":{"channel":"c"}})"),
              ElementsAre(R"({"id":3,"error":{"code":105,"message":"already subscribed"}})"));
}

TEST(Subscribe, TwoConnectionsMay) {
  TestGateway g;
  Client& a = g.connected();
  Client& b = g.connected();

  EXPECT_THAT(g.ask(a, kSubscribe), ElementsAre(R"({"id":2,"subscribe":{}})"));
  EXPECT_THAT(g.ask(b, kSubscribe), ElementsAre(R"({"id":2,"subscribe":{}})"));
}

TEST(Subscribe, MoreThanTheLimit) {
  GatewayConfig config;
  config.session.channel_limit = 1;
  TestGateway g(config);
  Client& client = g.connected();
  g.send(client, kSubscribe);

  EXPECT_THAT(
      g.ask(client, R"({"id":3,"subscribe":{"channel":"d"}})"),
      ElementsAre(R"({"id":3,"error":{"code":106,"message":"limit exceeded: 1 subscriptions a connection",)"
                  R"("temporary":true}})"));
}

TEST(Subscribe, ARefusalLeavesNothing) {
  TestGateway g;
  Client& client = g.connected();
  g.on_subscribe = refused<SubscribeResponse>(make_error(error_code::kPermissionDenied));

  g.send(client, kSubscribe);

  EXPECT_EQ(g.gateway.stats().channels, 0u);
  EXPECT_THAT(g.bus.asked<UnsubscribeRequest>(), IsEmpty());
}

TEST(Subscribe, AFailureThatMayBeHalfDoneIsTakenBack) {
  TestGateway g;
  Client& client = g.connected();
  g.on_subscribe = refused<SubscribeResponse>(make_error(error_code::kInternal));

  g.send(client, kSubscribe);

  EXPECT_EQ(g.bus.asked<UnsubscribeRequest>().size(), 1u);
}

TEST(Subscribe, Recovered) {
  TestGateway g;
  Client& client = g.connected();
  track(g, 4);
  g.on_subscribe.recovered = g.on_subscribe.was_recovering = true;
  g.on_subscribe.publications = {publication(5, "5"), publication(6, "6")};

  EXPECT_THAT(
      g.ask(client, R"({"id":2,"subscribe":{"channel":"c","recover":true,"offset":4,"epoch":"E"}})"),
      ElementsAre(
          R"({"id":2,"subscribe":{"recoverable":true,"epoch":"E","publications":[{"data":5,"offset":5},)"
          R"({"data":6,"offset":6}],"recovered":true,"offset":4,"positioned":true,"was_recovering":true}})"));
  g.deliver(DeliverPublication{"c", publication(6, "6")});
  g.deliver_now(DeliverPublication{"c", publication(7, "7")});
  EXPECT_EQ(client.transport.last(), R"({"push":{"channel":"c","pub":{"data":7,"offset":7}}})");
  EXPECT_EQ(client.transport.lines.size(), 2u);
}

TEST(Subscribe, UnrecoveredIsToldUnlessTheClientRejectsIt) {
  TestGateway g;
  Client& client = g.connected();
  track(g, 9);
  g.on_subscribe.was_recovering = true;

  EXPECT_THAT(g.ask(client, R"({"id":2,"subscribe":{"channel":"c","recover":true,"flag":3}})"),
              ElementsAre(R"({"id":2,"error":{"code":112,"message":"unrecoverable position"}})"));
  EXPECT_EQ(g.bus.asked<UnsubscribeRequest>().size(), 1u);
  EXPECT_THAT(
      g.ask(client, R"({"id":3,"subscribe":{"channel":"c","recover":true,"flag":1}})"),
      ElementsAre(
          R"({"id":3,"subscribe":{"recoverable":true,"epoch":"E","offset":9,"positioned":true,"was_recovering":true}})"));
}

TEST(Subscribe, AnAnswerWithAHoleIsAnError) {
  TestGateway g;
  Client& client = g.connected();
  track(g, 4);
  g.on_subscribe.recovered = g.on_subscribe.was_recovering = true;
  g.on_subscribe.publications = {publication(6, "6")};

  EXPECT_THAT(
      g.ask(client, kSubscribe),
      ElementsAre(R"({"id":2,"error":{"code":100,"message":"internal server error","temporary":true}})"));
}

TEST(Subscribe, OneThatHasExpired) {
  TestGateway g;
  Client& client = g.connected();
  g.on_subscribe.expire_at_ms = g.world.clock().wall_ms() - 1;

  EXPECT_THAT(g.ask(client, kSubscribe),
              ElementsAre(R"({"id":2,"error":{"code":110,"message":"expired","temporary":true}})"));
}

TEST(Subscribe, AGapEndsIt) {
  TestGateway g;
  Client& client = g.connected();
  track(g);
  g.send(client, kSubscribe);
  client.transport.lines.clear();

  g.deliver_now(DeliverPublication{"c", publication(2, "2")});

  EXPECT_THAT(
      client.transport.lines,
      ElementsAre(R"({"push":{"channel":"c","unsubscribe":{"code":2500,"reason":"insufficient state"}}})"));
  EXPECT_EQ(g.bus.asked<UnsubscribeRequest>().size(), 1u);
  EXPECT_THAT(g.ask(client, R"({"id":3,"subscribe":{"channel":"c"}})").size(), 1u);
}

TEST(Subscribe, TheBrokerEndsOneOrAll) {
  TestGateway g;
  Client& a = g.connected();
  Client& b = g.connected();
  g.send(a, kSubscribe);
  g.send(b, kSubscribe);

  g.deliver_now(DeliverUnsubscribe{"c", g.session(0), 2000, "server unsubscribe"});
  EXPECT_EQ(a.transport.last(),
            R"({"push":{"channel":"c","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}})");
  EXPECT_EQ(b.transport.lines.size(), 1u);
  g.deliver_now(DeliverUnsubscribe{"c", "", 2500, "insufficient state"});
  EXPECT_EQ(b.transport.lines.size(), 2u);

  EXPECT_EQ(a.transport.lines.size(), 2u);
  EXPECT_EQ(g.gateway.stats().channels, 0u);
}

TEST(Subscribe, OneThatTheBrokerEndsBeforeTheAnswerIsAnsweredFirst) {
  TestGateway g;
  Client& client = g.connected();
  g.bus.on_request = [](const Request&) { return std::nullopt; };
  g.send(client, kSubscribe);
  g.deliver_now(DeliverUnsubscribe{"c", g.session(), 2000, "x"});
  EXPECT_THAT(client.transport.lines, IsEmpty());

  g.answer_waiting(SubscribeResponse{});

  EXPECT_THAT(client.transport.lines,
              ElementsAre(R"({"id":2,"subscribe":{}})",
                          R"({"push":{"channel":"c","unsubscribe":{"code":2000,"reason":"x"}}})"));
}

// The end may be of the session's subscription before this one, which then stands at the broker.
TEST(Subscribe, OneThatTheBrokerEndsIsLeftThereToo) {
  TestGateway g;
  Client& client = g.connected();
  g.bus.on_request = [](const Request&) { return std::nullopt; };
  g.send(client, kSubscribe);
  g.deliver_now(DeliverUnsubscribe{"c", g.session(), 2000, "x"});

  g.answer_waiting(SubscribeResponse{});

  EXPECT_EQ(g.bus.asked<UnsubscribeRequest>().size(), 1u);
}

TEST(Subscribe, WhatWasPublishedBeforeTheEndIsSentBefore) {
  TestGateway g;
  Client& client = g.connected();
  g.send(client, kSubscribe);
  client.transport.lines.clear();

  g.deliver(DeliverPublication{"c", publication(1, "1")});
  g.deliver_now(DeliverUnsubscribe{"c", g.session(), 2000, "x"});

  ASSERT_EQ(client.transport.lines.size(), 2u);
  EXPECT_THAT(client.transport.lines[0], testing::HasSubstr("\"pub\""));
}

TEST(Unsubscribe, Reply) {
  TestGateway g;
  Client& client = g.connected();
  g.send(client, kSubscribe);

  EXPECT_THAT(g.ask(client, R"({"id":3,"unsubscribe":{"channel":"c"}})"),
              ElementsAre(R"({"id":3,"unsubscribe":{}})"));
  EXPECT_EQ(g.bus.asked<UnsubscribeRequest>().size(), 1u);
}

TEST(Unsubscribe, IsIdempotent) {
  TestGateway g;
  Client& client = g.connected();

  EXPECT_THAT(g.ask(client, R"({"id":3,"unsubscribe":{"channel":"c"}})"),
              ElementsAre(R"({"id":3,"unsubscribe":{}})"));
  EXPECT_THAT(g.bus.asked<UnsubscribeRequest>(), IsEmpty());
}

TEST(Unsubscribe, NothingIsPushedAfterIt) {
  TestGateway g;
  Client& client = g.connected();
  g.send(client, kSubscribe);
  client.transport.lines.clear();
  g.bus.on_request = [](const Request&) { return std::nullopt; };
  g.send(client, R"({"id":3,"unsubscribe":{"channel":"c"}})");

  g.deliver_now(DeliverPublication{"c", publication(1, "1")});
  g.answer_waiting(UnsubscribeResponse{});

  EXPECT_THAT(client.transport.lines, ElementsAre(R"({"id":3,"unsubscribe":{}})"));
}

TEST(SlowConsumer, GetsAHintAndRecoversTheRest) {
  TestGateway g;
  Client& client = g.connected();
  track(g);
  g.send(client, R"({"id":2,"subscribe":{"channel":"dialog:1"}})");
  g.deliver_now(DeliverPublication{"dialog:1", publication(1, "1")});
  client.transport.lines.clear();

  client.transport.queued = 64u << 10;
  for (uint64_t i = 2; i < 1000; ++i) g.deliver_now(DeliverPublication{"dialog:1", publication(i, "1")});
  EXPECT_THAT(client.transport.lines, IsEmpty());
  client.transport.queued = 0;
  g.low(client);

  EXPECT_THAT(
      client.transport.lines,
      ElementsAre(
          R"({"push":{"channel":"dialog:1","unsubscribe":{"code":2500,"reason":"insufficient state"}}})"));
  EXPECT_EQ(g.bus.asked<UnsubscribeRequest>().size(), 1u);
  EXPECT_EQ(client.transport.close_code, 0u);
}

TEST(SlowConsumer, OfOtherChannelsAreSentOn) {
  TestGateway g;
  Client& client = g.connected();
  track(g);
  g.send(client, kSubscribe);
  client.transport.queued = 64u << 10;

  g.deliver_now(DeliverPublication{"c", publication(1, "1")});
  g.low(client);

  EXPECT_EQ(client.transport.lines.size(), 2u);
  EXPECT_THAT(g.bus.asked<UnsubscribeRequest>(), IsEmpty());
}

}  // namespace
}  // namespace lcg::gateway
