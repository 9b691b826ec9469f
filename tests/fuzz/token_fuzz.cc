// Tokens of other people's back ends, their claims, and the JWK Sets that are fetched for them: whatever comes in, nothing
// is read past its end, what is not signed is never accepted, and what is read reads the same again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lcg/net/address_policy.hpp"
#include "plugins/token/base64.h"
#include "plugins/token/testing/signer.h"
#include "plugins/token/verify.h"

using namespace lcg::token;

namespace {

// The claims, with a good signature around them.
void read_signed(std::string_view claims) {
  static const std::vector<FixedKey> keys = {{VerifyKey::hmac(Algorithm::kHs256, kSecret)}};
  const std::string token = hs256(std::string(claims));
  const std::optional<Jws> jws = read_jws(token);
  if (!jws) return;  // empty, or over the limit
  if (check_signature(*jws, nullptr, keys, 1) != Fault::kNone) std::abort();
  std::string why;
  const std::optional<Claims> read = read_claims(jws->payload, "sub", why);
  if (!read) {
    if (why.empty()) std::abort();
    return;
  }
  if (read->user.size() > kMaxUserBytes || read->subs.size() > kMaxChannels) std::abort();
  if (read->lives_until_ms() < 0) std::abort();
  TokenPolicy policy;
  policy.issuer = "i";
  check_claims(*read, policy, 1);
}

void read_keys(std::string_view text) {
  std::string why;
  const std::optional<JwkSet> set = read_jwk_set(text, why);
  if (!set) {
    if (why.empty()) std::abort();
    return;
  }
  std::vector<Jwk> again;
  if (!decode(encode(set->keys), again) || encode(again) != encode(set->keys)) std::abort();
  if (key_map(again).size() != set->keys.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<FixedKey> nobodys = {{VerifyKey::hmac(Algorithm::kHs256, std::string(32, 'n'))}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const std::optional<Jws> jws = read_jws(text)) {
    if (jws->kid.size() > kMaxKidBytes || jws->payload.empty() || jws->signature.empty()) std::abort();
    if (check_signature(*jws, nullptr, nobodys, 1) == Fault::kNone) std::abort();
  }
  read_jws(base64url(text) + ".e30.AA");  // as a header
  read_signed(text);
  read_keys(text);
  std::vector<Jwk> keys;
  decode(text, keys);
  lcg::net::AddressPolicy().add(text, true);
  if (const auto bytes = from_base64url(text); bytes && base64url(*bytes) != text) std::abort();
  return 0;
}
