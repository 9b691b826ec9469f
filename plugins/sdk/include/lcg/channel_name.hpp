// SPDX-License-Identifier: Apache-2.0
// channel_name.hpp: a user id as a part of a channel's name: of the personal channel "#<user>", and of the users that
// a channel lists ("room#42,56"). What has a meaning there or is not allowed in a name is written as in URLs (RFC 3986
// 2.1): "cn=ann,mal" is "cn=ann%2Cmal", one user and not two. Two ids have two texts. Pure; any thread.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace lcg {

inline constexpr size_t kMaxChannelBytes = 255;  // of a whole name (docs/channels.md)

// Printable ASCII but '#', ',' and '%' stays as it is.
inline bool plain_in_channel(char c) { return c > ' ' && c < '\x7f' && c != '#' && c != ',' && c != '%'; }

inline std::string user_in_channel(std::string_view user) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(user.size());
  for (const char c : user) {
    if (plain_in_channel(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

// Is `text`, a part of a channel's name, this user? Allocates nothing.
inline bool is_user_in_channel(std::string_view text, std::string_view user) {
  const auto digit = [](unsigned value) {
    return static_cast<char>(value < 10 ? '0' + value : 'A' + value - 10);
  };
  size_t at = 0;
  for (const char c : user) {
    if (plain_in_channel(c)) {
      if (at == text.size() || text[at] != c) return false;
      ++at;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (text.size() - at < 3 || text[at] != '%' || text[at + 1] != digit(byte >> 4) ||
        text[at + 2] != digit(byte & 15))
      return false;
    at += 3;
  }
  return at == text.size();
}

}  // namespace lcg
