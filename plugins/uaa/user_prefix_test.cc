// SPDX-License-Identifier: Apache-2.0
// The plugin beside another authority: every id it gives begins with its user_prefix, whatever name is chosen.
#include "plugins/uaa/testing/uaa_rig.h"

namespace lcg::uaa {
namespace {

using namespace std::chrono_literals;

class UserPrefixTest : public UaaRig {
 protected:
  UserPrefixTest() { load({{"user_prefix", "u@"}}); }
  Reply add(const std::string& name) {
    return post("/oauth/register", "username=" + name + "&password=correct+horse");
  }
  Reply login(const std::string& name) { return password_grant(name, "correct+horse"); }
};

TEST_F(UserPrefixTest, ANameBecomesAnIdThatConnects) {
  EXPECT_EQ(member(add("42"), "user_id"), "u@42");
  const Reply tokens = login("42");
  EXPECT_EQ(member(tokens, "user_id"), "u@42");

  const Reply connected = connect(access(tokens));

  EXPECT_EQ(connected.user_id, "u@42");
  EXPECT_EQ(connected.channels, std::vector<std::string>{"#u@42"});
  EXPECT_EQ(connected.info, R"({"name":"42"})");  // the name, not the id
}

TEST_F(UserPrefixTest, NoNameBeginsWithAPrefixOrLeavesIt) {
  for (const char* name :
       {"t%4042", "u%4042", "%4042", "u%40", "%23u%4042", "a%2Fb", "..%2F42%40", "42%00", "%40"}) {
    EXPECT_EQ(add(name).error_code, 400u) << name;
    EXPECT_EQ(login(name).error_code, 400u) << name;
  }
}

TEST_F(UserPrefixTest, ARefreshedLoginIsTheSameUsers) {
  add("ann");
  const Reply first = login("ann");

  const Reply next = refresh_grant(refresh(first));

  EXPECT_EQ(member(next, "user_id"), "u@ann");
}

TEST_F(UserPrefixTest, TheServiceTakesIdsOfItsOwn) {
  EXPECT_TRUE(host_.await(client().add_user("u@ann", "correct horse", "")).ok());
  EXPECT_EQ(member(login("ann"), "user_id"), "u@ann");
  EXPECT_TRUE(host_.await(client().issue_token("u@robot", 1h)).ok());
  EXPECT_TRUE(host_.await(client().revoke("u@ann", "")).ok());
}

TEST_F(UserPrefixTest, TheServiceSaysThatAnIdIsNotItsOwn) {
  for (const char* foreign : {"ann", "t@ann", "u@", "u@t@ann", ""}) {
    EXPECT_FALSE(host_.await(client().add_user(foreign, "correct horse", "")).ok()) << foreign;
    EXPECT_EQ(host_.await(client().issue_token(foreign, 1h)).status, LCG_E_NOT_FOUND) << foreign;
    const Reply revoked = host_.await(client().revoke(foreign, ""));
    EXPECT_EQ(revoked.status, LCG_E_NOT_FOUND) << foreign;
    EXPECT_EQ(revoked.message, "user ids of uaa begin with u@");
  }
}

}  // namespace
}  // namespace lcg::uaa
