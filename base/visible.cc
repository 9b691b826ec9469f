#include "base/visible.h"

#include "base/utf8.h"

namespace lcg {
namespace {

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
