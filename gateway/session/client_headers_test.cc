#include "gateway/session/client_headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lcg::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(ClientHeaders, NoneIsSeenUnlessItIsAllowed) {
  EXPECT_THAT(allowed_headers({}, {{"Cookie", "c"}}), IsEmpty());
  EXPECT_THAT(allowed_headers({"x-tenant"}, {{"Cookie", "c"}, {"X-Tenant", "7"}}),
              ElementsAre(Pair("x-tenant", "7")));
}

TEST(ClientHeaders, SeveralOfOneNameAreOne) {
  EXPECT_THAT(allowed_headers({"b", "a"}, {{"B", "1"}, {"a", "0"}, {"b", "2"}}),
              ElementsAre(Pair("a", "0"), Pair("b", "1, 2")));
}

TEST(ClientHeaders, ARealOneHidesAnEmulatedOne) {
  EXPECT_EQ(headers_json({{"a", "real"}}, {{"a", "claimed"}, {"b", "claimed"}}).view(),
            R"({"a":"real","b":"claimed"})");
}

TEST(ClientHeaders, ThoseOfTheDeviceAreTakenWhateverIsAllowed) {
  const ClientHeaders real = device_headers({{"Lcg-Device", "phone"}, {"Cookie", "c"}});
  const ClientHeaders emulated = device_headers({{"lcg-device", "tab"}, {"LCG-EPOCH", "7"}});

  EXPECT_EQ(value_of(kDeviceHeader, real, emulated), "phone");
  EXPECT_EQ(value_of(kDeviceHeader, {}, emulated), "tab");
  EXPECT_EQ(value_of(kDeviceEpochHeader, real, emulated), "7");
  EXPECT_EQ(value_of(kDeviceEpochHeader, real, {}), std::nullopt);
}

TEST(ClientHeaders, NothingIsNoObject) { EXPECT_TRUE(headers_json({}, {}).empty()); }

TEST(ClientHeaders, AnyBytesBecomeJson) {
  EXPECT_EQ(headers_json({{"a", "\"\xff"}}, {}).view(), "{\"a\":\"\\\"\xEF\xBF\xBD\"}");
}

}  // namespace
}  // namespace lcg::gateway
