#include "gateway/net/http_router.h"

#include <gtest/gtest.h>

#include <string>

namespace lcg::net {
namespace {

HttpRouter::Handler answer(std::string text) {
  return [text](HttpRequest, HttpResponder responder) { responder.send(HttpResponse::text(200, text)); };
}

HttpResponse ask(const HttpRouter& router, std::string method, std::string path) {
  HttpRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  HttpResponse answered;
  router.handle(std::move(request), HttpResponder([&](HttpResponse r) { answered = std::move(r); }));
  return answered;
}

HttpRouter example() {
  HttpRouter router;
  router.add("POST", "/rpc/*", answer("any method"));
  router.add("POST", "/rpc/echo", answer("echo"));
  router.add("POST", "/rpc/deep/*", answer("deep"));
  router.add("GET", "/health", answer("up"));
  router.add("GET", "/thing", answer("read"));
  router.add("PUT", "/thing", answer("write"));
  return router;
}

TEST(HttpRouter, ExactPathGoesBeforePatterns) { EXPECT_EQ(ask(example(), "POST", "/rpc/echo").body, "echo"); }

TEST(HttpRouter, LongerPatternGoesFirst) {
  EXPECT_EQ(ask(example(), "POST", "/rpc/deep/x").body, "deep");
  EXPECT_EQ(ask(example(), "POST", "/rpc/other").body, "any method");
}

TEST(HttpRouter, PatternNeedsSomethingBelow) { EXPECT_EQ(ask(example(), "POST", "/rpc/").status, 404u); }

TEST(HttpRouter, MethodChoosesAmongTheSamePath) {
  EXPECT_EQ(ask(example(), "GET", "/thing").body, "read");
  EXPECT_EQ(ask(example(), "PUT", "/thing").body, "write");
}

TEST(HttpRouter, HeadIsServedByGet) { EXPECT_EQ(ask(example(), "HEAD", "/health").body, "up"); }

TEST(HttpRouter, UnknownPathIs404) { EXPECT_EQ(ask(example(), "GET", "/nothing").status, 404u); }

TEST(HttpRouter, PathsAreNotDecodedOrNormalised) {
  EXPECT_EQ(ask(example(), "GET", "/%68ealth").status, 404u);
  EXPECT_EQ(ask(example(), "GET", "/x/../health").status, 404u);
  EXPECT_EQ(ask(example(), "GET", "//health").status, 404u);
}

TEST(HttpRouter, OtherMethodIs405WithAllow) {
  const HttpResponse response = ask(example(), "DELETE", "/thing");

  EXPECT_EQ(response.status, 405u);
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].name, "Allow");
  EXPECT_EQ(response.headers[0].value, "GET, HEAD, PUT");
}

TEST(HttpRouterDeathTest, TheSameRouteTwiceDies) {
  HttpRouter router = example();

  EXPECT_DEATH(router.add("GET", "/health", answer("again")), "added twice: /health");
}

}  // namespace
}  // namespace lcg::net
