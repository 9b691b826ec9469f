// SPDX-License-Identifier: Apache-2.0
// RFC 4648 section 4, with padding: the b64 fields of the callback contract.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace lcg::http_callback {

std::string base64(std::string_view bytes);
// Nothing: not base64. Strict: padding is there, nothing else is.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace lcg::http_callback
