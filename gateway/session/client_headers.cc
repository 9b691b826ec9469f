#include "gateway/session/client_headers.h"

#include <algorithm>
#include <iterator>

#include "base/json_writer.h"

namespace lcg::gateway {

namespace {

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool by_name(const ClientHeaders::value_type& a, const ClientHeaders::value_type& b) {
  return a.first < b.first;
}

}  // namespace

ClientHeaders allowed_headers(const std::vector<std::string>& allowed, const HeaderViews& headers) {
  ClientHeaders out;
  if (allowed.empty()) return out;
  for (const auto& [name, value] : headers) {
    std::string key = lower(name);
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) continue;
    const auto same = std::find_if(out.begin(), out.end(), [&](const auto& one) { return one.first == key; });
    if (same == out.end()) {
      out.emplace_back(std::move(key), value);
    } else {
      same->second.append(", ").append(value);
    }
  }
  std::sort(out.begin(), out.end(), by_name);
  return out;
}

ClientHeaders device_headers(const HeaderViews& headers) {
  static const std::vector<std::string> kNames = {std::string(kDeviceHeader),
                                                  std::string(kDeviceEpochHeader)};
  return allowed_headers(kNames, headers);
}

std::optional<std::string> value_of(std::string_view name, const ClientHeaders& real,
                                    const ClientHeaders& emulated) {
  for (const ClientHeaders* headers : {&real, &emulated})
    for (const auto& [key, value] : *headers)
      if (key == name) return value;
  return std::nullopt;
}

SharedBytes headers_json(const ClientHeaders& real, const ClientHeaders& emulated) {
  ClientHeaders all;
  std::set_union(real.begin(), real.end(), emulated.begin(), emulated.end(), std::back_inserter(all),
                 by_name);
  if (all.empty()) return {};
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  for (const auto& [name, value] : all) json.key_escaped(name).value(std::string_view(value));
  json.end_object();
  return SharedBytes(text);
}

}  // namespace lcg::gateway
