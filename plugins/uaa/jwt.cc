// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/jwt.h"

#include "plugins/uaa/flat_json.h"
#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

constexpr std::string_view kAlgorithm = "ES256";
constexpr std::string_view kType = "at+jwt";

struct Parts {
  std::string_view header, payload, signature;
  std::string_view signed_text;
};

bool split(std::string_view token, Parts& out) {
  const size_t first = token.find('.');
  if (first == std::string_view::npos) return false;
  const size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return false;
  out.header = token.substr(0, first);
  out.payload = token.substr(first + 1, second - first - 1);
  out.signature = token.substr(second + 1);
  out.signed_text = token.substr(0, second);
  return true;
}

bool equals(const std::string* found, std::string_view wanted) {
  return found != nullptr && *found == wanted;
}

// The kid of a header we could have written; empty otherwise.
std::string kid_of(std::string_view encoded) {
  const std::optional<std::string> text = from_base64url(encoded);
  if (!text) return {};
  const std::optional<FlatObject> header = FlatObject::parse(*text);
  if (!header || header->size() != 3 || !equals(header->string("alg"), kAlgorithm) ||
      !equals(header->string("typ"), kType))
    return {};
  const std::string* kid = header->string("kid");
  return kid == nullptr ? std::string() : *kid;
}

bool read_claims(std::string_view encoded, const std::string& user_prefix, Claims& out) {
  const std::optional<std::string> text = from_base64url(encoded);
  if (!text) return false;
  const std::optional<FlatObject> object = FlatObject::parse(*text);
  if (!object) return false;
  const std::pair<const char*, std::string*> strings[] = {{"iss", &out.issuer},
                                                          {"aud", &out.audience},
                                                          {"sub", &out.user},
                                                          {"sid", &out.auth_id},
                                                          {"jti", &out.token_id}};
  for (const auto& [name, field] : strings) {
    const std::string* value = object->string(name);
    if (value == nullptr) return false;
    *field = *value;
  }
  const std::optional<int64_t> issued = object->integer("iat");
  const std::optional<int64_t> expires = object->integer("exp");
  const std::optional<int64_t> not_before = object->integer("nbf");
  if (!issued || !expires || (object->has("nbf") && !not_before)) return false;
  out.issued_s = *issued;
  out.expires_s = *expires;
  out.not_before_s = not_before.value_or(0);
  // 2^53 seconds: what every JSON reader holds, and no sum below overflows.
  constexpr int64_t kMaxSeconds = int64_t{1} << 53;
  for (const int64_t time : {out.issued_s, out.expires_s, out.not_before_s})
    if (time < 0 || time > kMaxSeconds) return false;
  return is_user_id(out.user, user_prefix) && !out.auth_id.empty();
}

}  // namespace

std::string_view fault_text(TokenFault fault) {
  switch (fault) {
    case TokenFault::kNone:
      return "valid";
    case TokenFault::kMalformed:
      return "malformed token";
    case TokenFault::kUnknownKey:
      return "token of an unknown key";
    case TokenFault::kForged:
      return "token with a wrong signature";
    case TokenFault::kForeign:
      return "token of another issuer or audience";
    case TokenFault::kNotYet:
      return "token not valid yet";
    case TokenFault::kExpired:
      return "token expired";
  }
  return "";
}

std::string sign_token(const Claims& claims, const Es256Key& key) {
  const std::string header = R"({"alg":"ES256","typ":"at+jwt","kid":)" + json_string(key.kid()) + "}";
  std::string payload = R"({"iss":)" + json_string(claims.issuer) + R"(,"aud":)" +
                        json_string(claims.audience) + R"(,"sub":)" + json_string(claims.user) +
                        R"(,"sid":)" + json_string(claims.auth_id) + R"(,"jti":)" +
                        json_string(claims.token_id) + R"(,"iat":)" + std::to_string(claims.issued_s) +
                        R"(,"exp":)" + std::to_string(claims.expires_s);
  if (claims.not_before_s != 0) payload += R"(,"nbf":)" + std::to_string(claims.not_before_s);
  payload += "}";
  std::string token = base64url(header) + "." + base64url(payload);
  const std::string signature = key.sign(token);
  return token + "." + base64url(signature);
}

TokenCheck check_token(std::string_view token, const std::vector<Es256Key>& keys, const TokenPolicy& policy,
                       int64_t now_s) {
  TokenCheck check;
  Parts parts;
  if (token.size() > kMaxTokenBytes || !split(token, parts)) return check;
  const std::string kid = kid_of(parts.header);
  const std::optional<std::string> signature = from_base64url(parts.signature);
  if (kid.empty() || !signature) return check;

  const Es256Key* key = nullptr;
  for (const Es256Key& candidate : keys)
    if (candidate.kid() == kid) key = &candidate;
  if (key == nullptr) {
    check.fault = TokenFault::kUnknownKey;
    return check;
  }
  if (!key->verify(parts.signed_text, *signature)) {
    check.fault = TokenFault::kForged;
    return check;
  }
  if (!read_claims(parts.payload, policy.user_prefix, check.claims)) return check;
  const Claims& claims = check.claims;
  if (claims.issuer != policy.issuer || claims.audience != policy.audience) {
    check.fault = TokenFault::kForeign;
  } else if (now_s >= claims.expires_s + policy.leeway_s) {
    check.fault = TokenFault::kExpired;
  } else if (claims.not_before_s > now_s + policy.leeway_s) {
    check.fault = TokenFault::kNotYet;
  } else {
    check.fault = TokenFault::kNone;
  }
  return check;
}

}  // namespace lcg::uaa
