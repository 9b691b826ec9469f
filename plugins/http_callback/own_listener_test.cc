// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/own_listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include "lcg/net/address_policy.hpp"

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
    port_ = net::endpoint_of(reinterpret_cast<const sockaddr&>(bound))->port;
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
