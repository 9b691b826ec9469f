// SPDX-License-Identifier: Apache-2.0
// json.hpp: reads the JSON object of one request without building a tree, and writes JSON.
//
// Object::parse checks the whole text against RFC 8259 (UTF-8 included, surrogates in pairs, nesting at most 64)
// and remembers where each top-level member lies. A getter that finds the wrong type, or misses what is required, notes the
// first such error and returns an empty value: read all fields, then ask error() once. A value that is only
// passed on is taken by raw(), byte for byte as the client wrote it (white space that a frame may not carry
// is removed). Input: untrusted. Cost: one pass, no allocation but keys and the strings asked for.
#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lcg::json {

inline constexpr int kMaxDepth = 64;

namespace detail {

// A validating cursor over one text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : p_(text.data()), end_(text.data() + text.size()) {}

  void space() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\n' || *p_ == '\r')) ++p_;
  }
  bool at_end() const { return p_ == end_; }
  const char* position() const { return p_; }
  bool take(char c) {
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }
  bool value(int depth) {
    if (p_ == end_ || depth > kMaxDepth) return false;
    switch (*p_) {
      case '{':
        return container('{', '}', depth);
      case '[':
        return container('[', ']', depth);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }
  // RFC 8259 section 7.
  bool string() {
    if (!take('"')) return false;
    while (p_ != end_) {
      const auto c = static_cast<unsigned char>(*p_);
      if (c == '"') return ++p_, true;
      if (c < 0x20) return false;
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c < 0x80) {
        ++p_;
      } else if (!utf8(c)) {
        return false;
      }
    }
    return false;
  }

 private:
  bool word(std::string_view w) {
    if (static_cast<size_t>(end_ - p_) < w.size() || std::string_view(p_, w.size()) != w) return false;
    p_ += w.size();
    return true;
  }
  bool digits() {
    const char* const start = p_;
    while (p_ != end_ && *p_ >= '0' && *p_ <= '9') ++p_;
    return p_ != start;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
      ++p_;
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }
  bool container(char open, char close, int depth) {
    take(open);
    space();
    if (take(close)) return true;
    for (;;) {
      space();
      if (open == '{') {
        if (!string()) return false;
        space();
        if (!take(':')) return false;
        space();
      }
      if (!value(depth + 1)) return false;
      space();
      if (take(close)) return true;
      if (!take(',')) return false;
    }
  }
  bool escape() {
    ++p_;
    if (p_ == end_) return false;
    if (std::string_view("\"\\/bfnrt").find(*p_) != std::string_view::npos) return ++p_, true;
    const uint32_t unit = code_unit();
    if (unit < 0xd800 || unit > 0xdfff) return unit != kNoUnit;
    // Half a pair is no text: who reads it strictly would be lost with it.
    if (unit > 0xdbff || !take('\\')) return false;
    const uint32_t second = code_unit();
    return second >= 0xdc00 && second <= 0xdfff;
  }
  // At the 'u' of \uXXXX.
  uint32_t code_unit() {
    if (end_ - p_ < 5 || *p_ != 'u') return kNoUnit;
    uint32_t unit = 0;
    const auto [last, error] = std::from_chars(p_ + 1, p_ + 5, unit, 16);
    if (error != std::errc() || last != p_ + 5) return kNoUnit;
    p_ += 5;
    return unit;
  }
  // RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF.
  bool utf8(unsigned char lead) {
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || end_ - p_ <= more) return false;
    const auto second = static_cast<unsigned char>(p_[1]);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
      return false;
    for (int i = 1; i <= more; ++i)
      if ((static_cast<unsigned char>(p_[i]) & 0xc0) != 0x80) return false;
    p_ += more + 1;
    return true;
  }

  static constexpr uint32_t kNoUnit = 0x110000;
  const char* p_;
  const char* const end_;
};

inline void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

inline uint32_t hex4(std::string_view s) {
  uint32_t value = 0;
  std::from_chars(s.data(), s.data() + 4, value, 16);
  return value;
}

// The text of a validated string token, quotes included. False: a lone surrogate.
inline bool unquote(std::string_view token, std::string& out) {
  const std::string_view s = token.substr(1, token.size() - 2);
  out.clear();
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '\\') {
      out += s[i];
      continue;
    }
    switch (s[++i]) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        uint32_t c = hex4(s.substr(i + 1));
        i += 4;
        if (c >= 0xd800 && c < 0xdc00) {
          if (s.substr(i + 1, 2) != "\\u") return false;
          const uint32_t low = hex4(s.substr(i + 3));
          if (low < 0xdc00 || low > 0xdfff) return false;
          c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
          i += 6;
        } else if (c >= 0xdc00 && c <= 0xdfff) {
          return false;
        }
        append_utf8(out, c);
        break;
      }
      default:
        out += s[i];
    }
  }
  return true;
}

}  // namespace detail

// Is `text` one JSON value and nothing else?
inline bool valid(std::string_view text) {
  detail::Cursor cursor(text);
  cursor.space();
  if (!cursor.value(0)) return false;
  cursor.space();
  return cursor.at_end();
}

// A valid value without white space outside its strings when it holds a line break; else unchanged.
inline std::string one_line(std::string_view value) {
  if (value.find_first_of("\r\n") == std::string_view::npos) return std::string(value);
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (!in_string && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
    out += c;
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\') out += value[++i];
  }
  return out;
}

class Object {
 public:
  // False when `text` is not one JSON object, or a key occurs twice. An empty text is an empty object.
  // `text` must outlive the Object.
  static bool parse(std::string_view text, Object& out) {
    out.members_.clear();
    out.error_.clear();
    detail::Cursor cursor(text);
    cursor.space();
    if (cursor.at_end()) return true;
    if (!cursor.take('{')) return false;
    cursor.space();
    if (!cursor.take('}')) {
      for (;;) {
        cursor.space();
        if (!out.member(cursor)) return false;
        cursor.space();
        if (cursor.take('}')) break;
        if (!cursor.take(',')) return false;
      }
    }
    cursor.space();
    return cursor.at_end();
  }

  // The first error any getter met: "cseq: expected a whole number". Empty: none.
  const std::string& error() const { return error_; }
  void fail(std::string_view key, std::string_view what) {
    if (error_.empty()) error_ = std::string(key) + ": " + std::string(what);
  }

  bool has(std::string_view key) const {
    const std::string_view* token = find(key);
    return token != nullptr && *token != "null";
  }
  // The value as written. Empty when absent.
  std::string raw(std::string_view key) const {
    const std::string_view* token = find(key);
    return token != nullptr ? one_line(*token) : std::string();
  }
  std::string text(std::string_view key, std::string_view fallback = {}) {
    if (!has(key)) return std::string(fallback);
    std::string out;
    const std::string_view token = *find(key);
    if (token.front() != '"' || !detail::unquote(token, out)) fail(key, "expected a string");
    return out;
  }
  std::string required_text(std::string_view key) {
    std::string out = text(key);
    if (out.empty()) fail(key, "expected a string that is not empty");
    return out;
  }
  // A whole number >= 0, or the same in a string (64 bits do not fit a JavaScript number).
  std::optional<uint64_t> u64(std::string_view key) {
    if (!has(key)) return std::nullopt;
    std::string_view token = *find(key);
    if (token.size() >= 2 && token.front() == '"') token = token.substr(1, token.size() - 2);
    uint64_t value = 0;
    const auto [rest, error] = std::from_chars(token.data(), token.data() + token.size(), value);
    if (error != std::errc() || rest != token.data() + token.size()) {
      fail(key, "expected a whole number");
      return std::nullopt;
    }
    return value;
  }
  bool boolean(std::string_view key, bool fallback) {
    if (!has(key)) return fallback;
    const std::string_view token = *find(key);
    if (token != "true" && token != "false") fail(key, "expected true or false");
    return token == "true";
  }
  // A list of strings, at most `limit`; empty when absent.
  std::vector<std::string> texts(std::string_view key, size_t limit) {
    std::vector<std::string> out;
    if (!has(key)) return out;
    const std::string_view token = *find(key);
    detail::Cursor cursor(token);
    bool good = cursor.take('[');
    cursor.space();
    while (good && !cursor.take(']')) {
      cursor.space();
      const char* const start = cursor.position();
      std::string item;
      good = cursor.string() && out.size() < limit &&
             detail::unquote(std::string_view(start, static_cast<size_t>(cursor.position() - start)), item);
      out.push_back(std::move(item));
      cursor.space();
      if (!cursor.take(',')) {
        good = good && cursor.take(']');
        break;
      }
    }
    if (!good) {
      fail(key, "expected a list of at most " + std::to_string(limit) + " strings");
      out.clear();
    }
    return out;
  }

 private:
  bool member(detail::Cursor& cursor) {
    const char* start = cursor.position();
    if (!cursor.string()) return false;
    std::string key;
    if (!detail::unquote(std::string_view(start, static_cast<size_t>(cursor.position() - start)), key))
      return false;
    cursor.space();
    if (!cursor.take(':')) return false;
    cursor.space();
    start = cursor.position();
    if (!cursor.value(1) || find(key) != nullptr) return false;
    members_.emplace_back(std::move(key),
                          std::string_view(start, static_cast<size_t>(cursor.position() - start)));
    return true;
  }
  const std::string_view* find(std::string_view key) const {
    for (const auto& [name, token] : members_)
      if (name == key) return &token;
    return nullptr;
  }

  std::vector<std::pair<std::string, std::string_view>> members_;
  std::string error_;
};

inline void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          static constexpr char kHex[] = "0123456789abcdef";
          out += "\\u00";
          out += kHex[c >> 4];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

// Builds one object: Writer().text("dialog", id).num("seq", 7).take(). Keys must need no escaping.
class Writer {
 public:
  Writer() : out_("{") {}
  Writer& text(std::string_view key, std::string_view value) {
    name(key);
    append_quoted(out_, value);
    return *this;
  }
  Writer& num(std::string_view key, uint64_t value) {
    name(key);
    append(value);
    return *this;
  }
  // A 64-bit id: a decimal string, because JavaScript numbers hold 53 bits.
  Writer& id(std::string_view key, uint64_t value) {
    name(key);
    out_ += '"';
    append(value);
    out_ += '"';
    return *this;
  }
  Writer& boolean(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  // `value` is JSON already.
  Writer& raw(std::string_view key, std::string_view value) {
    name(key);
    out_ += value;
    return *this;
  }
  Writer& texts(std::string_view key, const std::vector<std::string>& values) {
    name(key);
    out_ += '[';
    for (size_t i = 0; i < values.size(); ++i) {
      if (i != 0) out_ += ',';
      append_quoted(out_, values[i]);
    }
    out_ += ']';
    return *this;
  }
  std::string take() {
    out_ += '}';
    return std::move(out_);
  }

 private:
  void name(std::string_view key) {
    if (out_.size() > 1) out_ += ',';
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }
  void append(uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, end);
  }
  std::string out_;
};

// "[a,b,c]" of values that are JSON already.
inline std::string array(const std::vector<std::string>& values) {
  std::string out = "[";
  for (const std::string& value : values) {
    if (out.size() > 1) out += ',';
    out += value;
  }
  out += ']';
  return out;
}

}  // namespace lcg::json
