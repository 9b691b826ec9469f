// What a session may have done: commands in a turn, and bytes of answers over time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;
using Client = TestGateway::Client;

constexpr size_t kPage = 100'000;  // bytes of a publication

GatewayConfig config(size_t answer_burst = protocol::kAnswerBurstBytes) {
  GatewayConfig out;
  out.session.connection_rates.all = {};
  out.session.answers = {.per_second = kPage, .burst = static_cast<double>(answer_burst)};
  return out;
}

std::string rpcs(size_t count) {
  std::string out;
  for (size_t id = 2; id < count + 2; ++id)
    out +=
        (out.empty() ? "" : "\n") + (R"({"id":)" + std::to_string(id)) + R"(,"rpc":{"method":"m","data":1}})";
  return out;
}
std::string history(int id) {
  return R"({"id":)" + std::to_string(id) + R"(,"history":{"channel":"a","limit":-1}})";
}
HistoryResponse one_page() {
  HistoryResponse answer;
  answer.publications = {publication(1, '"' + std::string(kPage, 'a') + '"')};
  return answer;
}

TEST(SessionCost, AFrameRunsItsTurnsShareOfCommands) {
  TestGateway g(config());
  Client& client = g.connected();

  g.send(client, rpcs(200));

  EXPECT_THAT(g.bus.asked<RpcRequest>(), SizeIs(protocol::kCommandsPerTurn - 1));  // and the connect
  g.world.run_for(Millis(10));
  EXPECT_THAT(g.bus.asked<RpcRequest>(), SizeIs(200));
}

TEST(SessionCost, AnswersKeepTheirOrderOverTurns) {
  TestGateway g(config());
  Client& client = g.connected();

  g.send(client, rpcs(150));
  g.send(client, R"({"id":500,"rpc":{"method":"m","data":1}})");
  g.world.run_for(Millis(10));

  ASSERT_THAT(client.transport.lines, SizeIs(151));
  EXPECT_EQ(client.transport.lines[149], R"({"id":151,"rpc":{"data":1}})");
  EXPECT_EQ(client.transport.last(), R"({"id":500,"rpc":{"data":1}})");
}

TEST(SessionCost, OneTimerRenewsTheShare) {
  TestGateway g(config());
  Client& client = g.connected();
  const size_t timers = g.world.lane(0).timers();

  g.send(client, rpcs(200));

  EXPECT_EQ(g.world.lane(0).timers(), timers + 1);
}

TEST(SessionCost, AnEmptyMessageIsRefusedWhenItsTurnComes) {
  TestGateway g(config());
  Client& client = g.connected();
  g.send(client, R"({"id":1,"rpc":{"method":"wait"}})");
  g.send(client, rpcs(protocol::kCommandsPerTurn - 2));  // with the connect and the one that waits: the share
  g.send(client, "");

  g.answer_waiting(RpcResponse{});
  EXPECT_EQ(client.transport.close_code, 0u);
  g.world.run_for(Millis(10));

  EXPECT_EQ(client.transport.close_code, 3501u);
}

TEST(SessionCost, WhatIsHeldIsFreedAsItIsUsed) {
  TestGateway g(config());
  Client& client = g.connected();
  const std::string command =
      R"({"id":9,"rpc":{"method":"wait","data":")" + std::string(2'000, 'x') + R"("}})";
  for (int i = 0; i < 3; ++i) g.send(client, command);
  const auto& session = static_cast<const Session&>(*client.handler);
  const size_t bytes = session.held_bytes();

  for (int round = 0; round < 10'000; ++round) {
    g.answer_waiting(RpcResponse{});
    g.send(client, command);
    g.world.run_for(protocol::kTurnDelay);
    ASSERT_EQ(session.held_frames(), 2u) << round;
    ASSERT_EQ(session.held_bytes(), bytes) << round;
    g.bus.log.clear();
    client.transport.lines.clear();
  }
  EXPECT_FALSE(client.transport.paused);
}

TEST(SessionCost, LongAnswersUseUpATurnSooner) {
  TestGateway g(config());
  Client& client = g.connected();
  g.on_history = one_page();
  std::string frame;
  for (int id = 2; id < 12; ++id) frame += (frame.empty() ? "" : "\n") + history(id);

  g.send(client, frame);

  EXPECT_THAT(g.bus.asked<HistoryRequest>(), SizeIs(3));
  g.world.run_for(Millis(20));
  EXPECT_THAT(g.bus.asked<HistoryRequest>(), SizeIs(10));
}

TEST(SessionCost, OneCommandATurnIsNeverHeldBack) {
  TestGateway g(config());
  Client& client = g.connected();

  for (size_t i = 0; i < 300; ++i) {
    g.world.run_for(protocol::kTurnDelay);
    g.send(client, rpcs(1));
    ASSERT_THAT(g.bus.asked<RpcRequest>(), SizeIs(i + 1));
  }
}

TEST(SessionCost, SmallFramesShareTheTurnToo) {
  TestGateway g(config());
  Client& client = g.connected();

  for (size_t i = 0; i < 100; ++i) g.send(client, rpcs(1));

  EXPECT_THAT(g.bus.asked<RpcRequest>(), SizeIs(protocol::kCommandsPerTurn - 1));
  g.world.run_for(Millis(10));
  EXPECT_THAT(g.bus.asked<RpcRequest>(), SizeIs(100));
}

TEST(SessionCost, WhatIsQueuedForTheClientHoldsItsCommandsBack) {
  TestGateway g(config());
  Client& client = g.connected();
  g.bus.on_request = [&](const Request& request) {
    client.transport.congested_by_queue = g.bus.asked<RpcRequest>().size() >= 3;
    return g.answer(request);
  };

  g.send(client, rpcs(10));
  g.world.run_for(std::chrono::seconds(1));

  EXPECT_THAT(g.bus.asked<RpcRequest>(), SizeIs(3));
  g.bus.on_request = [&](const Request& request) { return g.answer(request); };
  client.transport.congested_by_queue = false;
  g.low(client);
  EXPECT_THAT(g.bus.asked<RpcRequest>(), SizeIs(10));
}

TEST(SessionCost, AnswersOverTheBurstAreRefusedBeforeTheyAreMade) {
  GatewayConfig slow = config(10 * kPage);
  slow.session.answers.per_second = 1;
  TestGateway g(slow);
  Client& client = g.connected();
  g.on_history = one_page();

  for (int id = 2; id < 32; ++id) {
    g.send(client, history(id));
    g.world.run_for(protocol::kTurnDelay);
  }

  // Each is a little more than the page, and the debt is seen when it is there.
  EXPECT_EQ(g.bus.asked<HistoryRequest>().size(), 10u);
  EXPECT_EQ(client.transport.last(),
            R"({"id":31,"error":{"code":111,"message":"too many requests","temporary":true}})");
}

TEST(SessionCost, TimePaysForAnswers) {
  TestGateway g(config(2 * kPage));
  Client& client = g.connected();
  g.on_history = one_page();
  for (int id = 2; id < 10; ++id) g.send(client, history(id));
  ASSERT_THAT(g.bus.asked<HistoryRequest>(), SizeIs(2));

  g.world.run_for(std::chrono::seconds(1));

  EXPECT_THAT(g.ask(client, history(10)), Each(HasSubstr("publications")));
}

TEST(SessionCost, WhoIsInDebtIsAnsweredWhatIsShort) {
  TestGateway g(config(kPage));
  Client& client = g.connected();
  g.on_history = one_page();
  for (int id = 2; id < 5; ++id) g.send(client, history(id));

  EXPECT_THAT(g.ask(client, R"({"id":7,"publish":{"channel":"a","data":1}})"), Each(HasSubstr("publish")));
  EXPECT_THAT(g.ask(client, R"({"id":8,"presence_stats":{"channel":"a"}})"),
              Each(HasSubstr("presence_stats")));
  for (const char* command :
       {R"({"id":9,"presence":{"channel":"a"}})", R"({"id":9,"rpc":{"method":"m","data":1}})",
        R"({"id":9,"subscribe":{"channel":"a"}})"})
    EXPECT_THAT(g.ask(client, command), Each(HasSubstr(R"("code":111)"))) << command;
}

TEST(SessionCost, RecoveredPublicationsCount) {
  TestGateway g(config(kPage));
  Client& client = g.connected();
  g.on_subscribe.recovered = g.on_subscribe.was_recovering = g.on_subscribe.positioned = true;
  g.on_subscribe.position = {0, "E"};
  g.on_subscribe.publications = one_page().publications;

  for (int id = 2; id < 20; ++id)
    g.send(client, R"({"id":)" + std::to_string(id) + R"(,"subscribe":{"channel":"a)" + std::to_string(id) +
                       R"(","recover":true,"epoch":"E"}})");

  EXPECT_THAT(g.bus.asked<SubscribeRequest>(), SizeIs(1));
}

TEST(SessionCost, WhatAFilterLeavesOutCountsAsWell) {
  TestGateway g(config(kPage));
  Client& client = g.connected();
  g.on_subscribe.recovered = g.on_subscribe.was_recovering = g.on_subscribe.positioned = true;
  g.on_subscribe.position = {0, "E"};
  g.on_subscribe.publications = one_page().publications;

  for (int id = 2; id < 20; ++id)
    g.send(client, R"({"id":)" + std::to_string(id) + R"(,"subscribe":{"channel":"a)" + std::to_string(id) +
                       R"(","recover":true,"epoch":"E","tf":{"key":"k","cmp":"eq","val":"v"}}})");

  EXPECT_THAT(g.bus.asked<SubscribeRequest>(), SizeIs(1));
}

TEST(SessionCost, OneConnectRecoversNoMoreThanItsReplyMayHold) {
  TestGateway g(config());
  for (int i = 0; i < 100; ++i) g.on_connect.channels.push_back({"a" + std::to_string(i), nullptr});
  g.on_subscribe.recovered = g.on_subscribe.was_recovering = g.on_subscribe.positioned = true;
  g.on_subscribe.position = {0, "E"};
  g.on_subscribe.publications = one_page().publications;
  Client& client = g.open();

  g.send(client, R"({"id":1,"connect":{}})");

  ASSERT_THAT(client.transport.lines, SizeIs(1));
  EXPECT_GT(client.transport.last().size(), protocol::kMaxConnectRecoveryBytes / 2);
  EXPECT_LT(client.transport.last().size(), protocol::kMaxConnectRecoveryBytes + kPage);
  EXPECT_EQ(client.transport.close_code, 0u);
}

TEST(SessionCost, AChannelThatHasNoRoomLeavesItToTheOthers) {
  TestGateway g(config());
  g.on_connect.channels = {{"a", nullptr}, {"b", nullptr}};
  g.on_subscribe.recovered = g.on_subscribe.was_recovering = g.on_subscribe.positioned = true;
  g.on_subscribe.position = {0, "E"};
  g.bus.on_request = [&](const Request& request) {
    const auto* subscribe = std::get_if<SubscribeRequest>(&request);
    const bool large = subscribe != nullptr && subscribe->channel == "a";
    g.on_subscribe.publications = {
        publication(1, large ? '"' + std::string(protocol::kMaxConnectRecoveryBytes, 'x') + '"' : "7")};
    return g.answer(request);
  };
  Client& client = g.open();

  g.send(client, R"({"id":1,"connect":{}})");

  ASSERT_THAT(client.transport.lines, SizeIs(1));
  EXPECT_LT(client.transport.last().size(), 1'000u);
  EXPECT_THAT(client.transport.last(), HasSubstr(R"("publications":[{"data":7)"));
}

}  // namespace
}  // namespace lcg::gateway
