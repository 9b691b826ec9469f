#include "gateway/net/http_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lcg::net {
namespace {

using namespace std::string_literals;
using State = HttpParser::State;

const HttpLimits kLimits{.max_body_bytes = 1000};

std::string get(const std::string& headers) { return "GET / HTTP/1.1\r\n" + headers + "\r\n"; }
std::string post(const std::string& headers) { return "POST / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n"; }

struct Case {
  const char* name;
  std::string bytes;
  unsigned status;  // 0: complete; 1: more is needed
};

// What a request must look like, and what two servers could read differently (RFC 9112 11.2).
std::vector<Case> cases() {
  return {
      {"plain", get("Host: a\r\n"), 0},
      {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 0},
      {"obs-text in a value", get("Host: a\r\nX: \xc3\xa4\r\n"), 0},
      {"empty value", get("Host: a\r\nX:\r\n"), 0},
      {"tab in a value", get("Host: a\r\nX: a\tb\r\n"), 0},
      {"body", post("Content-Length: 2\r\n") + "ab", 0},
      {"chunked", post("Transfer-Encoding: chunked\r\n") + "2\r\nab\r\n0\r\n\r\n", 0},
      {"chunk extension", post("Transfer-Encoding: chunked\r\n") + "2;x=y\r\nab\r\n0\r\n\r\n", 0},
      {"15 KiB of headers", get("Host: a\r\nCookie: " + std::string(15 * 1024, 'c') + "\r\n"), 0},
      {"empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"empty lines alone", "\r\n\r\n", 1},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 0},
      {"HTTP/1.9", "POST / HTTP/1.9\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 0},
      {"cut head", "GET / HTTP/1.1\r\nHost: a\r\n", 1},
      {"cut body", post("Content-Length: 3\r\n") + "ab", 1},

      {"over 16 KiB of headers", get("Host: a\r\nCookie: " + std::string(16 * 1024, 'c') + "\r\n"), 431},
      {"101 headers",
       [] {
         std::string headers = "Host: a\r\n";
         for (int i = 0; i < 100; ++i) headers += "X: y\r\n";
         return get(headers);
       }(),
       431},
      {"9 KiB of path", "GET /" + std::string(9 * 1024, 'p') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {"body over the limit", post("Content-Length: 1001\r\n"), 413},
      {"chunks over the limit",
       post("Transfer-Encoding: chunked\r\n") + "3e9\r\n" + std::string(1001, 'x') + "\r\n", 413},
      {"endless chunk header", post("Transfer-Encoding: chunked\r\n") + "1;" + std::string(5000, 'x'), 400},

      {"length and coding", post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400},
      {"coding and length", post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n") + "0\r\n\r\n", 400},
      {"two different lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n"), 400},
      {"two equal lengths", post("Content-Length: 2\r\nContent-Length: 2\r\n"), 400},
      {"length list", post("Content-Length: 2, 2\r\n"), 400},
      {"negative length", post("Content-Length: -1\r\n"), 400},
      {"signed length", post("Content-Length: +2\r\n"), 400},
      {"hexadecimal length", post("Content-Length: 0x2\r\n"), 400},
      {"length of 2^64", post("Content-Length: 18446744073709551616\r\n"), 400},
      {"coding gzip", post("Transfer-Encoding: gzip\r\n"), 501},
      {"coding gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"coding chunked, identity", post("Transfer-Encoding: chunked, identity\r\n"), 501},
      {"coding xchunked", post("Transfer-Encoding: xchunked\r\n"), 501},
      {"coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"bad chunk size", post("Transfer-Encoding: chunked\r\n") + "zz\r\n", 400},
      {"bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"bare LF after a header", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
      {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
      {"bare CR", get("Host: a\r\nX: a\rb\r\n"), 400},
      {"folded header", get("Host: a\r\nX: a\r\n b\r\n"), 400},
      {"folded with a tab", get("Host: a\r\nX: a\r\n\tb\r\n"), 400},
      {"space before the first header", get(" Host: a\r\n"), 400},
      {"space before the colon", get("Host : a\r\n"), 400},
      {"no colon", get("Host: a\r\nnonsense\r\n"), 400},
      {"empty name", get("Host: a\r\n: x\r\n"), 400},
      {"NUL in a value", get("Host: a\r\nX: a\0b\r\n"s), 400},
      {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
      {"no Host", get(""), 400},
      {"two Hosts", get("Host: a\r\nHost: b\r\n"), 400},
      {"two equal Hosts", get("Host: a\r\nHost: a\r\n"), 400},
      {"absolute target of no host", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"absolute target with a user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"absolute target of another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"absolute target without Host", "GET http://a/ HTTP/1.1\r\n\r\n", 400},
      {"absolute target with a fragment", "GET http://a/#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"asterisk target", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"fragment in the target", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 505},
      {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"TLS hello", "\x16\x03\x01\x02\x00\x01"s, 400},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"HTTP/1.12", "GET / HTTP/1.12\r\nHost: a\r\n\r\n", 505},
      {"LF first", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CR first", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"space before an empty line", " \r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
  };
}

unsigned status_of(const HttpParser& parser) {
  switch (parser.state()) {
    case State::kComplete:
      return 0;
    case State::kRefused:
      return parser.refusal().status;
    default:
      return 1;
  }
}

TEST(HttpParser, BehavesAsTheTableSays) {
  for (const Case& c : cases()) {
    HttpParser parser(kLimits);

    parser.feed(c.bytes);

    EXPECT_EQ(status_of(parser), c.status) << c.name;
    if (parser.state() == State::kRefused) {
      EXPECT_TRUE(parser.refusal().close) << c.name;
      EXPECT_FALSE(parser.refusal().body.empty()) << c.name;
    }
  }
}

TEST(HttpParser, ByteByByteGivesTheSame) {
  for (const Case& c : cases()) {
    HttpParser parser(kLimits);

    for (const char byte : c.bytes) {
      if (parser.state() != State::kHead && parser.state() != State::kBody) break;
      parser.feed({&byte, 1});
    }

    EXPECT_EQ(status_of(parser), c.status) << c.name;
  }
}

TEST(HttpParser, AbsoluteTargetSaysTheHost) {
  struct Row {
    const char* target;
    const char* path;
    const char* query;
    const char* host;
  };
  for (const Row& row : std::vector<Row>{{"http://b/x?y=1", "/x", "y=1", "b"},
                                         {"HTTPS://b:8443/x", "/x", "", "b:8443"},
                                         {"http://[::1]:80", "/", "", "[::1]:80"},
                                         {"http://b?y", "/", "y", "b"},
                                         {"/x?u=http://c/", "/x", "u=http://c/", "a"}}) {
    HttpParser parser(kLimits);

    parser.feed("GET " + std::string(row.target) + " HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n");

    ASSERT_EQ(parser.state(), State::kComplete) << row.target;
    const HttpRequest request = parser.take_request();
    EXPECT_EQ(request.path, row.path) << row.target;
    EXPECT_EQ(request.query, row.query) << row.target;
    EXPECT_EQ(request.header("Host"), row.host) << row.target;
    EXPECT_EQ(request.count("Host"), 1u) << row.target;
  }
}

TEST(HttpParser, LaterMinorVersionIsServedAsTheLatestKnown) {
  HttpParser parser(kLimits);

  parser.feed("GET / HTTP/1.7\r\nHost: a\r\n\r\n");

  EXPECT_EQ(parser.take_request().version, 11u);
  EXPECT_TRUE(parser.keep_alive());
}

TEST(HttpParser, RequestIsTakenApart) {
  HttpParser parser(kLimits);

  parser.feed("POST /rpc/echo?a=1&b=2 HTTP/1.1\r\nHost: a\r\nX-One: 1 \r\nContent-Length: 4\r\n\r\nbody");

  const HttpRequest request = parser.take_request();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/rpc/echo");
  EXPECT_EQ(request.query, "a=1&b=2");
  EXPECT_EQ(request.header("x-one"), "1");
  EXPECT_EQ(request.body, "body");
  EXPECT_EQ(request.version, 11u);
  EXPECT_TRUE(parser.keep_alive());
}

TEST(HttpParser, BytesBehindTheRequestAreKept) {
  for (const std::string& request : {get("Host: a\r\n"), post("Content-Length: 2\r\n") + "ab",
                                     post("Transfer-Encoding: chunked\r\n") + "2\r\nab\r\n0\r\n\r\n"}) {
    HttpParser parser(kLimits);

    parser.feed(request + "behind\r\n");

    EXPECT_EQ(parser.take_rest(), "behind\r\n") << request;
  }
}

TEST(HttpParser, TrailersAreNotHeaders) {
  HttpParser parser(kLimits);

  parser.feed(post("Transfer-Encoding: chunked\r\n") + "0\r\nAuthorization: Bearer evil\r\n\r\n");

  ASSERT_EQ(parser.state(), State::kComplete);
  EXPECT_EQ(parser.take_request().bearer_token(), "");
}

TEST(HttpParser, ChunkHeadersMayComeByteByByte) {
  HttpParser parser(kLimits);
  parser.feed(post("Transfer-Encoding: chunked\r\n"));

  for (const char byte : std::string("1\r\na\r\n0;x=y\r\nA: b\r\n\r\n")) parser.feed({&byte, 1});

  ASSERT_EQ(parser.state(), State::kComplete);
  EXPECT_EQ(parser.take_request().body, "a");
}

TEST(HttpParser, KeepAliveFollowsVersionAndHeader) {
  const std::vector<std::pair<std::string, bool>> table = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
  };
  for (const auto& [bytes, keep_alive] : table) {
    HttpParser parser(kLimits);
    parser.feed(bytes);
    EXPECT_EQ(parser.keep_alive(), keep_alive) << bytes;
  }
}

TEST(HttpParser, ExpectContinueIsSeenBeforeTheBody) {
  HttpParser parser(kLimits);

  parser.feed(post("Expect: 100-continue\r\nContent-Length: 2\r\n"));

  EXPECT_EQ(parser.state(), State::kBody);
  EXPECT_TRUE(parser.expects_continue());
}

}  // namespace
}  // namespace lcg::net
