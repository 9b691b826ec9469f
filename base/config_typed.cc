// Section's numbers, sizes, durations and words.
#include <charconv>

#include "base/config.h"
#include "base/config_tree.h"

namespace lcg::config {
namespace {

template <class T>
std::string between(const char* what, const T& min, const T& max) {
  return std::string(what) + " of " + min + " to " + max;
}

std::string show_real(double value) {
  char digits[32];
  auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  return {digits, end};
}

// What a quoted or substituted scalar may be read as: quotes make it text.
template <class T, class Convert>
std::optional<T> converted(const Node& node, const std::optional<std::string>& text, Convert convert) {
  return text && !node.quoted ? convert(*text) : std::nullopt;
}

}  // namespace

bool Section::get(std::string_view key, bool& target) {
  Node* node = find(key);
  std::optional<std::string> value = text(key, "true or false");
  std::optional<bool> flag = value ? converted<bool>(*node, value, to_bool) : std::nullopt;
  if (value && !flag) mismatch(*node, key, "true or false");
  if (flag) target = *flag;
  record(key, target ? "true" : "false");
  return flag.has_value();
}

bool Section::get(std::string_view key, double& target, double min, double max) {
  Node* node = find(key);
  std::optional<std::string> value = text(key, "a number");
  std::optional<double> number = value ? converted<double>(*node, value, to_real) : std::nullopt;
  if (number && (*number < min || *number > max)) {
    mismatch(*node, key, between("a number", show_real(min), show_real(max)));
    number.reset();
  } else if (value && !number) {
    mismatch(*node, key, "a number");
  }
  if (number) target = *number;
  record(key, show_real(target));
  return number.has_value();
}

bool Section::get_signed(std::string_view key, int64_t& target, int64_t min, int64_t max) {
  Node* node = find(key);
  std::string expected = between("an integer", std::to_string(min), std::to_string(max));
  std::optional<std::string> value = text(key, expected.c_str());
  std::optional<int64_t> number = value ? converted<int64_t>(*node, value, to_signed) : std::nullopt;
  if (value && leading_zero(*value)) expected += " without a leading zero";
  bool fits = false;
  if (number && *number >= min && *number <= max) {
    target = *number;
    fits = true;
  }
  if (value && !fits) mismatch(*node, key, expected);
  record(key, std::to_string(target));
  return fits;
}

bool Section::get_unsigned(std::string_view key, uint64_t& target, uint64_t min, uint64_t max) {
  Node* node = find(key);
  std::string expected = between("an integer", std::to_string(min), std::to_string(max));
  std::optional<std::string> value = text(key, expected.c_str());
  std::optional<uint64_t> number = value ? converted<uint64_t>(*node, value, to_unsigned) : std::nullopt;
  if (value && leading_zero(*value)) expected += " without a leading zero";
  bool fits = false;
  if (number && *number >= min && *number <= max) {
    target = *number;
    fits = true;
  }
  if (value && !fits) mismatch(*node, key, expected);
  record(key, std::to_string(target));
  return fits;
}

bool Section::get_size(std::string_view key, size_t& target, size_t min, size_t max) {
  Node* node = find(key);
  std::string expected =
      max == SIZE_MAX ? "a size such as 64KiB or 1MiB" : between("a size", show_bytes(min), show_bytes(max));
  std::optional<std::string> value = text(key, expected.c_str());
  std::optional<uint64_t> size = value ? converted<uint64_t>(*node, value, to_bytes) : std::nullopt;
  bool fits = false;
  if (size && *size >= min && *size <= max) {
    target = *size;
    fits = true;
  }
  if (value && !fits) mismatch(*node, key, expected);
  record(key, show_bytes(target));
  return fits;
}

bool Section::get(std::string_view key, Millis& target, Millis min, Millis max) {
  Node* node = find(key);
  std::string expected = max == kMaxDuration ? "a duration such as 500ms, 25s, 5m, 12h or 30d"
                                             : between("a duration", show_duration(min), show_duration(max));
  std::optional<std::string> value = text(key, expected.c_str());
  std::optional<Millis> duration = value ? converted<Millis>(*node, value, to_duration) : std::nullopt;
  bool fits = false;
  if (duration && *duration >= min && *duration <= max) {
    target = *duration;
    fits = true;
  }
  if (value && !fits) mismatch(*node, key, expected);
  record(key, show_duration(target));
  return fits;
}

bool Section::get_word(std::string_view key, const std::vector<std::string_view>& words, size_t& chosen) {
  Node* node = find(key);
  std::string expected;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) expected += i + 1 == words.size() ? " or " : ", ";
    expected += words[i];
  }
  std::optional<std::string> value = text(key, expected.c_str());
  bool set = false;
  for (size_t i = 0; value && i < words.size(); ++i) {
    if (words[i] != *value) continue;
    chosen = i;
    set = true;
  }
  if (value && !set) mismatch(*node, key, expected);
  if (chosen < words.size()) record(key, std::string(words[chosen]));
  return set;
}

}  // namespace lcg::config
