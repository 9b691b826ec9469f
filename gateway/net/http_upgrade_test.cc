// From an HTTP request to a WebSocket connection, on streams a test holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/net/test_service.h"

namespace lcg::net {
namespace {

using testing::HasSubstr;
using ws::client_close;
using ws::client_text;
using ws::server_frames;

TEST(HttpUpgrade, SwitchesAndEchoes) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  EXPECT_EQ(status_of(s.ask(client, upgrade_request())), 101);
  EXPECT_EQ(server_frames(s.ask(client, client_text("hello"))), "text(hello)");
  EXPECT_EQ(s.service->size(), 0u);
  EXPECT_EQ(s.websockets->size(), 1u);
}

TEST(HttpUpgrade, FramesInTheSameReadAreHandled) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  const std::string answer = s.ask(client, upgrade_request() + client_text("a") + client_text("b"));

  EXPECT_EQ(status_of(answer), 101);
  EXPECT_EQ(server_frames(after_head(answer)), "text(a) text(b)");
}

TEST(HttpUpgrade, EveryCutOfRequestAndFramesGivesTheSame) {
  const std::string bytes = upgrade_request() + client_text("hello") + client_text("again");
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    ServiceWorld s;
    ws::Wire& client = s.connect();

    std::string answer = s.ask(client, bytes.substr(0, cut));
    answer += s.ask(client, bytes.substr(cut));

    ASSERT_EQ(status_of(answer), 101) << cut;
    ASSERT_EQ(server_frames(after_head(answer)), "text(hello) text(again)") << cut;
  }
}

TEST(HttpUpgrade, AnswerThatDoesNotFitIsFinishedFirst) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  client.room = 20;
  std::string answer = s.ask(client, upgrade_request() + client_text("hello"));
  EXPECT_EQ(s.websockets->size(), 0u);

  client.make_room(10'000);
  s.settle();
  answer += client.take();

  EXPECT_EQ(server_frames(after_head(answer)), "text(hello)");
}

TEST(HttpUpgrade, EndpointSeesTheRequest) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  s.ask(client, upgrade_request("X-User: 42\r\nSec-WebSocket-Protocol: centrifuge-json\r\n", "?a=1"));

  EXPECT_EQ(s.endpoint.request.http.header("X-User"), "42");
  EXPECT_EQ(s.endpoint.request.http.query, "a=1");
  EXPECT_EQ(s.endpoint.request.http.remote_address.text(), "192.0.2.1:4711");
  EXPECT_EQ(s.endpoint.request.subprotocol, "centrifuge-json");
}

TEST(HttpUpgrade, ForeignOriginIsRefusedBeforeTheUpgrade) {
  UpgradePolicy policy;
  policy.browsers.origins = OriginList({"https://chat.example.com"});
  ServiceWorld s({}, policy);
  ws::Wire& client = s.connect();

  EXPECT_EQ(status_of(s.ask(client, upgrade_request("Origin: https://evil.example\r\n"))), 403);
  EXPECT_TRUE(client.shut);
  EXPECT_TRUE(s.endpoint.handlers.empty());
}

TEST(HttpUpgrade, OtherVersionIsRefusedAndTheConnectionEnds) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  const std::string answer =
      s.ask(client, get("/connection/websocket",
                        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") +
                        get("/health"));  // what a proxy that believed in the upgrade would let through

  EXPECT_EQ(status_of(answer), 426);
  EXPECT_THAT(answer, HasSubstr("Sec-WebSocket-Version: 13\r\n"));
  EXPECT_EQ(answer.find("up\n"), std::string::npos);
  EXPECT_TRUE(client.shut);
}

TEST(HttpUpgrade, BodyIsRefused) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  EXPECT_EQ(status_of(s.ask(client, upgrade_request("Content-Length: 2\r\n") + "xx")), 400);
  EXPECT_TRUE(client.shut);
}

TEST(HttpUpgrade, EndpointMayRefuse) {
  ServiceWorld s;
  s.endpoint.refusal = HttpResponse::text(503, "shutting down\n");
  ws::Wire& client = s.connect();

  EXPECT_EQ(status_of(s.ask(client, upgrade_request())), 503);
  EXPECT_TRUE(client.shut);
}

TEST(HttpUpgrade, EndpointThatThrowsAnswers500) {
  struct Throwing final : WebSocketEndpoint {
    std::optional<HttpResponse> admit(const WebSocketRequest&) override {
      throw std::runtime_error("a fault");
    }
    ws::TransportHandler* open(ws::Transport&, WebSocketRequest) override { return nullptr; }
  };
  Throwing endpoint;
  ServiceWorld s;
  s.router.add_websocket("/throws", endpoint);
  std::string request = upgrade_request();
  request.replace(0, std::string("GET /connection/websocket").size(), "GET /throws");

  EXPECT_EQ(status_of(s.ask(s.connect(), request)), 500);
}

TEST(HttpUpgrade, UpgradeOfAnOrdinaryPathIsIgnored) {
  ServiceWorld s;
  ws::Wire& client = s.connect();

  const std::string answer =
      s.ask(client, get("/health", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"));

  EXPECT_EQ(status_of(answer), 200);
}

TEST(HttpUpgrade, ConnectionLivesOnWhenItsHttpSideIsGone) {
  ServiceWorld s;
  ws::Wire& client = s.connect();
  s.ask(client, upgrade_request());

  s.world.run_for(std::chrono::minutes(5));
  EXPECT_EQ(server_frames(s.ask(client, client_text("still here"))), "text(still here)");

  EXPECT_EQ(server_frames(s.ask(client, client_close(1000))), "close(1000)");
  EXPECT_TRUE(client.released);
}

TEST(HttpUpgrade, WebSocketsCountAsConnections) {
  ServiceWorld s({.max_connections = 1});
  s.ask(s.connect(), upgrade_request());

  EXPECT_EQ(status_of(s.connect().take()), 503);
}

}  // namespace
}  // namespace lcg::net
