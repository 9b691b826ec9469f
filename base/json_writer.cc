#include "base/json_writer.h"

#include <array>

#include "base/utf8.h"

namespace lcg {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// 0: stands for itself; 'u': needs \u00xx; 1: not ASCII; else the letter behind the backslash.
constexpr std::array<char, 256> make_table() {
  std::array<char, 256> table{};
  for (size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  for (size_t c = 0x80; c < 256; ++c) table[c] = 1;
  table['"'] = '"';
  table['\\'] = '\\';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table[0x7F] = 'u';
  return table;
}
constexpr std::array<char, 256> kEscape = make_table();

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  size_t plain = 0;  // where the run not yet copied begins
  size_t i = 0;
  while (i < text.size()) {
    auto c = static_cast<unsigned char>(text[i]);
    char escape = kEscape[c];
    if (escape == 0) {
      ++i;
      continue;
    }
    if (escape == 1) {
      size_t length = utf8_sequence(text.substr(i));
      if (length > 0) {
        i += length;
        continue;
      }
    }
    out.append(text.substr(plain, i - plain));
    plain = ++i;
    if (escape == 1) {
      out.append("\xEF\xBF\xBD");
    } else if (escape == 'u') {
      out.append("\\u00");
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 0xF]);
    } else {
      out.push_back('\\');
      out.push_back(escape);
    }
  }
  out.append(text.substr(plain));
  out.push_back('"');
}

JsonWriter& JsonWriter::value(double number) {
  char digits[32];
  auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number);
  return raw({digits, static_cast<size_t>(end - digits)});
}

}  // namespace lcg
