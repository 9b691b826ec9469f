// SPDX-License-Identifier: Apache-2.0
// Tokens that must not pass: RFC 8725 and the table of known attacks on JWT readers.
#include "plugins/uaa/jwt.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>

#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

constexpr int64_t kNow = 1'700'000'000;

class JwtTest : public testing::Test {
 protected:
  JwtTest() {
    keys_.push_back(Es256Key::generate());
    policy_.issuer = "https://chat.example";
    policy_.audience = "lcg";
    claims_.issuer = policy_.issuer;
    claims_.audience = policy_.audience;
    claims_.user = "alice";
    claims_.auth_id = "login1";
    claims_.token_id = "t1";
    claims_.issued_s = kNow - 10;
    claims_.expires_s = kNow + 900;
  }
  const Es256Key& key() const { return keys_.front(); }
  TokenFault fault(const std::string& token, int64_t now = kNow) const {
    return check_token(token, keys_, policy_, now).fault;
  }
  std::string header(const std::string& members) const {
    return "{" +
           (members.empty() ? R"("alg":"ES256","typ":"at+jwt","kid":")" + key().kid() + "\"" : members) + "}";
  }
  static std::string payload(const std::string& changed = {}, const std::string& value = {}) {
    std::string out = "{";
    const std::pair<std::string, std::string> members[] = {{"iss", "\"https://chat.example\""},
                                                           {"aud", "\"lcg\""},
                                                           {"sub", "\"alice\""},
                                                           {"sid", "\"login1\""},
                                                           {"jti", "\"t1\""},
                                                           {"iat", std::to_string(kNow)},
                                                           {"exp", std::to_string(kNow + 900)}};
    for (const auto& [name, text] : members) {
      const std::string& chosen = name == changed ? value : text;
      if (!chosen.empty()) out += (out.size() > 1 ? ",\"" : "\"") + name + "\":" + chosen;
    }
    return out + "}";
  }
  // Signed by our own key, whatever it says.
  std::string signed_token(const std::string& header_json, const std::string& payload_json) const {
    const std::string text = base64url(header_json) + "." + base64url(payload_json);
    return text + "." + base64url(key().sign(text));
  }
  std::string hmac_token(const std::string& header_json, const std::string& secret) const {
    const std::string text = base64url(header_json) + "." + base64url(payload());
    std::string mac(32, '\0');
    unsigned size = 32;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(mac.data()), &size);
    return text + "." + base64url(mac);
  }

  std::vector<Es256Key> keys_;
  TokenPolicy policy_;
  Claims claims_;
};

TEST_F(JwtTest, ASignedTokenReadsBack) {
  const TokenCheck check = check_token(sign_token(claims_, key()), keys_, policy_, kNow);

  EXPECT_EQ(check.fault, TokenFault::kNone);
  EXPECT_EQ(check.claims.user, "alice");
  EXPECT_EQ(check.claims.auth_id, "login1");
  EXPECT_EQ(check.claims.expires_s, kNow + 900);
}

TEST_F(JwtTest, TheVectorHelpersMakeAGoodToken) {
  EXPECT_EQ(fault(signed_token(header(""), payload())), TokenFault::kNone);
}

TEST_F(JwtTest, ExpiresAfterItsLeeway) {
  const std::string token = sign_token(claims_, key());

  EXPECT_EQ(fault(token, claims_.expires_s + policy_.leeway_s - 1), TokenFault::kNone);
  EXPECT_EQ(fault(token, claims_.expires_s + policy_.leeway_s), TokenFault::kExpired);
}

TEST_F(JwtTest, IsNotValidBeforeItsTime) {
  claims_.not_before_s = kNow + 100;
  const std::string token = sign_token(claims_, key());

  EXPECT_EQ(fault(token), TokenFault::kNotYet);
  EXPECT_EQ(fault(token, kNow + 100), TokenFault::kNone);
}

TEST_F(JwtTest, AnotherIssuerOrAudienceIsForeign) {
  Claims other = claims_;
  other.issuer = "https://chat.example.evil";
  EXPECT_EQ(fault(sign_token(other, key())), TokenFault::kForeign);
  other = claims_;
  other.audience = "lcg2";
  EXPECT_EQ(fault(sign_token(other, key())), TokenFault::kForeign);
}

TEST_F(JwtTest, AKeyOutsideTheRingIsUnknown) {
  EXPECT_EQ(fault(sign_token(claims_, Es256Key::generate())), TokenFault::kUnknownKey);
}

TEST_F(JwtTest, AnyChangeOfTheSignedPartsIsForged) {
  const std::string token = sign_token(claims_, key());
  const size_t dot = token.rfind('.');
  const std::string other_payload = base64url(payload("sub", "\"mallory\""));

  EXPECT_EQ(fault(token.substr(0, token.find('.') + 1) + other_payload + token.substr(dot)),
            TokenFault::kForged);
}

TEST_F(JwtTest, SignaturesOfTheWrongShapeAreForged) {
  const std::string text = base64url(header("")) + "." + base64url(payload());
  const std::string good = key().sign(text);
  const std::string zero(32, '\0');
  // The order of P-256's group: the first value that is out of range.
  const std::string order =
      std::string("\xff\xff\xff\xff\0\0\0\0", 8) +
      "\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
  const std::string signatures[] = {std::string(),
                                    std::string(64, '\0'),
                                    zero + good.substr(32),
                                    good.substr(0, 32) + zero,
                                    order + good.substr(32),
                                    good.substr(0, 32) + order,
                                    std::string(64, '\xff'),
                                    good.substr(0, 63),
                                    good + std::string(1, '\0'),
                                    good.substr(32) + good.substr(0, 32)};
  for (const std::string& signature : signatures)
    EXPECT_EQ(fault(text + "." + base64url(signature)), TokenFault::kForged) << signature.size();
}

TEST_F(JwtTest, ADerSignatureIsForged) {
  const std::string text = base64url(header("")) + "." + base64url(payload());
  const std::string raw = key().sign(text);
  const std::string der = "\x30\x44\x02\x20" + raw.substr(0, 32) + "\x02\x20" + raw.substr(32);

  EXPECT_EQ(fault(text + "." + base64url(der)), TokenFault::kForged);
}

TEST_F(JwtTest, AlgorithmNoneInEverySpellingIsMalformed) {
  for (const char* alg : {"none", "None", "NONE", "nOnE", ""}) {
    const std::string text = base64url(header(R"("alg":")" + std::string(alg) +
                                              R"(","typ":"at+jwt","kid":")" + key().kid() + "\"")) +
                             "." + base64url(payload());
    EXPECT_EQ(fault(text + "."), TokenFault::kMalformed) << alg;
    EXPECT_EQ(fault(text + "." + base64url(key().sign(text))), TokenFault::kMalformed) << alg;
  }
}

TEST_F(JwtTest, AnHmacUnderThePublicKeyIsMalformed) {
  const std::string confused = header(R"("alg":"HS256","typ":"at+jwt","kid":")" + key().kid() + "\"");
  for (const std::string& secret : {key().jwk(), key().kid(), std::string()})
    EXPECT_EQ(fault(hmac_token(confused, secret)), TokenFault::kMalformed);
}

TEST_F(JwtTest, HeadersWeDoNotWriteAreMalformed) {
  const std::string kid = R"("kid":")" + key().kid() + "\"";
  const std::string good = R"("alg":"ES256","typ":"at+jwt",)" + kid;
  const std::string headers[] = {R"("alg":"ES256","typ":"at+jwt")",
                                 R"("alg":"ES256",)" + kid,
                                 R"("typ":"at+jwt",)" + kid,
                                 R"("alg":"ES384","typ":"at+jwt",)" + kid,
                                 R"("alg":"es256","typ":"at+jwt",)" + kid,
                                 R"("alg":"RS256","typ":"at+jwt",)" + kid,
                                 R"("alg":"EdDSA","typ":"at+jwt",)" + kid,
                                 R"("alg":"ES256","typ":"JWT",)" + kid,
                                 R"("alg":"ES256","typ":"AT+JWT",)" + kid,
                                 R"("alg":"ES256","typ":"at+jwt","kid":1)",
                                 R"("alg":"ES256","typ":"at+jwt","kid":"")",
                                 R"("alg":"ES256","typ":"at+jwt","kid":["x"])",
                                 R"("alg":"ES256","alg":"none","typ":"at+jwt",)" + kid,
                                 good + "," + kid,
                                 good + R"(,"jku":"https://evil.example/keys")",
                                 good + R"(,"x5u":"https://evil.example/cert")",
                                 good + R"(,"jwk":"{}")",
                                 good + R"(,"x5c":"MII")",
                                 good + R"(,"crit":"b64")",
                                 good + R"(,"b64":false)",
                                 good + R"(,"zip":"DEF")",
                                 good + R"(,"cty":"JWT")",
                                 good + R"(,"epk":"{}")"};
  for (const std::string& members : headers)
    EXPECT_EQ(fault(signed_token(header(members), payload())), TokenFault::kMalformed) << members;
}

TEST_F(JwtTest, AKidIsANameAndNothingElse) {
  const std::string kids[] = {
      "../../../../dev/null", "/etc/passwd",     "' OR 1=1 --",        "https://evil.example/key", "%00",
      std::string(2000, 'k'), key().kid() + " ", key().kid().substr(1)};
  for (const std::string& kid : kids)
    EXPECT_EQ(fault(signed_token(header(R"("alg":"ES256","typ":"at+jwt","kid":")" + kid + "\""), payload())),
              TokenFault::kUnknownKey)
        << kid;
}

TEST_F(JwtTest, ClaimsOfTheWrongTypeOrRangeAreMalformed) {
  const std::pair<std::string, std::string> changes[] = {{"exp", ""},
                                                         {"exp", "\"1700000900\""},
                                                         {"exp", "1700000900.5"},
                                                         {"exp", "1e400"},
                                                         {"exp", "-1"},
                                                         {"exp", "9223372036854775807"},
                                                         {"exp", "null"},
                                                         {"exp", "true"},
                                                         {"iat", ""},
                                                         {"iat", "\"now\""},
                                                         {"iss", ""},
                                                         {"iss", "1"},
                                                         {"aud", ""},
                                                         {"aud", "[\"lcg\"]"},
                                                         {"sub", ""},
                                                         {"sub", "\"\""},
                                                         {"sub", "\"a b\""},
                                                         {"sub", "\"a\\u0000\""},
                                                         {"sid", ""},
                                                         {"sid", "\"\""},
                                                         {"jti", ""},
                                                         {"sub", "\"alice\",\"sub\":\"mallory\""},
                                                         {"exp", "1700000900,\"nbf\":\"soon\""},
                                                         {"exp", "1700000900,\"cnf\":{}"}};
  for (const auto& [name, value] : changes)
    EXPECT_EQ(fault(signed_token(header(""), payload(name, value))), TokenFault::kMalformed)
        << name << " " << value;
}

TEST_F(JwtTest, OtherShapesAreMalformed) {
  const std::string good = sign_token(claims_, key());
  const std::string shapes[] = {"",
                                ".",
                                "..",
                                "...",
                                "a.b.c",
                                good + ".x.y",
                                good + ".",
                                "." + good,
                                good + "\n",
                                " " + good,
                                good.substr(0, good.rfind('.')),
                                good + "=",
                                "Bearer " + good,
                                std::string(kMaxTokenBytes + 1, 'a'),
                                good.substr(0, 20) + std::string(1, '\0') + good.substr(20),
                                R"({"payload":"e30","signatures":[]})"};
  for (const std::string& token : shapes)
    EXPECT_EQ(fault(token), TokenFault::kMalformed) << token.substr(0, 40);
}

TEST(Es256Key, AnotherCurveOrKindIsNotTaken) {
  for (EVP_PKEY* key :
       {EVP_EC_gen("P-384"), EVP_EC_gen("secp256k1"), EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}) {
    std::string der(512, '\0');
    auto* at = reinterpret_cast<unsigned char*>(der.data());
    der.resize(static_cast<size_t>(i2d_PrivateKey(key, &at)));
    EVP_PKEY_free(key);

    EXPECT_FALSE(Es256Key::from_private_der(der));
  }
  EXPECT_FALSE(Es256Key::from_private_der("nonsense"));
}

TEST(Es256Key, ReadsBackAsTheSameKey) {
  const Es256Key key = Es256Key::generate();

  const auto again = Es256Key::from_private_der(key.private_der());

  ASSERT_TRUE(again);
  EXPECT_EQ(again->kid(), key.kid());
  EXPECT_TRUE(again->verify("text", key.sign("text")));
}

}  // namespace
}  // namespace lcg::uaa
