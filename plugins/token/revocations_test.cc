// SPDX-License-Identifier: Apache-2.0
// What was taken back is refused, and what it opened is closed.
#include <algorithm>
#include <random>

#include "plugins/token/notes.h"
#include "plugins/token/testing/token_rig.h"
#include "plugins/token/verify.h"

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
  for (int i = 0; i < 10; ++i) subscribe(first);
  EXPECT_THAT(host_.unsubscribes(), IsEmpty());

  revoke(of_token("t3"));

  EXPECT_THAT(host_.unsubscribes(), SizeIs(1));
}

// The same tokens in one session after the other: what is open meanwhile in another of the user's stays, and is
// found.
TEST_F(RevocationTest, WhoReconnectsForeverLosesNothing) {
  load({}, 2);
  const Peer desktop = lcg::testing::peer("ann", "desktop");
  const std::string first = token(R"("jti":"t1","channel":"news")"), renewed = token(R"("jti":"t2")");
  subscribe(first, "news", desktop);
  refresh(renewed, desktop);
  for (int i = 0; i < 5000; ++i) {
    const Peer phone = lcg::testing::peer("ann", "phone", "phone-" + std::to_string(i));
    ASSERT_EQ(subscribe(first, "news", phone).status, LCG_OK);
    ASSERT_EQ(refresh(renewed, phone).status, LCG_OK);
    host_.peer_gone("token", phone, 3000);
  }
  EXPECT_THAT(host_.unsubscribes(), IsEmpty());
  EXPECT_THAT(host_.disconnects(), IsEmpty());

  EXPECT_EQ(revoke(of_token("t1")).status, LCG_OK);
  EXPECT_EQ(revoke(of_token("t2")).status, LCG_OK);

  EXPECT_THAT(host_.unsubscribes(), SizeIs(1));
  EXPECT_TRUE(unsubscribed(desktop.session_id, "news"));
  EXPECT_TRUE(closed(desktop.session_id, 3500));
  EXPECT_FALSE(closed("phone-7", 3500)) << "it has ended";
}

// The client has gateway.clients.expired_grace for a refresh.
TEST_F(RevocationTest, WhatOutlivesItsTokenAWhileIsFoundAsWell) {
  load();
  subscribe(token(R"("jti":"t1","channel":"news")"));
  host_.advance(3600'000 + 500'000);

  revoke(of_token("t1"));

  EXPECT_TRUE(unsubscribed("s1", "news"));
}

// Whichever is first, at every step of the other: a subscription and a refresh that are let in are found. Each needs
// some seeds of both kinds to be a test.
TEST(RevocationRaceTest, OneDuringAnAdmissionRefusesItOrEndsWhatItOpens) {
  const Peer peer = lcg::testing::peer("ann", "device", "s1");
  size_t refused = 0, ended = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    lcg::testing::Options options;
    options.seed = seed;
    options.reply_jitter_ms = 5;
    lcg::testing::FakeHost host(options);
    host.load(lcg_plugin_descriptor_token(), {{"hmac_secret_key", kSecret}}, 3);
    const bool is_refresh = seed % 2 == 0;
    const std::string jti = "t" + std::to_string(seed);  // on the user's lane, or on another
    const std::string credential =
        hs256(R"({"sub":"ann","exp":)" + std::to_string(host.wall_ms() / 1000 + 60) +
              (is_refresh ? "" : R"(,"channel":"news")") + R"(,"jti":")" + jti + "\"}");
    Revocation revocation;
    revocation.token_id = jti;
    std::mt19937_64 random(seed);
    const auto ask = [&] {
      Request request =
          is_refresh ? lcg::testing::refresh(credential, peer) : lcg::testing::subscribe("news", peer);
      request.credential = credential;
      return host.send("token", std::move(request));
    };
    const auto take_back = [&] { return host.send_call(Call("token", "revoke", jti, encode(revocation))); };
    lcg::testing::Pending asked, revoked;
    const bool asked_first = random() % 4 != 0;
    if (asked_first) asked = ask();
    if (!asked_first) revoked = take_back();
    host.advance(static_cast<int64_t>(random() % 12));
    if (!asked_first) asked = ask();
    if (asked_first) revoked = take_back();
    ASSERT_TRUE(host.run_until([&] { return asked->done && revoked->done; }));
    ASSERT_EQ(revoked->reply.status, LCG_OK);

    const bool let_in = asked->reply.status == LCG_OK && asked->reply.disconnect_code == 0;
    const bool found = is_refresh ? std::any_of(host.disconnects().begin(), host.disconnects().end(),
                                                [](const Disconnect& d) { return d.session_id == "s1"; })
                                  : !host.unsubscribes().empty();
    EXPECT_TRUE(!let_in || found) << "seed " << seed;
    ++(let_in ? ended : refused);
  }
  EXPECT_GT(refused, 20u);
  EXPECT_GT(ended, 20u);
}

TEST_F(RevocationTest, ASessionThatEndedWhileItsTokenWasCheckedIsNotNoted) {
  load();
  Request late = lcg::testing::subscribe("news", ann());
  late.credential = token(R"("jti":"t1","channel":"news")");
  const lcg::testing::Pending answer = host_.send("token", std::move(late));
  host_.peer_gone("token", ann(), 3000);
  ASSERT_TRUE(host_.run_until([&answer] { return answer->done; }));

  revoke(of_token("t1"));

  EXPECT_EQ(answer->reply.flags, LCG_RESULT_TEMPORARY);
  EXPECT_THAT(host_.unsubscribes(), IsEmpty());
}

TEST_F(RevocationTest, ATokenThatDoesNotFitOpensNothing) {
  load();
  subscribe(token(R"("jti":"t1","channel":"other")"));
  subscribe(token(R"("jti":"t1","channel":"news","client":"s9")"));
  subscribe(token(R"("jti":"t1","channel":"news")", "bob"));
  sub_refresh(token(R"("jti":"t1","channel":"other")"));
  refresh(token(R"("jti":"t1")", "bob"));
  refresh(token(R"("jti":"t1","channel":"news")"));

  revoke(of_token("t1"));

  EXPECT_THAT(host_.unsubscribes(), IsEmpty());
  EXPECT_FALSE(closed("s1", 3500));
}

TEST_F(RevocationTest, ASubscriptionGoesByItsNewestToken) {
  load();
  subscribe(token(R"("jti":"t1","channel":"news")"));
  ASSERT_EQ(sub_refresh(token(R"("jti":"t2","channel":"news")")).status, LCG_OK);

  revoke(of_token("t1"));
  EXPECT_THAT(host_.unsubscribes(), IsEmpty());
  revoke(of_token("t2"));
  EXPECT_TRUE(unsubscribed("s1", "news"));
}

TEST_F(RevocationTest, ARefreshThatIsRefusedLeavesTheTokenBefore) {
  load();
  subscribe(token(R"("jti":"t1","channel":"news")"));
  revoke(of_token("t2"));
  sub_refresh(token(R"("jti":"t2","channel":"news")"));

  revoke(of_token("t1"));

  EXPECT_TRUE(unsubscribed("s1", "news"));
}

// What is not noted any more is not left open.
TEST_F(RevocationTest, ASessionOfTooManyChannelsLosesTheOldest) {
  load();
  subscribe(token(R"("jti":"t","channel":"news")", "bob"), "news", lcg::testing::peer("bob", "device", "s2"));
  for (size_t i = 0; i <= Notes::kPerSession; ++i) {
    const std::string channel = "c" + std::to_string(i);
    const Reply reply = subscribe(token(R"("jti":"t","channel":")" + channel + "\""), channel);
    ASSERT_EQ(reply.status, LCG_OK) << channel;
  }

  EXPECT_THAT(host_.unsubscribes(), SizeIs(1));
  EXPECT_TRUE(unsubscribed("s1", "c0"));
  EXPECT_THAT(host_.logs(),
              Contains(Field(&lcg::testing::LogRecord::text, ::testing::HasSubstr("user=ann session=s1"))));
}

TEST_F(RevocationTest, OlderTokensOfAUserAreRefused) {
  load();
  const std::string old = token();
  host_.advance(2000);

  ASSERT_EQ(revoke(of_user("ann")).status, LCG_OK);

  EXPECT_EQ(connect(old).error_code, 109u);
  EXPECT_EQ(refresh(old).disconnect_code, 3005u);
  EXPECT_EQ(connect(token("", "bob")).status, LCG_OK);
  host_.advance(1000 * (1 + kIssuedAheadSeconds));
  EXPECT_EQ(connect(token()).status, LCG_OK);
}

// Before the revocation or after it: its iat does not say. The client is to fetch another.
TEST_F(RevocationTest, ATokenOfTheVerySecondIsRefusedForEver) {
  load();
  const std::string same_second = token();

  ASSERT_EQ(revoke(of_user("ann")).status, LCG_OK);

  EXPECT_EQ(connect(same_second).error_code, 109u);
  EXPECT_EQ(refresh(same_second).disconnect_code, 3005u);
  host_.advance(1000 * (1 + kIssuedAheadSeconds));
  EXPECT_EQ(connect(same_second).error_code, 109u);
  EXPECT_EQ(connect(token()).status, LCG_OK);
}

// A clock that may be ahead has issued it before.
TEST_F(RevocationTest, ATokenOfAClockThatIsAheadIsRefused) {
  for (const auto& [leeway, ahead_s] : {std::pair("0s", kIssuedAheadSeconds),
                                        std::pair("1s", kIssuedAheadSeconds), std::pair("5s", int64_t{5})}) {
    lcg::testing::FakeHost fresh;
    fresh.load(lcg_plugin_descriptor_token(), {{"hmac_secret_key", kSecret}, {"leeway", leeway}});
    const int64_t now = fresh.wall_ms() / 1000;
    const std::string ahead = hs256(R"({"sub":"ann","iat":)" + std::to_string(now + ahead_s) + R"(,"exp":)" +
                                    std::to_string(now + 3600) + "}");
    ASSERT_EQ(fresh.ask(lcg::testing::connect(ahead)).status, LCG_OK) << leeway;

    fresh.await(Client(fresh.host()).revoke(of_user("ann")));

    EXPECT_EQ(fresh.ask(lcg::testing::connect(ahead)).error_code, 109u) << leeway;
  }
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

TEST_F(RevocationTest, WhatIsOpenIsFoundOnEveryLane) {
  load({}, 3);
  for (int i = 0; i < 8; ++i) {
    const std::string n = std::to_string(i);
    const Peer peer = lcg::testing::peer("user" + n, "device", "s" + n);
    subscribe(token(R"("jti":"sub)" + n + R"(","channel":"news")", peer.user_id), "news", peer);
    refresh(token(R"("jti":"con)" + n + "\"", peer.user_id), peer);
  }
  for (int i = 0; i < 8; ++i) {
    const std::string n = std::to_string(i);
    EXPECT_EQ(revoke(of_token("sub" + n)).status, LCG_OK);
    EXPECT_EQ(revoke(of_token("con" + n)).status, LCG_OK);
    EXPECT_TRUE(unsubscribed("s" + n, "news"));
    EXPECT_TRUE(closed("s" + n, 3500));
  }
  const auto is_end = [](const lcg::testing::CallRecord& c) { return c.method == "end"; };
  EXPECT_EQ(std::count_if(host_.calls().begin(), host_.calls().end(), is_end), 16 * 3) << "one a lane";
}

TEST_F(RevocationTest, ALaneThatDoesNotAnswerIsTold) {
  load({}, 3);
  lcg::testing::Fault fault;
  fault.service = "token";
  fault.method = "end";
  host_.inject(fault);
  EXPECT_EQ(revoke(of_token("t1")).status, LCG_E_UNAVAILABLE);
  EXPECT_EQ(revoke(of_token("t1")).status, LCG_OK);
}

TEST_F(RevocationTest, NobodysSessionsAreFoundAsWell) {
  load({}, 3);
  Peer nobody = lcg::testing::peer("", "device", "s1");
  refresh(token(R"("jti":"t1")", ""), nobody);
  EXPECT_EQ(revoke(of_token("t1")).status, LCG_OK);
  EXPECT_TRUE(closed("s1", 3500));
}

TEST_F(RevocationTest, TooMuchAtATimeHasItsOwnWords) {
  load();
  lcg::testing::Fault fault;
  fault.status = LCG_E_BUSY;
  fault.service = "token";
  host_.inject(fault);
  const Reply reply = connect(token());
  EXPECT_EQ(reply.error_code, 100u);
  EXPECT_EQ(reply.message, "too many tokens are being checked: try again");
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
