// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/form.h"

#include <charconv>

#include "plugins/uaa/flat_json.h"

namespace lcg::uaa {
namespace {

bool decode(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      unsigned byte = 0;
      if (text.size() - i < 3) return false;
      const auto [end, failure] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
      if (failure != std::errc() || end != text.data() + i + 3) return false;
      out.push_back(static_cast<char>(byte));
      i += 2;
    }
  }
  return true;
}

std::optional<Parameters> parse_form(std::string_view body) {
  Parameters out;
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(pair.size() == body.size() ? pair.size() : pair.size() + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    std::string name, value;
    if (!decode(pair.substr(0, equals), name)) return std::nullopt;
    if (equals != std::string_view::npos && !decode(pair.substr(equals + 1), value)) return std::nullopt;
    if (out.size() == kMaxParameters || !out.emplace(std::move(name), std::move(value)).second)
      return std::nullopt;
  }
  return out;
}

std::optional<Parameters> parse_json(std::string_view body) {
  std::optional<FlatObject> object = FlatObject::parse(body);
  if (!object) return std::nullopt;
  Parameters out;
  for (auto& [name, value] : object->members()) {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return std::nullopt;
    out.emplace(name, *text);
  }
  return out;
}

}  // namespace

std::optional<Parameters> parse_parameters(std::string_view body) {
  if (body.size() > kMaxFormBytes) return std::nullopt;
  const size_t start = body.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return Parameters();
  return body[start] == '{' ? parse_json(body) : parse_form(body);
}

std::string_view parameter(const Parameters& parameters, std::string_view name) {
  const auto it = parameters.find(name);
  return it == parameters.end() ? std::string_view() : std::string_view(it->second);
}

}  // namespace lcg::uaa
