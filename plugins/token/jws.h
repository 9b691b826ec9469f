// SPDX-License-Identifier: Apache-2.0
// jws: a signed token in compact form (RFC 7515 section 7.1), taken apart. Nothing is checked here but the form.
//
// What a token says of how it should be checked is not obeyed: alg is only compared with the key's own, kid is
// only looked up, and jku, x5u, jwk and x5c are not even read. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "plugins/token/algorithm.h"

namespace lcg::token {

inline constexpr size_t kMaxTokenBytes = 8192;
inline constexpr size_t kMaxHeaderBytes = 4096;  // decoded
inline constexpr size_t kMaxKidBytes = 256;

struct Jws {
  Algorithm algorithm = Algorithm::kHs256;
  std::string kid;               // empty: none
  std::string_view signed_text;  // of the token
  std::string payload, signature;
};

// nullopt: not exactly three base64url parts (which an encrypted token, padding and white space are not); a
// header that is not one JSON object, names a member twice, has crit, b64, zip, enc or cty, a typ that is not
// an access token's or a plain JWT's, a kid that is not a string of 1 to kMaxKidBytes, or an alg that is none
// of ours ("none" in any spelling); an empty payload. The Jws borrows from `token`.
std::optional<Jws> read_jws(std::string_view token);

}  // namespace lcg::token
