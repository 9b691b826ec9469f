// SPDX-License-Identifier: Apache-2.0
// names: one rule for the texts that one person chooses and another one reads: display names, titles and what stands
// beside them. Ids have the broker's rule (lcg/visible.hpp). After the nickname profile of PRECIS (RFC 8266), with the
// tables of ICU:
//
//   refused   control and format characters (bidi, zero width, tags), what Unicode ignores, has not assigned or leaves
//             to private use, line ends, old Hangul jamo, what is no UTF-8. Joiners and variation selectors stand only
//             where they shape what is beside them: in emoji, in scripts that join, behind a virama.
//   changed   to Normalization Form C; every kind of space to one space, none at the ends. Compatibility characters
//             stay in what is shown (RFC 8266 would write m2 for m²); readings() compares without them.
//
// Pure; any thread. Input: untrusted, of a few hundred bytes.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace lcg::names {

struct Name {
  std::string text;             // as it is kept and shown; empty when `text` has nothing that is seen
  const char* fault = nullptr;  // why it is refused; null: it is not
};
Name display(std::string_view text);

// Nothing in it is refused; it is used as it is. For words that must stay equal byte for byte.
bool is_visible(std::string_view text);
// The same with line ends and tabs: text of several lines.
bool is_visible_text(std::string_view text);

// What a person may read `name` as: itself, without case, width and other compatibility, and with every letter of another
// script as the Latin one that it looks like (Unicode TS 39). A name of which one reading is somebody's id passes for
// that person.
std::vector<std::string> readings(std::string_view name);

// The readings without case, one to three: two texts of which one is the same read alike.
std::vector<std::string> folded(std::string_view text);

}  // namespace lcg::names
