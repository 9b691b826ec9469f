#include "gateway/net/proxy_protocol.h"

#include <gtest/gtest.h>

#include "gateway/net/tcp_stream.h"
#include "gateway/net/test_proxy.h"

namespace lcg::net {
namespace {

// What the parser makes of the header at the front of `bytes`: the source, "peer" when the socket's peer stands,
// or "refused"; then how many bytes it left.
std::string parsed(std::string_view bytes, size_t step = SIZE_MAX) {
  ProxyParser parser;
  while (parser.state() == ProxyParser::State::kMore && !bytes.empty()) {
    const size_t size = std::min({parser.wanted(), bytes.size(), step});
    EXPECT_GT(size, 0u);
    parser.feed(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  switch (parser.state()) {
    case ProxyParser::State::kMore:
      return "more";
    case ProxyParser::State::kRefused:
      return "refused";
    case ProxyParser::State::kDone:
      break;
  }
  return (parser.source().has_value() ? parser.source()->text() : "peer") + " " +
         std::to_string(bytes.size());
}

TEST(ProxyLine, AddressesAreRead) {
  EXPECT_EQ(parsed("PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\nGET"), "203.0.113.7:4711 3");
  EXPECT_EQ(parsed("PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\nGET"), "[2001:db8::7]:4711 3");
}

TEST(ProxyLine, UnknownLeavesThePeer) {
  EXPECT_EQ(parsed("PROXY UNKNOWN\r\nGET"), "peer 3");
  EXPECT_EQ(parsed("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nGET"), "peer 3");
}

TEST(ProxyLine, MalformedIsRefused) {
  for (const char* line :
       {"GET / HTTP/1.1\r\n", "PROXY TCP4 203.0.113.7 192.0.2.1 4711\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443 5\r\n", "PROXY TCP4  203.0.113.7 192.0.2.1 4711 443\r\n",
        "PROXY TCP4 2001:db8::7 192.0.2.1 4711 443\r\n", "PROXY TCP6 203.0.113.7 192.0.2.1 4711 443\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 65536 443\r\n", "PROXY TCP4 203.0.113.7 192.0.2.1 04711 443\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 -1 443\r\n", "PROXY TCP4 203.0.113 192.0.2.1 4711 443\r\n",
        "PROXY UDP4 203.0.113.7 192.0.2.1 4711 443\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\nGET / HTTP/1.1", "proxy UNKNOWN\r\n"}) {
    EXPECT_EQ(parsed(line), "refused") << line;
  }
}

TEST(ProxyLine, LineWithoutEndIsRefused) {
  EXPECT_EQ(parsed("PROXY UNKNOWN " + std::string(200, 'x')), "refused");
}

TEST(ProxyBinary, AddressesAreRead) {
  EXPECT_EQ(parsed(proxy_v2("203.0.113.7", 4711) + "GET"), "203.0.113.7:4711 3");
  EXPECT_EQ(parsed(proxy_v2("2001:db8::7", 4711) + "GET"), "[2001:db8::7]:4711 3");
}

TEST(ProxyBinary, LocalLeavesThePeer) {
  EXPECT_EQ(parsed(proxy_v2_raw(0x20, 0x00, "") + "GET"), "peer 3");
  EXPECT_EQ(parsed(proxy_v2_raw(0x20, 0x11, std::string(12, '\0')) + "GET"), "peer 3");
}

TEST(ProxyBinary, ClientsWithoutAnIpAddressLeaveThePeer) {
  EXPECT_EQ(parsed(proxy_v2_raw(0x21, 0x31, std::string(216, 'u')) + "GET"), "peer 3") << "AF_UNIX";
  EXPECT_EQ(parsed(proxy_v2_raw(0x21, 0x00, "") + "GET"), "peer 3") << "AF_UNSPEC";
}

TEST(ProxyBinary, ExtensionsAreSkipped) {
  const std::string extension("\x02\x00\x03xyz\x04\x00\x00", 9);
  EXPECT_EQ(parsed(proxy_v2("203.0.113.7", 4711, extension) + "GET"), "203.0.113.7:4711 3");
}

TEST(ProxyBinary, ExtensionsThatOverrunAreRefused) {
  for (const std::string& extension :
       {std::string("\x02", 1), std::string("\x02\x00", 2), std::string("\x02\x00\x04xyz", 6),
        std::string("\x02\xff\xff", 3), std::string("\x02\x00\x01x\x02\x00\x02x", 8)}) {
    EXPECT_EQ(parsed(proxy_v2("203.0.113.7", 4711, extension)), "refused");
  }
}

TEST(ProxyBinary, MalformedIsRefused) {
  EXPECT_EQ(parsed(proxy_v2_raw(0x11, 0x11, std::string(12, '\0'))), "refused") << "version 1";
  EXPECT_EQ(parsed(proxy_v2_raw(0x22, 0x11, std::string(12, '\0'))), "refused") << "command 2";
  EXPECT_EQ(parsed(proxy_v2_raw(0x21, 0x11, std::string(11, '\0'))), "refused") << "IPv4 cut";
  EXPECT_EQ(parsed(proxy_v2_raw(0x21, 0x21, std::string(35, '\0'))), "refused") << "IPv6 cut";
  EXPECT_EQ(parsed(proxy_v2_raw(0x21, 0x31, std::string(215, '\0'))), "refused") << "AF_UNIX cut";
  EXPECT_EQ(parsed(proxy_v2_raw(0x21, 0x41, std::string(12, '\0'))), "refused") << "family 4";
  EXPECT_EQ(parsed(proxy_v2_raw(0x21, 0x12, std::string(12, '\0'))), "refused") << "datagram";
  EXPECT_EQ(parsed(proxy_v2_raw(0x21, 0x13, std::string(12, '\0'))), "refused") << "protocol 3";
  EXPECT_EQ(parsed("\r\n\r\nGET / HTTP/1.1\r\n"), "refused") << "signature";
  EXPECT_EQ(parsed(proxy_v2_raw(0x21, 0x11, std::string(2100, '\0'))), "refused") << "too long";
}

TEST(ProxyBinary, EveryCutGivesTheSame) {
  for (const std::string& bytes : {proxy_v2("203.0.113.7", 4711) + "GET",
                                   std::string("PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\nGET")}) {
    for (size_t step = 1; step < 20; ++step) EXPECT_EQ(parsed(bytes, step), "203.0.113.7:4711 3") << step;
  }
}

TEST(ProxyHeader, WhatIsCutIsWaitedFor) {
  const std::string binary = proxy_v2("203.0.113.7", 4711);
  for (size_t cut = 1; cut < binary.size(); ++cut) EXPECT_EQ(parsed(binary.substr(0, cut)), "more") << cut;
}

}  // namespace
}  // namespace lcg::net
