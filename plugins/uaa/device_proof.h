// SPDX-License-Identifier: Apache-2.0
// device_proof: what a device shows at its next login to say that somebody logged in from it before ("device cookie",
// OWASP). It proves that and no more: it opens nothing, it only has its own count of wrong passwords.
//
//   ld1.<serial>.<issued, Unix s>.<MAC>     base64url; the MAC is HMAC-SHA-512-256 over user, serial and issued
//
// Any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lcg::uaa {

class DeviceProof {
 public:
  static constexpr size_t kSecretBytes = 32;
  static constexpr size_t kSerialBytes = 16;
  static constexpr size_t kMaxTextBytes = 256;

  // `secret` has kSecretBytes.
  explicit DeviceProof(std::string secret) : secret_(std::move(secret)) {}

  std::string make(std::string_view user, std::string_view serial, int64_t now_s) const;
  // The serial; nothing: not one of ours, of another user, from the future, or older than `lifetime_s`.
  std::optional<std::string> check(std::string_view text, std::string_view user, int64_t now_s,
                                   int64_t lifetime_s) const;

 private:
  std::string mac(std::string_view user, std::string_view serial, std::string_view issued) const;

  const std::string secret_;
};

}  // namespace lcg::uaa
