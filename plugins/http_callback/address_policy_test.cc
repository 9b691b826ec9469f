// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/address_policy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include "plugins/http_callback/own_listener.h"

namespace lcg::http_callback {
namespace {

sockaddr_storage address(const std::string& text, uint16_t port) {
  sockaddr_storage out{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(out);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
  }
  return out;
}

Endpoint endpoint(const std::string& text, uint16_t port = 80) {
  const sockaddr_storage raw = address(text, port);
  return endpoint_of(reinterpret_cast<const sockaddr&>(raw)).value();
}

TEST(AddressPolicy, LetsTheInternetLoopbackAndPrivateNetworksThrough) {
  const AddressPolicy policy;
  for (const char* text :
       {"192.0.2.7", "127.0.0.1", "10.1.2.3", "192.168.0.9", "::1", "2001:db8::1", "fd00::1"})
    EXPECT_TRUE(policy.allows(endpoint(text))) << text;
}

TEST(AddressPolicy, DeniesMetadataAndLinkLocalInEveryDisguise) {
  const AddressPolicy policy;
  for (const char* text :
       {"169.254.169.254", "169.254.0.1", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "fe80::1",
        "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "0.0.0.0", "0.1.2.3", "::", "224.0.0.1",
        "255.255.255.255", "ff02::1"})
    EXPECT_FALSE(policy.allows(endpoint(text))) << text;
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

TEST(AddressPolicy, AnOperatorCanListAMetadataAddress) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("169.254.10.0/24", true));
  EXPECT_TRUE(policy.allows(endpoint("169.254.10.5")));
  EXPECT_FALSE(policy.allows(endpoint("169.254.11.5")));
}

TEST(AddressPolicy, EverythingCanBeDeniedButAList) {
  AddressPolicy policy;
  ASSERT_TRUE(policy.add("::/0", false));
  ASSERT_TRUE(policy.add("[2001:db8::1]:443", true));
  EXPECT_FALSE(policy.allows(endpoint("192.0.2.7")));
  EXPECT_TRUE(policy.allows(endpoint("2001:db8::1", 443)));
  EXPECT_FALSE(policy.allows(endpoint("2001:db8::1", 80)));
}

TEST(AddressPolicy, RefusesWhatIsNoRule) {
  AddressPolicy policy;
  for (const char* text : {"", "example.com", "10.0.0.0/33", "10.0.0.0/", "10.0.0.1:0", "10.0.0.1:99999",
                           "[::1]", "[::1]:", "[::1", "::/129", "1.2.3", "10.0.0.0/8x", "10.0.0.1:80x"})
    EXPECT_FALSE(policy.add(text, true)) << text;
}

TEST(AddressPolicy, NamesAnEndpoint) {
  EXPECT_EQ(to_text(endpoint("192.0.2.7", 8080)), "192.0.2.7:8080");
  EXPECT_EQ(to_text(endpoint("2001:db8::1", 443)), "[2001:db8::1]:443");
}

class OwnListener : public ::testing::Test {
 protected:
  // Listens on a free port of `host`.
  void listen_on(const char* host) {
    const sockaddr_storage raw = address(host, 0);
    fd_ = socket(raw.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const socklen_t size = raw.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    ASSERT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&raw), size), 0);
    ASSERT_EQ(listen(fd_, 1), 0);
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    ASSERT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &length), 0);
    port_ = endpoint_of(reinterpret_cast<const sockaddr&>(bound))->port;
  }
  void TearDown() override { close(fd_); }
  bool is_own(const char* host, int port) const {
    const sockaddr_storage raw = address(host, static_cast<uint16_t>(port));
    return is_own_listener(reinterpret_cast<const sockaddr&>(raw));
  }

  int fd_ = -1;
  uint16_t port_ = 0;
};

TEST_F(OwnListener, IsFoundByItsAddress) {
  listen_on("127.0.0.1");
  EXPECT_TRUE(is_own("127.0.0.1", port_));
  EXPECT_TRUE(is_own("::ffff:127.0.0.1", port_));
  EXPECT_FALSE(is_own("127.0.0.1", port_ ^ 1));
  EXPECT_FALSE(is_own("127.0.0.2", port_));
}

TEST_F(OwnListener, OnAllAddressesIsFoundByAnyOfThisMachine) {
  listen_on("0.0.0.0");
  EXPECT_TRUE(is_own("127.0.0.1", port_));
  EXPECT_FALSE(is_own("192.0.2.7", port_));
}

}  // namespace
}  // namespace lcg::http_callback
