// SPDX-License-Identifier: Apache-2.0
// verify_key: one key that checks signatures of exactly one algorithm (RFC 8725 section 3.1), on OpenSSL 3's
// EVP; Ed25519 on libsodium, which also refuses points of small order in key and signature.
//
// A key is made for its algorithm and has no way to be used with another, so a token cannot choose how it is
// checked: the bytes of a public key are never an HMAC secret, because an HMAC key is only made by hmac(), and
// hmac() refuses what is a public key in any of its spellings. Immutable; copies share the key. Any thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "plugins/token/algorithm.h"

struct evp_pkey_st;

namespace lcg::token {

// The parts of a public key as a JWK has them (RFC 7518 section 6, RFC 8037), decoded to bytes.
struct KeyParts {
  std::string modulus, exponent;  // RSA, big-endian
  std::string x, y;               // EC: of the curve's size; Ed25519: x alone
};

class VerifyKey {
 public:
  static constexpr size_t kMinSecretBytes = 16;
  // RSA moduli, bits. The upper end bounds the work of one signature.
  static constexpr int kMinRsaBits = 2048, kMaxRsaBits = 8192;

  // Each throws std::invalid_argument whose text says what is wrong with the key, without showing it.
  // An HMAC secret. REQUIRES: family kHmac.
  static VerifyKey hmac(Algorithm algorithm, std::string secret);
  // A public key or a certificate in PEM. `algorithm` is what it is pinned to; for elliptic curves it must be
  // the curve's own.
  static VerifyKey pem(Algorithm algorithm, std::string_view text);
  static VerifyKey parts(Algorithm algorithm, const KeyParts& parts);
  // The algorithm of the curve of an EC key in PEM.
  static Algorithm algorithm_of_ec_pem(std::string_view text);

  Algorithm algorithm() const { return algorithm_; }
  // False for every signature that is not exactly the algorithm's: of ECDSA r and s of the curve's size, each
  // in [1, n), never DER (RFC 7518 section 3.4). HMACs are compared in constant time.
  bool verify(std::string_view text, std::string_view signature) const;

 private:
  explicit VerifyKey(Algorithm algorithm) : algorithm_(algorithm) {}
  void take(evp_pkey_st* key);
  bool verify_hmac(std::string_view text, std::string_view signature) const;
  bool verify_ec(std::string_view text, std::string_view signature) const;
  bool verify_evp(std::string_view text, std::string_view signature) const;

  Algorithm algorithm_;
  std::string raw_;                   // HMAC: the secret; Ed25519: the point
  std::string order_;                 // EC: n, big-endian, of the scalar's size
  std::shared_ptr<evp_pkey_st> key_;  // RSA, EC
};

}  // namespace lcg::token
