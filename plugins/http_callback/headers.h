// SPDX-License-Identifier: Apache-2.0
// headers: which of a client's headers go with a callback. Input is untrusted: a name that is not a token of RFC
// 9110, or a value with a control character (CR and LF first of all), goes nowhere. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "plugins/http_callback/settings.h"

namespace lcg::http_callback {

inline constexpr size_t kMaxHeaderBytes = 8u << 10;      // of one value
inline constexpr size_t kMaxForwardedBytes = 32u << 10;  // of all that one callback forwards

std::string lower(std::string_view text);
// The line that names a request: a callback's name, or "events".
std::string callback_header(std::string_view name);
bool is_header_name(std::string_view name);
bool is_header_value(std::string_view value);
// What says how the request itself is to be read, and is ours to set.
bool is_our_header(std::string_view name);

// The header lines of a callback to `back_end`. `headers` is Peer::headers: a JSON object of strings, of the client's
// HTTP request and, behind those, of its connect command; which of them get here at all is the gateway's to say. One of
// the client's takes the place of a static one. What is not in the back end's list or not well-formed is left out.
std::vector<std::string> callback_headers(const BackEndSettings& back_end, std::string_view headers);

}  // namespace lcg::http_callback
