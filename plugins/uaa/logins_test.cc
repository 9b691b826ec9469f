// SPDX-License-Identifier: Apache-2.0
// Logins in the fake host: from the first pair of tokens to revocation.
#include "plugins/uaa/records.h"
#include "plugins/uaa/testing/uaa_rig.h"

namespace lcg::uaa {
namespace {

using namespace std::chrono_literals;

class LoginsTest : public UaaRig {};

TEST_F(LoginsTest, ARefreshTokenBuysTheNextPair) {
  load();
  const Reply first = login();

  const Reply second = refresh_grant(refresh(first));

  EXPECT_EQ(second.error_code, 200u) << second.data;
  EXPECT_NE(refresh(second), refresh(first));
  EXPECT_EQ(connect(access(second)).auth_id, connect(access(first)).auth_id);
  EXPECT_EQ(refresh_grant(refresh(second)).error_code, 200u);
}

TEST_F(LoginsTest, AUsedRefreshTokenRevokesTheWholeLogin) {
  load();
  const Reply first = login();
  const std::string auth_id = connect(access(first)).auth_id;
  const Reply second = refresh_grant(refresh(first));

  EXPECT_EQ(member(refresh_grant(refresh(first)), "error"), "invalid_grant");

  ASSERT_FALSE(host_.disconnects().empty());
  EXPECT_EQ(host_.disconnects().front().auth_id, auth_id);
  EXPECT_EQ(host_.disconnects().front().code, 3500u);
  EXPECT_EQ(member(refresh_grant(refresh(second)), "error"), "invalid_grant");
  EXPECT_EQ(connect(access(second)).disconnect_code, 3500u);
}

TEST_F(LoginsTest, AGuessedRefreshTokenRevokesNothing) {
  load();
  const Reply tokens = login();
  std::string guess = refresh(tokens);
  guess.replace(guess.rfind('.') + 1, 10, "AAAAAAAAAA");

  EXPECT_EQ(member(refresh_grant(guess), "error"), "invalid_grant");
  EXPECT_EQ(post("/oauth/revoke", "token=" + guess).error_code, 200u);

  EXPECT_TRUE(host_.disconnects().empty());
  EXPECT_EQ(refresh_grant(refresh(tokens)).error_code, 200u);
}

TEST_F(LoginsTest, InTheGraceTimeALostAnswerMayBeAskedForAgain) {
  load({{"refresh_grace", "10s"}});
  const Reply first = login();
  refresh_grant(refresh(first));

  const Reply again = refresh_grant(refresh(first));
  EXPECT_EQ(again.error_code, 200u);
  host_.advance(11'000);

  EXPECT_EQ(member(refresh_grant(refresh(first)), "error"), "invalid_grant");
  EXPECT_EQ(connect(access(again)).disconnect_code, 3500u);
}

TEST_F(LoginsTest, ALoginEndsWhenItIsNotRefreshed) {
  load({{"refresh_ttl", "1h"}, {"access_ttl", "2h"}});
  const Reply tokens = login();
  host_.advance(3'600'000);

  EXPECT_EQ(member(refresh_grant(refresh(tokens)), "error"), "invalid_grant");
  EXPECT_EQ(connect(access(tokens)).disconnect_code, 3500u);
}

TEST_F(LoginsTest, BeyondTheLimitTheLoginLongestUnusedIsRevoked) {
  load({{"logins_per_user", "2"}});
  const Reply first = login();
  host_.advance(1000);
  const Reply second = password_grant("alice");
  host_.advance(1000);
  const Reply third = password_grant("alice");

  EXPECT_EQ(connect(access(first)).disconnect_code, 3500u);
  EXPECT_EQ(connect(access(second)).status, LCG_OK);
  EXPECT_EQ(connect(access(third)).status, LCG_OK);
  EXPECT_EQ(host_.disconnects().size(), 1u);
}

TEST_F(LoginsTest, RevokingByEitherTokenEndsTheLoginAndItsSessions) {
  load();
  add_user("alice");
  for (const bool by_access : {true, false}) {
    const Reply tokens = password_grant("alice");
    const std::string auth_id = connect(access(tokens)).auth_id;

    EXPECT_EQ(post("/oauth/revoke", "token=" + (by_access ? access(tokens) : refresh(tokens))).error_code,
              200u);

    EXPECT_EQ(host_.disconnects().back().auth_id, auth_id);
    EXPECT_EQ(host_.disconnects().back().user_id, "alice");
    EXPECT_EQ(connect(access(tokens)).disconnect_code, 3500u);
    EXPECT_EQ(member(refresh_grant(refresh(tokens)), "error"), "invalid_grant");
  }
}

TEST_F(LoginsTest, RevokingWhatIsNoTokenIsFine) {
  load();
  EXPECT_EQ(post("/oauth/revoke", "token=whatever").error_code, 200u);
  EXPECT_EQ(post("/oauth/revoke", "").error_code, 400u);
}

TEST_F(LoginsTest, AnExpiredTokenIsAnsweredWithTheCodeThatMakesClientsFetchANewOne) {
  load();
  const Reply tokens = login();
  host_.advance(16 * 60'000);

  const Reply connected = connect(access(tokens));

  EXPECT_EQ(connected.error_code, 109u);
  EXPECT_EQ(connected.disconnect_code, 0u);
}

TEST_F(LoginsTest, ABadTokenClosesTheConnection) {
  load();
  const Reply connected = connect("not.a.token");

  EXPECT_EQ(connected.disconnect_code, 3500u);
  EXPECT_NE(connected.status, LCG_OK);
}

TEST_F(LoginsTest, ASessionIsRefreshedByAFreshTokenOfItsLogin) {
  load();
  const Reply first = login();
  const Reply connected = connect(access(first));
  host_.advance(60'000);
  const Reply second = refresh_grant(refresh(first));

  const Reply refreshed = refresh_session(access(second), connected);

  EXPECT_EQ(refreshed.status, LCG_OK) << refreshed.message;
  EXPECT_GT(refreshed.expire_at_ms, connected.expire_at_ms);
}

TEST_F(LoginsTest, ASessionIsNotRefreshedByWhatIsExpiredForeignOrRevoked) {
  load();
  const Reply alice = login("alice");
  const Reply bob = login("bob");
  const Reply connected = connect(access(alice));

  EXPECT_EQ(refresh_session(access(bob), connected).disconnect_code, 3500u);
  EXPECT_EQ(refresh_session("rubbish", connected).disconnect_code, 3500u);
  EXPECT_EQ(refresh_session(access(password_grant("alice")), connected).disconnect_code, 3005u);
  host_.advance(16 * 60'000);
  EXPECT_EQ(refresh_session(access(alice), connected).disconnect_code, 3005u);
  const Reply fresh = refresh_grant(refresh(alice));
  post("/oauth/revoke", "token=" + access(fresh));
  EXPECT_EQ(refresh_session(access(fresh), connected).disconnect_code, 3500u);
}

}  // namespace
}  // namespace lcg::uaa
