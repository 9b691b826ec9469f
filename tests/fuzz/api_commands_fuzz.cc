// Any bytes as a request to the server API: the first says which form or method, the rest is the body. What is
// taken is within its limits, JSON is JSON on one line, and a body is one thing or malformed, never both.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "gateway/api/batch.h"

namespace {

using namespace lcg::gateway::api;

constexpr size_t kMaxCommands = 20;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_json(const lcg::SharedBytes& json) {
  if (json.empty()) return;
  require(json.view().find_first_of("\r\n") == std::string_view::npos);
  require(lcg::validate_json(json.view(), {.max_bytes = json.size(), .max_depth = kMaxJsonDepth}));
}

void check(const Params& params) {
  for (const std::string* name :
       {&params.channel, &params.user, &params.client, &params.session, &params.pattern, &params.rpc_method,
        &params.auth, &params.uid, &params.idempotency_key, &params.version_epoch})
    require(name->size() <= kMaxNameBytes);
  for (const auto* list : {&params.channels, &params.users, &params.whitelist}) {
    for (const std::string& name : *list) require(name.size() <= kMaxNameBytes);
  }
  require(params.users.size() <= kMaxUsers && params.whitelist.size() <= kMaxWhitelist);
  require(params.tags.size() <= kMaxTags && params.disconnect.reason.size() <= kMaxReasonBytes);
  for (size_t i = 1; i < params.tags.size(); ++i) require(params.tags[i - 1].first < params.tags[i].first);
  check_json(params.data);
  check_json(params.info);
  check_json(params.rpc_params);
  for (const std::string* text : {&params.b64data, &params.b64info}) {
    const auto bytes = decode_base64(*text);
    if (bytes) require(encode_base64(*bytes) == *text);
  }
}

// Of a malformed body nothing is done: its last command may be half of one.
void check(const std::vector<Command>& commands, const Malformed& malformed) {
  require(commands.size() <= kMaxCommands);
  for (const Command& command : commands) {
    require(malformed || command.method != nullptr || command.error.code != 0);
    if (!malformed && command.error.code == 0) check(command.params);
  }
}

// A body that is taken is JSON, unless it holds a command that is refused: one with a fault inside a field is read to its end.
void check_body(std::string_view body, const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    if (command.error.code != 0) return;
  }
  require(lcg::validate_json(body, {.max_bytes = body.size(), .max_depth = kMaxJsonDepth}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // Its own allocation, so that a read past the end is seen.
  const std::vector<char> copy(data + 1, data + size);
  const std::string_view body(copy.data(), copy.size());
  // Digits and letters, so that seeds can be written by hand: '0' lines, '1' a batch, then the methods.
  const size_t form = (data[0] - size_t{'0'}) % (methods().size() + 2);
  if (form == 0) {
    std::vector<Command> commands;
    const Malformed malformed = parse_lines(body, kMaxCommands, commands);
    check(commands, malformed);
    require(malformed || !commands.empty());
    const size_t end = end_of_value(body);
    require(end <= body.size());
  } else if (form == 1) {
    Batch batch;
    const Malformed malformed = parse_batch(body, kMaxCommands, batch);
    check(batch.commands, malformed);
    if (!malformed) check_body(body, batch.commands);
  } else {
    Command command;
    const Malformed malformed = parse_one(body, methods()[form - 2], command);
    check({command}, malformed);
    if (!malformed) check_body(body, {command});
  }
  return 0;
}
