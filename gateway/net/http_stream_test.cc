// A response without an end: its head, and then the stream is the handler's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/net/test_service.h"

namespace lcg::net {
namespace {

using testing::HasSubstr;
using testing::Not;

struct StreamWorld : ServiceWorld {
  StreamWorld() {
    router.add("GET", "/stream", [this](HttpRequest, HttpResponder responder) {
      HttpResponse response;
      response.content_type = "text/event-stream";
      response.headers.push_back({"Cache-Control", "no-cache"});
      response.stream = [this](ws::StreamPtr stream) { taken.push_back(std::move(stream)); };
      responder.send(std::move(response));
    });
  }
  ~StreamWorld() { taken.clear(); }
  std::vector<ws::StreamPtr> taken;
};

TEST(HttpStream, HeadIsSentAndTheStreamGivenAway) {
  StreamWorld s;
  ws::Wire& client = s.connect();

  const std::string head = s.ask(client, get("/stream"));

  EXPECT_EQ(status_of(head), 200);
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(head, HasSubstr("Cache-Control: no-cache\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(after_head(head), "");
  EXPECT_EQ(s.taken.size(), 1u);
  EXPECT_EQ(s.service->size(), 0u);
  EXPECT_FALSE(client.released);
}

TEST(HttpStream, HeadThatDoesNotFitIsFinishedFirst) {
  StreamWorld s;
  ws::Wire& client = s.connect();
  client.room = 20;
  s.ask(client, get("/stream"));
  EXPECT_TRUE(s.taken.empty());

  client.make_room(10'000);
  s.settle();

  EXPECT_EQ(s.taken.size(), 1u);
}

TEST(HttpStream, NoDeadlineOfHttpRemains) {
  StreamWorld s;
  ws::Wire& client = s.connect();
  s.ask(client, get("/stream"));

  s.world.run_for(std::chrono::hours(1));

  EXPECT_FALSE(client.released);
  EXPECT_EQ(client.take(), "");
}

TEST(HttpStream, ClientOfHttp10IsRefused) {
  StreamWorld s;
  ws::Wire& client = s.connect();

  EXPECT_EQ(status_of(s.ask(client, "GET /stream HTTP/1.0\r\n\r\n")), 505);
  EXPECT_TRUE(s.taken.empty());
  EXPECT_TRUE(client.shut);
}

TEST(HttpStream, HeadRequestGetsTheHeadAlone) {
  StreamWorld s;
  ws::Wire& client = s.connect();

  EXPECT_EQ(status_of(s.ask(client, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n")), 200);
  EXPECT_TRUE(s.taken.empty());
  EXPECT_TRUE(client.shut);
}

}  // namespace
}  // namespace lcg::net
