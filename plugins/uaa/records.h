// SPDX-License-Identifier: Apache-2.0
// records: what uaa keeps in the store, and in which collection. Encoded by lcg/wire.hpp: versioned, append
// only.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lcg/services/uaa_wire.hpp"

namespace lcg::uaa {

// Partition: the user's id.
inline constexpr std::string_view kPasswordCollection = "uaa_password";  // key "password"
inline constexpr std::string_view kLoginCollection = "uaa_login";        // key: auth id
// Partition kKeyPartition (lcg/services/uaa_wire.hpp), which no user id can be.
inline constexpr std::string_view kKeyCollection = "uaa_key";        // key: key_u64(serial), from 1
inline constexpr std::string_view kSecretCollection = "uaa_secret";  // key kDeviceSecret: of device proofs
inline constexpr std::string_view kDeviceSecret = "device";

// (user, auth id) -> name, salted hash. A user has one password, so its auth id is the word "password".
struct PasswordRecord {
  std::string name;  // shown to others
  std::string hash;  // Argon2id, encoded
  int64_t created_ms = 0, changed_ms = 0;
};

// auth id -> (user, openid, login type, token). One a login; gone means revoked. Tokens are kept as SHA-256
// only.
struct LoginRecord {
  std::string type;     // "password", "operator"
  std::string subject;  // the openid within that type: for both, the user's id
  std::string name;
  int64_t created_ms = 0, refreshed_ms = 0, expires_ms = 0;
  std::string family_hash;    // of the part all its refresh tokens share; empty: it has none
  std::string refresh_hash;   // of the current refresh token's own part
  std::string previous_hash;  // of the one before, for the grace time
};

struct KeyRecord {
  std::string private_der;  // empty, but in stores of before there was a credential
  int64_t created_ms = 0;
  std::string sealed;  // the same, encrypted (credential.h)
};

std::string encode(const PasswordRecord& record);
std::string encode(const LoginRecord& record);
std::string encode(const KeyRecord& record);
bool decode(std::string_view data, PasswordRecord& out);
bool decode(std::string_view data, LoginRecord& out);
bool decode(std::string_view data, KeyRecord& out);

}  // namespace lcg::uaa
