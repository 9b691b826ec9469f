// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/flat_json.h"

#include <charconv>

#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  void skip_space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\n' || rest_[0] == '\r'))
      rest_.remove_prefix(1);
  }
  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::optional<std::string> string() {
    if (!take('"')) return std::nullopt;
    std::string out;
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      if (c != '\\') {
        out.push_back(c);
      } else if (!escape(out)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  std::optional<int64_t> integer() {
    const bool negative = !rest_.empty() && rest_[0] == '-';
    const std::string_view digits = rest_.substr(negative ? 1 : 0);
    if (digits.empty() || digits[0] < '0' || digits[0] > '9') return std::nullopt;
    if (digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') return std::nullopt;
    int64_t value = 0;
    const auto [end, failure] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (failure != std::errc()) return std::nullopt;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    if (!rest_.empty() && (rest_[0] == '.' || rest_[0] == 'e' || rest_[0] == 'E')) return std::nullopt;
    return value;
  }

 private:
  std::optional<uint32_t> hex4() {
    uint32_t value = 0;
    if (rest_.size() < 4) return std::nullopt;
    const auto [end, failure] = std::from_chars(rest_.data(), rest_.data() + 4, value, 16);
    if (failure != std::errc() || end != rest_.data() + 4) return std::nullopt;
    rest_.remove_prefix(4);
    return value;
  }

  // After the backslash. RFC 8259 section 7.
  bool escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return false;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    if (const size_t at = kNames.find(c); at != std::string_view::npos) {
      out.push_back(kValues[at]);
      return true;
    }
    if (c != 'u') return false;
    std::optional<uint32_t> point = hex4();
    if (!point || (*point >= 0xdc00 && *point < 0xe000)) return false;
    if (*point >= 0xd800 && *point < 0xdc00) {
      if (!take("\\u")) return false;
      const std::optional<uint32_t> low = hex4();
      if (!low || *low < 0xdc00 || *low >= 0xe000) return false;
      point = 0x10000 + ((*point - 0xd800) << 10) + (*low - 0xdc00);
    }
    append_utf8(out, *point);
    return true;
  }

  static void append_utf8(std::string& out, uint32_t point) {
    const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (point < 0x80) return put(point);
    if (point < 0x800) {
      put(0xc0 | point >> 6);
    } else if (point < 0x10000) {
      put(0xe0 | point >> 12);
      put(0x80 | (point >> 6 & 0x3f));
    } else {
      put(0xf0 | point >> 18);
      put(0x80 | (point >> 12 & 0x3f));
      put(0x80 | (point >> 6 & 0x3f));
    }
    put(0x80 | (point & 0x3f));
  }

  std::string_view rest_;
};

std::optional<FlatObject::Value> read_value(Scanner& in) {
  if (in.take("true")) return true;
  if (in.take("false")) return false;
  if (std::optional<std::string> text = in.string()) return std::move(*text);
  if (const std::optional<int64_t> number = in.integer()) return *number;
  return std::nullopt;
}

}  // namespace

std::optional<FlatObject> FlatObject::parse(std::string_view text) {
  if (!is_utf8(text)) return std::nullopt;
  FlatObject object;
  Scanner in(text);
  in.skip_space();
  if (!in.take('{')) return std::nullopt;
  in.skip_space();
  bool closed = in.take('}');
  while (!closed) {
    in.skip_space();
    std::optional<std::string> name = in.string();
    in.skip_space();
    if (!name || object.has(*name) || !in.take(':') || object.members_.size() == kMaxMembers)
      return std::nullopt;
    in.skip_space();
    std::optional<Value> value = read_value(in);
    if (!value) return std::nullopt;
    object.members_.emplace_back(std::move(*name), std::move(*value));
    in.skip_space();
    closed = in.take('}');
    if (!closed && !in.take(',')) return std::nullopt;
  }
  in.skip_space();
  if (!in.at_end()) return std::nullopt;
  return object;
}

const FlatObject::Value* FlatObject::find(std::string_view name) const {
  for (const auto& [key, value] : members_)
    if (key == name) return &value;
  return nullptr;
}

const std::string* FlatObject::string(std::string_view name) const {
  const Value* value = find(name);
  return value == nullptr ? nullptr : std::get_if<std::string>(value);
}

std::optional<int64_t> FlatObject::integer(std::string_view name) const {
  const Value* value = find(name);
  const int64_t* number = value == nullptr ? nullptr : std::get_if<int64_t>(value);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

}  // namespace lcg::uaa
