// Access tokens, their flat JSON and OAuth bodies: whatever comes in, nothing is read past its end, and what
// is not signed by the key is never accepted.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/uaa/flat_json.h"
#include "plugins/uaa/form.h"
#include "plugins/uaa/jwt.h"
#include "plugins/uaa/refresh_token.h"
#include "plugins/uaa/text.h"

using namespace lcg::uaa;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Es256Key> keys = {Es256Key::generate()};
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  // As it is, and with a header that leads to the key and so to the signature and the claims.
  TokenPolicy policy;
  policy.issuer = "i";
  policy.audience = "a";
  if (check_token(text, keys, policy, 1).fault == TokenFault::kNone) std::abort();
  const std::string header = base64url(R"({"alg":"ES256","typ":"at+jwt","kid":")" + keys[0].kid() + "\"}");
  if (check_token(header + "." + std::string(text), keys, policy, 1).fault == TokenFault::kNone) std::abort();
  const std::string signed_text = header + "." + base64url(text);
  const TokenCheck check =
      check_token(signed_text + "." + base64url(keys[0].sign(signed_text)), keys, policy, 1);
  if (check.fault == TokenFault::kForged || check.fault == TokenFault::kUnknownKey) std::abort();
  if (check.fault == TokenFault::kNone && !is_user_name(check.claims.user)) std::abort();

  FlatObject::parse(text);
  parse_parameters(text);
  if (const auto token = RefreshToken::decode(text, ""); token && token->encode() != text) std::abort();
  if (const auto bytes = from_base64url(text); bytes && base64url(*bytes) != text) std::abort();
  return 0;
}
