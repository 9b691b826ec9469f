// SPDX-License-Identifier: Apache-2.0
// text: small encodings the token formats need. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace lcg::uaa {

// RFC 4648 section 5 without padding.
std::string base64url(std::string_view bytes);
// nullopt: a character outside the alphabet, padding, an impossible length, or stray bits in the last
// character, so that every value has exactly one spelling.
std::optional<std::string> from_base64url(std::string_view text);

// RFC 3629: no overlong form, no surrogate, nothing past U+10FFFF.
bool is_utf8(std::string_view text);

// `text` as a JSON string with its quotes. REQUIRES: is_utf8(text).
std::string json_string(std::string_view text);

// A user name is printable ASCII without space and " # $ & ' * , / : < > ? @ %: every character an IRC nick may
// have (RFC 2812 section 2.3.1) and '.', nothing that means something in a channel name, a URL or markup. 1
// to 64 bytes.
inline constexpr size_t kMaxUserBytes = 64;
bool is_user_name(std::string_view text);
// A user's id is `prefix` (this plugin's user_prefix) and the name.
bool is_user_id(std::string_view text, std::string_view prefix);

}  // namespace lcg::uaa
