// SPDX-License-Identifier: Apache-2.0
// password: Argon2id by libsodium. Each call takes tens of milliseconds and `memory_bytes`: never on a lane.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace lcg::uaa {

struct PasswordCost {
  uint64_t passes = 2;
  size_t memory_bytes = 64u << 20;
};

inline constexpr size_t kMaxPasswordBytes = 256;

// The encoded hash with its salt and cost. Throws std::bad_alloc when the memory is not to be had.
std::string hash_password(const std::string& password, PasswordCost cost);
bool verify_password(const std::string& password, const std::string& hash);
// The hash was made at another cost and the password should be hashed anew.
bool needs_rehash(const std::string& hash, PasswordCost cost);

// A well-formed hash of that cost that no password matches: checking against it takes as long as against a
// real one.
std::string decoy_hash(PasswordCost cost);

// Overwrites a secret before its memory is given back.
void wipe(std::string& secret);

}  // namespace lcg::uaa
