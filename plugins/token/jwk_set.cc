// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/jwk_set.h"

#include <algorithm>
#include <stdexcept>

#include "lcg/json.hpp"
#include "lcg/wire.hpp"
#include "plugins/token/base64.h"
#include "plugins/token/json_list.h"
#include "plugins/token/jws.h"

namespace lcg::token {
namespace {

std::string bytes(json::Object& key, std::string_view name) {
  return from_base64url(key.text(name)).value_or(std::string());
}

// The alg the key names, or the one its kind stands for. nullopt with `why`: none that is served.
std::optional<Algorithm> algorithm_of(json::Object& key, std::string& why) {
  const std::string type = key.text("kty");
  std::optional<Algorithm> natural;
  Family family = Family::kRsa;
  if (type == "RSA") {
    natural = Algorithm::kRs256;
  } else if (type == "EC") {
    family = Family::kEc;
    natural = algorithm_of_curve(key.text("crv"));
  } else if (type == "OKP" && key.text("crv") == "Ed25519") {
    family = Family::kEd25519;
    natural = Algorithm::kEdDsa;
  }
  if (!natural) {
    why = "kty '" + type.substr(0, 16) + "' or its curve is not served";
    return std::nullopt;
  }
  if (!key.has("alg")) return natural;
  const auto named = algorithm_named(key.text("alg"));
  if (!named || family_of(*named) != family || (family == Family::kEc && named != natural)) {
    why = "alg '" + key.text("alg").substr(0, 16) + "' does not fit its kty and curve, or is not served";
    return std::nullopt;
  }
  return named;
}

bool is_for_signatures(json::Object& key) {
  if (key.has("use") && key.text("use") != "sig") return false;
  if (!key.has("key_ops")) return true;
  const std::vector<std::string> operations = key.texts("key_ops", 16);
  return std::find(operations.begin(), operations.end(), "verify") != operations.end();
}

// nullopt with `why`: to be skipped.
std::optional<Jwk> read_jwk(json::Object& key, std::string& why) {
  Jwk out;
  out.kid = key.text("kid");
  if (out.kid.empty() || out.kid.size() > kMaxKidBytes) {
    why = "it has no kid of 1 to 256 bytes";
    return std::nullopt;
  }
  if (!is_for_signatures(key)) {
    why = "it is not for signatures";
    return std::nullopt;
  }
  const auto algorithm = algorithm_of(key, why);
  if (!algorithm) return std::nullopt;
  out.algorithm = *algorithm;
  out.parts = {bytes(key, "n"), bytes(key, "e"), bytes(key, "x"), bytes(key, "y")};
  if (!key.error().empty()) {
    why = key.error();
    return std::nullopt;
  }
  try {
    VerifyKey::parts(out.algorithm, out.parts);
  } catch (const std::invalid_argument& error) {
    why = std::string("it ") + error.what();
    return std::nullopt;
  }
  return out;
}

std::string printable(std::string_view kid) {
  std::string out(kid.substr(0, 64));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out.empty() ? "(no kid)" : out;
}

}  // namespace

std::optional<JwkSet> read_jwk_set(std::string_view text, std::string& why) {
  const auto refuse = [&why](const char* reason) {
    why = reason;
    return std::nullopt;
  };
  if (text.empty() || text.size() > kMaxSetBytes) return refuse("the answer is empty or over 64 KiB");
  json::Object object;
  if (!json::Object::parse(text, object)) return refuse("the answer is not one JSON object");
  const std::string list = object.raw("keys");
  std::vector<std::string_view> items;
  if (!json_list(list, kMaxSetKeys, items)) return refuse("'keys' is not a list of at most 64 keys");
  JwkSet out;
  for (const std::string_view item : items) {
    json::Object key;
    if (item.size() > kMaxJwkBytes || item.front() != '{' || !json::Object::parse(item, key))
      return refuse("one of 'keys' is not an object of at most 8 KiB that names each member once");
    std::string skipped;
    std::optional<Jwk> jwk = read_jwk(key, skipped);
    if (!jwk) {
      out.skipped.push_back(printable(key.text("kid")) + ": " + skipped);
      continue;
    }
    for (const Jwk& other : out.keys)
      if (other.kid == jwk->kid) return refuse("two keys have the same kid");
    out.keys.push_back(*std::move(jwk));
  }
  return out;
}

std::string encode(const std::vector<Jwk>& keys) {
  wire::Writer w;
  w.u64(keys.size());
  for (const Jwk& key : keys)
    w.str(key.kid)
        .str(name_of(key.algorithm))
        .str(key.parts.modulus)
        .str(key.parts.exponent)
        .str(key.parts.x)
        .str(key.parts.y);
  return w.take();
}

bool decode(std::string_view data, std::vector<Jwk>& out) {
  wire::Reader r(data);
  for (uint64_t n = r.count(); n > 0 && r.ok(); --n) {
    Jwk key;
    key.kid = r.str();
    const auto algorithm = algorithm_named(r.str());
    if (!algorithm) return false;
    key.algorithm = *algorithm;
    key.parts.modulus = r.str();
    key.parts.exponent = r.str();
    key.parts.x = r.str();
    key.parts.y = r.str();
    out.push_back(std::move(key));
  }
  return r.ok();
}

KeyMap key_map(const std::vector<Jwk>& keys) {
  KeyMap out;
  for (const Jwk& key : keys) out.emplace(key.kid, VerifyKey::parts(key.algorithm, key.parts));
  return out;
}

}  // namespace lcg::token
