// stale, ping and pong, the end of credentials and of subscriptions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Client = TestGateway::Client;

constexpr std::string_view kConnect = R"({"id":1,"connect":{"token":"t"}})";

TEST(Stale, AConnectionWithoutConnectIsClosed) {
  TestGateway g;
  Client& client = g.open();

  g.world.run_for(milliseconds(9'999));
  EXPECT_EQ(client.transport.close_code, 0u);
  g.world.run_for(milliseconds(2));

  EXPECT_EQ(client.transport.close_code, 3000u) << "no code for good: the network may be slow";
  EXPECT_EQ(client.transport.reason, "no connect command in time");
}

TEST(Stale, OneWhoseConnectWasRefusedToo) {
  TestGateway g;
  Client& client = g.open();
  g.on_connect.error = make_error(error_code::kTokenExpired);
  g.send(client, kConnect);

  g.world.run_for(seconds(11));

  EXPECT_EQ(client.transport.close_code, 3000u);
}

TEST(Stale, ASlowConnectIsNotTheClientsFault) {
  TestGateway g;
  Client& client = g.open();
  g.bus.on_request = [](const Request&) { return std::nullopt; };
  g.send(client, kConnect);

  g.world.run_for(seconds(15));

  EXPECT_EQ(client.transport.close_code, 0u);
}

TEST(Ping, TheFirstComesAtRandomInTheSecondHalfOfTheInterval) {
  std::set<int64_t> seen;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TestGateway g({}, seed);
    Client& client = g.connected();
    const MonoTime start = g.world.clock().mono();

    ASSERT_TRUE(g.world.run_until([&] { return !client.transport.lines.empty(); }, seconds(26)));

    const int64_t ms = std::chrono::duration_cast<milliseconds>(g.world.clock().mono() - start).count();
    EXPECT_GE(ms, 12'500);
    EXPECT_LE(ms, 25'001);
    seen.insert(ms);
  }
  EXPECT_GT(seen.size(), 10u);
}

TEST(Ping, EveryIntervalWhileThePongsCome) {
  TestGateway g;
  Client& client = g.connected();

  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(g.world.run_until([&] { return !client.transport.lines.empty(); }, seconds(26)));
    EXPECT_THAT(client.transport.take_lines(), ElementsAre("{}"));
    g.send(client, "{}");
  }

  EXPECT_EQ(client.transport.close_code, 0u);
}

TEST(Ping, NoPongCloses) {
  TestGateway g;
  Client& client = g.connected();
  g.world.run_until([&] { return !client.transport.lines.empty(); }, seconds(26));

  g.send(client, R"({"id":2,"rpc":{}})");  // other commands are no pong
  g.world.run_for(milliseconds(8'001));

  EXPECT_EQ(client.transport.close_code, 3012u);
  EXPECT_EQ(client.transport.reason, "no pong");
  EXPECT_EQ(g.gateway.stats().sessions.no_pongs, 1u);
}

TEST(Ping, APongMayBeLateByLessThanTheTimeout) {
  TestGateway g;
  Client& client = g.connected();
  g.world.run_until([&] { return !client.transport.lines.empty(); }, seconds(26));

  g.world.run_for(milliseconds(7'990));
  g.send(client, "{}");
  g.world.run_for(seconds(1));

  EXPECT_EQ(client.transport.close_code, 0u);
}

TEST(Ping, TwoPongsForOneAreABadRequest) {
  TestGateway g;
  Client& client = g.connected();
  g.world.run_until([&] { return !client.transport.lines.empty(); }, seconds(26));

  g.send(client, "{}\n{}");

  EXPECT_EQ(client.transport.close_code, 3501u);
}

TEST(Ping, APongThatWaitsBehindASlowCommandCounts) {
  TestGateway g;
  Client& client = g.connected();
  g.world.run_until([&] { return !client.transport.lines.empty(); }, seconds(26));
  g.send(client, R"({"id":2,"rpc":{"method":"wait"}})");
  g.send(client, "{}");

  g.world.run_for(seconds(10));
  g.answer_waiting(RpcResponse{});
  g.world.run_for(seconds(9));

  EXPECT_EQ(client.transport.close_code, 0u);
}

TEST(Ping, CanBeSwitchedOff) {
  GatewayConfig config;
  config.session.ping_interval = Millis(0);
  TestGateway g(config);
  Client& client = g.open();

  const auto lines = g.ask(client, kConnect);
  EXPECT_EQ(lines[0].find("ping"), std::string::npos);
  g.world.run_for(seconds(100));

  EXPECT_EQ(client.transport.lines.size(), 1u);
}

// ---- credentials

// Connected, with this long to go.
Client& expiring(TestGateway& g, seconds left) {
  g.config.session.ping_interval = Millis(0);
  g.on_connect.expire_at_ms = g.world.clock().wall_ms() + Millis(left).count();
  return g.connected();
}

TEST(Expiry, AfterTheGraceTheConnectionIsClosed) {
  TestGateway g;
  Client& client = expiring(g, seconds(60));

  g.world.run_for(seconds(84));
  EXPECT_EQ(client.transport.close_code, 0u);
  g.world.run_for(seconds(2));

  EXPECT_EQ(client.transport.close_code, 3005u);
}

TEST(Expiry, ARefreshMovesIt) {
  TestGateway g;
  Client& client = expiring(g, seconds(60));
  g.world.run_for(seconds(61));
  g.on_refresh.expire_at_ms = g.world.clock().wall_ms() + 100'000;

  EXPECT_THAT(g.ask(client, R"({"id":2,"refresh":{"token":"t2"}})"),
              ElementsAre(R"({"id":2,"refresh":{"expires":true,"ttl":100}})"));
  EXPECT_EQ(g.bus.last<RefreshRequest>().token, "t2");
  g.world.run_for(seconds(124));
  EXPECT_EQ(client.transport.close_code, 0u);
  g.world.run_for(seconds(2));

  EXPECT_EQ(client.transport.close_code, 3005u);
}

TEST(Expiry, ARefreshMayEndIt) {
  TestGateway g;
  Client& client = expiring(g, seconds(60));

  EXPECT_THAT(g.ask(client, R"({"id":2,"refresh":{"token":"t2"}})"), ElementsAre(R"({"id":2,"refresh":{}})"));
  g.world.run_for(seconds(200));

  EXPECT_EQ(client.transport.close_code, 0u);
}

struct Refresh {
  const char* command;
  RefreshResponse answer;
  uint32_t close_code;
};

TEST(Expiry, RefreshesThatClose) {
  RefreshResponse in_the_past;
  in_the_past.expire_at_ms = 1;
  for (const Refresh& row : std::vector<Refresh>{
           {R"({"id":2,"refresh":{}})", {}, 3501},
           {R"({"id":2,"refresh":{"token":"t"}})", refused<RefreshResponse>(make_error(109)), 3005},
           {R"({"id":2,"refresh":{"token":"t"}})", refused<RefreshResponse>(make_error(110)), 3005},
           {R"({"id":2,"refresh":{"token":"t"}})", disconnected<RefreshResponse>(3500), 3500},
           {R"({"id":2,"refresh":{"token":"t"}})", in_the_past, 3005},
       }) {
    TestGateway g;
    Client& client = expiring(g, seconds(60));
    g.on_refresh = row.answer;

    g.send(client, row.command);

    EXPECT_EQ(client.transport.close_code, row.close_code) << row.command;
  }
}

TEST(Expiry, ARefreshThatFailsForNowIsAnError) {
  TestGateway g;
  Client& client = expiring(g, seconds(60));
  g.on_refresh = refused<RefreshResponse>(make_error(error_code::kInternal));

  EXPECT_EQ(g.ask(client, R"({"id":2,"refresh":{"token":"t"}})").size(), 1u);
  EXPECT_EQ(client.transport.close_code, 0u);
}

TEST(Expiry, ASubscriptionEndsAndMayBeginAgain) {
  GatewayConfig config;
  config.session.ping_interval = Millis(0);
  TestGateway g(config);
  Client& client = g.connected();
  g.on_subscribe.expire_at_ms = g.world.clock().wall_ms() + 5'000;
  g.send(client, R"({"id":2,"subscribe":{"channel":"c"}})");
  EXPECT_THAT(client.transport.take_lines(), ElementsAre(R"({"id":2,"subscribe":{"expires":true,"ttl":5}})"));

  g.world.run_for(seconds(29));
  EXPECT_EQ(g.bus.asked<UnsubscribeRequest>().size(), 0u);  // the client has 25 s to refresh it
  client.transport.lines.clear();
  g.world.run_for(seconds(2));

  EXPECT_THAT(
      client.transport.lines,
      ElementsAre(R"({"push":{"channel":"c","unsubscribe":{"code":2501,"reason":"subscription expired"}}})"));
  EXPECT_EQ(g.bus.asked<UnsubscribeRequest>().size(), 1u);
}

TEST(Expiry, AServerSideSubscriptionTakesTheConnectionWithIt) {
  TestGateway g;
  g.on_connect.channels = {ServerSub{"#42"}};
  g.on_subscribe.expire_at_ms = g.world.clock().wall_ms() + 5'000;
  Client& client = g.connected();

  g.world.run_for(seconds(6));

  EXPECT_EQ(client.transport.close_code, 3006u);
}

TEST(Expiry, RefreshOfASubscriptionIsNeverDue) {
  TestGateway g;
  Client& client = g.connected();
  g.send(client, R"({"id":2,"subscribe":{"channel":"c"}})");

  g.send(client, R"({"id":3,"sub_refresh":{"channel":"c","token":"t"}})");

  EXPECT_EQ(client.transport.close_code, 3501u);
}

TEST(Timers, NoneIsLeftWhenTheSessionIsGone) {
  TestGateway g;
  Client& client = g.connected();
  g.gone(client);

  EXPECT_EQ(g.world.lane(0).timers(), 0u);
}

}  // namespace
}  // namespace lcg::gateway
