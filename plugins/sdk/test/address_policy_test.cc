// SPDX-License-Identifier: Apache-2.0
#include "lcg/net/address_policy.hpp"

#include <gtest/gtest.h>
#include <sys/un.h>

namespace lcg::net {
namespace {

Endpoint endpoint(const std::string& text, uint16_t port = 80) {
  sockaddr_storage raw{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(raw);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(raw);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
  }
  return endpoint_of(reinterpret_cast<const sockaddr&>(raw)).value();
}

bool allows(const std::string& text, const AddressPolicy& policy = {}) {
  return policy.allows(endpoint(text));
}

// The ranges as the registries of IANA have them, read on their own: an address of each and what is said of it.
struct Row {
  const char* address;
  bool allowed;
};
constexpr Row kRegistry[] = {
    // IPv4
    {"0.1.2.3", false},
    {"0.0.0.0", false},
    {"10.1.2.3", true},
    {"100.64.0.1", true},
    {"127.0.0.1", true},
    {"169.254.169.254", false},
    {"172.31.255.255", true},
    {"192.0.0.192", false},
    {"192.0.0.1", false},
    {"192.0.0.8", false},
    {"192.0.0.9", false},
    {"192.0.0.10", false},
    {"192.0.0.170", false},
    {"192.0.0.171", false},
    {"192.0.2.1", false},
    {"192.31.196.1", false},
    {"192.52.193.1", false},
    {"192.88.99.1", false},
    {"192.88.99.2", false},
    {"192.168.255.255", true},
    {"192.175.48.1", false},
    {"198.19.255.255", false},
    {"198.51.100.1", false},
    {"203.0.113.1", false},
    {"240.0.0.1", false},
    {"255.255.255.255", false},
    // IPv6
    {"::1", true},
    {"::", false},
    {"::ffff:10.0.0.1", true},
    {"64:ff9b::8.8.8.8", true},
    {"64:ff9b:1::8.8.8.8", true},
    {"100::1", false},
    {"100:0:0:1::1", false},
    {"2001:1ff::1", false},
    {"2001:0:808:808::f7f7:f7f7", true},
    {"2001:1::1", false},
    {"2001:1::2", false},
    {"2001:1::3", false},
    {"2001:2::1", false},
    {"2001:3::1", false},
    {"2001:4:112::1", false},
    {"2001:1f:ffff::1", false},
    {"2001:2f:ffff::1", false},
    {"2001:3f:ffff::1", false},
    {"2001:db8:ffff::1", false},
    {"2002:808:808::1", true},
    {"2620:4f:8000::1", false},
    {"3fff:fff::1", false},
    {"5f00::1", false},
    {"fd12::1", true},
    {"fe80::1", false},
    // neither
    {"224.0.0.1", false},
    {"239.255.255.255", false},
    {"ff02::1", false},
    {"fec0::1", false},
    {"100.100.100.200", false},
    {"168.63.129.16", false},
    {"fd00:ec2::254", false},
    {"fd20:ce::254", false},
    {"fd00:c1::a9fe:a9fe", false},
    {"fd00:42::42", false},
};

TEST(AddressPolicy, EveryRangeOfTheRegistriesIsJudged) {
  for (const Row& row : kRegistry) EXPECT_EQ(allows(row.address), row.allowed) << row.address;
}

TEST(AddressPolicy, EveryRowOfTheTableDecidesAboutItsFirstAddressOrALongerRowDoes) {
  for (const SpecialRange& range : kSpecialRanges) {
    const std::string first(range.network.substr(0, range.network.find('/')));
    AddressPolicy policy;
    EXPECT_TRUE(policy.add(range.network, true)) << range.network;
    if (range.reach == Reach::kNowhere) {
      EXPECT_FALSE(allows(first)) << range.network;
    }
  }
}

TEST(AddressPolicy, TheInternetIsAllowed) {
  for (const char* text : {"8.8.8.8", "1.1.1.1", "169.253.255.255", "169.255.0.0", "198.17.255.255",
                           "223.255.255.255", "2001:4860:4860::8888", "2a00::1", "2606:4700::1111"})
    EXPECT_TRUE(allows(text)) << text;
}

TEST(AddressPolicy, LinkLocalIsDeniedInEveryDisguise) {
  for (const char* text : {"::ffff:169.254.169.254",           // mapped
                           "::169.254.169.254",                // compatible
                           "::ffff:0:169.254.169.254",         // translated
                           "64:ff9b::169.254.169.254",         // NAT64
                           "64:ff9b:1:a9fe:a9:fe00::",         // local NAT64, prefix /48
                           "64:ff9b:1:a9fe:a9:fe00::1",        // the same, with a suffix that is not zero
                           "64:ff9b:1:ffa9:fe:a9fe::",         // /56
                           "64:ff9b:1:ffff:a9:fea9:fe00:0",    // /64
                           "64:ff9b:1::169.254.169.254",       // /96
                           "2002:a9fe:a9fe::1",                // 6to4
                           "2001:0:a9fe:a9fe::f7f7:f7f7",      // Teredo, the server
                           "2001:0:808:808::5601:5601",        // Teredo, the client
                           "2a00::5efe:169.254.169.254",       // ISATAP
                           "2a00::200:5efe:169.254.169.254"})  // ISATAP, of a global address
    EXPECT_FALSE(allows(text)) << text;
}

TEST(AddressPolicy, WhatIsInsideTheFormsIsAllowedWhereItsAddressIs) {
  for (const char* text :
       {"::ffff:8.8.8.8", "::8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1",
        "64:ff9b:1:a00:0:100::", "2002:a00:1::1", "2001:0:808:808::f5ff:fffe", "2a00::5efe:10.0.0.1"})
    EXPECT_TRUE(allows(text)) << text;
}

TEST(AddressPolicy, ThisHostIsDeniedInEveryDisguise) {
  for (const char* text :
       {"::ffff:0.0.0.0", "64:ff9b::", "64:ff9b:1::", "2002::", "2001::", "2a00::5efe:0.0.0.0"})
    EXPECT_FALSE(allows(text)) << text;
}

TEST(AddressPolicy, TheMostSpecificRuleDecides) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("10.0.0.0/8", false));
  ASSERT_TRUE(policy.add("10.1.0.0/16", true));
  ASSERT_TRUE(policy.add("10.1.2.3", false));
  ASSERT_TRUE(policy.add("10.1.2.3:8080", true));
  EXPECT_FALSE(policy.allows(endpoint("10.9.9.9")));
  EXPECT_TRUE(policy.allows(endpoint("10.1.9.9")));
  EXPECT_FALSE(policy.allows(endpoint("10.1.2.3")));
  EXPECT_TRUE(policy.allows(endpoint("10.1.2.3", 8080)));
}

TEST(AddressPolicy, OfTwoAlikeTheDenialCounts) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("10.0.0.0/8", false));
  ASSERT_TRUE(policy.add("10.0.0.0/8", true));
  EXPECT_FALSE(policy.allows(endpoint("10.0.0.1")));
}

TEST(AddressPolicy, AnOperatorCanListWhatIsDeniedByItself) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("169.254.0.0/16", true));  // as long as the built-in rule
  ASSERT_TRUE(policy.add("fe80::/64", true));
  EXPECT_TRUE(allows("169.254.10.5", policy));
  EXPECT_TRUE(allows("::ffff:169.254.10.5", policy));
  EXPECT_TRUE(allows("64:ff9b::169.254.10.5", policy));
  EXPECT_TRUE(allows("fe80::1", policy));
  EXPECT_FALSE(allows("fe80:0:0:1::1", policy));
}

TEST(AddressPolicy, AWideRuleDoesNotOpenTheSpecialRanges) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("0.0.0.0/0", true));
  EXPECT_FALSE(allows("169.254.169.254", policy));
}

TEST(AddressPolicy, ADenialHoldsInEveryDisguise) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("10.0.0.0/8", false));
  for (const char* text : {"10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1"})
    EXPECT_FALSE(allows(text, policy)) << text;
}

TEST(AddressPolicy, EverythingCanBeDeniedButAList) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("::/0", false));
  ASSERT_TRUE(policy.add("[2a00::1]:443", true));
  EXPECT_FALSE(policy.allows(endpoint("8.8.8.8")));
  EXPECT_TRUE(policy.allows(endpoint("2a00::1", 443)));
  EXPECT_FALSE(policy.allows(endpoint("2a00::1", 80)));
}

constexpr const char* kOwnIpv4[] = {"127.0.0.1",  "10.0.0.1",      "172.16.0.1",      "192.168.1.1",
                                    "100.64.0.1", "2002:a00:1::1", "::ffff:10.0.0.1", "64:ff9b::127.0.0.1"};
constexpr const char* kOwnIpv6[] = {"::1", "fd00::1", "64:ff9b:1::1"};

TEST(AddressPolicy, NoBuiltInRowOpensWhatIsDeniedWithEverything) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("::/0", false));
  ASSERT_TRUE(policy.add("192.168.7.0/24", true));
  for (const char* text : kOwnIpv4) EXPECT_FALSE(allows(text, policy)) << text;
  for (const char* text : kOwnIpv6) EXPECT_FALSE(allows(text, policy)) << text;
  EXPECT_FALSE(allows("8.8.8.8", policy));
  EXPECT_FALSE(allows("2a00::1", policy));
  EXPECT_TRUE(allows("192.168.7.1", policy));
}

TEST(AddressPolicy, NoBuiltInRowOpensWhatIsDeniedWithAllOfIpv4) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("0.0.0.0/0", false));
  ASSERT_TRUE(policy.add("192.168.7.0/24", true));
  for (const char* text : kOwnIpv4) EXPECT_FALSE(allows(text, policy)) << text;
  EXPECT_FALSE(allows("8.8.8.8", policy));
  EXPECT_TRUE(allows("192.168.7.1", policy));
  EXPECT_TRUE(allows("::1", policy));  // not of IPv4
}

TEST(AddressPolicy, EveryRowOfTheTableYieldsToAConfiguredDenial) {
  for (const SpecialRange& range : kSpecialRanges) {
    AddressPolicy policy;
    ASSERT_TRUE(policy.add("::/0", false));
    const std::string first(range.network.substr(0, range.network.find('/')));
    EXPECT_FALSE(allows(first, policy)) << range.network;
  }
}

TEST(AddressPolicy, AListedNetworkWithinADeniedOneKeepsTheSpecialRangesClosed) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("::/0", false));
  ASSERT_TRUE(policy.add("100.64.0.0/10", true));
  EXPECT_TRUE(allows("100.64.0.1", policy));
  EXPECT_FALSE(allows("100.100.100.200", policy));
}

TEST(AddressPolicy, ListsWhatARuleWithAPortAllows) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("127.0.0.1:9000", true));
  EXPECT_TRUE(policy.lists(endpoint("127.0.0.1", 9000)));
  EXPECT_FALSE(policy.lists(endpoint("127.0.0.1", 9001)));
}

TEST(AddressPolicy, RefusesWhatIsNoRule) {
  AddressPolicy policy;
  for (const char* text :
       {"", "example.com", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.1:0", "10.0.0.1:99999", "[::1]",
        "[::1]:", "[::1", "[", "::/129", "1.2.3", "10.0.0.0/8x", "10.0.0.1:80x", "/8", ":80"})
    EXPECT_FALSE(policy.add(text, true)) << text;
}

TEST(AddressPolicy, OtherFamiliesAreDenied) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  EXPECT_FALSE(AddressPolicy().allows(reinterpret_cast<const sockaddr&>(local)));
}

TEST(AddressPolicy, NamesAnEndpoint) {
  EXPECT_EQ(to_text(endpoint("8.8.8.8", 8080)), "8.8.8.8:8080");
  EXPECT_EQ(to_text(endpoint("2a00::1", 443)), "[2a00::1]:443");
}

}  // namespace
}  // namespace lcg::net
