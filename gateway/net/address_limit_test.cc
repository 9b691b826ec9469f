#include "gateway/net/address_limit.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

namespace lcg::net {
namespace {

AddressKey key_of(const std::string& text) {
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    return address_key(reinterpret_cast<const sockaddr*>(&v4));
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  EXPECT_EQ(::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
  return address_key(reinterpret_cast<const sockaddr*>(&v6));
}

TEST(AddressKey, Ipv4AddressesDiffer) { EXPECT_NE(key_of("192.0.2.1"), key_of("192.0.2.2")); }

TEST(AddressKey, MappedIpv4IsTheIpv4Address) { EXPECT_EQ(key_of("::ffff:192.0.2.1"), key_of("192.0.2.1")); }

TEST(AddressKey, Ipv6CountsByNetwork) {
  EXPECT_EQ(key_of("2001:db8:1:2::1"), key_of("2001:db8:1:2:ffff::9"));
  EXPECT_NE(key_of("2001:db8:1:2::1"), key_of("2001:db8:1:3::1"));
}

TEST(AddressLimit, RefusesAtTheLimitOfOneAddressAlone) {
  AddressLimit limit(2, 7);

  EXPECT_TRUE(limit.add(1));
  EXPECT_TRUE(limit.add(1));
  EXPECT_FALSE(limit.add(1));
  EXPECT_TRUE(limit.add(2));
}

TEST(AddressLimit, ForgetsAddressesWithoutAny) {
  AddressLimit limit(1, 7);
  ASSERT_TRUE(limit.add(1));
  EXPECT_FALSE(limit.add(1));

  limit.remove(1);

  EXPECT_EQ(limit.addresses(), 0u);
  EXPECT_TRUE(limit.add(1));
}

}  // namespace
}  // namespace lcg::net
