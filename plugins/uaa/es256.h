// SPDX-License-Identifier: Apache-2.0
// es256: one ECDSA P-256 key with SHA-256 (RFC 7518 section 3.4) on OpenSSL's EVP. A key knows no other
// algorithm.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace lcg::uaa {

// SHA-256 of `text`, 32 bytes.
std::string sha256(std::string_view text);

class Es256Key {
 public:
  static Es256Key generate();
  // From private_der's bytes. nullopt: not a P-256 private key.
  static std::optional<Es256Key> from_private_der(std::string_view der);

  std::string private_der() const;
  // RFC 7638 thumbprint: the key's name, the same on every node.
  const std::string& kid() const { return kid_; }
  // The public key as a JWK object.
  std::string jwk() const;

  // 64 bytes: r and s, big-endian.
  std::string sign(std::string_view text) const;
  // False for any signature that is not 64 bytes, or has r or s outside [1, n).
  bool verify(std::string_view text, std::string_view signature) const;

 private:
  explicit Es256Key(evp_pkey_st* key);
  std::shared_ptr<evp_pkey_st> key_;  // immutable, so that copies share it
  std::string x_, y_, kid_;           // base64url
};

}  // namespace lcg::uaa
