// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/name_limit.h"

#include <gtest/gtest.h>

namespace lcg::uaa {
namespace {

constexpr int64_t kMinute = 60'000'000'000;

class NameLimitTest : public ::testing::Test {
 protected:
  bool take(const std::string& remote, const std::string& device = "", int64_t now_ns = 0) {
    return limit_.take("alice", device, address_key(remote), now_ns).allowed;
  }
  NameLimit limit_{{{2, 2}, {3, 1}, {1, 0.1}}, {}};
};

TEST_F(NameLimitTest, AnAddressHasItsOwn) {
  EXPECT_TRUE(take("192.0.2.1"));
  EXPECT_TRUE(take("192.0.2.1"));
  EXPECT_FALSE(take("192.0.2.1"));
  EXPECT_TRUE(take("192.0.2.2"));
}

TEST_F(NameLimitTest, ADeviceHasItsOwnWhateverOthersDo) {
  for (int i = 0; i < 20; ++i) take("192.0.2." + std::to_string(i));

  EXPECT_TRUE(take("192.0.2.1", "d1"));
  EXPECT_TRUE(take("192.0.2.1", "d1"));
  EXPECT_FALSE(take("192.0.2.1", "d1"));
  EXPECT_TRUE(take("192.0.2.1", "d2"));
}

TEST_F(NameLimitTest, BeyondTheNamesOwnEachNetworkHasALittle) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(take("192.0.2." + std::to_string(i)));

  EXPECT_TRUE(take("198.51.100.1"));
  EXPECT_FALSE(take("198.51.100.1"));
  EXPECT_TRUE(take("198.51.100.2"));
  EXPECT_TRUE(take("198.51.100.1", "", 11 * kMinute));
}

TEST_F(NameLimitTest, ARefundGivesBackWhatWasTaken) {
  for (int round = 0; round < 20; ++round) {
    const AddressKey address = address_key("192.0.2.1");
    const NameLimit::Taken taken = limit_.take("alice", "", address, 0);
    ASSERT_TRUE(taken.allowed) << round;
    limit_.refund(taken, "alice", "", address, 0);
  }
}

struct Same {
  const char *a, *b;
  bool host, network;
};

class AddressKeyTest : public ::testing::TestWithParam<Same> {};

TEST_P(AddressKeyTest, EveryFormHasOneKey) {
  const AddressKey a = address_key(GetParam().a), b = address_key(GetParam().b);
  EXPECT_EQ(a.host == b.host, GetParam().host);
  EXPECT_EQ(a.network == b.network, GetParam().network);
}

INSTANTIATE_TEST_SUITE_P(Table, AddressKeyTest,
                         ::testing::Values(Same{"192.0.2.1", "192.0.2.1:5555", true, true},
                                           Same{"192.0.2.1:1", "192.0.2.2:1", false, false},
                                           Same{"192.0.2.1", "[::ffff:192.0.2.1]:7", true, true},
                                           Same{"192.0.2.1", "::ffff:c000:201", true, true},
                                           Same{"2001:db8:1:2::1", "[2001:db8:1:2::1]:80", true, true},
                                           Same{"2001:db8:1:2::1", "2001:0DB8:0001:0002:3:4:5:6", true, true},
                                           Same{"[2001:db8:1:2::1]", "2001:db8:1:3::1", false, true},
                                           Same{"2001:db8:1::1", "2001:db8:2::1", false, false},
                                           Same{"fe80::1%eth0", "[fe80::2%1]:9", true, true},
                                           Same{"::1", "[::1]:443", true, true},
                                           Same{"", "unix", false, false}, Same{"[", "]", false, false}));

}  // namespace
}  // namespace lcg::uaa
