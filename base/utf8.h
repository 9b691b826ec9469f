// UTF-8 (RFC 3629): shortest form only, no surrogates, nothing above U+10FFFF.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lcg {

// Validates text that arrives in pieces (fragments of a WebSocket message, RFC 6455 8.1): the state survives
// the border even inside a character. Eight bytes at a time while they are ASCII; no tables.
class Utf8Validator {
 public:
  // False as soon as a byte cannot continue valid text (the error is found at the first such byte); it stays
  // false until reset().
  bool feed(std::string_view piece);
  // True if all that was fed is whole characters.
  bool complete() const { return valid_ && needed_ == 0; }
  void reset() { *this = Utf8Validator(); }

 private:
  bool valid_ = true;
  uint8_t needed_ = 0;  // continuation bytes outstanding
  uint8_t low_ = 0x80;  // allowed range of the next one
  uint8_t high_ = 0xBF;
};

bool valid_utf8(std::string_view text);

// Length in bytes (1 to 4) of the valid character that `text` begins with, 0 if there is none.
size_t utf8_sequence(std::string_view text);

// Writes `code_point` (a scalar value: <= 0x10FFFF, no surrogate) to `out`, which has room for 4; returns the
// length.
size_t encode_utf8(uint32_t code_point, char* out);

}  // namespace lcg
