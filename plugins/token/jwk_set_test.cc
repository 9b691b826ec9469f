// SPDX-License-Identifier: Apache-2.0
// JWK Sets as other servers publish them. The keys are of RFC 7517 appendix A.1 and RFC 8037 appendix A.2.
#include "plugins/token/jwk_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lcg::token {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kEc = R"("kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
                        R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM")";
const std::string kRsa =
    R"("kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_)"
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMi"
    "cAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINH"
    R"(aQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB")";
const std::string kEd = R"("kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")";

std::string set(const std::vector<std::string>& keys) {
  std::string out = R"({"keys":[)";
  for (const std::string& key : keys) out += (out.back() == '[' ? "{" : ",{") + key + "}";
  return out + "]}";
}
std::string kid(const std::string& name) { return R"(,"kid":")" + name + "\""; }

JwkSet read(const std::string& text) {
  std::string why;
  std::optional<JwkSet> out = read_jwk_set(text, why);
  EXPECT_TRUE(out) << why;
  return out.value_or(JwkSet());
}
std::string refusal(const std::string& text) {
  std::string why;
  return read_jwk_set(text, why) ? "accepted" : why;
}

TEST(JwkSet, AKeyWithoutAlgIsPinnedByItsKind) {
  const JwkSet out = read(set({kEc + kid("a"), kRsa + kid("b"), kEd + kid("c")}));
  ASSERT_EQ(out.keys.size(), 3u);
  EXPECT_EQ(out.keys[0].algorithm, Algorithm::kEs256);
  EXPECT_EQ(out.keys[1].algorithm, Algorithm::kRs256);
  EXPECT_EQ(out.keys[2].algorithm, Algorithm::kEdDsa);
}

TEST(JwkSet, AnAlgPinsTheKey) {
  EXPECT_EQ(read(set({kRsa + kid("b") + R"(,"alg":"PS512")"})).keys.at(0).algorithm, Algorithm::kPs512);
}

TEST(JwkSet, AnAlgThatDoesNotFitIsSkipped) {
  for (const std::string& key :
       {kEc + R"(,"alg":"ES384")", kEc + R"(,"alg":"HS256")", kRsa + R"(,"alg":"none")",
        kRsa + R"(,"alg":"RSA-OAEP")", kEd + R"(,"alg":"RS256")"}) {
    const JwkSet out = read(set({key + kid("k")}));
    EXPECT_THAT(out.keys, IsEmpty()) << key;
    EXPECT_THAT(out.skipped, ElementsAre(HasSubstr("k: alg")));
  }
}

TEST(JwkSet, WhatIsNotForSignaturesIsSkipped) {
  const JwkSet out = read(set({kEc + kid("a") + R"(,"use":"enc")", kRsa + kid("b") + R"(,"key_ops":["sign"])",
                               kEd + kid("c") + R"(,"use":"sig","key_ops":["verify"])"}));
  ASSERT_EQ(out.keys.size(), 1u);
  EXPECT_EQ(out.keys[0].kid, "c");
}

TEST(JwkSet, SymmetricAndForeignKeysAreSkipped) {
  const JwkSet out = read(
      set({R"("kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")" + kid("a"),
           R"("kty":"EC","crv":"secp256k1","x":"AA","y":"AA")" + kid("b"),
           R"("kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")" + kid("c")}));
  EXPECT_THAT(out.keys, IsEmpty());
  EXPECT_EQ(out.skipped.size(), 3u);
}

TEST(JwkSet, BadKeysAreSkippedAndNamed) {
  const JwkSet out = read(
      set({R"("kty":"RSA","n":"AQAB","e":"AQAB")" + kid("short"),
           R"("kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA")" + kid("off"),
           R"("kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")" + kid("small"),
           kEc}));
  EXPECT_THAT(out.skipped,
              ElementsAre(HasSubstr("short: it is an RSA key of 17 bits"), HasSubstr("off: it has"),
                          HasSubstr("small: it is an Ed25519 point"), HasSubstr("no kid")));
}

TEST(JwkSet, TwoKeysOfOneKidAreRefused) {
  EXPECT_THAT(refusal(set({kEc + kid("a"), kRsa + kid("a")})), HasSubstr("the same kid"));
}

TEST(JwkSet, WhatIsNotASetIsRefused) {
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal("<html>"), HasSubstr("not one JSON object"));
  EXPECT_THAT(refusal("[]"), HasSubstr("not one JSON object"));
  EXPECT_THAT(refusal(R"({"keys":{}})"), HasSubstr("'keys'"));
  EXPECT_THAT(refusal("{}"), HasSubstr("'keys'"));
  EXPECT_THAT(refusal(R"({"keys":[],"keys":[]})"), HasSubstr("not one JSON object"));
  EXPECT_THAT(refusal(R"({"keys":["a"]})"), HasSubstr("one of 'keys'"));
  EXPECT_THAT(refusal(set({kEc + kid("a") + kid("b")})), HasSubstr("one of 'keys'"));
}

TEST(JwkSet, LimitsHold) {
  EXPECT_THAT(refusal(std::string(kMaxSetBytes + 1, ' ')), HasSubstr("64 KiB"));
  EXPECT_THAT(refusal(set(std::vector<std::string>(kMaxSetKeys + 1, "\"kty\":\"x\""))), HasSubstr("64 keys"));
  EXPECT_THAT(refusal(set({R"("x":")" + std::string(kMaxJwkBytes, 'x') + "\""})), HasSubstr("8 KiB"));
}

TEST(JwkSet, KeysTravelUnchanged) {
  const std::vector<Jwk> keys = read(set({kEc + kid("a"), kRsa + kid("b"), kEd + kid("c")})).keys;
  std::vector<Jwk> back;
  ASSERT_TRUE(decode(encode(keys), back));
  EXPECT_EQ(encode(back), encode(keys));
  EXPECT_EQ(key_map(back).size(), 3u);
}

}  // namespace
}  // namespace lcg::token
