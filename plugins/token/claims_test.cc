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
  EXPECT_THAT(refusal(R"({"exp":"5"})"), HasSubstr("exp: expected a whole number of seconds"));
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

TEST(JsonList, OnlyPlainDigitsAreWhole) {
  EXPECT_EQ(json_whole("0"), 0);
  EXPECT_EQ(json_whole("9007199254740992"), int64_t{1} << 53);
  for (const char* bad : {"", "-1", "+1", "1.0", "1e2", "\"1\"", "9007199254740993", "99999999999999999999"})
    EXPECT_EQ(json_whole(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace lcg::token
