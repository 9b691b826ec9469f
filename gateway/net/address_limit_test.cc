#include "gateway/net/address_limit.h"

#include <gtest/gtest.h>

namespace lcg::net {
namespace {

TEST(AddressLimit, RefusesAtTheLimitOfOneAddressAlone) {
  AddressLimit limit(2);

  EXPECT_TRUE(limit.add(1));
  EXPECT_TRUE(limit.add(1));
  EXPECT_FALSE(limit.add(1));
  EXPECT_TRUE(limit.add(2));
}

TEST(AddressLimit, ForgetsAddressesWithoutAny) {
  AddressLimit limit(1);
  ASSERT_TRUE(limit.add(1));
  EXPECT_FALSE(limit.add(1));

  limit.remove(1);

  EXPECT_EQ(limit.addresses(), 0u);
  EXPECT_TRUE(limit.add(1));
}

}  // namespace
}  // namespace lcg::net
