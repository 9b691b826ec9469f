// What a client may ask of a subscription beyond the plain one: deltas, filters, numbers for names, batches; and what its
// encoding cannot carry.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Client = TestGateway::Client;

PublicationPtr patched(uint64_t offset) {
  auto pub = std::make_shared<Publication>();
  pub->offset = offset;
  pub->epoch = "E";
  pub->data = SharedBytes("{\"n\":" + std::to_string(offset) + "}");
  pub->patch = SharedBytes("patch");
  return pub;
}
PublicationPtr tagged(uint64_t offset, std::string value) {
  auto pub = std::make_shared<Publication>(*publication(offset, std::to_string(offset)));
  pub->tags = {{"k", std::move(value)}};
  return pub;
}
PublicationPtr bytes(uint64_t offset) {
  auto pub = std::make_shared<Publication>(*publication(offset, "\xff"));
  pub->binary = true;
  return pub;
}

struct Rig : TestGateway {
  Rig() : client(connected()) {
    on_subscribe.positioned = on_subscribe.recoverable = true;
    on_subscribe.position = {0, "E"};
  }
  // The reply to a subscribe of "c" with more members.
  std::string subscribe(std::string_view members) {
    return ask(client, R"({"id":2,"subscribe":{"channel":"c")" + std::string(members) + "}}").back();
  }
  std::vector<std::string> deliver_one(PublicationPtr publication) {
    client.transport.lines.clear();
    deliver_now(DeliverPublication{"c", std::move(publication)});
    return client.transport.lines;
  }
  Client& client;
};

// ---- deltas

TEST(Delta, GrantedItBeginsWhole) {
  Rig g;
  g.on_subscribe.delta = true;

  EXPECT_THAT(g.subscribe(R"(,"delta":"fossil")"), HasSubstr("\"delta\":true"));
  EXPECT_TRUE(g.bus.last<SubscribeRequest>().delta);
  EXPECT_THAT(g.deliver_one(patched(1)),
              ElementsAre(HasSubstr(R"("data":"{\"n\":1}","offset":1)")));  // as a string
  EXPECT_THAT(g.deliver_one(patched(2)), ElementsAre(HasSubstr(R"("data":"patch")")));
}

TEST(Delta, BehindARecoveredPublicationItIsAPatch) {
  Rig g;
  g.on_subscribe.delta = g.on_subscribe.recovered = g.on_subscribe.was_recovering = true;
  g.on_subscribe.publications = {patched(1)};
  g.subscribe(R"(,"delta":"fossil","recover":true,"epoch":"E")");

  EXPECT_THAT(g.deliver_one(patched(2)), ElementsAre(HasSubstr(R"("data":"patch")")));
}

TEST(Delta, NotGrantedItIsAsEver) {
  Rig g;

  EXPECT_THAT(g.subscribe(R"(,"delta":"fossil")"), Not(HasSubstr("\"delta\"")));
  EXPECT_THAT(g.deliver_one(patched(1)), ElementsAre(HasSubstr(R"("data":{"n":1})")));
}

TEST(Delta, TogetherWithAFilterIsRefused) {
  Rig g;

  EXPECT_THAT(g.subscribe(R"(,"delta":"fossil","tf":{"key":"k","cmp":"ex"})"), HasSubstr("\"code\":107"));
  EXPECT_THAT(g.bus.asked<SubscribeRequest>(), IsEmpty());
}

// ---- filters

TEST(Filter, TheBrokerIsToldAndTheRestLeftOut) {
  Rig g;
  g.subscribe(R"(,"tf":{"key":"k","cmp":"eq","val":"1"})");

  EXPECT_TRUE(g.bus.last<SubscribeRequest>().filtered);
  EXPECT_THAT(g.deliver_one(tagged(1, "2")), IsEmpty());
  EXPECT_THAT(g.deliver_one(tagged(2, "1")), SizeIs(1));
  EXPECT_EQ(g.gateway.stats().hub.positions_lost, 0u);
}

TEST(Filter, OfTheRecoveredTooAndThePositionIsBehindThem) {
  Rig g;
  g.on_subscribe.recovered = g.on_subscribe.was_recovering = true;
  g.on_subscribe.publications = {tagged(1, "1"), tagged(2, "2")};

  const std::string reply =
      g.subscribe(R"(,"recover":true,"epoch":"E","tf":{"key":"k","cmp":"eq","val":"1"})");

  EXPECT_THAT(reply, HasSubstr("\"offset\":1"));
  EXPECT_THAT(reply, Not(HasSubstr("\"offset\":2")));
  EXPECT_THAT(g.deliver_one(tagged(3, "1")), SizeIs(1));
}

TEST(Filter, WhatIsNoneIsABadRequest) {
  Rig g;

  EXPECT_THAT(g.subscribe(R"(,"tf":{"key":"k","cmp":"like","val":"1"})"), HasSubstr("\"code\":107"));
}

TEST(Filter, WhereItIsNotAllowedTheBrokerSaysSo) {
  Rig g;
  g.on_subscribe = refused<SubscribeResponse>(make_error(error_code::kBadRequest));

  EXPECT_THAT(g.subscribe(R"(,"tf":{"key":"k","cmp":"ex"})"), HasSubstr("\"code\":107"));
}

// ---- compaction

TEST(Compaction, OfferedAndGranted) {
  Rig g;
  g.on_subscribe.compaction = true;

  EXPECT_THAT(g.subscribe(R"(,"flag":1)"), HasSubstr("\"id\":1}"));
  EXPECT_THAT(g.deliver_one(publication(1, "1")), ElementsAre(HasSubstr(R"({"push":{"id":1,"pub")")));
}

TEST(Compaction, TheNumberIsTheChannelsForAll) {
  Rig g;
  g.on_subscribe.compaction = true;
  g.subscribe(R"(,"flag":1)");
  Client& other = g.connected();
  g.ask(other, R"({"id":2,"subscribe":{"channel":"d","flag":1}})");

  EXPECT_THAT(g.ask(other, R"({"id":3,"subscribe":{"channel":"c","flag":3}})").back(),
              HasSubstr("\"id\":1}"));
}

TEST(Compaction, NeverUnlessBothWant) {
  Rig offered;
  EXPECT_THAT(offered.subscribe(R"(,"flag":1)"), Not(HasSubstr("\"id\":1}")));
  Rig granted;
  granted.on_subscribe.compaction = true;
  EXPECT_THAT(granted.subscribe(""), Not(HasSubstr("\"id\":1}")));
  EXPECT_THAT(granted.deliver_one(publication(1, "1")), ElementsAre(HasSubstr("\"channel\":\"c\"")));
}

TEST(Compaction, TheEndIsToldByName) {
  Rig g;
  g.on_subscribe.compaction = true;
  g.subscribe(R"(,"flag":1)");
  g.client.transport.lines.clear();

  g.deliver_now(DeliverUnsubscribe{"c", g.session(), 2000, "x"});

  EXPECT_THAT(g.client.transport.lines,
              ElementsAre(R"({"push":{"channel":"c","unsubscribe":{"code":2000,"reason":"x"}}})"));
}

// ---- batches

TEST(Batch, LeavesWhenTheChannelsDelayIsOver) {
  Rig g;
  g.on_subscribe.batch_delay = Millis(200);
  g.subscribe("");

  EXPECT_THAT(g.deliver_one(publication(1, "1")), IsEmpty());
  g.world.run_for(Millis(201));

  EXPECT_THAT(g.client.transport.lines, SizeIs(1));
}

// ---- what JSON cannot carry

TEST(Inappropriate, APublicationOfBytesEndsTheSubscriptionAlone) {
  Rig g;
  g.subscribe("");
  g.client.transport.lines.clear();

  g.deliver_now(DeliverPublication{"c", bytes(1)});

  EXPECT_THAT(
      g.client.transport.lines,
      ElementsAre(
          R"({"push":{"channel":"c","unsubscribe":{"code":2000,"reason":"inappropriate protocol"}}})"));
  EXPECT_EQ(g.client.transport.close_code, 0u);
  EXPECT_EQ(g.bus.asked<UnsubscribeRequest>().size(), 1u);
}

TEST(Inappropriate, ARecoveredOneRefusesTheSubscription) {
  Rig g;
  g.on_subscribe.publications = {bytes(1)};

  const auto lines = g.ask(g.client, R"({"id":2,"subscribe":{"channel":"c"}})");

  EXPECT_THAT(lines, ElementsAre(HasSubstr(R"({"id":2,"error":{"code":108,)")));
  EXPECT_EQ(g.client.transport.close_code, 0u);
  EXPECT_EQ(g.gateway.stats().channels, 0u);
}

TEST(Inappropriate, AndOneOfHistoryTheCommand) {
  Rig g;
  g.on_history.publications = {bytes(1)};

  const auto lines = g.ask(g.client, R"({"id":2,"history":{"channel":"c"}})");

  EXPECT_THAT(lines, ElementsAre(HasSubstr(R"({"id":2,"error":{"code":108,)")));
  EXPECT_EQ(g.client.transport.close_code, 0u);
}

TEST(Inappropriate, AndOneOfAServerSideSubscriptionIsNotRecovered) {
  TestGateway g;
  g.on_connect.channels = {ServerSub{"a"}};
  g.on_subscribe.publications = {bytes(1)};
  g.on_subscribe.recovered = g.on_subscribe.was_recovering = true;
  g.on_subscribe.position = {0, "E"};
  g.on_subscribe.positioned = g.on_subscribe.recoverable = true;
  Client& client = g.open();

  const auto lines = g.ask(client, R"({"id":1,"connect":{"subs":{"a":{"recover":true,"epoch":"E"}}}})");

  ASSERT_EQ(client.transport.close_code, 0u);
  EXPECT_THAT(lines,
              ElementsAre(AllOf(HasSubstr(R"("was_recovering":true)"), Not(HasSubstr("\"recovered\"")))));
}

TEST(Inappropriate, ProtobufCarriesAnything) {
  TestGateway g;
  Client& client = g.open({.variant = {.encoding = Encoding::kProtobuf}});
  g.send(client, std::string_view("\x04\x08\x01\x22\x00", 5));  // id 1, connect {}
  ASSERT_EQ(client.transport.close_code, 0u);

  g.send(client, std::string_view("\x0b\x08\x02\x3a\x07\x0a\x01\x63\x12\x02\xff\n", 12));  // publish c

  const auto asked = g.bus.last<PublishRequest>();
  EXPECT_EQ(asked.data.view(), "\xff\n");
  EXPECT_FALSE(asked.checked_json);
  EXPECT_EQ(g.bus.last<ConnectRequest>().encoding, Encoding::kProtobuf);
}

}  // namespace
}  // namespace lcg::gateway
