#include "gateway/net/upgrade.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace lcg::net {
namespace {

HttpRequest good_request() {
  HttpRequest request;
  request.method = "GET";
  request.path = "/connection/websocket";
  request.headers = {{"Host", "chat.example.com"},
                     {"Upgrade", "websocket"},
                     {"Connection", "keep-alive, Upgrade"},
                     {"Sec-WebSocket-Version", "13"},
                     {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  return request;
}

void set(HttpRequest& request, const std::string& name, const std::string& value) {
  for (HttpHeader& h : request.headers) {
    if (equal_ignoring_case(h.name, name)) {
      h.value = value;
      return;
    }
  }
  request.headers.push_back({name, value});
}
void remove(HttpRequest& request, const std::string& name) {
  std::erase_if(request.headers, [&](const HttpHeader& h) { return equal_ignoring_case(h.name, name); });
}

std::string header(const HttpResponse& response, const std::string& name) {
  for (const HttpHeader& h : response.headers) {
    if (h.name == name) return h.value;
  }
  return "";
}

TEST(Upgrade, AcceptIsTheExampleOfTheRfc) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Upgrade, GoodRequestIsSwitched) {
  const UpgradeResult result = negotiate_upgrade(good_request(), {});

  EXPECT_TRUE(result.accepted);
  EXPECT_EQ(result.response.status, 101u);
  EXPECT_EQ(header(result.response, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(header(result.response, "Sec-WebSocket-Protocol"), "");
}

TEST(Upgrade, RequestsOutOfOrderAreRefused) {
  const std::vector<std::pair<unsigned, std::function<void(HttpRequest&)>>> table = {
      {400, [](HttpRequest& r) { r.method = "POST"; }},
      {400, [](HttpRequest& r) { r.version = 10; }},
      {426, [](HttpRequest& r) { remove(r, "Upgrade"); }},
      {426, [](HttpRequest& r) { set(r, "Upgrade", "h2c"); }},
      {400, [](HttpRequest& r) { remove(r, "Connection"); }},
      {400, [](HttpRequest& r) { set(r, "Connection", "keep-alive"); }},
      {426, [](HttpRequest& r) { remove(r, "Sec-WebSocket-Version"); }},
      {426, [](HttpRequest& r) { set(r, "Sec-WebSocket-Version", "8"); }},
      {426, [](HttpRequest& r) { set(r, "Sec-WebSocket-Version", "777"); }},
      {400, [](HttpRequest& r) { remove(r, "Sec-WebSocket-Key"); }},
      {400, [](HttpRequest& r) { set(r, "Sec-WebSocket-Key", "c2hvcnQ="); }},
      {400, [](HttpRequest& r) { set(r, "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j!Q=="); }},
      {400,
       [](HttpRequest& r) {
         r.headers.push_back({"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="});
       }},
      {400, [](HttpRequest& r) { r.body = "x"; }},
      {400, [](HttpRequest& r) { set(r, "Transfer-Encoding", "chunked"); }},
      {400, [](HttpRequest& r) { r.query = "format=protobuf"; }},
      {400, [](HttpRequest& r) { r.query = "cf_protocol=protobuf"; }},
      {400, [](HttpRequest& r) { set(r, "Sec-WebSocket-Protocol", "centrifuge-protobuf"); }},
  };
  for (size_t i = 0; i < table.size(); ++i) {
    HttpRequest request = good_request();
    table[i].second(request);

    const UpgradeResult result = negotiate_upgrade(request, {});

    EXPECT_FALSE(result.accepted) << "row " << i;
    EXPECT_EQ(result.response.status, table[i].first) << "row " << i;
    EXPECT_TRUE(result.response.close) << "row " << i;
  }
}

TEST(Upgrade, OtherVersionIsToldOurs) {
  HttpRequest request = good_request();
  set(request, "Sec-WebSocket-Version", "8");

  EXPECT_EQ(header(negotiate_upgrade(request, {}).response, "Sec-WebSocket-Version"), "13");
}

TEST(Upgrade, SubprotocolOfOursIsChosen) {
  HttpRequest request = good_request();
  set(request, "Sec-WebSocket-Protocol", "other, centrifuge-protobuf, centrifuge-json");

  const UpgradeResult result = negotiate_upgrade(request, {});

  EXPECT_TRUE(result.accepted);
  EXPECT_EQ(result.subprotocol, "centrifuge-json");
  EXPECT_EQ(header(result.response, "Sec-WebSocket-Protocol"), "centrifuge-json");
}

TEST(Upgrade, UnknownSubprotocolIsNotEchoed) {
  HttpRequest request = good_request();
  set(request, "Sec-WebSocket-Protocol", "mqtt");

  const UpgradeResult result = negotiate_upgrade(request, {});

  EXPECT_TRUE(result.accepted);
  EXPECT_EQ(header(result.response, "Sec-WebSocket-Protocol"), "");
}

TEST(Upgrade, UnknownQueryKeysAreIgnored) {
  HttpRequest request = good_request();
  request.query = "cf_protocol_version=v2&format=json&anything";

  EXPECT_TRUE(negotiate_upgrade(request, {}).accepted);
}

TEST(Upgrade, CompressionIsAgreedOnlyWhenItIsOn) {
  HttpRequest request = good_request();
  set(request, "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits");
  UpgradePolicy on;
  on.deflate = true;

  EXPECT_EQ(header(negotiate_upgrade(request, {}).response, "Sec-WebSocket-Extensions"), "");
  EXPECT_TRUE(negotiate_upgrade(request, on).deflate);
  EXPECT_EQ(header(negotiate_upgrade(request, on).response, "Sec-WebSocket-Extensions"),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
}

TEST(Upgrade, OffersOfSeveralHeadersAreOneList) {
  HttpRequest request = good_request();
  request.headers.push_back({"Sec-WebSocket-Extensions", "x-other; a"});
  request.headers.push_back({"Sec-WebSocket-Extensions", "permessage-deflate"});
  UpgradePolicy on;
  on.deflate = true;

  EXPECT_TRUE(negotiate_upgrade(request, on).deflate);
}

TEST(Upgrade, MalformedExtensionsAreRefused) {
  HttpRequest request = good_request();
  set(request, "Sec-WebSocket-Extensions", "permessage-deflate;;");

  EXPECT_EQ(negotiate_upgrade(request, {}).response.status, 400u);
}

TEST(Upgrade, ProtobufIsServedWhereItIsOffered) {
  UpgradePolicy both;
  both.subprotocols = {"centrifuge-json", "centrifuge-protobuf"};
  HttpRequest by_query = good_request();
  by_query.query = "format=protobuf";
  HttpRequest by_subprotocol = good_request();
  set(by_subprotocol, "Sec-WebSocket-Protocol", "centrifuge-protobuf");

  EXPECT_TRUE(negotiate_upgrade(by_query, both).protobuf);
  EXPECT_TRUE(negotiate_upgrade(by_subprotocol, both).protobuf);
  EXPECT_FALSE(negotiate_upgrade(good_request(), both).protobuf);
}

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

TEST(Origin, EmptyListRefusesEveryOriginButNotItsAbsence) {
  HttpRequest request = good_request();
  EXPECT_TRUE(negotiate_upgrade(request, {}).accepted);

  set(request, "Origin", "https://chat.example.com");

  EXPECT_EQ(negotiate_upgrade(request, {}).response.status, 403u);
}

TEST(Origin, TwoOriginHeadersAreRefused) {
  UpgradePolicy policy;
  policy.origins = OriginList({"*"});
  HttpRequest request = good_request();
  request.headers.push_back({"Origin", "https://a.example"});
  request.headers.push_back({"Origin", "https://b.example"});

  EXPECT_EQ(negotiate_upgrade(request, policy).response.status, 403u);
}

TEST(Origin, LongPatternOfStarsTakesLinearTime) {
  std::string pattern = "https://";
  for (int i = 0; i < 50; ++i) pattern += "a*";
  const OriginList list({pattern + "b"});

  EXPECT_FALSE(list.allows("https://" + std::string(5'000, 'a')));
}

}  // namespace
}  // namespace lcg::net
