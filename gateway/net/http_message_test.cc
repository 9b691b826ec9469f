#include "gateway/net/http_message.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace lcg::net {
namespace {

constexpr int64_t kWall = 784'111'777'000;  // the example of RFC 9110 5.6.7

TEST(HttpRequest, HeadersAreFoundInAnyCase) {
  HttpRequest request;
  request.headers = {{"X-Token", "a"}, {"x-token", "b"}};

  EXPECT_EQ(request.header("X-TOKEN"), "a");
  EXPECT_EQ(request.count("x-Token"), 2u);
  EXPECT_EQ(request.header("Other"), "");
}

TEST(HttpRequest, TokensAreFoundInAllLists) {
  HttpRequest request;
  request.headers = {{"Connection", "keep-alive"}, {"Connection", "close ,\tUpgrade"}};

  EXPECT_TRUE(request.has_token("connection", "upgrade"));
  EXPECT_FALSE(request.has_token("connection", "grade"));
}

TEST(HttpRequest, BearerTokenNeedsItsSchemeOnce) {
  HttpRequest request;
  request.headers = {{"Authorization", "bearer abc.def"}};
  EXPECT_EQ(request.bearer_token(), "abc.def");

  request.headers = {{"Authorization", "Basic abc"}};
  EXPECT_EQ(request.bearer_token(), "");

  request.headers = {{"Authorization", "Bearer a"}, {"Authorization", "Bearer b"}};
  EXPECT_EQ(request.bearer_token(), "");
}

TEST(HttpRequest, QueryValuesAreDecoded) {
  HttpRequest request;
  request.query = "format=json&name=a%20b+c&flag&bad=%zz&format=second";

  EXPECT_EQ(request.query_value("format"), "json");
  EXPECT_EQ(request.query_value("name"), "a b c");
  EXPECT_EQ(request.query_value("flag"), "");
  EXPECT_EQ(request.query_value("bad"), std::nullopt);
  EXPECT_EQ(request.query_value("none"), std::nullopt);
}

TEST(HttpResponse, CarriesLengthDateAndSecurityHeaders) {
  EXPECT_EQ(serialize(HttpResponse::json(200, "{}"), false, true, kWall),
            "HTTP/1.1 200 OK\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Cache-Control: no-store\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Connection: keep-alive\r\n"
            "Content-Type: application/json\r\n"
            "Content-Length: 2\r\n"
            "\r\n"
            "{}");
}

TEST(HttpResponse, OwnCacheControlReplacesNoStore) {
  HttpResponse response = HttpResponse::text(200, "x");
  response.headers.push_back({"cache-control", "max-age=60"});

  const std::string bytes = serialize(response, false, true, kWall);

  EXPECT_EQ(bytes.find("no-store"), std::string::npos);
  EXPECT_NE(bytes.find("cache-control: max-age=60\r\n"), std::string::npos);
}

TEST(HttpResponse, HeadHasTheLengthWithoutTheBody) {
  const std::string bytes = serialize(HttpResponse::text(200, "hello"), true, true, kWall);

  EXPECT_NE(bytes.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_TRUE(bytes.ends_with("\r\n\r\n"));
}

TEST(HttpResponse, HeaderThatWouldForgeOthersMakesA500) {
  HttpResponse response = HttpResponse::text(200, "x");
  response.headers.push_back({"X-Name", "a\r\nSet-Cookie: evil=1"});

  const std::string bytes = serialize(response, false, true, kWall);

  EXPECT_TRUE(bytes.starts_with("HTTP/1.1 500 "));
  EXPECT_EQ(bytes.find("evil"), std::string::npos);
}

TEST(HttpResponder, AnswersOnce) {
  int answers = 0;
  {
    HttpResponder responder([&](HttpResponse) { ++answers; });
    responder.send(HttpResponse::text(200, "a"));
    responder.send(HttpResponse::text(200, "b"));
  }

  EXPECT_EQ(answers, 1);
}

TEST(HttpResponder, DestroyedUnusedAnswers500) {
  unsigned status = 0;
  {
    HttpResponder responder([&](HttpResponse response) { status = response.status; });
  }

  EXPECT_EQ(status, 500u);
}

}  // namespace
}  // namespace lcg::net
