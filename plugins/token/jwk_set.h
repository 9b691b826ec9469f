// SPDX-License-Identifier: Apache-2.0
// jwk_set: the keys somebody else publishes as a JWK Set (RFC 7517 section 5), and keys as they travel between
// instances. Input: what a foreign server answered. Pure; any thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/token/verify_key.h"

namespace lcg::token {

inline constexpr size_t kMaxSetBytes = 64u << 10;
inline constexpr size_t kMaxSetKeys = 64;     // of one set, of any kind
inline constexpr size_t kMaxJwkBytes = 8192;  // of one key: RSA of 8192 bits with a certificate has 4 KiB

// One published key that is good for checking tokens.
struct Jwk {
  std::string kid;
  Algorithm algorithm = Algorithm::kRs256;
  KeyParts parts;
};

struct JwkSet {
  std::vector<Jwk> keys;
  std::vector<std::string> skipped;  // "kid: why", for the log
};

// nullopt, with `why`: not such a set, over a limit, or two of its keys have one kid (which would have two
// meanings). Skipped: keys that are for something else (use, key_ops), symmetric, of a kind or curve that is not
// served, without kid, or bad. A key without alg is pinned to the one of its curve; RSA to RS256.
std::optional<JwkSet> read_jwk_set(std::string_view text, std::string& why);

// Between instances, lcg/wire.hpp.
std::string encode(const std::vector<Jwk>& keys);
bool decode(std::string_view data, std::vector<Jwk>& out);

// kid to key: what a kid is for, and nothing else.
using KeyMap = std::map<std::string, VerifyKey, std::less<>>;
KeyMap key_map(const std::vector<Jwk>& keys);

}  // namespace lcg::token
