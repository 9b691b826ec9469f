// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/base64.h"

#include <array>
#include <cstdint>

namespace lcg::token {
namespace {

#define LCG_BASE64_ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
constexpr std::string_view kUrl = LCG_BASE64_ALNUM "-_";
constexpr std::string_view kStandard = LCG_BASE64_ALNUM "+/";
#undef LCG_BASE64_ALNUM

using Digits = std::array<int8_t, 256>;

constexpr Digits digits_of(std::string_view alphabet) {
  Digits values{};
  values.fill(-1);
  for (size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<int8_t>(i);
  return values;
}
constexpr Digits kUrlDigits = digits_of(kUrl), kStandardDigits = digits_of(kStandard);

std::optional<std::string> decode(std::string_view text, const Digits& digits) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int8_t digit = digits[static_cast<unsigned char>(c)];
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>(bits >> held & 0xff));
    }
  }
  if ((bits & ((1u << held) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::string> from_base64url(std::string_view text) { return decode(text, kUrlDigits); }

std::string base64url(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t bits = 0;
  int held = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    for (held += 8; held >= 6; held -= 6) out.push_back(kUrl[bits >> (held - 6) & 63]);
  }
  if (held > 0) out.push_back(kUrl[bits << (6 - held) & 63]);
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && !text.empty() && text.back() == '='; ++padding) text.remove_suffix(1);
  return decode(text, kStandardDigits);
}

}  // namespace lcg::token
