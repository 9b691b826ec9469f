// SPDX-License-Identifier: Apache-2.0
// The plugin in the fake host: who is let in, and with what.
#include "plugins/token/testing/token_rig.h"

namespace lcg::token {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class TokenTest : public TokenRig {};

// --- connect -------------------------------------------------------------------------------------

TEST_F(TokenTest, AGoodTokenConnects) {
  load();

  const Reply reply = connect(token(R"("jti":"t1","info":{"n":1},"meta":{"m":2},"channels":["b","a"])"));

  EXPECT_EQ(reply.status, LCG_OK) << reply.message;
  EXPECT_EQ(reply.user_id, "ann");
  EXPECT_EQ(reply.auth_id, "t1");
  EXPECT_EQ(reply.info, R"({"n":1})");
  EXPECT_EQ(reply.meta, R"({"m":2})");
  EXPECT_EQ(reply.expire_at_ms, (now_s() + 3600) * 1000);
  EXPECT_THAT(reply.channels, ElementsAre("a", "b"));
}

TEST_F(TokenTest, SubsWithOptionsAreGivenAsOptions) {
  load();

  const Reply reply = connect(token(
      R"("subs":{"a\"":{"info":1,"data":[2],"override":{"presence":{"value":true},"force_recovery":{"value":false}}},"b":{}})"));

  EXPECT_EQ(reply.options,
            R"({"subs":{"a\"":{"info":1,"data":[2],"override":{"presence":{"value":true},"force_recovery":)"
            R"({"value":false}}},"b":{}}})");
  EXPECT_THAT(reply.channels, IsEmpty());
}

TEST_F(TokenTest, ExpireAtZeroNeverExpires) {
  load();
  EXPECT_EQ(connect(token(R"("expire_at":0)")).expire_at_ms, 0);
}

TEST_F(TokenTest, WithoutATokenTheNextPluginIsAsked) {
  load();
  EXPECT_EQ(host_.ask("token", lcg::testing::connect("")).status, LCG_DEFER);
}

TEST_F(TokenTest, AnExpiredTokenAsksForAnother) {
  load();
  EXPECT_EQ(connect(hs256(R"({"sub":"ann","exp":1})")).error_code, 109u);
}

TEST_F(TokenTest, ATokenThatIsNotValidYetAsksForAnother) {
  load();
  EXPECT_EQ(connect(token(R"("nbf":)" + std::to_string(now_s() + 60))).error_code, 109u);
}

TEST_F(TokenTest, AnIssuersClockMayBeALittleAhead) {
  load();
  const auto issued_at = [this](int64_t at_s) {
    return hs256(R"({"sub":"ann","iat":)" + std::to_string(at_s) + R"(,"exp":)" +
                 std::to_string(now_s() + 60) + "}");
  };
  EXPECT_EQ(connect(issued_at(now_s() + 2)).status, LCG_OK);
  const std::string ahead = issued_at(now_s() + 3);
  EXPECT_EQ(connect(ahead).error_code, 109u);
  host_.advance(1000);
  EXPECT_EQ(connect(ahead).status, LCG_OK);
}

TEST_F(TokenTest, LeewayIsGivenWhereItIsSet) {
  load({{"leeway", "60s"}});
  const std::string just_over = R"({"sub":"ann","exp":)" + std::to_string(now_s() - 59) + "}";
  const std::string well_over = R"({"sub":"ann","exp":)" + std::to_string(now_s() - 60) + "}";

  EXPECT_EQ(connect(hs256(just_over)).status, LCG_OK);
  EXPECT_EQ(connect(hs256(well_over)).error_code, 109u);
}

TEST_F(TokenTest, APartOfASecondOfLeewayIsASecond) {
  load({{"leeway", "500ms"}});
  EXPECT_EQ(connect(hs256(R"({"sub":"ann","exp":)" + std::to_string(now_s()) + "}")).status, LCG_OK);
  EXPECT_EQ(connect(hs256(R"({"sub":"ann","exp":)" + std::to_string(now_s() - 1) + "}")).error_code, 109u);
}

TEST_F(TokenTest, TheClockJumpsAnHour) {
  load();
  const std::string good = token();
  host_.skew_wall_ms(3'600'000);
  EXPECT_EQ(connect(good).error_code, 109u);
  host_.skew_wall_ms(-7'200'000);
  EXPECT_EQ(connect(good).error_code, 109u);  // it is from the future
  host_.skew_wall_ms(3'600'000);
  EXPECT_EQ(connect(good).status, LCG_OK);
}

TEST_F(TokenTest, ABadTokenClosesFor3500) {
  load();
  for (const std::string& bad :
       {std::string("x"), hs256(claims(), std::string(32, 'x')), token() + "x", expired() + "."})
    EXPECT_EQ(connect(bad).disconnect_code, 3500u) << bad;
}

TEST_F(TokenTest, ATokenOfASubscriptionDoesNotConnect) {
  load();
  EXPECT_EQ(connect(token(R"("channel":"news")")).disconnect_code, 3500u);
  EXPECT_EQ(connect(token(R"("channel":"")")).disconnect_code, 3500u);
}

TEST_F(TokenTest, ATokenWithoutExpIsRefused) {
  load();
  EXPECT_EQ(connect(hs256(R"({"sub":"ann"})")).disconnect_code, 3500u);
}

TEST_F(TokenTest, ATokenWithoutExpIsTakenWhereItMayBe) {
  load({{"require_exp", "false"}});
  const Reply reply = connect(hs256(R"({"sub":"ann"})"));
  EXPECT_EQ(reply.status, LCG_OK);
  EXPECT_EQ(reply.expire_at_ms, 0);
}

TEST_F(TokenTest, AnonymousTokensMayBeRefused) {
  load({{"disallow_anonymous_connection_tokens", "true"}});
  EXPECT_EQ(connect(token("", "")).disconnect_code, 3507u);
}

TEST_F(TokenTest, AnonymousTokensConnect) {
  load();
  const Reply reply = connect(token("", ""));
  EXPECT_EQ(reply.status, LCG_OK);
  EXPECT_EQ(reply.user_id, "");
}

TEST_F(TokenTest, TheUserMayBeAnotherClaim) {
  load({{"user_id_claim", "uid"}});
  EXPECT_EQ(connect(token(R"("uid":"u7")")).user_id, "u7");
}

TEST_F(TokenTest, IssuerAndAudienceMatchWholly) {
  load({{"issuer_regex", "https://[a-z]+\\.example"}, {"audience", "lcg"}});
  EXPECT_EQ(connect(token(R"("iss":"https://a.example","aud":["x","lcg"])")).status, LCG_OK);
  EXPECT_EQ(connect(token(R"("iss":"https://a.example.org","aud":"lcg")")).disconnect_code, 3500u);
  EXPECT_EQ(connect(token(R"("iss":"https://a.example","aud":"lc")")).disconnect_code, 3500u);
}

TEST_F(TokenTest, ThePreviousSecretCountsUntilItsTime) {
  const std::string old(32, 'o');
  load({{"hmac_previous_secret_key", old},
        {"hmac_previous_secret_key_valid_until", std::to_string(now_s() + 10)}});
  const std::string with_old = hs256(claims(), old);

  EXPECT_EQ(connect(with_old).status, LCG_OK);
  host_.advance(10'000);
  EXPECT_EQ(connect(with_old).disconnect_code, 3500u);
  EXPECT_EQ(connect(token()).status, LCG_OK);
}

TEST_F(TokenTest, WhatAnotherIssuerSignedIsLeftToOthers) {
  load({{"issuer", "https://a.example"}, {"defer_unknown", "true"}});
  const auto ask = [&](const std::string& credential) {
    return host_.ask("token", lcg::testing::connect(credential));
  };

  EXPECT_EQ(ask(token(R"("iss":"http://localhost:8000")")).status, LCG_DEFER);
  EXPECT_EQ(ask("an opaque token").status, LCG_DEFER);
  EXPECT_EQ(ask(hs256(claims(R"("iss":"https://a.example")"), std::string(32, 'x'))).disconnect_code, 3500u);
}

TEST_F(TokenTest, WhereAnyIssuerWillDoTheKeyTellsWhatIsOurs) {
  load({{"defer_unknown", "true"}});
  const auto ask = [&](const std::string& credential) {
    return host_.ask("token", lcg::testing::connect(credential));
  };

  EXPECT_EQ(ask(EcSigner("of uaa").sign(claims())).status, LCG_DEFER);
  EXPECT_EQ(ask(hs256(claims(), std::string(32, 'x'))).status, LCG_DEFER);
  EXPECT_EQ(ask(token()).user_id, "ann");
  EXPECT_EQ(ask(expired()).error_code, 109u);
}

TEST_F(TokenTest, NoTokenIsEverLogged) {
  load();
  const std::string bad = hs256(claims(), std::string(32, 'x'));
  connect(bad);
  connect(token());

  for (const auto& record : host_.logs()) EXPECT_THAT(record.text, Not(HasSubstr("eyJ"))) << record.text;
}

// --- refresh -------------------------------------------------------------------------------------

TEST_F(TokenTest, ARefreshExtends) {
  load();
  const Reply reply = refresh(token(R"("info":2)"));
  EXPECT_EQ(reply.status, LCG_OK);
  EXPECT_EQ(reply.expire_at_ms, (now_s() + 3600) * 1000);
  EXPECT_EQ(reply.info, "2");
}

TEST_F(TokenTest, ARefreshWithAnExpiredTokenClosesFor3005) {
  load();
  EXPECT_EQ(refresh(hs256(R"({"sub":"ann","exp":1})")).disconnect_code, 3005u);
}

TEST_F(TokenTest, ARefreshWithAnothersTokenClosesFor3500) {
  load();
  EXPECT_EQ(refresh(token("", "bob")).disconnect_code, 3500u);
  EXPECT_EQ(refresh(token(R"("channel":"news")")).disconnect_code, 3500u);
}

// --- subscribe -----------------------------------------------------------------------------------

TEST_F(TokenTest, ATokenOfTheChannelSubscribes) {
  load();

  const Reply reply = subscribe(
      token(R"("channel":"news","client":"s1","info":1,"data":2,"override":{"join_leave":{"value":true}})"));

  EXPECT_EQ(reply.status, LCG_OK) << reply.message;
  EXPECT_EQ(reply.info, "1");
  EXPECT_EQ(reply.data, "2");
  EXPECT_EQ(reply.options, R"({"override":{"join_leave":{"value":true}}})");
  EXPECT_EQ(reply.expire_at_ms, (now_s() + 3600) * 1000);
}

TEST_F(TokenTest, ASubscribeWithoutATokenIsLeftToOthers) {
  load();
  EXPECT_EQ(host_.ask("token", lcg::testing::subscribe("news", ann())).status, LCG_DEFER);
}

TEST_F(TokenTest, ATokenOfAnotherChannelClosesFor3500) {
  load();
  EXPECT_EQ(subscribe(token(R"("channel":"news2")")).disconnect_code, 3500u);
  EXPECT_EQ(subscribe(token()).disconnect_code, 3500u);
}

// An SDK keeps it over a reconnect, and over a change of the user.
TEST_F(TokenTest, ATokenOfAnotherUserOrConnectionAsksForAnother) {
  load();
  for (const std::string& stale :
       {token(R"("channel":"news")", "bob"), token(R"("channel":"news","client":"s2")")}) {
    EXPECT_EQ(subscribe(stale).error_code, 109u);
    EXPECT_EQ(sub_refresh(stale).flags, LCG_RESULT_EXPIRED);
  }
}

TEST_F(TokenTest, AnAnonymousSubscriberNeedsATokenOfNobody) {
  load();
  const Peer nobody = lcg::testing::peer("", "device", "s1");
  EXPECT_EQ(subscribe(token(R"("channel":"news")", ""), "news", nobody).status, LCG_OK);
  EXPECT_EQ(subscribe(token(R"("channel":"news")"), "news", nobody).error_code, 109u);
}

TEST_F(TokenTest, ABadTokenOfASubscriptionIsDenied) {
  load();
  const Reply reply = subscribe("x");
  EXPECT_EQ(reply.error_code, 103u);
  EXPECT_EQ(reply.disconnect_code, 0u);
}

TEST_F(TokenTest, AnExpiredTokenOfASubscriptionAsksForAnother) {
  load();
  EXPECT_EQ(subscribe(expired()).error_code, 109u);
}

TEST_F(TokenTest, ASubRefreshExtendsOrEnds) {
  load();
  EXPECT_EQ(sub_refresh(token(R"("channel":"news")")).expire_at_ms, (now_s() + 3600) * 1000);
  EXPECT_EQ(sub_refresh(expired()).flags, LCG_RESULT_EXPIRED);
  EXPECT_EQ(sub_refresh(token(R"("channel":"other")")).disconnect_code, 3500u);
  EXPECT_EQ(sub_refresh("x").disconnect_code, 3500u);
}

TEST_F(TokenTest, SubscriptionsMayHaveKeysOfTheirOwn) {
  const std::string other(32, 's');
  load({{"subscription_token.enabled", "true"}, {"subscription_token.hmac_secret_key", other}});
  const std::string of_channel = claims(R"("channel":"news")");

  EXPECT_EQ(subscribe(hs256(of_channel, other)).status, LCG_OK);
  EXPECT_EQ(subscribe(hs256(of_channel)).error_code, 103u);
  EXPECT_EQ(connect(hs256(claims(), other)).disconnect_code, 3500u);
}

// --- settings ------------------------------------------------------------------------------------

TEST_F(TokenTest, BadKeysRefuseToStartAndAreNamed) {
  EXPECT_THAT(refusal({}), HasSubstr("no key is set"));
  EXPECT_THAT(refusal({{"hmac_secret_key", "short"}}), HasSubstr("hmac_secret_key is shorter than 16 bytes"));
  EXPECT_THAT(refusal({{"rsa_public_key", "x"}}), HasSubstr("rsa_public_key is not a public key in PEM"));
  EXPECT_THAT(refusal({{"ecdsa_public_key_file", "/nonexistent"}}),
              HasSubstr("ecdsa_public_key_file: cannot be read: No such file"));
  EXPECT_THAT(refusal({{"hmac_secret_key", kSecret}, {"hmac_algorithm", "none"}}),
              HasSubstr("hmac_algorithm: expected HS256, HS384 or HS512, found a text of 4 bytes"));
  EXPECT_THAT(refusal({{"hmac_secret_key", kSecret}, {"issuer_regex", "("}}),
              HasSubstr("issuer_regex: missing )"));
  EXPECT_THAT(refusal({{"hmac_secret_key", kSecret}, {"leeway", "61s"}}), HasSubstr("leeway"));
  EXPECT_THAT(refusal({{"jwks.url", "https://a.example/"}, {"defer_unknown", "true"}}),
              HasSubstr("defer_unknown: with jwks.url it needs issuer"));
}

TEST_F(TokenTest, ARefusalNeverShowsTheSecret) {
  EXPECT_THAT(refusal({{"hmac_secret_key", "hunter2"}}), Not(HasSubstr("hunter2")));
}

TEST_F(TokenTest, BadUrlsRefuseToStart) {
  EXPECT_THAT(refusal({{"jwks.url", "file:///etc/passwd"}}), HasSubstr("neither https nor http"));
  EXPECT_THAT(refusal({{"jwks.url", "https://u:p@a.example/"}}), HasSubstr("user or password"));
  EXPECT_THAT(refusal({{"jwks.url", "https://a.example/{{realm}}"}}),
              HasSubstr("{{realm}} is no named group"));
  const Config with_group = {{"jwks.url", "https://a.example/{{realm}}"},
                             {"issuer_regex", "https://x/(?P<realm>.*)"}};
  EXPECT_THAT(refusal(with_group), HasSubstr("jwks.values.realm: list every value"));
  Config with_path = with_group;
  with_path.insert({{"jwks.values.realm.#", "1"}, {"jwks.values.realm.0", "../admin"}});
  EXPECT_THAT(refusal(with_path), HasSubstr("jwks.values.realm: expected letters"));
}

TEST_F(TokenTest, EverySettingIsKnown) {
  load({{"leeway", "0s"},
        {"revocation.keep", "1h"},
        {"revocation.enabled", "true"},
        {"jwks.url", ""},
        {"hmac_secret_key", kSecret}});
  EXPECT_THAT(host_.unread_config("token"), IsEmpty());
}

}  // namespace
}  // namespace lcg::token
