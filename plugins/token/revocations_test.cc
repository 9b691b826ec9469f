// SPDX-License-Identifier: Apache-2.0
// What was taken back is refused, and what it opened is closed.
#include "plugins/token/notes.h"
#include "plugins/token/testing/token_rig.h"

namespace lcg::token {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class RevocationTest : public TokenRig {
 protected:
  bool closed(const std::string& session, uint32_t code) const {
    for (const auto& d : host_.disconnects())
      if (d.session_id == session && d.code == code) return true;
    return false;
  }
  bool unsubscribed(const std::string& session, const std::string& channel) const {
    for (const auto& u : host_.unsubscribes())
      if (u.session_id == session && u.channel == channel && u.code == 2502) return true;
    return false;
  }
};

TEST_F(RevocationTest, ARevokedTokenIsRefused) {
  load();
  const std::string first = token(R"("jti":"t1")");
  ASSERT_EQ(connect(first).status, LCG_OK);

  ASSERT_EQ(revoke(of_token("t1")).status, LCG_OK);

  EXPECT_EQ(connect(first).disconnect_code, 3500u);
  EXPECT_EQ(refresh(first).disconnect_code, 3500u);
  EXPECT_EQ(connect(token(R"("jti":"t2")")).status, LCG_OK);
}

TEST_F(RevocationTest, LiveSessionsOfTheTokenAreClosed) {
  load();
  connect(token(R"("jti":"t1")"));

  revoke(of_token("t1"));

  ASSERT_FALSE(host_.disconnects().empty());
  EXPECT_EQ(host_.disconnects().front().auth_id, "t1");
  EXPECT_EQ(host_.disconnects().front().code, 3500u);
}

TEST_F(RevocationTest, TheCallersCodeIsUsed) {
  load();
  Revocation revocation = of_token("t1");
  revocation.code = 4500;
  revoke(revocation);
  EXPECT_EQ(host_.disconnects().front().code, 4500u);
}

TEST_F(RevocationTest, ASessionThatRefreshedWithTheTokenIsClosed) {
  load();
  refresh(token(R"("jti":"t2")"));
  host_.advance(60'000);

  revoke(of_token("t2"));

  EXPECT_TRUE(closed("s1", 3500));
}

TEST_F(RevocationTest, ASubscriptionOfTheTokenEnds) {
  load();
  subscribe(token(R"("jti":"t3","channel":"news")"));
  host_.advance(60'000);

  revoke(of_token("t3"));

  EXPECT_TRUE(unsubscribed("s1", "news"));
  EXPECT_EQ(subscribe(token(R"("jti":"t3","channel":"news")")).error_code, 109u)
      << "the next one may be good";
}

TEST_F(RevocationTest, SubscribingOverAndOverIsOneNote) {
  load();
  const std::string first = token(R"("jti":"t3","channel":"news")");
  for (size_t i = 0; i < NoteLimits().per_owner + 10; ++i) subscribe(first);
  EXPECT_THAT(host_.unsubscribes(), IsEmpty());

  revoke(of_token("t3"));

  EXPECT_THAT(host_.unsubscribes(), SizeIs(1));
}

// What is not noted any more is not left open, and it is that of who filled the notes.
TEST_F(RevocationTest, WhoUsesTooManyTokensLosesTheOldestOfThem) {
  load();
  const Peer mal = lcg::testing::peer("mal", "device", "s2");
  subscribe(token(R"("jti":"victim","channel":"news")"));
  subscribe(token(R"("jti":"first","channel":"news")", "mal"), "news", mal);
  for (size_t i = 1; i < NoteLimits().per_owner; ++i)
    subscribe(token(R"("channel":"other","jti":")" + std::to_string(i) + "\"", "mal"), "other", mal);
  ASSERT_THAT(host_.unsubscribes(), IsEmpty());

  EXPECT_EQ(subscribe(token(R"("jti":"last","channel":"other")", "mal"), "other", mal).status, LCG_OK);

  EXPECT_TRUE(unsubscribed("s2", "news"));
  EXPECT_FALSE(unsubscribed("s1", "news"));
  revoke(of_token("victim"));
  EXPECT_TRUE(unsubscribed("s1", "news"));
}

TEST_F(RevocationTest, OlderTokensOfAUserAreRefused) {
  load();
  const std::string old = token();
  host_.advance(2000);

  ASSERT_EQ(revoke(of_user("ann")).status, LCG_OK);

  EXPECT_EQ(connect(old).error_code, 109u);
  EXPECT_EQ(refresh(old).disconnect_code, 3005u);
  EXPECT_EQ(connect(token("", "bob")).status, LCG_OK);
  host_.advance(1000);
  EXPECT_EQ(connect(token()).status, LCG_OK);
}

// Before the revocation or after it: its iat does not say. The client is to fetch another.
TEST_F(RevocationTest, ATokenOfTheVerySecondIsRefusedForEver) {
  load();
  const std::string same_second = token();

  ASSERT_EQ(revoke(of_user("ann")).status, LCG_OK);

  EXPECT_EQ(connect(same_second).error_code, 109u);
  EXPECT_EQ(refresh(same_second).disconnect_code, 3005u);
  host_.advance(1000);
  EXPECT_EQ(connect(same_second).error_code, 109u);
  EXPECT_EQ(connect(token()).status, LCG_OK);
}

// A clock that may be ahead has issued it before.
TEST_F(RevocationTest, ATokenFromWithinTheLeewayIsRefused) {
  load({{"leeway", "5s"}});
  const std::string ahead = hs256(R"({"sub":"ann","iat":)" + std::to_string(now_s() + 5) + R"(,"exp":)" +
                                  std::to_string(now_s() + 3600) + "}");
  ASSERT_EQ(connect(ahead).status, LCG_OK);

  revoke(of_user("ann"));

  EXPECT_EQ(connect(ahead).error_code, 109u);
  host_.advance(6000);
  EXPECT_EQ(connect(token()).status, LCG_OK);
}

TEST_F(RevocationTest, AMomentThatIsGivenIsExact) {
  load();
  Revocation revocation = of_user("ann");
  revocation.issued_before_s = now_s();
  revoke(revocation);
  EXPECT_EQ(connect(token()).status, LCG_OK);
}

TEST_F(RevocationTest, ATokenWithoutIatIsOlderThanEverythingAndNotTheEnd) {
  load();
  revoke(of_user("ann"));
  const Reply reply = connect(hs256(R"({"sub":"ann","exp":)" + std::to_string(now_s() + 60) + "}"));
  EXPECT_EQ(reply.error_code, 109u);
  EXPECT_EQ(reply.message, "token revoked: one with iat is needed");
}

// With a code after which the SDK drops its token and fetches a new one.
TEST_F(RevocationTest, SessionsOfTheUserComeBackWithNewTokens) {
  load();
  revoke(of_user("ann"));
  EXPECT_EQ(host_.disconnects().front().user_id, "ann");
  EXPECT_EQ(host_.disconnects().front().code, 3014u);
}

TEST_F(RevocationTest, AUsersTokensOfOneChannelAreRefused) {
  load();
  const std::string news = token(R"("channel":"news")"), other = token(R"("channel":"other")");
  const std::string connection = token();
  host_.advance(2000);

  revoke(of_user("ann", "news"));

  EXPECT_EQ(subscribe(news).error_code, 109u);
  EXPECT_EQ(subscribe(other, "other").status, LCG_OK);
  EXPECT_EQ(connect(connection).status, LCG_OK);
  EXPECT_THAT(host_.unsubscribes(), SizeIs(1));
  EXPECT_THAT(host_.disconnects(), IsEmpty());
}

TEST_F(RevocationTest, ItSurvivesARestart) {
  load();
  const std::string first = token(R"("jti":"t1")");
  revoke(of_token("t1"));

  host_.restart();

  EXPECT_EQ(connect(first).disconnect_code, 3500u);
}

TEST_F(RevocationTest, EveryInstanceKnows) {
  load({}, 3);
  for (int i = 0; i < 8; ++i) revoke(of_token("t" + std::to_string(i)));
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(connect(token(R"("jti":"t)" + std::to_string(i) + "\"")).disconnect_code, 3500u);
}

TEST_F(RevocationTest, AnEarlierMomentTakesNothingBack) {
  load();
  const std::string old = token();
  host_.advance(10'000);
  revoke(of_user("ann"));
  Revocation earlier = of_user("ann");
  earlier.issued_before_s = 1;
  revoke(earlier);
  EXPECT_EQ(connect(old).error_code, 109u);
}

TEST_F(RevocationTest, ItIsForgottenWhenItsTimeIsOver) {
  load({{"revocation.keep", "1h"}});
  revoke(of_token("t1"));
  revoke(of_user("ann"));
  ASSERT_TRUE(host_.storage().find("@" + std::to_string(host_.slot_of("t1")), "token_revoked",
                                   std::string("t\x02t1")));

  host_.advance(3 * 3'600'000);

  EXPECT_FALSE(host_.storage().find("@" + std::to_string(host_.slot_of("t1")), "token_revoked",
                                    std::string("t\x02t1")));
  EXPECT_EQ(connect(token(R"("jti":"t1")")).status, LCG_OK);
}

TEST_F(RevocationTest, NobodyIsLetInWhileTheStoreIsDown) {
  load();
  lcg::testing::Fault fault;
  fault.service = "storage";
  fault.times = 100;
  host_.inject(fault);

  const Reply reply = connect(token());

  EXPECT_EQ(reply.error_code, 100u);
  EXPECT_EQ(reply.flags, LCG_RESULT_TEMPORARY);
  EXPECT_EQ(reply.disconnect_code, 0u);
}

TEST_F(RevocationTest, ARevocationThatIsNotStoredIsNotAcknowledged) {
  load();
  lcg::testing::Fault fault;
  fault.service = "storage";
  fault.method = "commit";
  host_.inject(fault);
  EXPECT_EQ(revoke(of_token("t1")).status, LCG_E_UNAVAILABLE);
  EXPECT_THAT(host_.disconnects(), IsEmpty());
}

TEST_F(RevocationTest, MalformedOnesAreRefused) {
  load();
  Revocation both = of_token("t");
  both.user = "ann";
  Revocation code = of_token("t");
  code.code = 200;
  for (const Revocation& bad : {Revocation(), both, code, of_token(std::string(256, 'x'))})
    EXPECT_EQ(revoke(bad).status, LCG_E_INVALID);
}

TEST_F(RevocationTest, WithoutRevocationsNothingIsStoredOrAsked) {
  load({{"revocation.enabled", "false"}});
  EXPECT_EQ(connect(token(R"("jti":"t1")")).status, LCG_OK);
  EXPECT_THAT(host_.calls(), Not(Contains(Field(&lcg::testing::CallRecord::service, "storage"))));
  EXPECT_EQ(revoke(of_token("t1")).status, LCG_E_UNSUPPORTED);
}

}  // namespace
}  // namespace lcg::token
