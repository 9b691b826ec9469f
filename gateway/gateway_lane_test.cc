#include "gateway/gateway_lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using std::chrono::seconds;
using Client = TestGateway::Client;

TEST(GatewayLane, DeliversADisconnectToItsSession) {
  TestGateway g;
  Client& a = g.connected();
  Client& b = g.connected();

  g.deliver_now(DeliverDisconnect{g.session(1), make_disconnect(disconnect_code::kForceDisconnect)});
  g.deliver_now(DeliverDisconnect{"nobody", make_disconnect(disconnect_code::kForceDisconnect)});

  EXPECT_EQ(a.transport.close_code, 0u);
  EXPECT_EQ(b.transport.close_code, 3503u);
}

// What the broker waits for was said and lost, or it never heard of the client's end.
TEST(GatewayLane, ADisconnectOfWhatIsGoneIsAnsweredAgain) {
  TestGateway g;
  auto peer = std::make_shared<Peer>();
  peer->session = "lost";
  peer->user = "42";

  g.deliver_now(DeliverDisconnect{"lost", make_disconnect(disconnect_code::kForceDisconnect), peer});

  ASSERT_EQ(g.bus.asked<SessionClosed>().size(), 1u);
  EXPECT_EQ(g.bus.last<SessionClosed>().peer, peer);
  EXPECT_TRUE(g.bus.last<SessionClosed>().again);
}

TEST(GatewayLane, ADisconnectOfWhatIsHereIsAnsweredOnce) {
  TestGateway g;
  Client& client = g.connected();
  const PeerPtr peer = static_cast<const Session&>(*client.handler).peer();

  for (int i = 0; i < 2; ++i)
    g.deliver_now(DeliverDisconnect{g.session(), make_disconnect(disconnect_code::kForceDisconnect), peer});

  ASSERT_EQ(g.bus.asked<SessionClosed>().size(), 1u);
  EXPECT_FALSE(g.bus.last<SessionClosed>().again);
}

// --- a session that ends unless its client is heard from ------------------------------------------

// Asks for a sign of life within a second.
void ask_for_life(TestGateway& g) {
  g.deliver_now(DeliverDisconnect{g.session(), make_disconnect(disconnect_code::kForceReconnect), nullptr,
                                  Millis(1'000)});
}

TEST(UnlessHeard, OneThatIsSilentIsClosedInTime) {
  TestGateway g;
  Client& client = g.connected();

  ask_for_life(g);
  EXPECT_EQ(client.transport.pings, 1u);
  g.world.run_for(Millis(999));
  EXPECT_FALSE(client.transport.ended());
  g.world.run_for(Millis(2));

  EXPECT_EQ(client.transport.close_code, disconnect_code::kForceReconnect);
  EXPECT_EQ(g.bus.last<SessionClosed>().code, disconnect_code::kForceReconnect);
}

TEST(UnlessHeard, OneThatAnswersStays) {
  TestGateway g;
  Client& client = g.connected();

  ask_for_life(g);
  g.world.on(g.world.lane(0), [&] { client.handler->on_pong({}); });
  g.world.run_for(Millis(5'000));

  EXPECT_FALSE(client.transport.ended());
}

TEST(UnlessHeard, OneThatSaysSomethingElseStays) {
  TestGateway g;
  Client& client = g.connected();

  ask_for_life(g);
  g.send(client, R"({"id":2,"rpc":{}})");
  g.world.run_for(Millis(5'000));

  EXPECT_FALSE(client.transport.ended());
}

TEST(UnlessHeard, WhatWasHeardBeforeIsNoAnswerToTheNext) {
  TestGateway g;
  Client& client = g.connected();

  ask_for_life(g);
  g.world.on(g.world.lane(0), [&] { client.handler->on_pong({}); });
  ask_for_life(g);
  ask_for_life(g);
  EXPECT_EQ(client.transport.pings, 2u) << "asked already";
  g.world.run_for(Millis(1'001));

  EXPECT_TRUE(client.transport.ended());
}

TEST(UnlessHeard, AnEmulatedOneIsAskedByThePingOfTheProtocol) {
  TestGateway g;
  Client& client = g.connected(
      {.variant = {.framing = protocol::Framing::kStream}, .transport = TransportKind::kHttpStream});

  ask_for_life(g);
  EXPECT_EQ(client.transport.last(), "{}");
  g.send(client, "{}");
  g.world.run_for(Millis(5'000));

  EXPECT_FALSE(client.transport.ended());
}

TEST(GatewayLane, CountsWhatIsThere) {
  TestGateway g;
  Client& a = g.connected();
  g.open();
  g.send(a, R"({"id":2,"subscribe":{"channel":"c"}})");

  const GatewayLaneStats stats = g.gateway.stats();
  EXPECT_EQ(stats.open_sessions, 2u);
  EXPECT_EQ(stats.channels, 1u);
  EXPECT_EQ(stats.sessions.opened, 2u);
  EXPECT_EQ(stats.sessions.connected, 1u);
  EXPECT_EQ(stats.sessions.commands, 2u);
}

TEST(GatewayLane, PlacesAreReusedAndNeverMistaken) {
  TestGateway g;
  Client& first = g.connected();
  g.send(first, R"({"id":2,"rpc":{"method":"wait"}})");
  g.gone(first);
  Client& second = g.connected();

  g.answer_waiting(RpcResponse{{}, SharedBytes("1")});

  EXPECT_TRUE(second.transport.lines.empty());
  EXPECT_EQ(g.gateway.open_sessions(), 1u);
}

TEST(GatewayLane, AnAnswerForOneSessionInsideAnothersCommandIsHarmless) {
  TestGateway g;
  Client& a = g.connected();
  Client& b = g.connected();
  g.send(a,
         "{\"id\":2,\"rpc\":{\"method\":\"wait\"}}\n{\"id\":3,\"rpc\":{\"data\":\"a\"}}\n{\"id\":4,\"rpc\":{"
         "\"data\":\"aa\"}}");
  g.bus.on_request = [&g](const Request& request) -> std::optional<Response> {
    if (!g.bus.waiting.empty()) g.bus.answer(RpcResponse{});
    return g.answer(request);
  };

  g.send(b, "{\"id\":2,\"rpc\":{\"data\":\"b\"}}\n{\"id\":3,\"rpc\":{\"data\":\"bb\"}}");

  EXPECT_THAT(a.transport.lines,
              testing::ElementsAre(R"({"id":2,"rpc":{}})", R"({"id":3,"rpc":{"data":"a"}})",
                                   R"({"id":4,"rpc":{"data":"aa"}})"));
  EXPECT_THAT(b.transport.lines,
              testing::ElementsAre(R"({"id":2,"rpc":{"data":"b"}})", R"({"id":3,"rpc":{"data":"bb"}})"));
}

TEST(Drain, ClosesEverySessionSpreadOut) {
  TestGateway g;
  for (int i = 0; i < 50; ++i) g.connected();
  bool done = false;
  std::set<int64_t> moments;
  const auto closed = [&] {
    size_t count = 0;
    for (const auto& client : g.clients) count += client->transport.close_code == 3001 ? 1u : 0u;
    return count;
  };

  g.world.on(g.world.lane(0), [&] { g.gateway.drain(seconds(5), [&] { done = true; }); });
  size_t before = 0;
  for (int tick = 0; tick < 52; ++tick) {
    g.world.run_for(std::chrono::milliseconds(100));
    if (closed() != before) moments.insert(tick);
    before = closed();
  }

  EXPECT_EQ(closed(), 50u);
  EXPECT_GT(moments.size(), 15u);
  EXPECT_FALSE(done);
  for (const auto& client : g.clients) g.gone(*client);
  EXPECT_TRUE(done);
}

TEST(Drain, NewConnectionsAreClosedAtOnce) {
  TestGateway g;
  bool done = false;
  g.world.on(g.world.lane(0), [&] { g.gateway.drain(seconds(5), [&] { done = true; }); });
  EXPECT_TRUE(done);

  Client& late = g.open();

  EXPECT_EQ(late.transport.close_code, 3001u);
  EXPECT_EQ(late.transport.reason, "shutdown");
}

}  // namespace
}  // namespace lcg::gateway
