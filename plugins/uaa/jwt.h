// SPDX-License-Identifier: Apache-2.0
// jwt: access tokens, RFC 9068 shape: ES256 JWTs of type at+jwt that only this issuer makes and only it
// reads.
//
// So the reader takes exactly what the writer writes: three base64url parts, a header of alg, kid and typ and
// nothing else (no jku, x5u, jwk, crit, zip: RFC 8725), flat claims. The key is found by kid and the key has
// one algorithm: the token's alg is compared, never obeyed. Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/uaa/es256.h"

namespace lcg::uaa {

inline constexpr size_t kMaxTokenBytes = 4096;
inline constexpr int64_t kMaxLeewaySeconds = 60;

struct Claims {
  std::string issuer, audience;
  std::string user;      // sub
  std::string auth_id;   // sid: the login
  std::string token_id;  // jti
  int64_t issued_s = 0, expires_s = 0;
  int64_t not_before_s = 0;  // 0: absent
};

struct TokenPolicy {
  std::string issuer, audience;
  std::string user_prefix{};  // of every sub
  int64_t leeway_s = 5;       // for exp and nbf; clocks of nodes differ
};

enum class TokenFault {
  kNone,
  kMalformed,   // not a token of ours by its form
  kUnknownKey,  // well formed, but signed by a key not in the set: it may be newer than the set
  kForged,      // the signature does not match
  kForeign,     // another issuer or audience
  kNotYet,      // nbf in the future
  kExpired
};
std::string_view fault_text(TokenFault fault);

struct TokenCheck {
  TokenFault fault = TokenFault::kMalformed;
  Claims claims;  // meaningful for kNone, kExpired and kNotYet: the signature is good then
};

std::string sign_token(const Claims& claims, const Es256Key& key);
TokenCheck check_token(std::string_view token, const std::vector<Es256Key>& keys, const TokenPolicy& policy,
                       int64_t now_s);

}  // namespace lcg::uaa
