// SPDX-License-Identifier: Apache-2.0
// config.hpp: from the text of one setting to a typed value. Host::config_* use these.
//
// Every failure is a ConfigError whose text names the key and what was expected; thrown from a plugin's constructor
// it is the reason the host reports, and the log keeps it. What was found is told only when it is a number, at most
// with a unit: any other text may be a secret, or a URL with one, that was put where it does not belong.
#pragma once
#include <charconv>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lcg {

namespace detail {

// "4x", "-1", "10 GiB"; no more letters than a unit has.
inline bool looks_like_number(std::string_view text) {
  const auto skip = [&text](std::string_view of, size_t most) {
    size_t n = text.find_first_not_of(of);
    if (n == std::string_view::npos) n = text.size();
    if (n <= most) text.remove_prefix(n);
    return n != 0;
  };
  skip("+-", 1);
  const bool digits = skip("0123456789.", 24);
  skip(" ", 1);
  skip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 3);
  return digits && text.empty();
}

// A refused value as a message may tell it.
inline std::string shown_value(std::string_view value) {
  if (value.empty() || looks_like_number(value)) return "\"" + std::string(value) + "\"";
  return "a text of " + std::to_string(value.size()) + (value.size() == 1 ? " byte" : " bytes");
}

}  // namespace detail

class ConfigError : public std::runtime_error {
 public:
  ConfigError(std::string_view key, std::string_view expected, std::string_view found)
      : std::runtime_error(std::string(key) + ": expected " + std::string(expected) + ", found " +
                           detail::shown_value(found)) {}
  // REQUIRES: no setting's value is in `text`.
  explicit ConfigError(const std::string& text) : std::runtime_error(text) {}
};

namespace detail {

struct Unit {
  std::string_view name;
  int64_t factor;
};

inline int64_t parse_in_range(std::string_view key, std::string_view text, int64_t min, int64_t max,
                              std::string_view kind, const Unit* units, size_t unit_count) {
  const auto fail = [&] {
    std::string expected(kind);
    for (size_t i = 0; i < unit_count; ++i)
      expected += (i == 0 ? " with a unit: " : ", ") + std::string(units[i].name);
    throw ConfigError(key, expected, text);
  };
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 0) {
    if (error != std::errc() || unit_count > 0) fail();
  }
  std::string_view suffix(rest, static_cast<size_t>(end - rest));
  while (!suffix.empty() && suffix.front() == ' ') suffix.remove_prefix(1);
  int64_t factor = unit_count == 0 && suffix.empty() ? 1 : 0;
  for (size_t i = 0; i < unit_count; ++i)
    if (suffix == units[i].name) factor = units[i].factor;
  if (factor == 0 && number == 0 && suffix.empty()) factor = 1;
  if (factor == 0) fail();
  int64_t value = 0;
  if (__builtin_mul_overflow(number, factor, &value) || value < min || value > max)
    throw ConfigError(key, std::string(kind) + " from " + std::to_string(min) + " to " + std::to_string(max),
                      text);
  return value;
}

}  // namespace detail

inline int64_t parse_int(std::string_view key, std::string_view text, int64_t min, int64_t max) {
  return detail::parse_in_range(key, text, min, max, "a whole number", nullptr, 0);
}

inline bool parse_bool(std::string_view key, std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  throw ConfigError(key, "true or false", text);
}

// "250ms", "30s", "15m", "12h", "7d"; 0 needs no unit. The range is in milliseconds.
inline std::chrono::milliseconds parse_duration(std::string_view key, std::string_view text,
                                                std::chrono::milliseconds min,
                                                std::chrono::milliseconds max) {
  static constexpr detail::Unit kUnits[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  return std::chrono::milliseconds(
      detail::parse_in_range(key, text, min.count(), max.count(), "a duration in milliseconds", kUnits, 5));
}

// "512B", "64KiB", "16MiB", "2GiB"; a bare number is bytes.
inline uint64_t parse_size(std::string_view key, std::string_view text, uint64_t min, uint64_t max) {
  static constexpr detail::Unit kUnits[] = {
      {"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
  return static_cast<uint64_t>(detail::parse_in_range(
      key, text, static_cast<int64_t>(min), static_cast<int64_t>(max), "a size in bytes", kUnits, 5));
}

}  // namespace lcg
