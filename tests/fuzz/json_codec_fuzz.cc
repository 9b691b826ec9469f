// Any bytes as a frame of the client protocol: what is read borrows from the frame or the reader, never from
// elsewhere, a payload is one JSON value that can stand on a line, and taking up the rest of a frame with a
// new reader changes nothing.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "gateway/protocol/json_codec.h"
#include "gateway/protocol/limits.h"

namespace {

using lcg::protocol::Command;
using lcg::protocol::JsonCommandReader;
using lcg::protocol::Method;
using lcg::protocol::Next;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_payload(std::string_view data) {
  if (data.empty()) return;
  const lcg::SharedBytes kept = lcg::protocol::payload_bytes(data);
  require(kept.view().find_first_of("\r\n") == std::string_view::npos);
  require(
      lcg::validate_json(kept.view(), {.max_bytes = data.size(), .max_depth = lcg::protocol::kMaxJsonDepth}));
}

// What the session looks at, so that every view is touched.
size_t fingerprint(const Command& command) {
  size_t sum = command.id + static_cast<size_t>(command.method) * 1000003;
  const auto mix = [&sum](std::string_view text) { sum = sum * 31 + std::hash<std::string_view>()(text); };
  const auto mix_subscribe = [&](const lcg::protocol::SubscribeCommand& sub) {
    for (const std::string_view text : {sub.channel, sub.token, sub.epoch, sub.data, sub.delta}) mix(text);
    sum += sub.offset + static_cast<size_t>(sub.flag);
    check_payload(sub.data);
  };
  switch (command.method) {
    case Method::kConnect:
      for (const std::string_view text :
           {command.connect.token, command.connect.data, command.connect.name, command.connect.version}) {
        mix(text);
      }
      check_payload(command.connect.data);
      require(command.connect.subs.size() <= lcg::protocol::kMaxRecoverSubs);
      for (const auto& sub : command.connect.subs) mix_subscribe(sub);
      break;
    case Method::kSubscribe:
      mix_subscribe(command.subscribe);
      break;
    case Method::kPublish:
      mix(command.publish.channel);
      mix(command.publish.data);
      check_payload(command.publish.data);
      break;
    case Method::kHistory:
      mix(command.history.channel);
      mix(command.history.epoch);
      break;
    case Method::kRpc:
      mix(command.rpc.method);
      mix(command.rpc.data);
      check_payload(command.rpc.data);
      break;
    case Method::kNone:
      break;
    default:
      mix(command.named.channel);
      mix(command.named.token);
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Its own allocation, so that a read past the end is seen.
  const std::vector<char> frame(data, data + size);
  JsonCommandReader whole;
  JsonCommandReader piecewise;
  whole.open({frame.data(), frame.size()}, 0);
  std::string rest(frame.begin(), frame.end());
  uint32_t commands = 0;
  for (;;) {
    const Next next = whole.next();
    piecewise.open(rest, commands);
    require(piecewise.next() == next);
    if (next != Next::kCommand) break;
    require(fingerprint(whole.command()) == fingerprint(piecewise.command()));
    commands = piecewise.commands();
    require(commands == whole.commands() && commands <= lcg::protocol::kMaxCommandsPerFrame);
    rest = std::string(piecewise.rest());
  }
  return 0;
}
