// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/jws.h"

#include <algorithm>

#include "lcg/json.hpp"
#include "plugins/token/base64.h"

namespace lcg::token {
namespace {

// Each would change how the rest has to be read: an extension we do not know (RFC 7515 section 4.1.11), a
// payload that is not encoded (RFC 7797), compressed, encrypted, or another token.
constexpr std::string_view kRefusedMembers[] = {"crit", "b64", "zip", "enc", "cty"};

// RFC 8725 section 3.11: a token made for something else ("logout+jwt", "dpop+jwt") is not a login.
bool is_token_type(std::string_view typ) {
  std::string lower(typ);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower.starts_with("application/")) lower.erase(0, 12);
  return lower == "jwt" || lower == "at+jwt";
}

bool read_header(std::string_view encoded, Jws& out) {
  const std::optional<std::string> text = from_base64url(encoded);
  if (!text || text->empty() || text->size() > kMaxHeaderBytes) return false;
  json::Object header;
  if (!json::Object::parse(*text, header)) return false;
  for (const std::string_view name : kRefusedMembers)
    if (!header.raw(name).empty()) return false;
  const auto algorithm = algorithm_named(header.text("alg"));
  if (!algorithm) return false;
  out.algorithm = *algorithm;
  if (!header.raw("typ").empty() && !is_token_type(header.text("typ"))) return false;
  if (!header.raw("kid").empty()) {
    out.kid = header.text("kid");
    if (out.kid.empty() || out.kid.size() > kMaxKidBytes) return false;
  }
  return header.error().empty();
}

}  // namespace

std::optional<Jws> read_jws(std::string_view token) {
  if (token.size() > kMaxTokenBytes || std::count(token.begin(), token.end(), '.') != 2) return std::nullopt;
  const size_t first = token.find('.'), second = token.rfind('.');
  Jws out;
  if (!read_header(token.substr(0, first), out)) return std::nullopt;
  std::optional<std::string> payload = from_base64url(token.substr(first + 1, second - first - 1));
  std::optional<std::string> signature = from_base64url(token.substr(second + 1));
  if (!payload || payload->empty() || !signature || signature->empty()) return std::nullopt;
  out.signed_text = token.substr(0, second);
  out.payload = *std::move(payload);
  out.signature = *std::move(signature);
  return out;
}

}  // namespace lcg::token
