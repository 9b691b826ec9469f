// SPDX-License-Identifier: Apache-2.0
// What is read of the claims. What is refused: testdata/make_vectors.py.
#include "plugins/token/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/token/json_list.h"

namespace lcg::token {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Claims claims(std::string_view payload, std::string_view user_claim = "sub") {
  std::string why;
  std::optional<Claims> out = read_claims(payload, user_claim, why);
  EXPECT_TRUE(out) << why;
  return out.value_or(Claims());
}

std::string refusal(std::string_view payload) {
  std::string why;
  return read_claims(payload, "sub", why) ? "accepted" : why;
}

TEST(Claims, TheUserMayBeAnotherClaim) {
  EXPECT_EQ(claims(R"({"sub":"a","uid":"b"})", "uid").user, "b");
  EXPECT_EQ(claims(R"({"sub":"a"})", "uid").user, "");
}

TEST(Claims, AConnectionLivesUntilExp) { EXPECT_EQ(claims(R"({"exp":5})").lives_until_ms(), 5000); }

TEST(Claims, ExpireAtOverridesExp) { EXPECT_EQ(claims(R"({"exp":5,"expire_at":9})").lives_until_ms(), 9000); }

TEST(Claims, ExpireAtZeroIsNever) { EXPECT_EQ(claims(R"({"exp":5,"expire_at":0})").lives_until_ms(), 0); }

TEST(Claims, InfoIsKeptAsWritten) { EXPECT_EQ(claims(R"({"info":{"n": 1.50}})").info, R"({"n": 1.50})"); }

TEST(Claims, InfoOfSeveralLinesBecomesOne) {
  EXPECT_EQ(claims("{\"info\":{\n\"n\": \"a b\"}}").info, R"({"n":"a b"})");
}

TEST(Claims, B64infoWins) { EXPECT_EQ(claims(R"({"info":1,"b64info":"eyJuIjoxfQ=="})").info, R"({"n":1})"); }

TEST(Claims, ChannelsAreSortedAndOnceEach) {
  const Claims read = claims(R"({"channels":["b","a","b"]})");
  ASSERT_EQ(read.subs.size(), 2u);
  EXPECT_EQ(read.subs[0].channel, "a");
  EXPECT_EQ(read.subs[1].channel, "b");
}

TEST(Claims, SubsTakeThePlaceOfChannels) {
  const Claims read = claims(R"({"channels":["b"],"subs":{"a":{"info":1,"b64data":"Mg=="}}})");
  ASSERT_EQ(read.subs.size(), 1u);
  EXPECT_EQ(read.subs[0].channel, "a");
  EXPECT_EQ(read.subs[0].info, "1");
  EXPECT_EQ(read.subs[0].data, "2");
}

TEST(Claims, EmptySubsLeaveTheChannels) {
  EXPECT_EQ(claims(R"({"channels":["b"],"subs":{}})").subs.at(0).channel, "b");
}

TEST(Claims, AnOverrideHoldsOnlyWhatItNames) {
  const Override read =
      claims(R"({"subs":{"a":{"override":{"presence":{"value":true},"join_leave":{"value":false}}}}})")
          .subs.at(0)
          .override_options;
  EXPECT_EQ(read.presence, true);
  EXPECT_EQ(read.join_leave, false);
  EXPECT_EQ(read.force_recovery, std::nullopt);
}

TEST(Claims, AnEmptyChannelClaimIsThere) {
  EXPECT_EQ(claims(R"({"channel":""})").channel, "");
  EXPECT_EQ(claims("{}").channel, std::nullopt);
}

TEST(Claims, WhatIsRefusedIsNamed) {
  EXPECT_THAT(refusal(R"({"exp":"5"})"), HasSubstr("exp: expected a number of seconds"));
  EXPECT_THAT(refusal(R"({"subs":{"a":{"override":{"presence":true}}}})"),
              HasSubstr("override: presence: expected {\"value\":true}"));
  EXPECT_THAT(refusal(""), HasSubstr("not one JSON object"));
}

TEST(JsonList, ItemsAreGivenAsWritten) {
  std::vector<std::string_view> items;
  EXPECT_TRUE(json_list(R"( [1, "a,]" ,{"b":[2]}] )", 3, items));
  EXPECT_THAT(items, ElementsAre("1", "\"a,]\"", "{\"b\":[2]}"));
}

TEST(JsonList, AListOverItsLimitIsRefused) {
  std::vector<std::string_view> items;
  EXPECT_FALSE(json_list("[1,2]", 1, items));
}

TEST(JsonList, MembersWithOneNameAreRefused) {
  std::vector<std::pair<std::string, std::string_view>> members;
  EXPECT_FALSE(json_members(R"({"a":1,"\u0061":2})", 9, members));
}

// RFC 7519 section 2, NumericDate.
TEST(JsonList, SecondsAreRoundedDown) {
  for (const auto& [text, seconds] :
       std::vector<std::pair<const char*, int64_t>>{{"0", 0},
                                                    {"-0", 0},
                                                    {"1.0", 1},
                                                    {"1.999", 1},
                                                    {"1e2", 100},
                                                    {"1.7676288E9", 1'767'628'800},
                                                    {"15e-1", 1},
                                                    {"9007199254740992", int64_t{1} << 53}})
    EXPECT_EQ(json_seconds(text), seconds) << text;
  for (const char* bad : {"", "-1", "-0.5", "+1", "\"1\"", "9007199254740994", "1e400", "nan", "true"})
    EXPECT_EQ(json_seconds(bad), std::nullopt) << bad;
}

TEST(Claims, NullIsAbsentForEveryClaim) {
  const Claims none = claims(
      R"({"sub":null,"iss":null,"jti":null,"aud":null,"exp":null,"nbf":null,"iat":null,"expire_at":null,"info":null,)"
      R"("b64info":null,"data":null,"b64data":null,"meta":null,"subs":{"a":null},"channels":null,"channel":null,)"
      R"("client":null,"override":null})");
  EXPECT_EQ(none.user + none.issuer + none.token_id + none.info + none.data + none.meta + none.client, "");
  EXPECT_THAT(none.audience, IsEmpty());
  EXPECT_FALSE(none.expires_s || none.not_before_s || none.issued_s || none.expire_at_s || none.channel);
  EXPECT_EQ(none.subs.at(0).channel, "a");
}

TEST(Claims, TimesMayHaveAFraction) {
  const Claims read = claims(R"({"exp":5.9,"nbf":1e0,"iat":2.5})");
  EXPECT_EQ(read.expires_s, 5);
  EXPECT_EQ(read.not_before_s, 1);
  EXPECT_EQ(read.issued_s, 2);
}

}  // namespace
}  // namespace lcg::token
