// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/verify.h"

#include <re2/re2.h>

#include <algorithm>

namespace lcg::token {
namespace {

bool matches(const re2::RE2* regex, const std::string& text) {
  return regex == nullptr || re2::RE2::FullMatch(text, *regex);
}

bool is_our_audience(const TokenPolicy& policy, const std::vector<std::string>& audience) {
  if (policy.audience.empty() && policy.audience_regex == nullptr) return true;
  return std::any_of(audience.begin(), audience.end(), [&policy](const std::string& one) {
    return (policy.audience.empty() || one == policy.audience) && matches(policy.audience_regex.get(), one);
  });
}

}  // namespace

std::string_view fault_text(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "valid";
    case Fault::kMalformed:
      return "malformed token";
    case Fault::kForeign:
      return "token of another issuer or audience";
    case Fault::kUnknownKey:
      return "token of an unknown key";
    case Fault::kForged:
      return "token with a wrong signature";
    case Fault::kNoExpiry:
      return "token without exp";
    case Fault::kNotYet:
      return "token not valid yet";
    case Fault::kExpired:
      return "token expired";
  }
  return "";
}

bool is_our_issuer(const TokenPolicy& policy, const std::string& issuer) {
  return (policy.issuer.empty() || issuer == policy.issuer) && matches(policy.issuer_regex.get(), issuer);
}

Fault check_signature(const Jws& token, const KeyMap* published, const std::vector<FixedKey>& fixed,
                      int64_t now_s) {
  const auto good = [&token](const VerifyKey& key) {
    return key.algorithm() == token.algorithm && key.verify(token.signed_text, token.signature);
  };
  if (published != nullptr && !token.kid.empty()) {
    const auto named = published->find(token.kid);
    if (named != published->end()) return good(named->second) ? Fault::kNone : Fault::kForged;
  }
  bool meant = false;
  for (const FixedKey& candidate : fixed) {
    if (candidate.valid_until_s != 0 && now_s >= candidate.valid_until_s) continue;
    if (good(candidate.key)) return Fault::kNone;
    meant = meant || candidate.key.algorithm() == token.algorithm;
  }
  // The keys that are published next may have the kid.
  if (published != nullptr && !token.kid.empty()) return Fault::kUnknownKey;
  return meant ? Fault::kForged : Fault::kUnknownKey;
}

Fault check_claims(const Claims& claims, const TokenPolicy& policy, int64_t now_s) {
  if (!is_our_issuer(policy, claims.issuer) || !is_our_audience(policy, claims.audience))
    return Fault::kForeign;
  if (policy.require_exp && !claims.expires_s) return Fault::kNoExpiry;
  if (claims.expires_s && now_s >= *claims.expires_s + policy.leeway_s) return Fault::kExpired;
  if (claims.not_before_s && *claims.not_before_s > now_s + policy.leeway_s) return Fault::kNotYet;
  // Revocations go by iat: a token from later than they allow for would outlive the next one.
  if (claims.issued_s && *claims.issued_s > now_s + policy.ahead_s()) return Fault::kNotYet;
  return Fault::kNone;
}

}  // namespace lcg::token
