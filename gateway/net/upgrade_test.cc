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

TEST(Upgrade, SubprotocolInAnotherCaseIsNotOurs) {
  UpgradePolicy both;
  both.subprotocols = {"centrifuge-json", "centrifuge-protobuf"};
  for (const char* offer : {"Centrifuge-JSON", "CENTRIFUGE-PROTOBUF"}) {
    HttpRequest request = good_request();
    set(request, "Sec-WebSocket-Protocol", offer);

    const UpgradeResult result = negotiate_upgrade(request, both);

    EXPECT_TRUE(result.accepted);
    EXPECT_FALSE(result.protobuf);
    EXPECT_EQ(header(result.response, "Sec-WebSocket-Protocol"), "");
  }
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

}  // namespace
}  // namespace lcg::net
