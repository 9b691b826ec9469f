// Refreshing: by the client or the server, of the connection or of a subscription. The ends themselves are in
// timers_test.cc.
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
using testing::Not;
using testing::SizeIs;
using Client = TestGateway::Client;

GatewayConfig without_pings() {
  GatewayConfig config;
  config.session.ping_interval = Millis(0);
  return config;
}

struct Rig : TestGateway {
  Rig() : TestGateway(without_pings()) {}
  int64_t in(int64_t seconds_from_now) { return world.clock().wall_ms() + 1000 * seconds_from_now; }
  std::vector<RefreshRequest> refreshes() const { return bus.asked<RefreshRequest>(); }
  std::vector<SubRefreshRequest> sub_refreshes() const { return bus.asked<SubRefreshRequest>(); }
};

// ---- the server refreshes the connection

struct ByServer : Rig {
  ByServer() {
    on_connect.expire_at_ms = in(60);
    on_connect.server_refresh = true;
    client = &open();
    send(*client, R"({"id":1,"connect":{}})");
  }
  Client* client;
};

TEST(ServerRefreshes, TheClientIsNotToldToDoIt) {
  ByServer g;

  EXPECT_THAT(g.client->transport.last(), Not(HasSubstr("expires")));
  EXPECT_THAT(g.ask(*g.client, R"({"id":2,"refresh":{"token":"t"}})"),
              ElementsAre(R"({"id":2,"refresh":{}})"));

  EXPECT_THAT(g.bus.asked<RefreshRequest>(), IsEmpty()) << "there is nothing for it to refresh";
}

TEST(ServerRefreshes, AtTheEndItIsAskedFor) {
  ByServer g;
  g.on_refresh.expire_at_ms = g.in(1000);

  g.world.run_for(seconds(59));
  EXPECT_THAT(g.refreshes(), IsEmpty());
  g.world.run_for(seconds(2));

  ASSERT_THAT(g.refreshes(), SizeIs(1));
  EXPECT_TRUE(g.refreshes()[0].server);
  g.world.run_for(seconds(900));
  EXPECT_THAT(g.refreshes(), SizeIs(1));
  EXPECT_EQ(g.client->transport.close_code, 0u);
}

TEST(ServerRefreshes, WithoutAnAnswerItLivesAMinuteMoreAndIsAskedAgain) {
  ByServer g;
  g.on_refresh.error = make_error(error_code::kInternal);

  g.world.run_for(seconds(61));
  EXPECT_THAT(g.refreshes(), SizeIs(1));
  g.world.run_for(seconds(60));

  EXPECT_THAT(g.refreshes(), SizeIs(2));
  EXPECT_EQ(g.client->transport.close_code, 0u);
}

TEST(ServerRefreshes, WhatEndsIt) {
  RefreshResponse past;
  past.expire_at_ms = 1;
  for (const auto& [answer, code] : std::vector<std::pair<RefreshResponse, uint32_t>>{
           {refused<RefreshResponse>(make_error(error_code::kExpired)), 3005u},
           {refused<RefreshResponse>(make_error(error_code::kTokenExpired)), 3005u},
           {past, 3005u},
           {disconnected<RefreshResponse>(4501), 4501u}}) {
    ByServer g;
    g.on_refresh = answer;

    g.world.run_for(seconds(61));

    EXPECT_EQ(g.client->transport.close_code, code);
  }
}

TEST(ServerRefreshes, ANewPeerTakesTheOldOnesPlace) {
  ByServer g;
  auto peer = std::make_shared<Peer>();
  peer->user = "42";
  peer->meta = SharedBytes("{\"m\":1}");
  g.on_refresh.peer = peer;

  g.world.run_for(seconds(61));
  g.send(*g.client, R"({"id":2,"rpc":{}})");

  EXPECT_EQ(g.bus.last<RpcRequest>().peer, peer);
}

TEST(ServerRefreshes, ItsChannelsAreToldOfTheNewPeer) {
  ByServer g;
  g.send(*g.client, R"({"id":2,"subscribe":{"channel":"c"}})");
  auto peer = std::make_shared<Peer>();
  peer->user = "42";
  peer->conn_info = SharedBytes("{\"m\":1}");
  g.on_refresh.peer = peer;

  g.world.run_for(seconds(61));

  EXPECT_EQ(g.bus.last<PeerChanged>().channel, "c");
  EXPECT_EQ(g.bus.last<PeerChanged>().peer, peer);
}

// ---- the channels of a new token

struct Channels {
  std::vector<ServerSub> before;
  std::vector<std::string> now;
  uint32_t code;
};

TEST(RefreshedChannels, AnotherSetMeansANewConnection) {
  for (const Channels& row : std::vector<Channels>{{{ServerSub{"a"}, ServerSub{"b"}}, {"a", "b"}, 0},
                                                   {{ServerSub{"a"}}, {"a", "b"}, 3010},
                                                   {{ServerSub{"a"}, ServerSub{"b"}}, {"a"}, 3010},
                                                   {{ServerSub{"a"}}, {"b"}, 3010},
                                                   {{}, {}, 0},
                                                   // No token names the user's own channel.
                                                   {{ServerSub{"a"}, ServerSub{"#42"}}, {"a"}, 0},
                                                   {{ServerSub{"a"}, ServerSub{"ns:#42"}}, {"a"}, 0},
                                                   {{ServerSub{"a"}, ServerSub{"x#42"}}, {"a"}, 3010}}) {
    Rig g;
    g.on_connect.expire_at_ms = g.in(60);
    g.on_connect.channels = row.before;
    Client& client = g.connected();
    g.on_refresh.expire_at_ms = g.in(60);
    g.on_refresh.channels = row.now;

    g.send(client, R"({"id":2,"refresh":{"token":"t"}})");

    EXPECT_EQ(client.transport.close_code, row.code);
  }
}

TEST(RefreshedChannels, WhatTheServerAddedLaterDoesNotCount) {
  Rig g;
  g.on_connect.expire_at_ms = g.in(60);
  g.on_connect.channels = {ServerSub{"a"}};
  Client& client = g.connected();
  g.deliver_now(DeliverSubscribe{g.session(), "b", std::make_shared<SubscribeGrant>(), false, {}});
  g.on_refresh.channels = std::vector<std::string>{"a"};

  g.send(client, R"({"id":2,"refresh":{"token":"t"}})");

  EXPECT_EQ(client.transport.close_code, 0u);
}

// ---- the client refreshes a subscription

struct Subscribed : Rig {
  explicit Subscribed(bool by_server = false) : client(connected()) {
    on_subscribe.expire_at_ms = in(60);
    on_subscribe.server_refresh = by_server;
    reply = ask(client, R"({"id":2,"subscribe":{"channel":"c"}})").back();
    client.transport.lines.clear();
  }
  Client& client;
  std::string reply;
};

TEST(SubRefresh, TheClientIsToldWhen) {
  Subscribed g;

  EXPECT_EQ(g.reply, R"({"id":2,"subscribe":{"expires":true,"ttl":60}})");
}

TEST(SubRefresh, ExtendsTheSubscription) {
  Subscribed g;
  g.on_sub_refresh.expire_at_ms = g.in(120);

  EXPECT_THAT(g.ask(g.client, R"({"id":3,"sub_refresh":{"channel":"c","token":"t"}})"),
              ElementsAre(R"({"id":3,"sub_refresh":{"expires":true,"ttl":120}})"));
  EXPECT_EQ(g.sub_refreshes()[0].token, "t");
  EXPECT_FALSE(g.sub_refreshes()[0].server);
  g.client.transport.lines.clear();
  g.world.run_for(seconds(144));
  EXPECT_THAT(g.client.transport.lines, IsEmpty());
  g.world.run_for(seconds(2));

  EXPECT_THAT(g.client.transport.last(), HasSubstr("\"code\":2501"));
}

TEST(SubRefresh, MayEndTheEnd) {
  Subscribed g;

  EXPECT_THAT(g.ask(g.client, R"({"id":3,"sub_refresh":{"channel":"c","token":"t"}})"),
              ElementsAre(R"({"id":3,"sub_refresh":{}})"));
  g.world.run_for(seconds(1000));

  EXPECT_EQ(g.gateway.stats().channels, 1u);
}

TEST(SubRefresh, Errors) {
  SubRefreshResponse past;
  past.expire_at_ms = 1;
  struct Row {
    const char* command;
    SubRefreshResponse answer;
    uint32_t error;
  };
  for (const Row& row : std::vector<Row>{
           {R"({"id":3,"sub_refresh":{"channel":"d","token":"t"}})", {}, 103},
           {R"({"id":3,"sub_refresh":{"channel":"c"}})", {}, 107},
           {R"({"id":3,"sub_refresh":{"channel":"c","token":"t","type":1}})", {}, 108},
           {R"({"id":3,"sub_refresh":{"channel":"c","token":"t"}})", past, 110},
           {R"({"id":3,"sub_refresh":{"channel":"c","token":"t"}})",
            refused<SubRefreshResponse>(make_error(109)), 109},
       }) {
    Subscribed g;
    g.on_sub_refresh = row.answer;

    EXPECT_THAT(g.ask(g.client, row.command).back(), HasSubstr("\"code\":" + std::to_string(row.error)));
    EXPECT_EQ(g.client.transport.close_code, 0u);
  }
}

TEST(SubRefresh, ATokenForSomethingElseCloses) {
  Subscribed g;
  g.on_sub_refresh = disconnected<SubRefreshResponse>(3500);

  g.send(g.client, R"({"id":3,"sub_refresh":{"channel":"c","token":"t"}})");

  EXPECT_EQ(g.client.transport.close_code, 3500u);
}

TEST(SubRefresh, AnEndlessTokenIsInvalid) {
  Subscribed g;

  g.send(g.client, R"({"id":3,"sub_refresh":{"channel":"c","token":")" +
                       std::string(protocol::kMaxTokenBytes + 1, 't') + "\"}}");

  EXPECT_EQ(g.client.transport.close_code, 3500u);
}

// ---- the server refreshes a subscription

TEST(ServerSubRefresh, TheClientIsNotToldToDoIt) {
  Subscribed g(true);

  EXPECT_EQ(g.reply, R"({"id":2,"subscribe":{}})");
  g.send(g.client, R"({"id":3,"sub_refresh":{"channel":"c","token":"t"}})");

  EXPECT_EQ(g.client.transport.close_code, 3501u);
}

TEST(ServerSubRefresh, AtTheEndItIsAskedFor) {
  Subscribed g(true);
  g.on_sub_refresh.expire_at_ms = g.in(1000);

  g.world.run_for(seconds(61));

  ASSERT_THAT(g.sub_refreshes(), SizeIs(1));
  EXPECT_TRUE(g.sub_refreshes()[0].server);
  g.world.run_for(seconds(900));
  EXPECT_THAT(g.sub_refreshes(), SizeIs(1));
  EXPECT_EQ(g.gateway.stats().channels, 1u);
}

TEST(ServerSubRefresh, WithoutAnAnswerItLivesAMinuteMore) {
  Subscribed g(true);
  g.on_sub_refresh.error = make_error(error_code::kInternal);

  g.world.run_for(seconds(122));

  EXPECT_THAT(g.sub_refreshes(), SizeIs(2));
  EXPECT_EQ(g.gateway.stats().channels, 1u);
}

TEST(ServerSubRefresh, WhatHasExpiredEnds) {
  Subscribed g(true);
  g.on_sub_refresh.error = make_error(error_code::kExpired);

  g.world.run_for(seconds(61));

  EXPECT_THAT(g.client.transport.last(), HasSubstr("\"code\":2501"));
}

TEST(ServerSubRefresh, OfAServerSideOneTheConnectionEnds) {
  Rig g;
  g.on_connect.channels = {ServerSub{"a"}};
  g.on_subscribe.expire_at_ms = g.in(60);
  g.on_subscribe.server_refresh = true;
  Client& client = g.connected();
  g.on_sub_refresh.expire_at_ms = 1;

  g.world.run_for(seconds(61));

  EXPECT_EQ(client.transport.close_code, 3006u);
}

}  // namespace
}  // namespace lcg::gateway
