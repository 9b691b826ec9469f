#include "base/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/json_scan.h"
#include "base/utf8.h"

namespace lcg {

JsonReader::JsonReader(std::string_view text, JsonLimits limits)
    : begin_(text.data()),
      at_(text.data()),
      end_(text.data() + text.size()),
      max_depth_(std::min(limits.max_depth, 64u)),
      error_at_(text.data()) {
  if (text.size() > limits.max_bytes) fail(JsonError::kSize, "text too long");
}

bool JsonReader::fail(JsonError error, const char* what) {
  if (error_ == JsonError::kNone) {
    error_ = error;
    error_at_ = at_;
    error_what_ = what;
  }
  return false;
}

std::string JsonReader::error_text() const {
  if (ok()) return {};
  return std::string(error_what_) + " at byte " + std::to_string(error_offset());
}

void JsonReader::skip_space() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
}

bool JsonReader::start_value() {
  if (!ok()) return false;
  if (!value_pending_) return fail(JsonError::kType, "no value left here");
  value_pending_ = false;
  skip_space();
  return at_ != end_ || fail(JsonError::kSyntax, "expected a value");
}

JsonKind JsonReader::peek() {
  if (!ok() || !value_pending_) return JsonKind::kNone;
  skip_space();
  return at_ == end_ ? JsonKind::kNone : json::kind_of(*at_);
}

bool JsonReader::open(bool object) {
  if (depth_ == max_depth_) return fail(JsonError::kDepth, "nested too deep");
  ++at_;
  uint64_t bit = uint64_t{1} << depth_;
  objects_ = object ? objects_ | bit : objects_ & ~bit;
  ++depth_;
  first_ = true;
  return true;
}

void JsonReader::close() {
  ++at_;
  --depth_;
  first_ = false;
}

bool JsonReader::enter_object() {
  if (!start_value()) return false;
  return *at_ == '{' ? open(true) : fail(JsonError::kType, "expected an object");
}

bool JsonReader::enter_array() {
  if (!start_value()) return false;
  return *at_ == '[' ? open(false) : fail(JsonError::kType, "expected an array");
}

// Before a member or element: eats the comma that is due, or the closing bracket.
bool JsonReader::expect_comma_or_close(bool& closed) {
  skip_space();
  bool object = in_object();
  closed = at_ != end_ && *at_ == (object ? '}' : ']');
  if (closed) {
    close();
    return true;
  }
  if (first_) {
    first_ = false;
    return true;
  }
  if (at_ == end_ || *at_ != ',') {
    return fail(JsonError::kSyntax, object ? "expected ',' or '}'" : "expected ',' or ']'");
  }
  ++at_;
  return true;
}

bool JsonReader::next_member(std::string_view& key) {
  if (!ok()) return false;
  if (depth_ == 0 || !in_object()) return fail(JsonError::kType, "not inside an object");
  if (value_pending_ && !skip()) return false;
  bool closed = false;
  if (!expect_comma_or_close(closed) || closed) return false;
  bool escaped = false;
  if (!scan_key(key, escaped)) return false;
  if (escaped) {
    size_t length = json::decode(key, key_);
    if (length == json::kNoRoom) return fail(JsonError::kTooLong, "key too long");
    key = {key_.data(), length};
  }
  value_pending_ = true;
  return true;
}

bool JsonReader::next_element() {
  if (!ok()) return false;
  if (depth_ == 0 || in_object()) return fail(JsonError::kType, "not inside an array");
  if (value_pending_ && !skip()) return false;
  bool closed = false;
  if (!expect_comma_or_close(closed) || closed) return false;
  value_pending_ = true;
  return true;
}

bool JsonReader::read(bool& out) {
  if (!start_value()) return false;
  if (*at_ != 't' && *at_ != 'f') return fail(JsonError::kType, "expected true or false");
  bool value = *at_ == 't';
  if (!scan_word(value ? "true" : "false")) return false;
  out = value;
  return true;
}

template <class Int>
bool JsonReader::read_integer(Int& out) {
  if (!start_value()) return false;
  if (json::kind_of(*at_) != JsonKind::kNumber) return fail(JsonError::kType, "expected an integer");
  std::string_view token;
  bool integer = false;
  if (!scan_number(token, integer)) return false;
  if (!integer) return fail(JsonError::kType, "expected an integer without fraction or exponent");
  Int value{};
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  // A minus before an unsigned stops the conversion at once.
  if (error != std::errc() || end != token.data() + token.size()) {
    return fail(JsonError::kRange, "integer out of range");
  }
  out = value;
  return true;
}

bool JsonReader::read(uint32_t& out) { return read_integer(out); }
bool JsonReader::read(int32_t& out) { return read_integer(out); }
bool JsonReader::read(uint64_t& out) { return read_integer(out); }
bool JsonReader::read(int64_t& out) { return read_integer(out); }

bool JsonReader::read(double& out) {
  if (!start_value()) return false;
  if (json::kind_of(*at_) != JsonKind::kNumber) return fail(JsonError::kType, "expected a number");
  std::string_view token;
  bool integer = false;
  if (!scan_number(token, integer)) return false;
  double value = 0;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc()) return fail(JsonError::kRange, "number out of range");
  out = value;
  return true;
}

bool JsonReader::read_string_body(std::string_view& body, bool& escaped) {
  if (!start_value()) return false;
  if (*at_ != '"') return fail(JsonError::kType, "expected a string");
  return scan_string(body, escaped);
}

bool JsonReader::read(std::string& out, size_t max_bytes) {
  std::string_view body;
  bool escaped = false;
  if (!read_string_body(body, escaped)) return false;
  if (!escaped) {
    if (body.size() > max_bytes) return fail(JsonError::kTooLong, "string too long");
    out.assign(body);
    return true;
  }
  out.clear();
  decode_json_string(body, out);
  if (out.size() <= max_bytes) return true;
  out.clear();
  return fail(JsonError::kTooLong, "string too long");
}

bool JsonReader::read(std::string_view& out, std::span<char> buffer) {
  std::string_view body;
  bool escaped = false;
  if (!read_string_body(body, escaped)) return false;
  size_t length = escaped ? json::decode(body, buffer) : body.size();
  if (length > buffer.size()) return fail(JsonError::kTooLong, "string too long");
  out = escaped ? std::string_view(buffer.data(), length) : body;
  return true;
}

bool JsonReader::take_null() {
  if (peek() != JsonKind::kNull) return false;
  value_pending_ = false;
  return scan_word("null");
}

bool JsonReader::read_raw(std::string_view& out) {
  if (!start_value()) return false;
  const char* start = at_;
  if (!scan_value()) return false;
  out = {start, static_cast<size_t>(at_ - start)};
  return true;
}

bool JsonReader::read_payload(std::string_view& out, const char*& fault) {
  fault = nullptr;
  if (!start_value()) return false;
  const char* start = at_;
  const unsigned depth = depth_;
  if (!scan_value() && !forgive(start, depth, fault)) return false;
  out = {start, static_cast<size_t>(at_ - start)};
  return true;
}

bool JsonReader::read_text(std::string_view& out, std::span<char> buffer, const char*& fault) {
  fault = nullptr;
  if (!start_value()) return false;
  if (*at_ != '"') return fail(JsonError::kType, "expected a string");
  const char* start = at_;
  std::string_view body;
  bool escaped = false;
  out = {};
  if (!scan_string(body, escaped)) return forgive(start, depth_, fault);
  const size_t length = escaped ? json::decode(body, buffer) : body.size();
  if (length > buffer.size()) return fail(JsonError::kTooLong, "string too long");
  out = escaped ? std::string_view(buffer.data(), length) : body;
  return true;
}

bool JsonReader::skip() { return start_value() && scan_value(); }

bool JsonReader::finish() {
  std::string_view key;
  if (depth_ == 0 && value_pending_ && !skip()) return false;
  while (ok() && depth_ > 0) {
    if (in_object()) {
      next_member(key);
    } else {
      next_element();
    }
  }
  if (!ok()) return false;
  skip_space();
  return at_ == end_ || fail(JsonError::kSyntax, "expected nothing after the value");
}

bool validate_json(std::string_view text, JsonLimits limits) { return JsonReader(text, limits).finish(); }

void decode_json_string(std::string_view body, std::string& out) {
  size_t before = out.size();
  out.resize(before + body.size());  // an escape is never shorter than what it stands for
  size_t length = json::decode(body, std::span(out).subspan(before));
  out.resize(before + length);
}

std::string_view compact_newlines(std::string_view json, std::string& scratch) {
  if (json.find('\n') == std::string_view::npos && json.find('\r') == std::string_view::npos) return json;
  scratch.clear();
  scratch.reserve(json.size());
  for (char c : json) {
    if (c != '\n' && c != '\r') scratch.push_back(c);
  }
  return scratch;
}

}  // namespace lcg
