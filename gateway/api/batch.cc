#include "gateway/api/batch.h"

namespace lcg::gateway::api {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

JsonReader reader_of(std::string_view body) {
  return JsonReader(body, {.max_bytes = body.size(), .max_depth = kMaxJsonDepth});
}

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string over(size_t max_commands) {
  return "expected at most " + std::to_string(max_commands) + " commands";
}

Error unknown_method(std::string text) { return {error_code::kMethodNotFound, std::move(text), false}; }

void take(Command& command, Refusal refusal) {
  if (refusal) command.error = {error_code::kBadRequest, std::move(refusal.text), false};
}

// The reader is at {"publish": {..}}: one member that names a method.
Malformed read_command(JsonReader& json, const std::string& place, Command& out) {
  std::string_view key;
  json.enter_object();
  while (json.ok() && json.next_member(key)) {
    const Method* method = find_method(lower(key));
    if (method == nullptr || json.take_null()) continue;
    if (out.method != nullptr)
      return {"batch: " + place + ": names " + std::string(out.method->name) + " and " +
              std::string(method->name) + ", expected one method"};
    out.method = method;
    Refusal refusal = read_params(json, method->name, method->params, out.params);
    if (refusal.malformed) return {"batch: " + place + ": " + refusal.text};
    take(out, std::move(refusal));
  }
  if (!json.ok()) return {"batch: " + place + ": " + json.error_text()};
  if (out.method == nullptr) out.error = unknown_method("batch: " + place + ": names no method");
  return {};
}

Malformed read_line(std::string_view line, Command& out) {
  JsonReader json = reader_of(line);
  std::string method;
  std::string_view params, key;
  json.enter_object();
  while (json.ok() && json.next_member(key)) {
    if (json.take_null()) continue;
    if (names(key, "id")) json.read(out.id);
    if (names(key, "method")) json.read(method, kMaxNameBytes);
    const char* fault = nullptr;  // read_params finds it again, with its place
    if (names(key, "params")) json.read_payload(params, fault);
  }
  if (!json.finish()) return {json.error_text()};
  out.method = find_method(lower(method));
  if (out.method == nullptr) {
    out.error = unknown_method("there is no method '" + method + "'");
    return {};
  }
  JsonReader inner = reader_of(params.empty() ? "{}" : params);
  take(out, read_params(inner, method, out.method->params, out.params));
  return {};
}

}  // namespace

Malformed parse_one(std::string_view body, const Method& method, Command& out) {
  out.method = &method;
  JsonReader json = reader_of(body);
  Refusal refusal = read_params(json, method.name, method.params, out.params);
  if (refusal.malformed) return {std::move(refusal.text)};
  if (!json.finish()) return {std::string(method.name) + ": " + json.error_text()};
  take(out, std::move(refusal));
  return {};
}

Malformed parse_batch(std::string_view body, size_t max_commands, Batch& out) {
  JsonReader json = reader_of(body);
  std::string_view key;
  json.enter_object();
  while (json.ok() && json.next_member(key)) {
    if (json.take_null()) continue;
    if (names(key, "parallel")) json.read(out.parallel);
    if (!names(key, "commands")) continue;
    out.commands.clear();
    json.enter_array();
    while (json.ok() && json.next_element()) {
      if (out.commands.size() == max_commands) return {"batch: commands: " + over(max_commands)};
      const std::string place = "commands[" + std::to_string(out.commands.size()) + "]";
      if (Malformed wrong = read_command(json, place, out.commands.emplace_back())) return wrong;
    }
  }
  if (!json.finish()) return {"batch: " + json.error_text()};
  return {};
}

size_t end_of_value(std::string_view text) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth <= 1) return i + 1;
      --depth;
    }
  }
  return text.size();
}

Malformed parse_lines(std::string_view body, size_t max_commands, std::vector<Command>& out) {
  for (;;) {
    body.remove_prefix(std::min(body.find_first_not_of(kSpace), body.size()));
    if (body.empty()) break;
    if (out.size() == max_commands) return {over(max_commands)};
    const std::string_view line = body.substr(0, end_of_value(body));
    if (Malformed wrong = read_line(line, out.emplace_back()))
      return {"command " + std::to_string(out.size()) + ": " + wrong.text};
    body.remove_prefix(line.size());
  }
  if (out.empty()) return {"expected at least one command, the body is empty"};
  return {};
}

}  // namespace lcg::gateway::api
