#include "gateway/net/http_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/net/test_service.h"

namespace lcg::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(HttpService, AnswersOneRequestAfterAnother) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  EXPECT_EQ(after_head(s.ask(client, get("/health"))), "up\n");
  EXPECT_EQ(status_of(s.ask(client, get("/nothing"))), 404);
  EXPECT_EQ(after_head(s.ask(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")), "hi");
  EXPECT_FALSE(client.released);
}

TEST(HttpService, PipelinedRequestsAreAnsweredInOrder) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  s.ask(client, get("/later") + get("/health") + get("/later"));
  ASSERT_EQ(s.later.size(), 1u);
  s.world.lane(0).post([&] { s.later[0].send(HttpResponse::text(200, "first")); });
  s.settle();

  const std::string answers = client.take();
  EXPECT_LT(answers.find("first"), answers.find("up\n"));
  EXPECT_EQ(s.later.size(), 2u);
}

TEST(HttpService, AnEmptyLineBehindARequestLeavesTheConnectionIdle) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  s.ask(client, get("/health"));

  EXPECT_EQ(s.ask(client, "\r\n"), "");
  s.world.run_for(seconds(74));
  EXPECT_FALSE(client.released);
  EXPECT_EQ(after_head(s.ask(client, "\r\n" + get("/health") + "\r\n")), "up\n");

  s.world.run_for(seconds(76));
  EXPECT_TRUE(client.released);
  EXPECT_EQ(client.take(), "") << "closed without a word";
}

TEST(HttpService, ManyPipelinedRequestsDoNotNest) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  std::string requests;
  for (int i = 0; i < 10'000; ++i) requests += get("/health");

  const std::string answers = s.ask(client, requests);

  size_t count = 0;
  for (size_t at = answers.find("up\n"); at != std::string::npos; at = answers.find("up\n", at + 1)) ++count;
  EXPECT_EQ(count, 10'000u);
}

TEST(HttpService, ConnectionCloseIsHonoured) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  EXPECT_THAT(s.ask(client, get("/health", "Connection: close\r\n")), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.shut);
  client.end();
  s.settle();

  EXPECT_TRUE(client.released);
  EXPECT_EQ(s.service->size(), 0u);
}

TEST(HttpService, BadRequestIsAnsweredAndEndsTheConnection) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  EXPECT_EQ(status_of(s.ask(client, "GET / HTTP/1.1\nHost: a\r\n\r\n")), 400);
  EXPECT_TRUE(client.shut);
}

TEST(HttpService, ClientThatLingersIsCutOff) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  s.ask(client, "nonsense\n");

  s.world.run_for(milliseconds(2'100));

  EXPECT_TRUE(client.released);
}

TEST(HttpService, HandlerThatThrowsAnswers500) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  EXPECT_EQ(status_of(s.ask(client, get("/throw"))), 500);
  EXPECT_EQ(status_of(s.ask(client, get("/health"))), 200);
}

TEST(HttpService, HandlerThatForgetsAnswers500) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  s.ask(client, get("/later"));

  s.world.lane(0).post([&] { s.later.clear(); });
  s.settle();

  EXPECT_EQ(status_of(client.take()), 500);
}

TEST(HttpService, AnswerToAClientThatIsGoneIsDropped) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  s.ask(client, get("/later"));
  s.world.run_for(seconds(61));
  EXPECT_EQ(status_of(client.take()), 504);
  s.world.run_for(seconds(3));
  EXPECT_TRUE(client.released);

  s.world.lane(0).post([&] { s.later[0].send(HttpResponse::text(200, "too late")); });
  s.settle();

  EXPECT_EQ(s.service->size(), 0u);
}

TEST(HttpService, ExpectContinueIsAnswered) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  EXPECT_EQ(
      s.ask(client, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
      "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(after_head(s.ask(client, "ok")), "ok");
}

TEST(HttpService, LargeAnswerWaitsForTheClient) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  const std::string body(500'000, 'b');
  client.room = 1'000;
  std::string request = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" + body;

  std::string answer = s.ask(client, request);
  while (client.room == 0) {
    client.make_room(77'777);
    s.settle();
    answer += client.take();
  }

  EXPECT_EQ(after_head(answer), body);
}

TEST(HttpDeadline, SlowHeadIsRefusedInTotalTime) {
  ServiceWorld s({.head_timeout = milliseconds(1'000)});
  ws::Wire& client = s.connect();
  for (const char byte : get("/health")) {
    client.send({&byte, 1});
    s.world.run_for(milliseconds(90));
    if (client.shut) break;
  }

  EXPECT_EQ(status_of(client.take()), 408);
}

TEST(HttpDeadline, SilentConnectionIsClosedWithoutAWord) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  s.world.run_for(milliseconds(10'100));

  EXPECT_TRUE(client.released);
  EXPECT_EQ(client.take(), "");
}

TEST(HttpDeadline, SlowBodyIsRefused) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  s.ask(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 31 && !client.shut; ++i) {
    client.send("x");
    s.world.run_for(seconds(1));
  }

  EXPECT_EQ(status_of(client.take()), 408);
}

TEST(HttpDeadline, IdleConnectionLivesItsTime) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  s.ask(client, get("/health"));

  s.world.run_for(HttpLimits().idle_timeout - seconds(1));
  EXPECT_FALSE(client.released);
  s.world.run_for(seconds(2));

  EXPECT_TRUE(client.released);
}

TEST(HttpDeadline, FurtherHeadHasItsOwnTime) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  s.ask(client, get("/health"));
  s.world.run_for(seconds(30));
  s.ask(client, "GET /he");

  s.world.run_for(milliseconds(10'100));

  EXPECT_EQ(status_of(client.take()), 408);
}

TEST(HttpDeadline, ClientThatDoesNotReadItsAnswerIsReset) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  client.room = 10;
  s.ask(client, get("/health"));

  s.world.run_for(seconds(31));

  EXPECT_TRUE(client.reset);
  EXPECT_TRUE(client.released);
}

TEST(HttpLimit, HalfOpenConnectionsOfOneAddressAreLimited) {
  ServiceWorld s({.max_half_open_per_address = 2});
  ws::Wire& first = s.connect(7);
  s.connect(7);

  EXPECT_EQ(status_of(s.connect(7).take()), 429);
  EXPECT_EQ(status_of(s.connect(8).take()), 0);

  s.ask(first, get("/health"));  // no longer half open
  EXPECT_EQ(status_of(s.connect(7).take()), 0);
}

TEST(HttpLimit, HalfOpenConnectionsThatEndAreForgotten) {
  ServiceWorld s({.max_half_open_per_address = 1});
  for (int i = 0; i < 5; ++i) {
    ws::Wire& client = s.connect(7);
    EXPECT_EQ(status_of(client.take()), 0);
    client.end();
    s.settle();
  }
}

TEST(HttpLimit, FullServiceSaysSo) {
  ServiceWorld s({.max_connections = 1});
  s.connect(1);

  const std::string answer = s.connect(2).take();

  EXPECT_EQ(status_of(answer), 503);
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
}

TEST(HttpService, DrainClosesIdleConnectionsAndFinishesTheOthers) {
  ServiceWorld s;
  ws::Wire& idle = s.connect();
  ws::Wire& waiting = s.connect();
  s.ask(waiting, get("/later"));

  s.world.lane(0).post([&] { s.service->drain(); });
  s.settle();
  EXPECT_TRUE(idle.released);
  EXPECT_FALSE(waiting.released);
  s.world.lane(0).post([&] { s.later[0].send(HttpResponse::text(200, "done")); });
  s.settle();

  EXPECT_THAT(waiting.take(), HasSubstr("Connection: close\r\n"));
}

TEST(HttpService, EveryFailingOperationEndsTheConnection) {
  for (unsigned n = 1; n < 6; ++n) {
    ServiceWorld s;
    ws::Wire& client = s.connect();
    client.fail_at_operation = n;

    for (int i = 0; i < 6 && !client.released; ++i) s.ask(client, get("/health"));

    EXPECT_TRUE(client.released) << n;
    EXPECT_EQ(s.service->size(), 0u);
  }
}

}  // namespace
}  // namespace lcg::net
