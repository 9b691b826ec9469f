// What a person sees of a text that somebody else has written. On a terminal or a page a character may move the cursor,
// turn the direction of reading, or leave no mark at all; two names then look the same, or a line says what nobody
// wrote. Such characters are refused in ids and names that clients choose (is_visible and all_visible, of the SDK, so that
// plugins refuse the same) and escaped wherever text is shown to an operator (append_visible, visible_json, the log).
//
// Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "plugins/sdk/include/lcg/visible.hpp"

namespace lcg {

// Appends `text` as a terminal may be sent it: \n, \r, \t, \u{202e} for what is not visible, \x9b for a byte that is no
// UTF-8. What is visible stays as it is, a backslash included.
void append_visible(std::string& out, std::string_view text);
std::string visible(std::string_view text);

// `json`, which is JSON in UTF-8, with \u202e for what is not visible in its strings: the same value, safe to show.
std::string visible_json(std::string_view json);

// \u202e, or the two halves \ud83d\ude00 of a character above U+FFFF: as JSON escapes it.
void append_json_escape(std::string& out, uint32_t code_point);

// The character that `text` begins with, `length` bytes of it. REQUIRES: length is utf8_sequence(text) and not 0.
uint32_t code_point_of(std::string_view text, size_t length);

}  // namespace lcg
