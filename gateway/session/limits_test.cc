// Rate limits of a connection, a user and an address; and errors without end.
#include "gateway/session/rate_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using protocol::Method;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Client = TestGateway::Client;

constexpr MonoTime kNow{5'000'000'000};
MonoTime after(int64_t ms) { return kNow + Millis(ms); }
RateLimit& of(RateTable& table, Method method) { return table.operations[static_cast<size_t>(method)]; }

TEST(Gcra, SoManyAtOnceAndThenAtTheRate) {
  const Gcra rule({.per_second = 10, .burst = 3});
  int64_t empty_at = 0;

  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rule.take(empty_at, kNow));
  EXPECT_FALSE(rule.take(empty_at, kNow));
  EXPECT_FALSE(rule.take(empty_at, after(99)));
  EXPECT_TRUE(rule.take(empty_at, after(100)));
  EXPECT_FALSE(rule.take(empty_at, after(100)));
}

TEST(Gcra, WhatIsRefusedCostsNothing) {
  const Gcra rule({.per_second = 1, .burst = 1});
  int64_t empty_at = 0;
  ASSERT_TRUE(rule.take(empty_at, kNow));

  for (int i = 0; i < 100; ++i) EXPECT_FALSE(rule.take(empty_at, after(500)));

  EXPECT_TRUE(rule.take(empty_at, after(1000)));
}

TEST(Gcra, TheAtomicOneIsTheSame) {
  const Gcra rule({.per_second = 10, .burst = 2});
  std::atomic<int64_t> empty_at = 0;

  EXPECT_TRUE(rule.take(empty_at, kNow));
  EXPECT_TRUE(rule.take(empty_at, kNow));
  EXPECT_FALSE(rule.take(empty_at, kNow));
  EXPECT_TRUE(rule.take(empty_at, after(100)));
}

TEST(Gcra, NoLimitIsNone) {
  const Gcra rule;
  int64_t empty_at = 0;

  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(rule.take(empty_at, kNow));
}

TEST(RateRules, AnOperationHasItsOwnAndAllHaveOneTogether) {
  RateTable table{.all = {1, 3}};
  of(table, Method::kPublish) = {1, 1};
  const RateRules rules(table);
  std::vector<int64_t> numbers(rules.numbers());
  const auto take = [&](Method method) { return rules.take(method, std::span(numbers), kNow); };

  EXPECT_EQ(rules.numbers(), 2u);
  EXPECT_TRUE(take(Method::kPublish));
  EXPECT_FALSE(take(Method::kPublish));
  EXPECT_TRUE(take(Method::kRpc));
  EXPECT_FALSE(take(Method::kRpc));
}

TEST(RateRules, NoLimitWantsNoNumbers) { EXPECT_EQ(RateRules(RateTable{}).numbers(), 0u); }

TEST(SharedRates, OneForEachUserWhereverHeIs) {
  SharedRates rates(RateTable{.all = {1, 1}}, {});

  EXPECT_EQ(rates.user("a", kNow), rates.user("a", kNow));
  EXPECT_NE(rates.user("a", kNow), rates.user("b", kNow));
  EXPECT_EQ(rates.user("", kNow), nullptr);
  EXPECT_EQ(rates.address(*ClientAddress::parse("192.0.2.1"), kNow), nullptr);
}

ClientAddress at(const std::string& text) { return ClientAddress::parse(text).value(); }

TEST(SharedRates, AnAddressIsAHost) {
  SharedRates rates({}, RateTable{.all = {1, 1}});

  EXPECT_EQ(rates.address(at("192.0.2.1:1"), kNow), rates.address(at("::ffff:192.0.2.1"), kNow));
  EXPECT_NE(rates.address(at("192.0.2.1:1"), kNow), rates.address(at("192.0.2.2:1"), kNow));
  EXPECT_NE(rates.address(at("[2001:db8::1]:1"), kNow), rates.address(at("[2001:db8:0:1::1]:1"), kNow));
}

TEST(SharedRates, AnIpv6NetworkIsAHostInEveryForm) {
  SharedRates rates({}, RateTable{.all = {1, 1}});
  const SharedNumbersPtr numbers = rates.address(at("[2001:db8::1]:1"), kNow);

  for (const char* form : {"2001:db8::2", "[2001:db8::3]", "[2001:DB8::ffff:2]:1", "2001:0db8:0:0:9::"})
    EXPECT_EQ(rates.address(at(form), kNow), numbers) << form;
}

TEST(SharedRates, WhatIsNotDrainedIsRemembered) {
  SharedRates rates(RateTable{.all = {0.001, 1}}, {});
  ASSERT_TRUE(rates.user_rules().take(Method::kRpc, std::span(*rates.user("a", kNow)), kNow));

  for (int i = 0; i < 10'000; ++i) rates.user("other" + std::to_string(i), kNow);

  EXPECT_FALSE(rates.user_rules().take(Method::kRpc, std::span(*rates.user("a", kNow)), kNow));
}

// Other lanes wait meanwhile.
TEST(SharedRates, WhatCanGoGoesAFewAtATime) {
  SharedRates rates(RateTable{.all = {1, 1}}, {});
  std::vector<SharedNumbersPtr> held;
  std::vector<std::weak_ptr<SharedNumbers>> seen;
  for (int i = 0; i < 2'000; ++i)
    seen.push_back(held.emplace_back(rates.user("u" + std::to_string(i), kNow)));
  const auto gone = [&] {
    return std::count_if(seen.begin(), seen.end(), [](const auto& one) { return one.expired(); });
  };
  held.clear();

  std::ptrdiff_t before = gone(), most = 0;
  for (int i = 0; i < 2'000; ++i) {
    rates.user("new" + std::to_string(i), kNow);
    const std::ptrdiff_t now = gone();
    most = std::max(most, now - std::exchange(before, now));
  }

  EXPECT_LE(most, 32);
  EXPECT_EQ(gone(), 2'000);
}

// ---- sessions

constexpr std::string_view kRpc = R"({"id":9,"rpc":{}})";
constexpr std::string_view kPublish = R"({"id":9,"publish":{"channel":"c","data":1}})";
const char* const kTooMany =
    R"({"id":9,"error":{"code":111,"message":"too many requests","temporary":true}})";

TEST(SessionLimits, OfOneOperation) {
  GatewayConfig config;
  of(config.session.connection_rates, Method::kPublish) = {1, 1};
  TestGateway g(config);
  Client& client = g.connected();
  g.send(client, kPublish);

  EXPECT_THAT(g.ask(client, kPublish), ElementsAre(kTooMany));
  EXPECT_THAT(g.ask(client, kRpc), ElementsAre(R"({"id":9,"rpc":{}})"));
}

TEST(SessionLimits, OfAUserOnAllHisConnections) {
  GatewayConfig config;
  of(config.session.user_rates, Method::kPublish) = {1, 1};
  TestGateway g(config);
  Client& one = g.connected();
  Client& other = g.connected();
  g.send(one, kPublish);

  EXPECT_THAT(g.ask(other, kPublish), ElementsAre(kTooMany));
  g.world.run_for(std::chrono::seconds(1));
  EXPECT_THAT(g.ask(other, kPublish), ElementsAre(R"({"id":9,"publish":{}})"));
}

TEST(SessionLimits, OfAUsersConnects) {
  GatewayConfig config;
  of(config.session.user_rates, Method::kConnect) = {1, 1};
  TestGateway g(config);
  g.connected();

  Client& second = g.open();
  EXPECT_THAT(g.ask(second, R"({"id":9,"connect":{}})"), ElementsAre(kTooMany));

  EXPECT_EQ(g.bus.asked<SessionClosed>().size(), 1u);  // the broker had registered it
}

TEST(SessionLimits, OfAnAddress) {
  GatewayConfig config;
  of(config.session.address_rates, Method::kConnect) = {1, 1};
  TestGateway g(config);
  g.connected();
  Client& same = g.open();
  Client& elsewhere = g.open({}, "198.51.100.7:1");

  EXPECT_THAT(g.ask(same, R"({"id":9,"connect":{}})"), ElementsAre(kTooMany));
  EXPECT_THAT(g.ask(elsewhere, R"({"id":9,"connect":{}})").back(), HasSubstr("\"client\""));
  EXPECT_EQ(g.bus.asked<ConnectRequest>().size(), 2u);
}

TEST(SessionLimits, OfAnIpv6NetworkThatAProxyNamesWithoutPorts) {
  GatewayConfig config;
  of(config.session.address_rates, Method::kConnect) = {0.001, 3};
  TestGateway g(config);

  for (int host = 1; host <= 20; ++host) {
    Client& client = g.open({}, "2001:db8::" + std::to_string(host));
    g.ask(client, R"({"id":9,"connect":{}})");
  }

  EXPECT_EQ(g.bus.asked<ConnectRequest>().size(), 3u);
}

TEST(SessionLimits, AUnidirectionalOneMayComeAgainLater) {
  GatewayConfig config;
  config.session.address_rates.all = {1, 1};
  TestGateway g(config);
  const OpenOptions uni{.variant = {.unidirectional = true}, .transport = TransportKind::kUniWebSocket};
  g.send(g.open(uni), "{}");

  Client& second = g.open(uni);
  g.send(second, "{}");

  EXPECT_EQ(second.transport.close_code, 3013u);
}

TEST(SessionLimits, ErrorsWithoutEndEndTheConnection) {
  GatewayConfig config;
  config.session.errors = {1, 3};
  TestGateway g(config);
  Client& client = g.connected();
  g.on_rpc = refused<RpcResponse>(make_error(error_code::kPermissionDenied));

  for (int i = 0; i < 3; ++i) g.send(client, kRpc);
  EXPECT_EQ(client.transport.close_code, 0u);
  g.send(client, kRpc);

  EXPECT_EQ(client.transport.close_code, 3509u);
  EXPECT_EQ(client.transport.reason, "too many errors");
}

TEST(SessionLimits, HasteIsNoReasonToStayAway) {
  GatewayConfig config;
  config.session.errors = {1, 3};
  TestGateway g(config);
  Client& client = g.connected();
  g.on_rpc = refused<RpcResponse>(make_error(error_code::kTooManyRequests));

  for (int i = 0; i < 4; ++i) g.send(client, kRpc);

  EXPECT_EQ(client.transport.close_code, 3013u);
}

TEST(SessionLimits, OurOwnFailuresAreNotTheClientsErrors) {
  GatewayConfig config;
  config.session.errors = {1, 3};
  TestGateway g(config);
  Client& client = g.connected();
  g.on_rpc = refused<RpcResponse>(make_error(error_code::kInternal));

  for (int i = 0; i < 10; ++i) g.send(client, kRpc);

  EXPECT_EQ(client.transport.close_code, 0u);
}

TEST(SessionLimits, HeadersThatAreAllowedAreTheBrokers) {
  GatewayConfig config;
  config.session.headers = {"x-tenant"};
  config.session.emulated_headers = {"x-trace"};
  TestGateway g(config);
  Client& client = g.open({.headers = {{"X-Tenant", "7"}, {"Cookie", "secret"}}});

  g.send(client, R"({"id":1,"connect":{"headers":{"X-Trace":"t","X-Tenant":"8"}}})");

  EXPECT_EQ(g.bus.last<ConnectRequest>().headers.view(), R"({"x-tenant":"7","x-trace":"t"})");
}

}  // namespace
}  // namespace lcg::gateway
