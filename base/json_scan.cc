// The lexical part of JsonReader: values are checked and skipped here without recursion.
#include "base/json_scan.h"

#include <cstring>

#include "base/utf8.h"

namespace lcg {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool high_surrogate(unsigned unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool low_surrogate(unsigned unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

// True if any of 8 bytes may end a run of plain characters: a quote, a backslash, a control or a byte over
// 0x7F. May also say so of a plain byte next to such a one.
bool any_special(const char* bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  uint64_t quote = word ^ kOnes * '"';
  uint64_t backslash = word ^ kOnes * '\\';
  return (((word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes) | word) & kOnes * 0x80) != 0;
}

}  // namespace

bool JsonReader::scan_string(std::string_view& body, bool& escaped) {
  const char* start = ++at_;
  escaped = false;
  while (true) {
    while (end_ - at_ >= 8 && !any_special(at_)) at_ += 8;
    if (at_ == end_) return fail(JsonError::kSyntax, "string without end");
    auto c = static_cast<unsigned char>(*at_);
    if (c == '"') {
      body = {start, static_cast<size_t>(at_ - start)};
      ++at_;
      return true;
    }
    if (c == '\\') {
      escaped = true;
      if (!scan_escape()) return false;
    } else if (c < 0x20) {
      return fail(JsonError::kSyntax, "control character in a string");
    } else if (c < 0x80) {
      ++at_;
    } else {
      size_t length = utf8_sequence({at_, static_cast<size_t>(end_ - at_)});
      if (length == 0) return fail(JsonError::kUtf8, "not UTF-8");
      at_ += length;
    }
  }
}

bool JsonReader::scan_escape() {
  if (end_ - at_ < 2) return fail(JsonError::kSyntax, "string without end");
  switch (at_[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      at_ += 2;
      return true;
    case 'u':
      break;
    default:
      return fail(JsonError::kSyntax, "unknown escape");
  }
  unsigned unit = 0;
  if (!scan_hex4(unit)) return false;
  if (low_surrogate(unit)) return fail(JsonError::kUtf8, "second half of a surrogate pair without the first");
  if (!high_surrogate(unit)) return true;
  unsigned second = 0;
  if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') {
    return fail(JsonError::kUtf8, "first half of a surrogate pair without the second");
  }
  if (!scan_hex4(second)) return false;
  return low_surrogate(second) || fail(JsonError::kUtf8, "first half of a surrogate pair without the second");
}

// At "\u": the four digits after it.
bool JsonReader::scan_hex4(unsigned& unit) {
  if (end_ - at_ < 6) return fail(JsonError::kSyntax, "string without end");
  unit = 0;
  for (int i = 2; i < 6; ++i) {
    int value = hex_value(at_[i]);
    if (value < 0) return fail(JsonError::kSyntax, "expected four hexadecimal digits");
    unit = unit << 4 | static_cast<unsigned>(value);
  }
  at_ += 6;
  return true;
}

bool JsonReader::scan_digits() {
  if (at_ == end_ || !digit(*at_)) return fail(JsonError::kSyntax, "expected a digit");
  while (at_ != end_ && digit(*at_)) ++at_;
  return true;
}

// RFC 8259 section 6.
bool JsonReader::scan_number(std::string_view& token, bool& integer) {
  const char* start = at_;
  integer = true;
  if (*at_ == '-') ++at_;
  if (at_ != end_ && *at_ == '0') {
    ++at_;
    if (at_ != end_ && digit(*at_)) return fail(JsonError::kSyntax, "leading zero");
  } else if (!scan_digits()) {
    return false;
  }
  if (at_ != end_ && *at_ == '.') {
    integer = false;
    ++at_;
    if (!scan_digits()) return false;
  }
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    integer = false;
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!scan_digits()) return false;
  }
  token = {start, static_cast<size_t>(at_ - start)};
  return true;
}

bool JsonReader::scan_word(std::string_view word) {
  if (std::string_view(at_, static_cast<size_t>(end_ - at_)).substr(0, word.size()) != word) {
    return fail(JsonError::kSyntax, "expected a value");
  }
  at_ += word.size();
  return true;
}

bool JsonReader::scan_key(std::string_view& body, bool& escaped) {
  skip_space();
  if (at_ == end_ || *at_ != '"') return fail(JsonError::kSyntax, "expected a key in double quotes");
  if (!scan_string(body, escaped)) return false;
  skip_space();
  if (at_ == end_ || *at_ != ':') return fail(JsonError::kSyntax, "expected ':'");
  ++at_;
  return true;
}

bool JsonReader::scan_scalar() {
  std::string_view ignored;
  bool flag = false;
  switch (json::kind_of(*at_)) {
    case JsonKind::kString:
      return scan_string(ignored, flag);
    case JsonKind::kNumber:
      return scan_number(ignored, flag);
    case JsonKind::kBool:
      return scan_word(*at_ == 't' ? "true" : "false");
    case JsonKind::kNull:
      return scan_word("null");
    default:
      return fail(JsonError::kSyntax, "expected a value");
  }
}

// At the first character of a value; ends behind it, at the depth it began.
bool JsonReader::scan_value() {
  const unsigned outside = depth_;
  while (true) {
    if (at_ == end_) return fail(JsonError::kSyntax, "expected a value");
    bool opened = *at_ == '{' || *at_ == '[';
    if (opened ? !open(*at_ == '{') : !scan_scalar()) return false;
    // Behind a scalar, or just inside a container: close all that end here, then go to the next value.
    while (true) {
      if (depth_ == outside) return true;
      bool closed = false;
      if (!expect_comma_or_close(closed)) return false;
      if (!closed) break;
    }
    std::string_view key;
    bool escaped = false;
    if (in_object() && !scan_key(key, escaped)) return false;
    skip_space();
  }
}

// After an error inside the value that began at `start`: goes behind the value, and the error is a fault of it alone.
bool JsonReader::forgive(const char* start, unsigned depth, const char*& fault) {
  const char* const stopped = at_;
  at_ = start;
  if (!pair_brackets()) {
    at_ = stopped;
    return false;
  }
  fault = error_what_;
  error_ = JsonError::kNone;
  error_what_ = "";
  depth_ = depth;
  first_ = false;
  return true;
}

// At the first character of a value: goes to the comma or bracket behind it. False: its quotes and brackets do not
// pair, or it is empty.
bool JsonReader::pair_brackets() {
  const char* const start = at_;
  size_t inside = 0;
  for (; at_ != end_; ++at_) {
    if (*at_ == '"') {
      for (++at_; at_ != end_ && *at_ != '"'; ++at_) {
        if (*at_ != '\\') continue;
        ++at_;
        if (at_ == end_) return false;
      }
      if (at_ == end_) return false;
    } else if (*at_ == '{' || *at_ == '[') {
      ++inside;
    } else if (*at_ == '}' || *at_ == ']') {
      if (inside == 0) break;
      --inside;
    } else if (*at_ == ',' && inside == 0) {
      break;
    }
  }
  return inside == 0 && at_ != start;
}

namespace json {

size_t decode(std::string_view body, std::span<char> out) {
  size_t used = 0;
  auto hex4 = [&](size_t i) {
    unsigned unit = 0;
    for (size_t k = i; k < i + 4; ++k) unit = unit << 4 | static_cast<unsigned>(hex_value(body[k]));
    return unit;
  };
  for (size_t i = 0; i < body.size();) {
    size_t run = body.find('\\', i);
    size_t plain = (run == std::string_view::npos ? body.size() : run) - i;
    if (plain > out.size() - used) return kNoRoom;
    if (plain > 0) std::memcpy(out.data() + used, body.data() + i, plain);
    used += plain;
    i += plain;
    if (i == body.size()) break;
    char encoded[4];
    size_t length = 1;
    char kind = body[i + 1];
    i += 2;
    switch (kind) {
      case 'b':
        encoded[0] = '\b';
        break;
      case 'f':
        encoded[0] = '\f';
        break;
      case 'n':
        encoded[0] = '\n';
        break;
      case 'r':
        encoded[0] = '\r';
        break;
      case 't':
        encoded[0] = '\t';
        break;
      case 'u': {
        uint32_t code_point = hex4(i);
        i += 4;
        if (high_surrogate(code_point)) {
          code_point = 0x10000 + ((code_point - 0xD800) << 10) + (hex4(i + 2) - 0xDC00);
          i += 6;
        }
        length = encode_utf8(code_point, encoded);
        break;
      }
      default:
        encoded[0] = kind;  // quote, backslash, slash
    }
    if (length > out.size() - used) return kNoRoom;
    std::memcpy(out.data() + used, encoded, length);
    used += length;
  }
  return used;
}

}  // namespace json
}  // namespace lcg
