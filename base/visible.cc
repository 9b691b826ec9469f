#include "base/visible.h"

#include <algorithm>
#include <iterator>

#include "base/utf8.h"

namespace lcg {
namespace {

struct Range {
  uint32_t first, last;
};

// Categories Cc, Cf, Zl, Zp, Co, Default_Ignorable_Code_Point and the noncharacters of Unicode 15, in order. What a
// later version assigns is in none of them but Cf, which has grown by Egyptian format controls alone since 2016.
constexpr Range kHidden[] = {
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

constexpr char kHex[] = "0123456789abcdef";

void append_hex(std::string& out, uint32_t number, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out.push_back(kHex[number >> shift & 0xf]);
}

bool is_plain(char c) { return c >= 0x20 && c < 0x7f; }

void append_hidden(std::string& out, uint32_t code_point) {
  if (code_point == '\n' || code_point == '\r' || code_point == '\t') {
    out.push_back('\\');
    out.push_back(code_point == '\n' ? 'n' : code_point == '\r' ? 'r' : 't');
    return;
  }
  out.append("\\u{");
  append_hex(out, code_point, code_point > 0xffff ? 6 : code_point > 0xff ? 4 : 2);
  out.push_back('}');
}

}  // namespace

uint32_t code_point_of(std::string_view text, size_t length) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  if (length == 1) return byte(0);
  uint32_t out = byte(0) & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) out = out << 6 | (byte(i) & 0x3f);
  return out;
}

bool is_visible(uint32_t code_point) {
  const Range* found = std::lower_bound(std::begin(kHidden), std::end(kHidden), code_point,
                                        [](const Range& range, uint32_t c) { return range.last < c; });
  return found == std::end(kHidden) || code_point < found->first;
}

bool all_visible(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (is_plain(text[i])) {
      ++i;
      continue;
    }
    const size_t length = utf8_sequence(text.substr(i));
    if (length == 0 || !is_visible(code_point_of(text.substr(i), length))) return false;
    i += length;
  }
  return true;
}

void append_visible(std::string& out, std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (is_plain(text[i])) {
      out.push_back(text[i++]);
      continue;
    }
    const size_t length = utf8_sequence(text.substr(i));
    if (length == 0) {
      out.append("\\x");
      append_hex(out, static_cast<unsigned char>(text[i++]), 2);
      continue;
    }
    const uint32_t code_point = code_point_of(text.substr(i), length);
    if (is_visible(code_point)) {
      out.append(text.substr(i, length));
    } else {
      append_hidden(out, code_point);
    }
    i += length;
  }
}

std::string visible(std::string_view text) {
  std::string out;
  append_visible(out, text);
  return out;
}

void append_json_escape(std::string& out, uint32_t code_point) {
  const auto unit = [&](uint32_t value) {
    out.append("\\u");
    append_hex(out, value, 4);
  };
  if (code_point < 0x10000) return unit(code_point);
  unit(0xd800 + ((code_point - 0x10000) >> 10));
  unit(0xdc00 + ((code_point - 0x10000) & 0x3ff));
}

std::string visible_json(std::string_view json) {
  std::string out;
  for (size_t i = 0; i < json.size();) {
    // Between its strings JSON has ASCII alone, and line ends that lay it out.
    if (is_plain(json[i]) || json[i] == '\n') {
      out.push_back(json[i++]);
      continue;
    }
    const size_t length = utf8_sequence(json.substr(i));
    const uint32_t code_point = length == 0 ? 0xfffd : code_point_of(json.substr(i), length);
    if (length != 0 && is_visible(code_point)) {
      out.append(json.substr(i, length));
    } else {
      append_json_escape(out, code_point);
    }
    i += length == 0 ? 1 : length;
  }
  return out;
}

}  // namespace lcg
