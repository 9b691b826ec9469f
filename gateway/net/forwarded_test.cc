#include "gateway/net/forwarded.h"

#include <gtest/gtest.h>

namespace lcg::net {
namespace {

// The client's address for these header values, "" when the peer stands.
std::string client(const std::vector<std::string>& values, const char* peer = "10.0.0.1",
                   bool forwarded = false) {
  ProxyPolicy policy;
  policy.trusted = CidrList::parse({"10.0.0.0/8", "fd00::/8"}).value();
  policy.forwarded = forwarded;
  HttpRequest request;
  for (const std::string& value : values) {
    request.headers.push_back({forwarded ? "Forwarded" : "X-Forwarded-For", value});
  }
  const auto address = forwarded_client(request, ClientAddress::parse_ip(peer).value(), policy);
  return address.has_value() ? address->text() : "";
}

TEST(XForwardedFor, TableOfHeaders) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> table = {
      {{}, ""},
      {{"203.0.113.7"}, "203.0.113.7"},
      {{"203.0.113.7:4711"}, "203.0.113.7:4711"},
      {{"2001:db8::1"}, "[2001:db8::1]"},
      {{"[2001:db8::1]:80"}, "[2001:db8::1]:80"},
      {{"203.0.113.7, 10.0.0.2, 10.0.0.3"}, "203.0.113.7"},
      {{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},  // the left one is the client's own word
      {{"127.0.0.1, 203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
      {{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},  // two headers are one list
      {{"203.0.113.7, fd00::5"}, "203.0.113.7"},
      {{"10.0.0.9, 10.0.0.2"}, "10.0.0.9"},  // proxies alone: the farthest
      {{"203.0.113.7, unknown"}, ""},        // the nearest hop is not known
      {{"203.0.113.7, unknown, 10.0.0.2"}, "10.0.0.2"},
      {{"203.0.113.7,"}, "203.0.113.7"},
      {{",,"}, ""},
      {{"not an address"}, ""},
      {{"203.0.113.7 10.0.0.2"}, ""},
      {{"203.0.113.777"}, ""},
      {{"203.0.113.7:99999"}, ""},
      {{"[203.0.113.7]"}, ""},
      {{"\"203.0.113.7\""}, ""},
      {{"::ffff:203.0.113.7"}, "203.0.113.7"},
      {{"2001:DB8:0::1"}, "[2001:db8::1]"},
      {{"fe80::1%eth0"}, "[fe80::1]"},
      {{"203.0.113.7, ::ffff:10.0.0.2"}, "203.0.113.7"},  // a trusted network in another form
      {{"203.0.113.7:"}, ""},
      {{"0xcb.0.113.7"}, ""},
      {{"203.0.0113.7"}, ""},
  };
  for (const auto& [values, expected] : table) {
    EXPECT_EQ(client(values), expected) << (values.empty() ? "none" : values[0]);
  }
}

TEST(XForwardedFor, CountsFromTrustedPeersAlone) {
  EXPECT_EQ(client({"203.0.113.7"}, "198.51.100.1"), "");
  EXPECT_EQ(client({"203.0.113.7"}, "::ffff:10.0.0.1"), "203.0.113.7");
}

TEST(Forwarded, TableOfHeaders) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"for=203.0.113.7", "203.0.113.7"},
      {"For=\"203.0.113.7:80\"; proto=https", "203.0.113.7:80"},
      {"by=10.0.0.1; for=\"[2001:db8::1]:80\"", "[2001:db8::1]:80"},
      {"for=198.51.100.1, for=203.0.113.7, for=10.0.0.2", "203.0.113.7"},
      {"for=203.0.113.7, for=_hidden", ""},
      {"for=unknown", ""},
      {"for=\"[2001:DB8::1]:_port\"", "[2001:db8::1]"},
      {"for=\"203.0.113.7:_x.1\"", "203.0.113.7"},
      {"for=\"[::ffff:203.0.113.7]\"", "203.0.113.7"},
      {"for=\"unknown:80\"", ""},
      {"for=\"_hidden:80\"", ""},
      {"for=\"[2001:db8::1\"", ""},
      {"by=203.0.113.7", ""},
      // What the client writes before the proxy appends: quotes nobody closes, escapes, half elements.
      {"for=6.6.6.6;x=\", for=203.0.113.7", "203.0.113.7"},
      {"for=\", for=203.0.113.7", "203.0.113.7"},
      {"x=\"\\, for=203.0.113.7", "203.0.113.7"},
      {"x=\"\\\", for=\"[2001:db8::1]\"", "[2001:db8::1]"},
      {"for=6.6.6.6;x=\", for=\"203.0.113.7:80\", for=10.0.0.2", "203.0.113.7:80"},
      {"\"\"\", for=203.0.113.7;by=\"a,b\\\"c\"", "203.0.113.7"},
      {"for=6.6.6.6, ,", "6.6.6.6"},
  };
  for (const auto& [value, expected] : table) EXPECT_EQ(client({value}, "10.0.0.1", true), expected) << value;
}

TEST(Forwarded, TheOtherHeaderIsNotRead) {
  ProxyPolicy policy;
  policy.trusted = CidrList::parse({"10.0.0.0/8"}).value();
  HttpRequest request;
  request.headers.push_back({"Forwarded", "for=203.0.113.7"});

  EXPECT_FALSE(forwarded_client(request, ClientAddress::parse_ip("10.0.0.1").value(), policy).has_value());
}

TEST(Forwarded, WhatStandsInQuotesSeparatesNothing) {
  EXPECT_EQ(client({R"(host="a;for=198.51.100.9;b";for=192.0.2.7)"}, "10.0.0.1", true), "192.0.2.7");
  EXPECT_EQ(client({R"(host="a,for=198.51.100.9;b";for=192.0.2.7)"}, "10.0.0.1", true), "192.0.2.7");
  EXPECT_EQ(client({R"(host="\";for=198.51.100.9;\"";for=192.0.2.7)"}, "10.0.0.1", true), "192.0.2.7");
}

}  // namespace
}  // namespace lcg::net
