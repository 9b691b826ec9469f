// How a log line looks: logfmt and JSON.
#include <time.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/log.h"
#include "base/utf8.h"
#include "base/visible.h"

namespace lcg::log {
namespace {

constexpr std::array<std::string_view, 5> kLevelNames = {"debug", "info", "warn", "error", "off"};
// Between double quotes in both formats; the escapes are JSON's.
void append_escaped(std::string& out, std::string_view text) {
  bool cut = text.size() > kMaxValue;
  if (cut) text = text.substr(0, kMaxValue);
  for (size_t i = 0; i < text.size();) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      ++i;
      if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(static_cast<char>(c));
      } else if (c == '\n') {
        out.append("\\n");
      } else if (c < 0x20 || c == 0x7f) {
        append_json_escape(out, c);
      } else {
        out.push_back(static_cast<char>(c));
      }
      continue;
    }
    size_t length = utf8_sequence(text.substr(i));
    if (length == 0) {
      if (cut && text.size() - i < 4) break;  // the cut fell inside a character
      out.append("\xEF\xBF\xBD");             // U+FFFD
      ++i;
      continue;
    }
    const uint32_t code_point = code_point_of(text.substr(i), length);
    if (is_visible(code_point)) {
      out.append(text.substr(i, length));
    } else {
      append_json_escape(out, code_point);
    }
    i += length;
  }
  if (cut) out.append("...");
}

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> digits;
  auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

bool plain_word(std::string_view text) {
  if (text.empty() || text.size() > kMaxValue) return false;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                 c == '-' || c == '.' || c == ':' || c == '/' || c == '@' || c == '+';
    if (!plain) return false;
  }
  return true;
}

void append_text(std::string& out, Format format, std::string_view text) {
  if (format == Format::kLogfmt && plain_word(text)) {
    out.append(text);
    return;
  }
  out.push_back('"');
  append_escaped(out, text);
  out.push_back('"');
}

void append_value(std::string& out, Format format, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kText:
      return append_text(out, format, value.text());
    case Value::Kind::kSigned:
      return append_number(out, value.signed_number());
    case Value::Kind::kUnsigned:
      return append_number(out, value.unsigned_number());
    case Value::Kind::kBool:
      out.append(value.flag() ? "true" : "false");
      return;
    case Value::Kind::kDouble:
      // JSON has no word for these.
      if (!std::isfinite(value.real())) return append_text(out, format, "not-finite");
      return append_number(out, value.real());
  }
}

void append_key(std::string& out, Format format, std::string_view key) {
  if (format == Format::kLogfmt) {
    if (!out.empty()) out.push_back(' ');
    out.append(key).push_back('=');
  } else {
    out.push_back(out.empty() ? '{' : ',');
    out.push_back('"');
    append_escaped(out, key);
    out.append("\":");
  }
}

void append_two(std::string& out, int number) {
  out.push_back(static_cast<char>('0' + number / 10 % 10));
  out.push_back(static_cast<char>('0' + number % 10));
}

// RFC 3339 in UTC with milliseconds.
void append_time(std::string& out, int64_t wall_ms) {
  int64_t ms = ((wall_ms % 1000) + 1000) % 1000;
  time_t seconds = static_cast<time_t>((wall_ms - ms) / 1000);
  tm parts;
  ::gmtime_r(&seconds, &parts);
  append_number(out, parts.tm_year + 1900);
  out.push_back('-');
  append_two(out, parts.tm_mon + 1);
  out.push_back('-');
  append_two(out, parts.tm_mday);
  out.push_back('T');
  append_two(out, parts.tm_hour);
  out.push_back(':');
  append_two(out, parts.tm_min);
  out.push_back(':');
  append_two(out, parts.tm_sec);
  out.push_back('.');
  out.push_back(static_cast<char>('0' + ms / 100));
  append_two(out, static_cast<int>(ms % 100));
  out.push_back('Z');
}

}  // namespace

std::string format_line(Format format, int64_t wall_ms, Level level, std::string_view event, Fields fields) {
  std::string out;
  out.reserve(256);
  append_key(out, format, "ts");
  if (format == Format::kJson) out.push_back('"');
  append_time(out, wall_ms);
  if (format == Format::kJson) out.push_back('"');
  append_key(out, format, "level");
  append_text(out, format, kLevelNames[static_cast<size_t>(level)]);
  append_key(out, format, "event");
  append_text(out, format, event);
  for (const Field& field : fields) {
    if (out.size() > kMaxLine - 8 * kMaxValue) {
      append_key(out, format, "cut");
      append_value(out, format, true);
      break;
    }
    append_key(out, format, field.key);
    append_value(out, format, field.value);
  }
  if (format == Format::kJson) out.push_back('}');
  return out;
}

Result<Level> parse_level(std::string_view name) {
  for (size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == name) return static_cast<Level>(i);
  }
  return Status(Code::kInvalid,
                "expected debug, info, warn, error or off, found '" + std::string(name) + "'");
}

Result<Format> parse_format(std::string_view name) {
  if (name == "logfmt") return Format::kLogfmt;
  if (name == "json") return Format::kJson;
  return Status(Code::kInvalid, "expected logfmt or json, found '" + std::string(name) + "'");
}

}  // namespace lcg::log
