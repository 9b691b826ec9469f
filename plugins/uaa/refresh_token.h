// SPDX-License-Identifier: Apache-2.0
// refresh_token: "lr1.<user>.<auth id>.<secrets>", opaque to clients. Pure.
//
// The user and auth id say where the login is stored. The secrets are 128 bits that all tokens of the login
// share (the family) and 256 bits of this token's own. The store keeps SHA-256 of both: whoever presents the
// right family with another token's secret holds a token that was used up, which is how theft shows; whoever
// guesses finds nothing out and can revoke nothing.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace lcg::uaa {

struct RefreshToken {
  static constexpr size_t kFamilyBytes = 16, kSecretBytes = 32;
  static constexpr size_t kMaxBytes = 512;

  std::string user, auth_id;
  std::string family, secret;

  std::string encode() const;
  // nullopt: not one of a user whose id begins with `user_prefix`.
  static std::optional<RefreshToken> decode(std::string_view text, std::string_view user_prefix);
};

// In a time that does not depend on where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace lcg::uaa
