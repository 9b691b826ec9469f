// SPDX-License-Identifier: Apache-2.0
// Which keys are refused, and in what words.
#include "plugins/token/verify_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "plugins/token/base64.h"

namespace lcg::token {
namespace {

using ::testing::HasSubstr;

template <class Make>
std::string refusal(Make make) {
  try {
    make();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

std::string pem_of(EVP_PKEY* key) {
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(out, key);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(out);
  return pem;
}

std::string der_of(EVP_PKEY* key) {
  unsigned char* data = nullptr;
  const int size = i2d_PUBKEY(key, &data);
  std::string der(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  OPENSSL_free(data);
  return der;
}

struct Generated {
  EVP_PKEY* key;
  ~Generated() { EVP_PKEY_free(key); }
};

std::string private_pem(EVP_PKEY* key) {
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(out);
  return pem;
}

TEST(VerifyKey, AnRsaKeyUnder2048BitsIsRefused) {
  const Generated small{EVP_RSA_gen(1024)};

  EXPECT_THAT(refusal([&] { VerifyKey::pem(Algorithm::kRs256, pem_of(small.key)); }),
              HasSubstr("1024 bits; 2048 to 8192"));
}

TEST(VerifyKey, AnRsaKeyOfExponentOneIsRefused) {
  KeyParts parts;
  parts.modulus = "\xc1" + std::string(254, '\x55') + "\x01";
  parts.exponent = "\x01";

  EXPECT_THAT(refusal([&] { VerifyKey::parts(Algorithm::kRs256, parts); }), HasSubstr("exponent"));
}

TEST(VerifyKey, ACurveMustBeTheAlgorithms) {
  const Generated p256{EVP_EC_gen("P-256")}, k256{EVP_EC_gen("secp256k1")};

  EXPECT_THAT(refusal([&] { VerifyKey::pem(Algorithm::kEs384, pem_of(p256.key)); }),
              HasSubstr("ES384 does not use"));
  EXPECT_THAT(refusal([&] { VerifyKey::algorithm_of_ec_pem(pem_of(k256.key)); }), HasSubstr("secp256k1"));
}

TEST(VerifyKey, APointOffItsCurveIsRefused) {
  KeyParts parts;
  parts.x = parts.y = std::string(32, '\x01');

  EXPECT_THAT(refusal([&] { VerifyKey::parts(Algorithm::kEs256, parts); }), HasSubstr("point on its curve"));
}

TEST(VerifyKey, CoordinatesHaveTheCurvesSize) {
  KeyParts parts;
  parts.x = parts.y = std::string(31, '\x01');

  EXPECT_THAT(refusal([&] { VerifyKey::parts(Algorithm::kEs256, parts); }), HasSubstr("another size"));
}

TEST(VerifyKey, AFamilyMustBeTheAlgorithms) {
  const Generated p256{EVP_EC_gen("P-256")};

  EXPECT_THAT(refusal([&] { VerifyKey::pem(Algorithm::kRs256, pem_of(p256.key)); }), HasSubstr("not an RSA"));
  EXPECT_THAT(refusal([&] { VerifyKey::pem(Algorithm::kEdDsa, pem_of(p256.key)); }),
              HasSubstr("not an Ed25519"));
}

// The eight points whose order divides 8, and spellings of them that are not reduced.
TEST(VerifyKey, Ed25519PointsOfSmallOrderAreRefused) {
  for (const char* hex : {"0100000000000000000000000000000000000000000000000000000000000000",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "0000000000000000000000000000000000000000000000000000000000000080",
                          "0000000000000000000000000000000000000000000000000000000000000000",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    KeyParts parts;
    for (const char* at = hex; *at != '\0'; at += 2)
      parts.x += static_cast<char>(std::stoi(std::string(at, 2), nullptr, 16));
    EXPECT_THAT(refusal([&] { VerifyKey::parts(Algorithm::kEdDsa, parts); }), HasSubstr("small order"))
        << hex;
  }
}

TEST(VerifyKey, APublicKeyInAnySpellingIsNoHmacSecret) {
  const Generated rsa{EVP_RSA_gen(2048)}, p256{EVP_EC_gen("P-256")};
  for (EVP_PKEY* key : {rsa.key, p256.key}) {
    for (const std::string& secret :
         {pem_of(key), der_of(key), std::string(R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"})")})
      EXPECT_THAT(refusal([&] { VerifyKey::hmac(Algorithm::kHs256, secret); }), HasSubstr("public key"));
  }
}

TEST(VerifyKey, APublicKeyIsNeverPinnedToHmac) {
  const Generated p256{EVP_EC_gen("P-256")};

  EXPECT_THAT(refusal([&] { VerifyKey::pem(Algorithm::kHs256, pem_of(p256.key)); }),
              HasSubstr("HMAC needs a secret"));
  EXPECT_THAT(refusal([&] { VerifyKey::parts(Algorithm::kHs256, {}); }), HasSubstr("HMAC needs a secret"));
}

TEST(VerifyKey, AShortSecretIsRefused) {
  EXPECT_THAT(refusal([] { VerifyKey::hmac(Algorithm::kHs256, "secret"); }),
              HasSubstr("shorter than 16 bytes"));
}

TEST(VerifyKey, APrivateKeyIsNotTakenAndNotShown) {
  const Generated p256{EVP_EC_gen("P-256")};
  const std::string pem = private_pem(p256.key);

  const std::string why = refusal([&] { VerifyKey::pem(Algorithm::kEs256, pem); });

  EXPECT_THAT(why, HasSubstr("is a private key"));
  EXPECT_THAT(why, ::testing::Not(HasSubstr(pem.substr(40, 20))));
}

TEST(VerifyKey, TheAlgorithmOfAnEcKeyIsItsCurves) {
  const Generated p521{EVP_EC_gen("P-521")};

  EXPECT_EQ(VerifyKey::algorithm_of_ec_pem(pem_of(p521.key)), Algorithm::kEs512);
}

TEST(Base64, EveryValueHasOneSpelling) {
  EXPECT_EQ(from_base64url("_-8"), "\xff\xef");
  for (const char* bad : {"_-9", "_-8=", "_-8\n", " _-8", "_-8+", "A", "/+8"})
    EXPECT_FALSE(from_base64url(bad)) << bad;
  EXPECT_EQ(from_base64("/+8="), "\xff\xef");
  for (const char* bad : {"/+8", "/+9=", "/+8==", "====", "/+8=\n"}) EXPECT_FALSE(from_base64(bad)) << bad;
}

}  // namespace
}  // namespace lcg::token
