// The gateway's limits and those of plugins go by keys of their own (base/client_address.h, lcg/net/address.hpp): for
// every form of an address both must see the same clients.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/client_address.h"
#include "lcg/net/address.hpp"

namespace {

const std::vector<std::string> kForms{"192.0.2.1",
                                      "192.0.2.1:4711",
                                      "::ffff:192.0.2.1",
                                      "[::ffff:192.0.2.1]:80",
                                      "::FFFF:C000:0201",
                                      "192.0.2.2",
                                      "2001:db8::1",
                                      "2001:DB8::1",
                                      "[2001:db8::1]",
                                      "[2001:db8::1]:443",
                                      "2001:db8:0:0::ffff",
                                      "2001:db8:0:1::1",
                                      "fe80::1%eth0",
                                      "[fe80::2]:80",
                                      "::1",
                                      "::192.0.2.1",
                                      "ffff:ffff:ffff:ffff::1",
                                      "0:ffff:a:b::1"};

TEST(AddressKeys, OfGatewayAndPluginsTellTheSameClientsApart) {
  for (const std::string& a : kForms) {
    for (const std::string& b : kForms) {
      const auto left = lcg::ClientAddress::parse(a), right = lcg::ClientAddress::parse(b);
      ASSERT_TRUE(left && right) << a << ", " << b;

      EXPECT_EQ(left->key() == right->key(), lcg::address_key(a).host == lcg::address_key(b).host)
          << a << ", " << b;
    }
  }
}

TEST(AddressKeys, OfTheTextThatPluginsAreToldIsThatOfTheAddress) {
  for (const std::string& form : kForms) {
    EXPECT_EQ(lcg::address_key(lcg::ClientAddress::parse(form)->text()).host, lcg::address_key(form).host)
        << form;
  }
}

}  // namespace
