// One row for every rule about commands in general: which code, in which state; and their order.
#include "gateway/session/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Client = TestGateway::Client;

// What closes a connection that has been connected (or not) by one frame.
struct Closes {
  const char* frame;
  uint32_t code;
};

TEST(Session, ClosesBeforeConnect) {
  for (const Closes& row : std::vector<Closes>{
           {"", 3501},
           {" ", 3501},
           {"x", 3501},
           {"[]", 3501},
           {"{}", 3501},
           {R"({"id":1})", 3501},
           {R"({"id":1,"ping":{}})", 3501},
           {R"({"id":1,"rpc":{}})", 3501},
           {R"({"id":1,"subscribe":{"channel":"c"}})", 3501},
           {R"({"send":{"data":1}})", 3501},
           {R"({"connect":{}})", 3501},
           {R"({"id":1,"refresh":{"token":"t"}})", 3501},
       }) {
    TestGateway g;
    Client& client = g.open();

    g.send(client, row.frame);

    EXPECT_EQ(client.transport.close_code, row.code) << row.frame;
    EXPECT_THAT(client.transport.lines, IsEmpty()) << row.frame;
    EXPECT_THAT(g.bus.log, IsEmpty()) << row.frame;
  }
}

TEST(Session, ClosesAfterConnect) {
  for (const Closes& row : std::vector<Closes>{
           {"", 3501},
           {"\n", 3501},
           {"{", 3501},
           {"{}", 3501},  // a pong without a ping
           {R"({"id":2})", 3501},
           {R"({"id":2,"fly":{}})", 3501},
           {R"({"id":2,"ping":{}})", 3501},
           {R"({"id":2,"connect":{}})", 3501},
           {R"({"rpc":{"method":"m"}})", 3501},
           {R"({"id":4294967296,"rpc":{}})", 3501},
           {R"({"id":2,"subscribe":{"channel":""}})", 3501},
           {R"({"id":2,"subscribe":{"channel":"c","delta":"xdelta"}})", 3501},
           {R"({"id":2,"unsubscribe":{}})", 3501},
           {R"({"id":2,"publish":{"data":1}})", 3501},
           {R"({"id":2,"presence":{}})", 3501},
           {R"({"id":2,"presence_stats":{}})", 3501},
           {R"({"id":2,"history":{}})", 3501},
           {R"({"id":2,"sub_refresh":{"token":"t"}})", 3501},
           {R"({"id":2,"refresh":{}})", 3501},
           {R"({"send":{"data":1}})", 3508},
           {R"({"id":2,"send":{"data":1}})", 3508},
       }) {
    TestGateway g;
    Client& client = g.connected();

    g.send(client, row.frame);

    EXPECT_EQ(client.transport.close_code, row.code) << row.frame;
    EXPECT_EQ(client.transport.reason, disconnect_text(row.code)) << row.frame;
  }
}

// What is answered with an error, the connection living on.
struct Fails {
  const char* frame;
  uint32_t code;
};

TEST(Session, AnswersWithAnError) {
  const std::string long_name(256, 'c');
  const std::string long_frame = R"({"id":2,"publish":{"channel":")" + long_name + R"(","data":1}})";
  const std::string long_method = R"({"id":2,"rpc":{"method":")" + long_name + R"("}})";
  for (const Fails& row : std::vector<Fails>{
           {long_frame.c_str(), 107},
           {long_method.c_str(), 107},
           {R"({"id":2,"publish":{"channel":"c"}})", 107},
           {R"({"id":2,"publish":{"channel":"c","data":1,"type":1}})", 108},
           {R"({"id":2,"subscribe":{"channel":"c","type":1}})", 108},
           {R"({"id":2,"subscribe":{"channel":"c","type":4}})", 108},
           {R"({"id":2,"subscribe":{"channel":"c","tf":{"cmp":"eq"}}})", 107},
           {R"({"id":2,"history":{"channel":"c","reverse":true,"since":{"epoch":"E"}}})", 107},
           {R"({"id":2,"sub_refresh":{"channel":"c","token":"t"}})", 103},
       }) {
    TestGateway g;
    Client& client = g.connected();

    const auto lines = g.ask(client, row.frame);

    ASSERT_EQ(lines.size(), 1u) << row.frame;
    EXPECT_THAT(lines[0], testing::HasSubstr("\"id\":2,\"error\":{\"code\":" + std::to_string(row.code)))
        << row.frame;
    EXPECT_EQ(client.transport.close_code, 0u) << row.frame;
    EXPECT_THAT(g.ask(client, R"({"id":3,"rpc":{"data":1}})"), ElementsAre(R"({"id":3,"rpc":{"data":1}})"));
  }
}

TEST(Session, ErrorsOfTheBrokerAreToldAsTheyAre) {
  for (const uint32_t code :
       {100u, 101u, 102u, 103u, 104u, 106u, 107u, 108u, 109u, 110u, 111u, 112u, 113u, 1234u}) {
    TestGateway g;
    Client& client = g.connected();
    const Error error = code < 400 ? make_error(code) : Error{code, "no such dish", false};
    g.on_rpc = refused<RpcResponse>(error);
    g.on_publish = refused<PublishResponse>(error);
    g.on_history = refused<HistoryResponse>(error);
    g.on_presence = refused<PresenceResponse>(error);
    g.on_subscribe = refused<SubscribeResponse>(error);

    for (const char* command : {R"("rpc":{})", R"("publish":{"channel":"c","data":1})",
                                R"("history":{"channel":"c"})", R"("presence":{"channel":"c"})",
                                R"("presence_stats":{"channel":"c"})", R"("subscribe":{"channel":"c"})"}) {
      const auto lines = g.ask(client, "{\"id\":9," + std::string(command) + "}");
      ASSERT_EQ(lines.size(), 1u);
      EXPECT_EQ(lines[0], "{\"id\":9,\"error\":{\"code\":" + std::to_string(code) + ",\"message\":\"" +
                              error.message + (error.temporary ? "\",\"temporary\":true}}" : "\"}}"));
    }
  }
}

TEST(Session, DisconnectsOfTheBrokerClose) {
  for (const uint32_t code : {3001u, 3004u, 3011u, 3013u, 3500u, 3501u, 3503u, 3504u, 3507u, 3509u}) {
    TestGateway g;
    Client& client = g.connected();
    g.on_rpc = disconnected<RpcResponse>(code);

    g.send(client, R"({"id":2,"rpc":{}})");

    EXPECT_EQ(client.transport.close_code, code);
    EXPECT_EQ(client.transport.reason, disconnect_text(code));
  }
}

TEST(Session, Replies) {
  TestGateway g;
  Client& client = g.connected();
  g.on_history.position = {2, "E"};
  g.on_history.publications = {publication(2, "2")};
  g.on_presence.clients = {{"u", "s", {}, {}}};
  g.on_presence.num_clients = 3;
  g.on_presence.num_users = 2;

  EXPECT_THAT(g.ask(client, R"({"id":2,"rpc":{"method":"m","data":{"a":1}}})"),
              ElementsAre(R"({"id":2,"rpc":{"data":{"a":1}}})"));
  EXPECT_THAT(g.ask(client, R"({"id":3,"publish":{"channel":"c","data":1}})"),
              ElementsAre(R"({"id":3,"publish":{}})"));
  EXPECT_THAT(
      g.ask(client, R"({"id":4,"history":{"channel":"c","limit":1}})"),
      ElementsAre(R"({"id":4,"history":{"publications":[{"data":2,"offset":2}],"epoch":"E","offset":2}})"));
  EXPECT_THAT(g.ask(client, R"({"id":5,"presence":{"channel":"c"}})"),
              ElementsAre(R"({"id":5,"presence":{"presence":{"s":{"user":"u","client":"s"}}}})"));
  EXPECT_THAT(g.ask(client, R"({"id":6,"presence_stats":{"channel":"c"}})"),
              ElementsAre(R"({"id":6,"presence_stats":{"num_clients":3,"num_users":2}})"));
}

TEST(Session, RequestsCarryWhatWasAskedAndWhoAsks) {
  TestGateway g;
  Client& client = g.connected();

  g.send(client, R"({"id":2,"publish":{"channel":"dialog:7","data":{"a": 1}}})");
  g.send(client,
         R"({"id":3,"history":{"channel":"c","limit":-1,"since":{"offset":4,"epoch":"E"},"reverse":true}})");

  const auto publish = g.bus.last<PublishRequest>();
  EXPECT_EQ(publish.channel, "dialog:7");
  EXPECT_EQ(publish.data.view(), "{\"a\": 1}");
  EXPECT_EQ(publish.peer->session, g.session());
  const auto history = g.bus.last<HistoryRequest>();
  EXPECT_EQ(history.limit, -1);
  EXPECT_TRUE(history.has_since && history.reverse);
  EXPECT_EQ(history.since, (StreamPosition{4, "E"}));
}

TEST(Session, PayloadsAreOneLine) {
  TestGateway g;
  Client& client = g.connected();

  g.send(client, "{\"id\":2,\"rpc\":{\"data\":{\r\"a\":1}}}");

  EXPECT_EQ(g.bus.last<RpcRequest>().data.view(), "{\"a\":1}");
}

// ---- order

TEST(Session, CommandsOfAFrameAreAnsweredInOrder) {
  TestGateway g;
  Client& client = g.open();

  const auto lines =
      g.ask(client,
            "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"rpc\":{\"data\":1}}\n{\"id\":3,\"rpc\":{\"data\":2}}\n");

  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0], testing::StartsWith(R"({"id":1,"connect":{)"));
  EXPECT_EQ(lines[1], R"({"id":2,"rpc":{"data":1}})");
  EXPECT_EQ(lines[2], R"({"id":3,"rpc":{"data":2}})");
}

TEST(Session, TheNextBeginsWhenTheOneBeforeIsAnswered) {
  TestGateway g;
  Client& client = g.connected();

  g.send(client, "{\"id\":2,\"rpc\":{\"method\":\"wait\"}}\n{\"id\":3,\"rpc\":{\"method\":\"b\"}}");
  g.send(client, R"({"id":4,"rpc":{"method":"c"}})");
  EXPECT_EQ(g.bus.asked<RpcRequest>().size(), 1u);
  g.answer_waiting(RpcResponse{{}, SharedBytes("0")});

  const auto asked = g.bus.asked<RpcRequest>();
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(asked[1].method, "b");
  EXPECT_EQ(asked[2].method, "c");
  EXPECT_THAT(client.transport.lines,
              ElementsAre(R"({"id":2,"rpc":{"data":0}})", R"({"id":3,"rpc":{}})", R"({"id":4,"rpc":{}})"));
}

TEST(Session, ManyThatWaitAreStillInOrder) {
  TestGateway g;
  Client& client = g.connected();
  std::string frame;
  for (int i = 2; i < 40; ++i) {
    frame +=
        "{\"id\":" + std::to_string(i) + ",\"rpc\":{\"method\":\"" + (i % 3 == 0 ? "now" : "wait") + "\"}}\n";
    if (i % 7 == 0) {
      g.send(client, frame);
      frame.clear();
    }
  }
  if (!frame.empty()) g.send(client, frame);
  while (!g.bus.waiting.empty()) g.answer_waiting(RpcResponse{});

  ASSERT_EQ(client.transport.lines.size(), 38u);
  for (size_t i = 0; i < 38; ++i) {
    EXPECT_EQ(client.transport.lines[i], "{\"id\":" + std::to_string(i + 2) + ",\"rpc\":{}}");
  }
}

TEST(Session, AMalformedCommandBehindOneThatWaitsClosesInItsTurn) {
  TestGateway g;
  Client& client = g.connected();

  g.send(client, "{\"id\":2,\"rpc\":{\"method\":\"wait\"}}\nx");
  EXPECT_EQ(client.transport.close_code, 0u);
  g.answer_waiting(RpcResponse{});

  EXPECT_THAT(client.transport.lines, ElementsAre(R"({"id":2,"rpc":{}})"));
  EXPECT_EQ(client.transport.close_code, 3501u);
}

TEST(Session, ReadingPausesWhileTooMuchWaits) {
  TestGateway g;
  Client& client = g.connected();
  g.send(client, R"({"id":2,"rpc":{"method":"wait"}})");

  g.send(client, R"({"id":3,"rpc":{"data":")" + std::string(65000, 'x') + "\"}}");
  EXPECT_FALSE(client.transport.paused);
  g.send(client, R"({"id":4,"rpc":{"data":")" + std::string(1000, 'x') + "\"}}");
  EXPECT_TRUE(client.transport.paused);
  g.answer_waiting(RpcResponse{});

  EXPECT_FALSE(client.transport.paused);
  EXPECT_EQ(client.transport.lines.size(), 3u);
}

TEST(Session, MoreThanMayWaitIsSlow) {
  TestGateway g;
  Client& client = g.connected();
  g.send(client, R"({"id":2,"rpc":{"method":"wait"}})");
  const std::string frame = R"({"id":3,"rpc":{"data":")" + std::string(65000, 'x') + "\"}}";

  for (size_t sent = 0; sent <= g.config.session.held_bytes(); sent += frame.size()) g.send(client, frame);

  EXPECT_EQ(client.transport.close_code, 3008u);
  EXPECT_TRUE(client.transport.aborted);
}

TEST(Session, AnAnswerAfterTheEndIsDropped) {
  TestGateway g;
  Client& client = g.connected();
  g.send(client, R"({"id":2,"rpc":{"method":"wait"}})");
  g.gone(client);

  g.answer_waiting(RpcResponse{});

  EXPECT_EQ(g.gateway.stats().open_sessions, 0u);
}

TEST(Session, RateLimit) {
  GatewayConfig config;
  config.session.connection_rates.all = {1, 3};  // the first is the connect
  TestGateway g(config);
  Client& client = g.connected();

  for (int id = 2; id < 5; ++id) g.send(client, "{\"id\":" + std::to_string(id) + ",\"rpc\":{}}");
  g.world.run_for(std::chrono::seconds(1));
  g.send(client, R"({"id":5,"rpc":{}})");

  EXPECT_THAT(client.transport.lines,
              ElementsAre(R"({"id":2,"rpc":{}})", R"({"id":3,"rpc":{}})",
                          R"({"id":4,"error":{"code":111,"message":"too many requests","temporary":true}})",
                          R"({"id":5,"rpc":{}})"));
  EXPECT_EQ(g.gateway.stats().sessions.rate_limited, 1u);
}

TEST(SessionState, Table) {
  EXPECT_EQ(verdict(SessionState::kFresh, Input::kConnect), Verdict::kRun);
  EXPECT_EQ(verdict(SessionState::kOpen, Input::kConnect), Verdict::kBadRequest);
  EXPECT_EQ(verdict(SessionState::kRefused, Input::kConnect), Verdict::kBadRequest);
  EXPECT_EQ(verdict(SessionState::kDraining, Input::kCommand), Verdict::kDrop);
}

TEST(SessionId, IsARandomUuid) {
  SimRandom random(7);
  const SessionId a = make_session_id(random), b = make_session_id(random);

  EXPECT_NE(a, b);
  EXPECT_TRUE(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
  EXPECT_EQ(a[14], '4');
  EXPECT_NE(std::string_view("89ab").find(a[19]), std::string_view::npos);
}

// RFC 6455 5.5.1: a client that closes and reads on is answered what it asked for before.
TEST(Session, TheClientsCloseWaitsForWhatWasAskedBefore) {
  TestGateway g;
  TestGateway::Client& client = g.connected();
  const auto closes = [&] {
    bool now = false;
    g.world.on(g.world.lane(0), [&] { now = client.handler->on_peer_close(); });
    return now;
  };
  g.send(client, R"({"id":2,"rpc":{"method":"wait"}}
{"id":3,"rpc":{"method":"echo","data":3}})");

  EXPECT_FALSE(closes());
  EXPECT_EQ(client.transport.accepted_closes, 0u);
  g.answer_waiting(RpcResponse{});

  EXPECT_EQ(client.transport.lines.size(), 2u);
  EXPECT_EQ(client.transport.accepted_closes, 1u);
}

TEST(Session, TheCloseOfAnIdleClientIsAnsweredAtOnce) {
  TestGateway g;
  TestGateway::Client& client = g.connected();
  bool now = false;

  g.world.on(g.world.lane(0), [&] { now = client.handler->on_peer_close(); });

  EXPECT_TRUE(now);
}

}  // namespace
}  // namespace lcg::gateway
