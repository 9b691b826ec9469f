#include "gateway/session/http_rpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using testing::IsEmpty;

HttpRpcAnswer call(TestGateway& g, std::string_view token = "t", std::string_view method = "m",
                   std::string_view body = "{}") {
  HttpRpcAnswer answer;
  g.world.on(g.world.lane(0), [&] {
    g.gateway.http_rpc(method, token, *ClientAddress::parse("192.0.2.9:1"), body,
                       [&](HttpRpcAnswer got) { answer = std::move(got); });
  });
  return answer;
}

TEST(HttpRpc, TheResultIsTheBody) {
  TestGateway g;

  const HttpRpcAnswer answer = call(g, "t", "dialog.list", "{\"a\":\n1}");

  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body.view(), "{\"a\":1}");
  EXPECT_TRUE(g.bus.last<ConnectRequest>().http);
  EXPECT_EQ(g.bus.last<ConnectRequest>().remote, "192.0.2.9:1");
  EXPECT_EQ(g.bus.last<RpcRequest>().method, "dialog.list");
  EXPECT_EQ(g.bus.last<RpcRequest>().peer->user, "42");
}

TEST(HttpRpc, NoResultIsNull) {
  TestGateway g;

  EXPECT_EQ(call(g, "t", "m", "").body.view(), "null");
}

TEST(HttpRpc, NoTokenAsksNobody) {
  TestGateway g;

  const HttpRpcAnswer answer = call(g, "");

  EXPECT_EQ(answer.status, 401u);
  EXPECT_EQ(answer.body.view(), R"({"error":{"code":101,"message":"unauthorized"}})");
  EXPECT_THAT(g.bus.log, IsEmpty());
}

TEST(HttpRpc, WhatIsNoJsonAsksNobody) {
  TestGateway g;

  EXPECT_EQ(call(g, "t", "m", "{").status, 400u);
  EXPECT_EQ(call(g, "t", "", "{}").status, 400u);
  EXPECT_EQ(call(g, "t", "m", std::string(g.config.session.max_message_bytes + 1, '1')).status, 413u);
  EXPECT_EQ(call(g, std::string(9000, 't')).status, 401u);
  EXPECT_THAT(g.bus.log, IsEmpty());
}

struct Row {
  uint32_t code, status;
};

TEST(HttpRpc, ErrorsAreStatuses) {
  for (const Row& row : std::vector<Row>{{100, 503},
                                         {101, 401},
                                         {102, 404},
                                         {103, 403},
                                         {104, 404},
                                         {106, 429},
                                         {107, 400},
                                         {108, 404},
                                         {109, 401},
                                         {110, 401},
                                         {111, 429},
                                         {112, 409},
                                         {113, 503},
                                         {1000, 400}}) {
    TestGateway g;
    g.on_rpc = refused<RpcResponse>(row.code < 400 ? make_error(row.code) : Error{row.code, "no", false});

    const HttpRpcAnswer answer = call(g);

    EXPECT_EQ(answer.status, row.status) << row.code;
    EXPECT_THAT(answer.body.view(), testing::StartsWith("{\"error\":{\"code\":" + std::to_string(row.code)));
  }
}

TEST(HttpRpc, DisconnectsAreStatuses) {
  for (const Row& row : std::vector<Row>{{3500, 401},
                                         {3501, 401},
                                         {3005, 401},
                                         {3507, 403},
                                         {3503, 403},
                                         {3013, 429},
                                         {3504, 429},
                                         {3001, 503}}) {
    TestGateway g;
    g.on_connect = disconnected<ConnectResponse>(row.code);

    EXPECT_EQ(call(g).status, row.status) << row.code;
  }
}

TEST(HttpRpc, CredentialsThatEnded) {
  TestGateway g;
  g.on_connect.expire_at_ms = g.world.clock().wall_ms();

  EXPECT_EQ(call(g).status, 401u);
}

TEST(HttpRpc, ATokenIsVerifiedOnceForAWhile) {
  TestGateway g;

  call(g);
  call(g);
  EXPECT_EQ(g.bus.asked<ConnectRequest>().size(), 1u);
  g.world.run_for(std::chrono::seconds(11));
  call(g);

  EXPECT_EQ(g.bus.asked<ConnectRequest>().size(), 2u);
  EXPECT_EQ(g.bus.asked<RpcRequest>().size(), 3u);
}

TEST(HttpRpc, ATokenIsNotRememberedBeyondItsEnd) {
  TestGateway g;
  g.on_connect.expire_at_ms = g.world.clock().wall_ms() + 1'000;
  call(g);
  g.world.run_for(std::chrono::seconds(2));

  EXPECT_EQ(call(g).status, 401u);
}

TEST(HttpRpc, WhatIsRefusedIsNotRemembered) {
  TestGateway g;
  g.on_connect = disconnected<ConnectResponse>(3500);
  call(g);
  g.on_connect = {};

  EXPECT_EQ(call(g).status, 200u);
}

TEST(HttpRpc, RememberedTokensAreBounded) {
  GatewayConfig config;
  config.session.token_cache_entries = 4;
  TestGateway g(config);
  for (int i = 0; i < 10; ++i) call(g, "t" + std::to_string(i));

  call(g, "t9");
  EXPECT_EQ(g.bus.asked<ConnectRequest>().size(), 10u);
  call(g, "t0");

  EXPECT_EQ(g.bus.asked<ConnectRequest>().size(), 11u);
}

TEST(HttpRpc, WhatIsDisconnectedIsForgottenAtOnce) {
  TestGateway g;
  call(g);

  g.deliver_now(DeliverDisconnect{g.session(0), make_disconnect(3500)});

  EXPECT_EQ(g.bus.last<SessionClosed>().peer->session, g.session(0)) << "the broker waits for it";
  g.on_connect = disconnected<ConnectResponse>(3500);
  EXPECT_EQ(call(g).status, 401u);
  EXPECT_EQ(g.bus.asked<RpcRequest>().size(), 1u);
}

TEST(HttpRpc, ADisconnectOfWhatWasForgottenIsAnsweredAgain) {
  TestGateway g;
  call(g);
  const PeerPtr peer = g.bus.last<RpcRequest>().peer;

  for (int i = 0; i < 2; ++i) g.deliver_now(DeliverDisconnect{g.session(0), make_disconnect(3500), peer});

  const std::vector<SessionClosed> told = g.bus.asked<SessionClosed>();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_FALSE(told[0].again);
  EXPECT_TRUE(told[1].again);
}

TEST(HttpRpc, ADisconnectOfAnotherTokenForgetsNothing) {
  TestGateway g;
  call(g, "a");
  call(g, "b");

  g.deliver_now(DeliverDisconnect{g.session(0), make_disconnect(3500)});
  call(g, "b");

  EXPECT_EQ(g.bus.asked<ConnectRequest>().size(), 2u);
}

// The token was good when the plugins saw it; before their answer is here the login is revoked.
TEST(HttpRpc, ACallThatIsBeingVerifiedIsNotDispatchedAfterADisconnect) {
  TestGateway g;
  g.bus.on_request = [&](const Request& request) -> std::optional<Response> {
    if (std::holds_alternative<ConnectRequest>(request)) return std::nullopt;
    return g.answer(request);
  };
  std::optional<HttpRpcAnswer> answer;
  g.world.on(g.world.lane(0), [&] {
    g.gateway.http_rpc("m", "t", *ClientAddress::parse("192.0.2.9:1"), "{}",
                       [&](HttpRpcAnswer got) { answer = std::move(got); });
  });
  g.deliver_now(DeliverDisconnect{g.session(0), make_disconnect(3507)});
  ConnectResponse good;
  auto peer = std::make_shared<Peer>();
  peer->session = g.session(0);
  good.peer = peer;

  g.answer_waiting(good);

  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 403u);
  EXPECT_THAT(g.bus.asked<RpcRequest>(), IsEmpty());
  EXPECT_EQ(g.bus.last<SessionClosed>().peer->session, g.session(0));
}

TEST(HttpRpc, TheBrokerIsToldOfEveryTokenThatIsForgotten) {
  GatewayConfig config;
  config.session.token_cache_entries = 2;
  TestGateway g(config);
  for (int i = 0; i < 5; ++i) call(g, "t" + std::to_string(i));
  g.world.run_for(std::chrono::seconds(11));
  g.on_connect = disconnected<ConnectResponse>(3500);
  call(g, "t3");
  call(g, "t4");

  EXPECT_EQ(g.bus.asked<SessionClosed>().size(), 5u);
}

TEST(HttpRpc, WithoutACacheNothingStaysBound) {
  GatewayConfig config;
  config.session.token_cache_entries = 0;
  TestGateway g(config);
  call(g);
  call(g);

  EXPECT_EQ(g.bus.asked<ConnectRequest>().size(), 2u);
  EXPECT_EQ(g.bus.asked<SessionClosed>().size(), 2u);
}

}  // namespace
}  // namespace lcg::gateway
