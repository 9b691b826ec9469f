// SPDX-License-Identifier: Apache-2.0
// base64: RFC 4648, both alphabets, read strictly: every value has exactly one spelling. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace lcg::token {

// Section 5 without padding (RFC 7515 section 2). nullopt: a character outside the alphabet, padding, white
// space, an impossible length, or stray bits in the last character.
std::optional<std::string> from_base64url(std::string_view text);
std::string base64url(std::string_view bytes);

// Section 4 with its padding: the claims b64info and b64data.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace lcg::token
