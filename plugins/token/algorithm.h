// SPDX-License-Identifier: Apache-2.0
// algorithm: the signature algorithms of RFC 7518 section 3 and RFC 8037 that a key may be pinned to.
// "none" is not one of them. Pure.
#pragma once
#include <optional>
#include <string_view>

namespace lcg::token {

enum class Algorithm {
  kHs256,
  kHs384,
  kHs512,
  kRs256,
  kRs384,
  kRs512,
  kPs256,
  kPs384,
  kPs512,
  kEs256,
  kEs384,
  kEs512,
  kEdDsa
};
enum class Family { kHmac, kRsa, kEc, kEd25519 };

// By its exact name in a header: "ES256". Upper and lower case differ (RFC 7515 section 4.1.1).
std::optional<Algorithm> algorithm_named(std::string_view name);
std::string_view name_of(Algorithm algorithm);
Family family_of(Algorithm algorithm);
// The digest by OpenSSL's name; "" for Ed25519, which brings its own.
const char* digest_of(Algorithm algorithm);
// Of an elliptic curve by its name in a JWK (P-256) or in OpenSSL (prime256v1). nullopt: a curve no algorithm
// here uses, secp256k1 among them.
std::optional<Algorithm> algorithm_of_curve(std::string_view curve);
// OpenSSL's name of the curve. REQUIRES: family kEc.
const char* curve_of(Algorithm algorithm);
// Bytes of r and of s. REQUIRES: family kEc.
int scalar_bytes_of(Algorithm algorithm);

}  // namespace lcg::token
