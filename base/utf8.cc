#include "base/utf8.h"

#include <cstring>

namespace lcg {

bool Utf8Validator::feed(std::string_view piece) {
  if (!valid_) return false;
  const char* at = piece.data();
  const char* end = at + piece.size();
  while (at != end) {
    if (needed_ == 0) {
      while (end - at >= 8) {
        uint64_t word;
        std::memcpy(&word, at, sizeof(word));
        if ((word & 0x8080808080808080u) != 0) break;
        at += 8;
      }
      if (at == end) break;
    }
    auto byte = static_cast<uint8_t>(*at++);
    if (needed_ > 0) {
      if (byte < low_ || byte > high_) return valid_ = false;
      low_ = 0x80;
      high_ = 0xBF;
      --needed_;
      continue;
    }
    if (byte < 0x80) continue;
    // RFC 3629 section 4: the lead byte fixes the length and the range of the second byte.
    if (byte >= 0xC2 && byte <= 0xDF) {
      needed_ = 1;
    } else if (byte >= 0xE0 && byte <= 0xEF) {
      needed_ = 2;
      if (byte == 0xE0) low_ = 0xA0;   // shorter forms
      if (byte == 0xED) high_ = 0x9F;  // surrogates
    } else if (byte >= 0xF0 && byte <= 0xF4) {
      needed_ = 3;
      if (byte == 0xF0) low_ = 0x90;   // shorter forms
      if (byte == 0xF4) high_ = 0x8F;  // above U+10FFFF
    } else {
      return valid_ = false;
    }
  }
  return true;
}

bool valid_utf8(std::string_view text) {
  Utf8Validator validator;
  return validator.feed(text) && validator.complete();
}

size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (lead < 0xE0) return text.size() >= 2 && tail(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (text.size() < 3 || !tail(1) || !tail(2)) return 0;
    if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
    return 3;
  }
  if (text.size() < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
  if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
  return 4;
}

size_t encode_utf8(uint32_t code_point, char* out) {
  auto tail = [&](size_t i, unsigned shift) {
    out[i] = static_cast<char>(0x80 | (code_point >> shift & 0x3F));
  };
  if (code_point < 0x80) {
    out[0] = static_cast<char>(code_point);
    return 1;
  }
  if (code_point < 0x800) {
    out[0] = static_cast<char>(0xC0 | code_point >> 6);
    tail(1, 0);
    return 2;
  }
  if (code_point < 0x10000) {
    out[0] = static_cast<char>(0xE0 | code_point >> 12);
    tail(1, 6);
    tail(2, 0);
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | code_point >> 18);
  tail(1, 12);
  tail(2, 6);
  tail(3, 0);
  return 4;
}

}  // namespace lcg
