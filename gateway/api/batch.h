// Commands: what one request to the server API asks for, parsed whole before any of it is done.
//   POST /api/<method>   the params of one
//   POST /api/batch      {"commands": [{"publish": {..}}, ..], "parallel": false}
//   POST /api            {"id": 1, "method": "publish", "params": {..}}, one after another (the legacy form)
// Source: client-protocol 4.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "gateway/api/method.h"

namespace lcg::gateway::api {

struct Command {
  const Method* method = nullptr;  // null: `error` says why
  Params params;
  Error error;      // well-formed, but cannot be done; the others are
  uint32_t id = 0;  // legacy: comes back in the reply
};

// An empty text: all was well-formed.
struct Malformed {
  std::string text;
  explicit operator bool() const { return !text.empty(); }
};

struct Batch {
  std::vector<Command> commands;
  bool parallel = false;
};

// Each fills `out` and says what is malformed; of a malformed request nothing may be done. Over `max_commands`
// is malformed as well: half a batch would be worse.
Malformed parse_one(std::string_view body, const Method& method, Command& out);
Malformed parse_batch(std::string_view body, size_t max_commands, Batch& out);
Malformed parse_lines(std::string_view body, size_t max_commands, std::vector<Command>& out);

// The end of the first JSON value of `text`, whose brackets and strings are looked at and nothing else; its size
// when it never ends.
size_t end_of_value(std::string_view text);

}  // namespace lcg::gateway::api
