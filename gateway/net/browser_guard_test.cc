#include "gateway/net/browser_guard.h"

#include <gtest/gtest.h>

#include <utility>

#include "gateway/net/test_service.h"

namespace lcg::net {
namespace {

TEST(Origin, TableOfOrigins) {
  const OriginList list({"https://chat.example.com", "https://*.example.org", "http://localhost:*",
                         "https://example.net:8443"});
  const std::vector<std::pair<std::string, bool>> table = {
      {"https://chat.example.com", true},
      {"https://a.example.org", true},
      {"https://a.b.example.org", true},
      {"http://localhost:3000", true},
      {"https://example.net:8443", true},

      {"http://chat.example.com", false},         // scheme
      {"https://chat.example.com:443", false},    // browsers leave out a default port
      {"https://chat.example.com:8443", false},   // port
      {"https://example.net", false},             // port
      {"https://evil-chat.example.com", false},   // prefix
      {"https://chat.example.com.evil", false},   // suffix
      {"https://example.org", false},             // the pattern asks for a label
      {"https://evil-example.org", false},        // the dot is a part of the pattern
      {"https://a.example.org.evil.com", false},  // suffix
      {"https://evil.com/.example.org", false},   // a path is no origin
      {"https://evil.com#.example.org", false},
      {"https://user@a.example.org", false},  // user information
      {"https://evil.com:1.example.org", false},
      {"https://CHAT.EXAMPLE.COM", false},  // browsers send lower case
      {"http://localhost:", false},
      {"http://localhost:80.evil.com", false},
      {"https://xn--chat-example-com", false},
      {"null", false},
      {"", false},
      {"*", false},
      {"file://", false},
  };
  for (const auto& [origin, allowed] : table) EXPECT_EQ(list.allows(origin), allowed) << origin;
}

TEST(Origin, StarAllowsEverything) {
  const OriginList list({"*"});

  EXPECT_TRUE(list.allows("https://anywhere.example"));
  EXPECT_TRUE(list.allows("null"));
}

TEST(Origin, LongPatternOfStarsTakesLinearTime) {
  std::string pattern = "https://";
  for (int i = 0; i < 50; ++i) pattern += "a*";
  const OriginList list({pattern + "b"});

  EXPECT_FALSE(list.allows("https://" + std::string(5'000, 'a')));
}

HttpRequest request_of(std::vector<HttpHeader> headers, bool internal = false) {
  HttpRequest request;
  request.headers = std::move(headers);
  request.internal = internal;
  return request;
}
unsigned status_for(const HttpRequest& request, const BrowserPolicy& policy) {
  const auto refusal = refuse_foreign(request, policy);
  return refusal.has_value() ? refusal->status : 0;
}

TEST(BrowserGuard, AnEmptyListRefusesEveryOriginButNotItsAbsence) {
  EXPECT_EQ(status_for(request_of({}), {}), 0u);
  EXPECT_EQ(status_for(request_of({{"Origin", "https://chat.example.com"}}), {}), 403u);
  EXPECT_EQ(status_for(request_of({{"Origin", ""}}), {}), 403u);
}

TEST(BrowserGuard, TwoOriginsAreRefused) {
  const BrowserPolicy all{OriginList({"*"}), {}};

  EXPECT_EQ(status_for(request_of({{"Origin", "https://a.example"}, {"origin", "https://b.example"}}), all),
            403u);
}

TEST(BrowserGuard, TableOfHosts) {
  const HostList list({"chat.example.com", "*.Example.org"});
  const std::vector<std::pair<std::string, bool>> table = {
      {"chat.example.com", true},
      {"chat.example.com:8000", true},
      {"CHAT.example.com", true},
      {"chat.example.com.", true},
      {"a.example.org", true},
      {"a.example.org.:443", true},
      {"localhost", true},
      {"localhost:8000", true},
      {"127.0.0.1:8000", true},
      {"192.0.2.1", true},  // no name, so nobody's to turn
      {"[2001:db8::1]:8000", true},

      {"evil.example", false},
      {"chat.example.com.evil.example", false},
      {"evil-chat.example.com", false},
      {"example.org", false},
      {"user@a.example.org", false},
      {"evil.example/.example.org", false},
      {"127.0.0.1.evil.example", false},
      {"localhost.evil.example", false},
      {"2130706433", false},  // an address to some, a name to us
      {"", false},
      {":8000", false},
      {"*", false},
  };
  for (const auto& [host, allowed] : table) EXPECT_EQ(list.allows(host), allowed) << host;
}

TEST(BrowserGuard, WithoutAListEveryHostIsServed) { EXPECT_TRUE(HostList().allows("anything.example")); }

// For what needs no key: without a list no name is known, for a page could have had any turned to point here.
TEST(BrowserGuard, KnownHostsAreAddressesLocalhostAndTheList) {
  const HostList list({"metrics.example.com"});
  const auto known = [](std::string host, const HostList& hosts) {
    return host_is_known(request_of({{"Host", std::move(host)}}, true), hosts);
  };

  for (const char* host : {"192.0.2.1:9000", "[2001:db8::1]", "localhost:9000"})
    EXPECT_TRUE(known(host, HostList())) << host;
  EXPECT_TRUE(known("metrics.example.com:9000", list));
  EXPECT_FALSE(known("metrics.example.com", HostList()));
  EXPECT_FALSE(known("evil.example", list));
  EXPECT_TRUE(host_is_known(request_of({}, true), list)) << "HTTP/1.0";
}

TEST(BrowserGuard, AHostThatIsNotServedIsMisdirected) {
  const BrowserPolicy policy{{}, HostList({"chat.example.com"})};

  EXPECT_EQ(status_for(request_of({{"Host", "chat.example.com"}}), policy), 0u);
  EXPECT_EQ(status_for(request_of({{"Host", "evil.example"}}), policy), 421u);
  EXPECT_EQ(status_for(request_of({}), policy), 0u) << "HTTP/1.0";
  EXPECT_EQ(status_for(request_of({{"Host", "evil.example"}}, true), policy), 0u) << "an internal listener";
}

TEST(BrowserGuard, PatternsOfHostsAreNames) {
  for (const char* good : {"chat.example.com", "*.example.com", "*", "A-b_1"})
    EXPECT_TRUE(HostList::valid(good));
  for (const char* bad : {"", "https://a", "a:80", "a/b", "a b", "[::1]"})
    EXPECT_FALSE(HostList::valid(bad)) << bad;
}

TEST(BrowserGuard, ThisHostIsLocalhostAndLoopback) {
  for (const char* own : {"localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]:8000", "[::ffff:127.0.0.1]"})
    EXPECT_TRUE(names_this_host(own)) << own;
  for (const char* other :
       {"", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.1", "[::2]", "a"})
    EXPECT_FALSE(names_this_host(other)) << other;
}

// Every path, whichever method it takes and whether it is served or not.
TEST(BrowserGuard, StandsBeforeEveryPath) {
  UpgradePolicy policy;
  policy.browsers = {OriginList({"https://chat.example.com"}), HostList({"chat.example.com"})};
  ServiceWorld s({}, policy);
  const auto answer = [](HttpRequest, HttpResponder r) { r.send(HttpResponse::text(200, "ok")); };
  for (const char* path : {"/rpc/*", "/oauth/*", "/.well-known/*", "/api/*"})
    s.router.add("POST", path, answer);
  const auto ask = [&](const std::string& line, const std::string& headers) {
    return status_of(s.ask(s.connect(), line + " HTTP/1.1\r\nContent-Length: 0\r\n" + headers + "\r\n"));
  };
  const std::string host = "Host: chat.example.com\r\n";

  for (const char* line : {"POST /rpc/echo", "POST /oauth/token", "POST /.well-known/a", "POST /api/publish",
                           "GET /health", "OPTIONS /rpc/echo", "GET /nothing", "GET /connection/websocket"}) {
    EXPECT_EQ(ask(line, host + "Origin: https://evil.example\r\n"), 403) << line;
    EXPECT_EQ(ask(line, host + "Origin: null\r\n"), 403) << line;
    EXPECT_EQ(ask(line, "Host: evil.example\r\n"), 421) << line;
    EXPECT_NE(ask(line, host + "Origin: https://chat.example.com\r\n"), 403) << line;
    EXPECT_NE(ask(line, host), 403) << line << " of a program";
  }
}

}  // namespace
}  // namespace lcg::net
