// SPDX-License-Identifier: Apache-2.0
// verify: is a token good? Signature, issuer, audience and times. Pure; any thread.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/token/claims.h"
#include "plugins/token/jwk_set.h"
#include "plugins/token/jws.h"
#include "plugins/token/verify_key.h"

namespace re2 {
class RE2;
}

namespace lcg::token {

inline constexpr int64_t kMaxLeewaySeconds = 60;
// By so much an issuer's clock may be ahead in any case. No more: a user whose tokens are revoked waits as long for new
// ones (revocations.cc).
inline constexpr int64_t kIssuedAheadSeconds = 2;

// A key of the settings. It has no kid: every token of its algorithm may be checked with it.
struct FixedKey {
  VerifyKey key;
  int64_t valid_until_s = 0;  // Unix seconds; 0: for ever
};

// Whose tokens are taken. Empty and null: anybody's.
struct TokenPolicy {
  std::string issuer, audience;
  std::shared_ptr<const re2::RE2> issuer_regex, audience_regex;  // of the whole claim
  bool require_exp = true;
  int64_t leeway_s = 0;                                                        // for exp and nbf
  int64_t ahead_s() const { return std::max(leeway_s, kIssuedAheadSeconds); }  // for iat
};

enum class Fault {
  kNone,
  kMalformed,   // not a token, or claims of a wrong type
  kForeign,     // another issuer or audience
  kUnknownKey,  // none of the keys here is meant; a newer set of published keys may have it
  kForged,      // the signature is not the key's, or alg is not the key's
  kNoExpiry,    // exp is required
  kNotYet,      // nbf or iat in the future, by more than is allowed
  kExpired
};
std::string_view fault_text(Fault fault);

bool is_our_issuer(const TokenPolicy& policy, const std::string& issuer);

// kNone, kUnknownKey or kForged. With a kid that `published` has, that key alone counts; else every fixed key of
// the token's algorithm is tried. `published` may be null.
Fault check_signature(const Jws& token, const KeyMap* published, const std::vector<FixedKey>& fixed,
                      int64_t now_s);

// Of a token whose signature is good: kNone, kForeign, kNoExpiry, kNotYet or kExpired, in this order. exp is the
// first second at which the token is no longer good (RFC 7519 section 4.1.4).
Fault check_claims(const Claims& claims, const TokenPolicy& policy, int64_t now_s);

}  // namespace lcg::token
