// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/device_proof.h"

#include <sodium.h>

#include <charconv>

#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

constexpr std::string_view kPrefix = "ld1.";
static_assert(crypto_auth_KEYBYTES == DeviceProof::kSecretBytes);

}  // namespace

std::string DeviceProof::mac(std::string_view user, std::string_view serial, std::string_view issued) const {
  // The prefix keeps it apart from whatever else may be authenticated one day; no part has a NUL.
  std::string text(kPrefix);
  text.append(user).push_back('\0');
  text.append(serial).push_back('\0');
  text.append(issued);
  std::string out(crypto_auth_BYTES, '\0');
  crypto_auth(reinterpret_cast<unsigned char*>(out.data()),
              reinterpret_cast<const unsigned char*>(text.data()), text.size(),
              reinterpret_cast<const unsigned char*>(secret_.data()));
  return out;
}

std::string DeviceProof::make(std::string_view user, std::string_view serial, int64_t now_s) const {
  const std::string issued = std::to_string(now_s);
  return std::string(kPrefix).append(serial) + "." + issued + "." + base64url(mac(user, serial, issued));
}

std::optional<std::string> DeviceProof::check(std::string_view text, std::string_view user, int64_t now_s,
                                              int64_t lifetime_s) const {
  if (text.size() > kMaxTextBytes || !text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const size_t first = text.find('.');
  const size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view serial = text.substr(0, first), issued = text.substr(first + 1, second - first - 1);
  const std::optional<std::string> given = from_base64url(text.substr(second + 1));
  const std::string expected = mac(user, serial, issued);
  if (!given || given->size() != expected.size() ||
      sodium_memcmp(given->data(), expected.data(), expected.size()) != 0)
    return std::nullopt;
  int64_t issued_s = 0;
  const auto [end, error] = std::from_chars(issued.data(), issued.data() + issued.size(), issued_s);
  if (error != std::errc() || end != issued.data() + issued.size()) return std::nullopt;
  if (issued_s > now_s || issued_s + lifetime_s <= now_s) return std::nullopt;
  return std::string(serial);
}

}  // namespace lcg::uaa
