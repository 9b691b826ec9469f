// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/headers.h"

#include <algorithm>
#include <utility>

#include "lcg/json.hpp"

namespace lcg::http_callback {
namespace {

// Says what a request is, "connect" or "events", without a look at its body.
constexpr std::string_view kCallbackHeader = "x-lcg-callback";
constexpr std::string_view kOurs[] = {
    "connection", "content-length",   "content-type", "expect",  "host",
    "keep-alive", "proxy-connection", "te",           "trailer", "transfer-encoding",
    "upgrade",    "accept-encoding",  kCallbackHeader};

bool is_token(char c) {
  const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return alnum || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

std::string callback_header(std::string_view name) {
  return std::string(kCallbackHeader).append(": ").append(name);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token);
}

bool is_header_value(std::string_view value) {
  return value.size() <= kMaxHeaderBytes && std::none_of(value.begin(), value.end(), [](char c) {
           return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
         });
}

bool is_our_header(std::string_view name) {
  return std::find(std::begin(kOurs), std::end(kOurs), lower(name)) != std::end(kOurs);
}

std::vector<std::string> callback_headers(const BackEndSettings& back_end, std::string_view headers) {
  std::vector<std::pair<std::string, std::string>> chosen = back_end.static_headers;
  const auto set = [&chosen](const std::string& name, std::string value) {
    const auto it =
        std::find_if(chosen.begin(), chosen.end(), [&](const auto& h) { return h.first == name; });
    if (it != chosen.end()) {
      it->second = std::move(value);
    } else {
      chosen.emplace_back(name, std::move(value));
    }
  };
  json::Object given;
  if (!headers.empty() && json::Object::parse(headers, given)) {
    size_t bytes = 0;
    for (const std::string& name : back_end.http_headers) {
      if (!given.has(name)) continue;
      std::string value = given.text(name);
      bytes += name.size() + value.size();
      if (!value.empty() && is_header_value(value) && bytes <= kMaxForwardedBytes)
        set(name, std::move(value));
    }
  }
  std::vector<std::string> lines{"Content-Type: application/json"};
  for (const auto& [name, value] : chosen) {
    // curl takes "name:" as an order to leave the header out; "name;" is an empty one.
    lines.push_back(name);
    lines.back().append(value.empty() ? ";" : ": ").append(value);
  }
  return lines;
}

}  // namespace lcg::http_callback
