#include "gateway/session/position_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Client = TestGateway::Client;

GatewayConfig without_pings() {
  GatewayConfig config;
  config.session.ping_interval = Millis(0);
  return config;
}

struct Rig : TestGateway {
  explicit Rig(const GatewayConfig& with = without_pings()) : TestGateway(with) {
    on_subscribe.positioned = on_subscribe.recoverable = true;
    on_subscribe.position = {4, "E"};
    on_history.position = {4, "E"};
  }
  Client& subscribed() {
    Client& client = connected();
    send(client, R"({"id":2,"subscribe":{"channel":"c"}})");
    client.transport.lines.clear();
    return client;
  }
  size_t checks() const { return bus.asked<HistoryRequest>().size(); }
};

TEST(PositionCheck, AQuietChannelIsAskedAboutOnceForAll) {
  Rig g;
  g.subscribed();
  g.subscribed();

  g.world.run_for(seconds(39));
  EXPECT_EQ(g.checks(), 0u);
  g.world.run_for(seconds(3));

  ASSERT_EQ(g.checks(), 1u);
  const auto asked = g.bus.last<HistoryRequest>();
  EXPECT_EQ(asked.channel, "c");
  EXPECT_EQ(asked.peer, nullptr);
  EXPECT_EQ(asked.limit, 0);
  g.world.run_for(seconds(41));
  EXPECT_EQ(g.checks(), 2u);
}

TEST(PositionCheck, WhoIsWhereTheOwnerIsStays) {
  Rig g;
  Client& client = g.subscribed();

  g.world.run_for(seconds(200));

  EXPECT_THAT(client.transport.lines, IsEmpty());
}

TEST(PositionCheck, WhatWasMissedIsInsufficientState) {
  Rig g;
  Client& client = g.subscribed();
  g.on_history.position = {5, "E"};

  g.world.run_for(seconds(45));

  EXPECT_THAT(client.transport.last(), HasSubstr(R"("unsubscribe":{"code":2500)"));
}

TEST(PositionCheck, AServerSideSubscriptionIsMadeAnew) {
  Rig g;
  g.on_connect.channels = {ServerSub{"a"}};
  Client& client = g.connected();
  g.on_history.position = {4, "F"};

  g.world.run_for(seconds(45));

  EXPECT_EQ(client.transport.close_code, 0u);
  EXPECT_EQ(g.bus.asked<SubscribeRequest>().size(), 2u);
}

TEST(PositionCheck, WhatIsOnItsWayIsNotMissed) {
  Rig g;
  Client& client = g.subscribed();
  g.on_history.position = {5, "E"};
  ASSERT_TRUE(g.world.run_until([&] { return g.checks() == 1; }, seconds(60)));

  g.deliver_now(DeliverPublication{"c", publication(5, "5")});
  g.world.run_for(seconds(5));

  EXPECT_THAT(client.transport.lines, SizeIs(1));
  EXPECT_EQ(g.gateway.stats().hub.positions_lost, 0u);
}

TEST(PositionCheck, AnOwnerThatCannotBeAskedIsAskedLater) {
  Rig g;
  Client& client = g.subscribed();
  g.on_history = refused<HistoryResponse>(make_error(error_code::kInternal));

  g.world.run_for(seconds(85));

  EXPECT_EQ(g.checks(), 2u);
  EXPECT_THAT(client.transport.lines, IsEmpty());
}

TEST(PositionCheck, NothingToLookAfterNoTimer) {
  Rig g;
  Client& client = g.subscribed();
  g.gone(client);

  g.world.run_for(seconds(2));

  EXPECT_EQ(g.world.lane(0).timers(), 0u);
}

TEST(PositionCheck, ManyChannelsAreSpreadOverTheSecond) {
  GatewayConfig config = without_pings();
  config.session.position_check = seconds(1);
  config.session.channel_limit = 500;
  Rig g(config);
  Client& client = g.connected();
  for (int i = 0; i < 400; ++i)
    g.send(client, R"({"id":2,"subscribe":{"channel":"c)" + std::to_string(i) + "\"}}");

  g.world.run_for(seconds(1));
  const size_t first = g.checks();
  EXPECT_GT(first, 50u);
  EXPECT_LT(first, 300u);
  g.world.run_for(seconds(1));

  EXPECT_GE(g.checks(), 400u);
  EXPECT_EQ(g.gateway.stats().channels, 400u);
}

TEST(PositionCheck, MayBeOff) {
  GatewayConfig config = without_pings();
  config.session.position_check = Millis(0);
  Rig g(config);
  g.subscribed();

  g.world.run_for(seconds(200));

  EXPECT_EQ(g.checks(), 0u);
}

}  // namespace
}  // namespace lcg::gateway
