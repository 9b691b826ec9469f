// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/algorithm.h"

#include <cstddef>

namespace lcg::token {
namespace {

struct Row {
  std::string_view name;
  Family family;
  const char* digest;
  const char* curve;
  int scalar_bytes;
};

// In the order of the enum.
constexpr Row kRows[] = {
    {"HS256", Family::kHmac, "SHA256", nullptr, 0},    {"HS384", Family::kHmac, "SHA384", nullptr, 0},
    {"HS512", Family::kHmac, "SHA512", nullptr, 0},    {"RS256", Family::kRsa, "SHA256", nullptr, 0},
    {"RS384", Family::kRsa, "SHA384", nullptr, 0},     {"RS512", Family::kRsa, "SHA512", nullptr, 0},
    {"PS256", Family::kRsa, "SHA256", nullptr, 0},     {"PS384", Family::kRsa, "SHA384", nullptr, 0},
    {"PS512", Family::kRsa, "SHA512", nullptr, 0},     {"ES256", Family::kEc, "SHA256", "prime256v1", 32},
    {"ES384", Family::kEc, "SHA384", "secp384r1", 48}, {"ES512", Family::kEc, "SHA512", "secp521r1", 66},
    {"EdDSA", Family::kEd25519, "", nullptr, 0},
};

const Row& row_of(Algorithm algorithm) { return kRows[static_cast<size_t>(algorithm)]; }

}  // namespace

std::optional<Algorithm> algorithm_named(std::string_view name) {
  for (size_t i = 0; i < std::size(kRows); ++i)
    if (kRows[i].name == name) return static_cast<Algorithm>(i);
  return std::nullopt;
}

std::string_view name_of(Algorithm algorithm) { return row_of(algorithm).name; }
Family family_of(Algorithm algorithm) { return row_of(algorithm).family; }
const char* digest_of(Algorithm algorithm) { return row_of(algorithm).digest; }

std::optional<Algorithm> algorithm_of_curve(std::string_view curve) {
  if (curve == "P-256" || curve == "prime256v1") return Algorithm::kEs256;
  if (curve == "P-384" || curve == "secp384r1") return Algorithm::kEs384;
  if (curve == "P-521" || curve == "secp521r1") return Algorithm::kEs512;
  return std::nullopt;
}

const char* curve_of(Algorithm algorithm) { return row_of(algorithm).curve; }
int scalar_bytes_of(Algorithm algorithm) { return row_of(algorithm).scalar_bytes; }

}  // namespace lcg::token
