// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/refresh_token.h"

#include <sodium.h>

#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

constexpr std::string_view kPrefix = "lr1.";

}  // namespace

std::string RefreshToken::encode() const {
  return std::string(kPrefix) + base64url(user) + "." + auth_id + "." + base64url(family + secret);
}

std::optional<RefreshToken> RefreshToken::decode(std::string_view text, std::string_view user_prefix) {
  if (text.size() > kMaxBytes || !text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const size_t first = text.find('.');
  const size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  std::optional<std::string> user = from_base64url(text.substr(0, first));
  std::optional<std::string> secrets = from_base64url(text.substr(second + 1));
  RefreshToken token;
  token.auth_id = text.substr(first + 1, second - first - 1);
  if (!user || !is_user_id(*user, user_prefix) || token.auth_id.empty() || !from_base64url(token.auth_id) ||
      !secrets || secrets->size() != kFamilyBytes + kSecretBytes)
    return std::nullopt;
  token.user = *std::move(user);
  token.family = secrets->substr(0, kFamilyBytes);
  token.secret = secrets->substr(kFamilyBytes);
  return token;
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace lcg::uaa
