// SPDX-License-Identifier: Apache-2.0
// visible.hpp: the rule of ids and names that one side writes and another one shows or compares byte for byte: user
// ids, devices, channels. The broker admits a user id by it, so a plugin that takes ids from clients uses it as well:
// then every id that can log in can be written, and no other one can. Display names have a rule of their own, that of
// the stock plugins.
//
// The table is part of this header, so that all parts of one build agree whatever library of Unicode a plugin links.
// Pure; any thread.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace lcg {

namespace detail {

struct HiddenRange {
  uint32_t first, last;
};

// Categories Cc, Cf, Zl, Zp, Co, Default_Ignorable_Code_Point and the noncharacters of Unicode 15, in order. What a
// later version assigns is in none of them but Cf, which has grown by Egyptian format controls alone since 2016.
inline constexpr HiddenRange kHidden[] = {
    {0x0, 0x1f},        {0x7f, 0x9f},       {0xad, 0xad},        {0x34f, 0x34f},     {0x600, 0x605},
    {0x61c, 0x61c},     {0x6dd, 0x6dd},     {0x70f, 0x70f},      {0x890, 0x891},     {0x8e2, 0x8e2},
    {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},    {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f},   {0x3164, 0x3164},   {0xe000, 0xf8ff},    {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},
    {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},    {0xfffe, 0xffff},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},  {0x1d173, 0x1d17a}, {0x1fffe, 0x1ffff},
    {0x2fffe, 0x2ffff}, {0x3fffe, 0x3ffff}, {0x4fffe, 0x4ffff},  {0x5fffe, 0x5ffff}, {0x6fffe, 0x6ffff},
    {0x7fffe, 0x7ffff}, {0x8fffe, 0x8ffff}, {0x9fffe, 0x9ffff},  {0xafffe, 0xaffff}, {0xbfffe, 0xbffff},
    {0xcfffe, 0xcffff}, {0xdfffe, 0xe0fff}, {0xefffe, 0x10ffff},
};

// Takes the character that `text` begins with off it. False: it begins with none (RFC 3629).
// REQUIRES: text is not empty.
inline bool take_character(std::string_view& text, uint32_t& out) {
  const auto lead = static_cast<unsigned char>(text.front());
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xc2 ? 0
                        : lead < 0xe0 ? 2
                        : lead < 0xf0 ? 3
                        : lead < 0xf5 ? 4
                                      : 0;
  if (length == 0 || text.size() < length) return false;
  out = length == 1 ? lead : lead & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return false;
    out = out << 6 | (byte & 0x3fu);
  }
  if ((length == 3 && (out < 0x800 || (out >= 0xd800 && out <= 0xdfff))) ||
      (length == 4 && (out < 0x10000 || out > 0x10ffff)))
    return false;
  text.remove_prefix(length);
  return true;
}

}  // namespace detail

// False for control characters (C0, DEL, C1), line and paragraph separators, characters of format (bidi, joiners, tags,
// byte order mark), all that Unicode ignores by default, private use and noncharacters.
inline bool is_visible(uint32_t code_point) {
  const detail::HiddenRange* const found =
      std::lower_bound(std::begin(detail::kHidden), std::end(detail::kHidden), code_point,
                       [](const detail::HiddenRange& range, uint32_t c) { return range.last < c; });
  return found == std::end(detail::kHidden) || code_point < found->first;
}

// UTF-8 of nothing but visible characters. "" is.
inline bool all_visible(std::string_view text) {
  while (!text.empty()) {
    uint32_t code_point = 0;
    if (!detail::take_character(text, code_point)) return false;
    if ((code_point < 0x20 || code_point >= 0x7f) && !is_visible(code_point)) return false;
  }
  return true;
}

}  // namespace lcg
