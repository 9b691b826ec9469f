#include "gateway/net/cidr.h"

#include <gtest/gtest.h>

namespace lcg::net {
namespace {

ClientAddress ip(const char* text) { return ClientAddress::parse_ip(text).value(); }

TEST(Cidr, MembersAreFound) {
  const CidrList list = CidrList::parse({"10.0.0.0/8", "192.0.2.1", "fd00::/8", "2001:db8::1"}).value();

  for (const char* in :
       {"10.0.0.0", "10.255.255.255", "192.0.2.1", "fdff::1", "2001:db8::1", "::ffff:10.1.2.3"}) {
    EXPECT_TRUE(list.contains(ip(in))) << in;
  }
  for (const char* out : {"11.0.0.0", "9.255.255.255", "192.0.2.2", "fe00::1", "2001:db8::2", "::10.1.2.3"}) {
    EXPECT_FALSE(list.contains(ip(out))) << out;
  }
}

TEST(Cidr, PrefixNeedNotEndAtAByte) {
  const CidrList list = CidrList::parse({"172.16.0.0/12"}).value();

  EXPECT_TRUE(list.contains(ip("172.31.255.255")));
  EXPECT_FALSE(list.contains(ip("172.32.0.0")));
}

TEST(Cidr, EverythingAndNothing) {
  EXPECT_TRUE(CidrList::parse({"0.0.0.0/0"}).value().contains(ip("203.0.113.9")));
  EXPECT_FALSE(CidrList::parse({"0.0.0.0/0"}).value().contains(ip("2001:db8::1")));
  EXPECT_FALSE(CidrList().contains(ip("127.0.0.1")));
}

TEST(Cidr, WhatIsNoNetworkIsRefusedWithoutItsText) {
  for (const char* text : {"", "10", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1",
                           "10.0.0.0/08", "10.0.0.1/8", "fd00::1/8", "example.com", "10.0.0.0/8 ",
                           "10.0.0.1:80", "[fd00::]/8", "fe80::1%eth0", "0x0a.0.0.0/8", "010.0.0.0/8"}) {
    const auto parsed = CidrList::parse({text});
    ASSERT_FALSE(parsed.ok()) << text;
    const std::string& why = parsed.status().message();
    EXPECT_TRUE(why == "expected a network like 10.0.0.0/8 or fd00::/8" || why.starts_with("has bits behind"))
        << why;
  }
}

}  // namespace
}  // namespace lcg::net
