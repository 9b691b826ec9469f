// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/address_policy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include <cstring>
#include <stdexcept>

namespace lcg::token {
namespace {

bool allows(const AddressPolicy& policy, const char* text) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) return policy.allows(reinterpret_cast<sockaddr*>(&v4));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  EXPECT_EQ(inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
  return policy.allows(reinterpret_cast<sockaddr*>(&v6));
}

TEST(AddressPolicy, MetadataAndLinkLocalAreDenied) {
  for (const char* text :
       {"169.254.169.254", "169.254.0.1", "0.0.0.0", "0.1.2.3", "100.100.100.200", "192.0.0.192", "224.0.0.1",
        "255.255.255.255", "::", "fe80::1", "ff02::1", "fd00:ec2::254", "fd20:ce::254"})
    EXPECT_FALSE(allows(AddressPolicy(), text)) << text;
}

TEST(AddressPolicy, AnIpv4AddressInsideAnIpv6OneIsJudgedAsItself) {
  for (const char* text : {"::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::169.254.169.254",
                           "2002:a9fe:a9fe::1", "::ffff:0.0.0.0"})
    EXPECT_FALSE(allows(AddressPolicy(), text)) << text;
  EXPECT_TRUE(allows(AddressPolicy(), "::ffff:192.0.2.1"));
}

TEST(AddressPolicy, TheOperatorsOwnNetworksAreAllowed) {
  for (const char* text :
       {"127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "fd12::1", "192.0.2.1", "2001:db8::1"})
    EXPECT_TRUE(allows(AddressPolicy(), text)) << text;
}

TEST(AddressPolicy, WhatIsListedIsAllowed) {
  const AddressPolicy policy({"169.254.169.254", "fe80::/64"});
  EXPECT_TRUE(allows(policy, "169.254.169.254"));
  EXPECT_TRUE(allows(policy, "::ffff:169.254.169.254"));
  EXPECT_TRUE(allows(policy, "fe80::1"));
  EXPECT_FALSE(allows(policy, "169.254.169.253"));
  EXPECT_FALSE(allows(policy, "fe80:0:0:1::1"));
}

TEST(AddressPolicy, OtherFamiliesAreDenied) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  EXPECT_FALSE(AddressPolicy().allows(reinterpret_cast<sockaddr*>(&local)));
}

TEST(AddressPolicy, WhatIsNoNetworkIsRefused) {
  for (const char* text :
       {"", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0"})
    EXPECT_THROW(AddressPolicy({text}), std::invalid_argument) << text;
}

}  // namespace
}  // namespace lcg::token
