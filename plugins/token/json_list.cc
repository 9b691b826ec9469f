// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/json_list.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lcg/json.hpp"

namespace lcg::token {
namespace {

std::string_view since(const json::detail::Cursor& cursor, const char* start) {
  return {start, static_cast<size_t>(cursor.position() - start)};
}

// Calls read(cursor) for each element between `open` and `close`.
template <class Read>
bool elements(std::string_view text, char open, char close, Read read) {
  json::detail::Cursor cursor(text);
  cursor.space();
  if (!cursor.take(open)) return false;
  cursor.space();
  if (!cursor.take(close)) {
    for (;;) {
      cursor.space();
      if (!read(cursor)) return false;
      cursor.space();
      if (cursor.take(close)) break;
      if (!cursor.take(',')) return false;
    }
  }
  cursor.space();
  return cursor.at_end();
}

}  // namespace

bool json_list(std::string_view text, size_t limit, std::vector<std::string_view>& out) {
  return elements(text, '[', ']', [&](json::detail::Cursor& cursor) {
    const char* const start = cursor.position();
    if (out.size() == limit || !cursor.value(1)) return false;
    out.push_back(since(cursor, start));
    return true;
  });
}

bool json_members(std::string_view text, size_t limit,
                  std::vector<std::pair<std::string, std::string_view>>& out) {
  return elements(text, '{', '}', [&](json::detail::Cursor& cursor) {
    const char* start = cursor.position();
    std::string name;
    if (out.size() == limit || !cursor.string() || !json::detail::unquote(since(cursor, start), name))
      return false;
    cursor.space();
    if (!cursor.take(':')) return false;
    cursor.space();
    start = cursor.position();
    if (!cursor.value(1)) return false;
    if (std::any_of(out.begin(), out.end(), [&name](const auto& m) { return m.first == name; })) return false;
    out.emplace_back(std::move(name), since(cursor, start));
    return true;
  });
}

std::optional<int64_t> json_seconds(std::string_view token) {
  constexpr double kMax = static_cast<double>(int64_t{1} << 53);
  if (token.empty() || (token.front() != '-' && (token.front() < '0' || token.front() > '9')))
    return std::nullopt;
  const char* const end = token.data() + token.size();
  // A whole number as it stands: a double would round the largest.
  uint64_t whole = 0;
  if (const auto digits = std::from_chars(token.data(), end, whole); digits.ptr == end) {
    if (digits.ec != std::errc() || whole > uint64_t{1} << 53) return std::nullopt;
    return static_cast<int64_t>(whole);
  }
  double value = 0;
  const auto [rest, error] = std::from_chars(token.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  value = std::floor(value);
  if (!(value >= 0) || value > kMax) return std::nullopt;
  return static_cast<int64_t>(value);
}

}  // namespace lcg::token
