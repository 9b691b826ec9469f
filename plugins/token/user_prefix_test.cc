// SPDX-License-Identifier: Apache-2.0
// The plugin beside another authority: whatever a token's sub is, the user's id begins with the plugin's user_prefix.
#include "plugins/token/testing/token_rig.h"

namespace lcg::token {
namespace {

class UserPrefixTest : public TokenRig {
 protected:
  UserPrefixTest() { load({{"user_prefix", "t@"}}); }
};

TEST_F(UserPrefixTest, TheSubFollowsThePrefix) {
  for (const std::string sub : {"42", "u@42", "t@42", "#42", "a/b", "@7"})
    EXPECT_EQ(connect(token("", sub)).user_id, "t@" + sub) << sub;
}

TEST_F(UserPrefixTest, AnAnonymousTokenStaysAnonymous) {
  const Reply connected = connect(token("", ""));
  EXPECT_TRUE(connected.ok());
  EXPECT_EQ(connected.user_id, "");
}

TEST_F(UserPrefixTest, AnIdIsNoLongerThanEverywhere) {
  EXPECT_TRUE(connect(token("", std::string(253, 'a'))).ok());
  EXPECT_EQ(connect(token("", std::string(254, 'a'))).disconnect_code, 3500u);
}

TEST_F(UserPrefixTest, ATokenIsForItsOwnUserAlone) {
  const std::string next = token(), sub = token(R"("channel":"news")");
  EXPECT_TRUE(refresh(next, lcg::testing::peer("t@ann", "device", "s1")).ok());
  EXPECT_TRUE(subscribe(sub, "news", lcg::testing::peer("t@ann", "device", "s1")).ok());

  for (const char* other : {"ann", "u@ann"}) {
    EXPECT_EQ(refresh(next, lcg::testing::peer(other, "device", "s1")).disconnect_code, 3500u) << other;
    EXPECT_EQ(subscribe(sub, "news", lcg::testing::peer(other, "device", "s1")).error_code, 109u) << other;
  }
}

TEST_F(UserPrefixTest, ARevocationNamesTheWholeId) {
  const std::string old = token();
  const Reply short_id = revoke(of_user("ann"));
  EXPECT_EQ(short_id.status, LCG_E_NOT_FOUND);
  EXPECT_EQ(short_id.message, "user ids of token begin with t@");
  EXPECT_TRUE(connect(old).ok());

  Revocation whole = of_user("t@ann");
  whole.issued_before_s = now_s() + 1;
  EXPECT_TRUE(revoke(whole).ok());
  EXPECT_EQ(connect(old).error_code, 109u);
}

}  // namespace
}  // namespace lcg::token
