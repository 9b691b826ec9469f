// SPDX-License-Identifier: Apache-2.0
// The HTTP client against back ends that misbehave, over real sockets.
#include "plugins/http_callback/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <future>

#include "plugins/http_callback/testing/raw_server.h"

namespace lcg::http_callback {
namespace {

using Error = HttpResult::Error;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawRequest;
using testing::RawServer;

HttpRequest request(const RawServer& server, std::string body = "{}") {
  HttpRequest out;
  auto origin = std::make_shared<Origin>();
  origin->name = server.url();
  // The server lives in this process, where callbacks do not go unless that is said.
  origin->addresses.add("127.0.0.1:" + std::to_string(server.port()), true);
  out.origin = std::move(origin);
  out.url = server.url();
  out.body = std::move(body);
  out.timeout = std::chrono::seconds(20);
  return out;
}

Origin& origin_of(HttpRequest& request) { return const_cast<Origin&>(*request.origin); }

class HttpClientTest : public ::testing::Test {
 protected:
  std::future<HttpResult> start(HttpRequest what) {
    auto promise = std::make_shared<std::promise<HttpResult>>();
    std::future<HttpResult> future = promise->get_future();
    last_id_ = client_->start(std::move(what), [promise](HttpResult r) { promise->set_value(std::move(r)); });
    return future;
  }
  HttpResult post(HttpRequest what) { return start(std::move(what)).get(); }

  std::shared_ptr<HttpClient> client_ = HttpClient::shared();
  uint64_t last_id_ = 0;
};

std::string echo(RawServer&, const RawRequest& r) { return RawServer::ok(r.body); }

TEST_F(HttpClientTest, PostsAndReadsTheAnswer) {
  RawServer server(&echo);
  HttpRequest what = request(server, R"({"a":1})");
  what.headers = {"Content-Type: application/json", "X-Key: k"};
  const HttpResult result = post(what);
  EXPECT_EQ(result.error, Error::kNone);
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.body, R"({"a":1})");
  const std::string head = server.requests().at(0).head;
  EXPECT_THAT(head, HasSubstr("POST /hook HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Key: k\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Accept-Encoding")));
  EXPECT_THAT(head, Not(HasSubstr("Expect")));
}

TEST_F(HttpClientTest, KeepsTheConnection) {
  RawServer server(&echo);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(post(request(server)).status, 200);
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(HttpClientTest, ManyRequestsShareFewConnections) {
  RawServer server(&echo);
  std::vector<std::future<HttpResult>> results;
  for (int i = 0; i < 50; ++i) {
    HttpRequest what = request(server);
    origin_of(what).max_connections = 2;
    results.push_back(start(std::move(what)));
  }
  for (auto& result : results) EXPECT_EQ(result.get().status, 200);
  EXPECT_LE(server.connections(), 2u);
}

TEST_F(HttpClientTest, AFullQueueRefuses) {
  RawServer server([](RawServer& self, const RawRequest& r) {
    self.hold();
    return RawServer::ok(r.body);
  });
  const auto limited = [&server] {
    HttpRequest what = request(server);
    origin_of(what).max_connections = 1;
    origin_of(what).max_queue = 1;
    return what;
  };
  std::future<HttpResult> first = start(limited());
  server.wait_requests(1);
  std::future<HttpResult> second = start(limited());
  EXPECT_EQ(post(limited()).error, Error::kBusy);
  server.release();
  EXPECT_EQ(first.get().status, 200);
  EXPECT_EQ(second.get().status, 200);
}

TEST_F(HttpClientTest, AStallIsATimeout) {
  RawServer server([](RawServer& self, const RawRequest&) {
    self.hold();
    return std::string();
  });
  HttpRequest what = request(server);
  what.timeout = std::chrono::milliseconds(100);
  const HttpResult result = post(what);
  EXPECT_EQ(result.error, Error::kTimeout);
  EXPECT_TRUE(result.sent);
}

TEST_F(HttpClientTest, WaitingForAConnectionCountsForTheTimeout) {
  RawServer server([](RawServer& self, const RawRequest& r) {
    self.hold();
    return RawServer::ok(r.body);
  });
  HttpRequest what = request(server);
  origin_of(what).max_connections = 1;
  std::future<HttpResult> first = start(what);
  server.wait_requests(1);
  what.timeout = std::chrono::milliseconds(100);
  const HttpResult late = post(what);
  EXPECT_EQ(late.error, Error::kTimeout);
  EXPECT_FALSE(late.sent);
  server.release();
  EXPECT_EQ(first.get().status, 200);
}

TEST_F(HttpClientTest, ATooLargeAnswerIsRefusedByItsLength) {
  RawServer server(
      [](RawServer&, const RawRequest&) { return RawServer::ok(std::string(kMaxResponse + 1, 'x')); });
  EXPECT_EQ(post(request(server)).error, Error::kTooLarge);
}

TEST_F(HttpClientTest, ATooLargeAnswerOfUnknownLengthIsRefusedWhileItIsRead) {
  RawServer server([](RawServer&, const RawRequest&) {
    return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(10u << 20, 'x');
  });
  const HttpResult result = post(request(server));
  EXPECT_EQ(result.error, Error::kTooLarge);
  EXPECT_EQ(result.body, "");
}

TEST_F(HttpClientTest, EndlessHeadersAreRefused) {
  RawServer server([](RawServer&, const RawRequest&) {
    std::string answer = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 2000; ++i) answer += "X-Filler: " + std::string(40, 'y') + "\r\n";
    return answer + "Content-Length: 2\r\n\r\n{}";
  });
  EXPECT_EQ(post(request(server)).error, Error::kTooLarge);
}

TEST_F(HttpClientTest, ARedirectIsAnAnswerAndNotFollowed) {
  RawServer elsewhere(&echo);
  RawServer server([&elsewhere](RawServer&, const RawRequest&) {
    return "HTTP/1.1 307 Temporary Redirect\r\nLocation: " + elsewhere.url() +
           "\r\nContent-Length: 0\r\n\r\n";
  });
  EXPECT_EQ(post(request(server)).status, 307);
  EXPECT_EQ(elsewhere.connections(), 0u);
}

TEST_F(HttpClientTest, ACompressedAnswerIsNotUnpacked) {
  const std::string gzip(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00", 22);
  RawServer server([&gzip](RawServer&, const RawRequest&) {
    return "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(gzip.size()) +
           "\r\n\r\n" + gzip;
  });
  EXPECT_EQ(post(request(server)).body, gzip);
}

TEST_F(HttpClientTest, WhatIsNotHttpIsBroken) {
  RawServer server([](RawServer&, const RawRequest&) { return std::string("SSH-2.0-nonsense\r\n"); });
  EXPECT_EQ(post(request(server)).error, Error::kBroken);
}

TEST_F(HttpClientTest, AnAnswerCutShortIsBroken) {
  RawServer server([](RawServer&, const RawRequest&) {
    return std::string("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{\"result\":");
  });
  // The handler's next wait for a request ends when the client, which waits for more, is told that no more comes.
  HttpRequest what = request(server);
  what.timeout = std::chrono::milliseconds(300);
  EXPECT_THAT(post(what).error, ::testing::AnyOf(Error::kBroken, Error::kTimeout));
}

TEST_F(HttpClientTest, ARefusedConnectionSendsNothing) {
  std::optional<RawServer> server(std::in_place, &echo);
  const HttpRequest what = request(*server);
  server.reset();
  const HttpResult result = post(what);
  EXPECT_EQ(result.error, Error::kConnect);
  EXPECT_FALSE(result.sent);
}

TEST_F(HttpClientTest, AnUnlistedListenerOfThisProcessIsNotCalled) {
  RawServer server(&echo);
  HttpRequest what = request(server);
  what.origin = std::make_shared<Origin>();
  const HttpResult result = post(what);
  EXPECT_EQ(result.error, Error::kConnect);
  EXPECT_THAT(result.what, HasSubstr("a listener of this server"));
  EXPECT_EQ(server.connections(), 0u);
}

TEST_F(HttpClientTest, ADeniedAddressIsNotCalledHoweverItIsNamed) {
  RawServer server(&echo);
  HttpRequest what = request(server);
  auto origin = std::make_shared<Origin>();
  origin->addresses.add("127.0.0.0/8", false);
  origin->addresses.add("::1", false);
  what.origin = origin;
  for (const char* host :
       {"127.0.0.1", "localhost", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "[::1]"}) {
    what.url = "http://" + std::string(host) + ":" + std::to_string(server.port()) + "/";
    const HttpResult result = post(what);
    EXPECT_EQ(result.error, Error::kConnect) << host;
    EXPECT_THAT(result.what, HasSubstr("is not allowed")) << host;
  }
  EXPECT_EQ(server.connections(), 0u);
}

TEST_F(HttpClientTest, MetadataIsNotCalled) {
  RawServer server(&echo);
  HttpRequest what = request(server);
  what.url = "http://169.254.169.254/latest/meta-data/";
  EXPECT_THAT(post(what).what, HasSubstr("169.254.169.254:80 is not allowed"));
}

TEST_F(HttpClientTest, OtherSchemesAreRefused) {
  RawServer server(&echo);
  HttpRequest what = request(server);
  for (const char* url :
       {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "dict://127.0.0.1/"}) {
    what.url = url;
    EXPECT_EQ(post(what).error, Error::kConnect) << url;
  }
}

TEST_F(HttpClientTest, NoProxyOfTheEnvironmentIsUsed) {
  RawServer proxy(&echo);
  RawServer server(&echo);
  setenv("http_proxy", proxy.url().c_str(), 1);
  EXPECT_EQ(post(request(server)).status, 200);
  unsetenv("http_proxy");
  EXPECT_EQ(proxy.connections(), 0u);
}

TEST_F(HttpClientTest, ACancelledRequestEnds) {
  RawServer server([](RawServer& self, const RawRequest&) {
    self.hold();
    return std::string();
  });
  std::future<HttpResult> result = start(request(server));
  server.wait_requests(1);
  client_->cancel(last_id_);
  EXPECT_EQ(result.get().error, Error::kCancelled);
}

TEST_F(HttpClientTest, TheLastOneToLeaveEndsWhatIsUnderWay) {
  RawServer server([](RawServer& self, const RawRequest&) {
    self.hold();
    return std::string();
  });
  std::future<HttpResult> result = start(request(server));
  server.wait_requests(1);
  client_.reset();
  EXPECT_EQ(result.get().error, Error::kCancelled);
}

// Answers the first request of a connection and drops the second after reading it.
std::string answer_once(RawServer& self, const RawRequest& r) {
  size_t of_connection = 0;
  for (const RawRequest& seen : self.requests())
    if (seen.connection == r.connection) ++of_connection;
  return of_connection == 1 ? RawServer::ok("{}") : std::string();
}

TEST_F(HttpClientTest, WhatMayNotBeRepeatedIsSentOnce) {
  RawServer server(&answer_once);
  EXPECT_EQ(post(request(server, "1")).status, 200);
  const HttpResult second = post(request(server, "2"));
  EXPECT_EQ(second.error, Error::kBroken);
  EXPECT_TRUE(second.sent);
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(HttpClientTest, WhatMayBeRepeatedGoesOnOverANewConnection) {
  RawServer server(&answer_once);
  HttpRequest what = request(server);
  what.repeatable = true;
  EXPECT_EQ(post(what).status, 200);
  EXPECT_EQ(post(what).status, 200);
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(HttpClientTest, APlainServerIsNoTlsServer) {
  RawServer server(&echo);
  HttpRequest what = request(server);
  what.url.replace(0, 4, "https");
  what.timeout = std::chrono::milliseconds(300);
  const HttpResult result = post(what);
  EXPECT_NE(result.error, Error::kNone);
  EXPECT_FALSE(result.sent);
}

}  // namespace
}  // namespace lcg::http_callback
