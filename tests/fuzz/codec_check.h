// What holds of every reader of the client protocol, whatever the bytes: what is read borrows from the frame or the
// reader, never from elsewhere, lists keep their limits, and taking up the rest of a frame with a new reader changes
// nothing.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/protocol/codec.h"
#include "gateway/protocol/limits.h"

namespace lcg::fuzz {

using protocol::Command;
using protocol::Method;
using protocol::Next;

inline void require(bool condition) {
  if (!condition) std::abort();
}

// Every view touched. `check(data)` looks at each payload of a command that is not refused for what is in one.
template <class Check>
size_t fingerprint(const Command& command, Check&& check_payload) {
  const auto check = [&](std::string_view data) {
    if (command.fault == nullptr) check_payload(data);
  };
  size_t sum = command.id + static_cast<size_t>(command.method) * 1000003;
  const auto mix = [&sum](std::string_view text) { sum = sum * 31 + std::hash<std::string_view>()(text); };
  const auto mix_subscribe = [&](const protocol::SubscribeCommand& sub) {
    for (const std::string_view text : {sub.channel, sub.token, sub.epoch, sub.data, sub.delta}) mix(text);
    sum += sub.offset + static_cast<size_t>(sub.flag);
    if (sub.filter != nullptr && sub.filter->invalid().empty())
      sum += sub.filter->matches({{"a", "1"}}) ? 1 : 2;
  };
  switch (command.method) {
    case Method::kConnect:
      for (const std::string_view text :
           {command.connect.token, command.connect.data, command.connect.name, command.connect.version}) {
        mix(text);
      }
      // Its data is the application's, whatever it is; the data of its subscriptions is not used.
      require(command.connect.subs.size() <= protocol::kMaxRecoverSubs);
      require(command.connect.headers.size() <= protocol::kMaxEmulatedHeaders);
      for (const auto& sub : command.connect.subs) mix_subscribe(sub);
      for (const auto& [name, value] : command.connect.headers) {
        mix(name);
        mix(value);
      }
      break;
    case Method::kSubscribe:
      mix_subscribe(command.subscribe);
      check(command.subscribe.data);
      break;
    case Method::kPublish:
      mix(command.publish.channel);
      mix(command.publish.data);
      mix(command.publish.key);
      check(command.publish.data);
      break;
    case Method::kHistory:
      mix(command.history.channel);
      mix(command.history.epoch);
      break;
    case Method::kRpc:
      mix(command.rpc.method);
      mix(command.rpc.data);
      check(command.rpc.data);
      break;
    case Method::kNone:
      break;
    default:
      mix(command.named.channel);
      mix(command.named.token);
  }
  return sum;
}

// `check` as above; `each(command)` gets every command.
template <class Reader, class Check, class Each>
void check_frame(const uint8_t* data, size_t size, Check&& check, Each&& each) {
  // Its own allocation, so that a read past the end is seen.
  const std::vector<char> frame(data, data + size);
  Reader whole;
  Reader piecewise;
  whole.open({frame.data(), frame.size()}, 0);
  std::string rest(frame.begin(), frame.end());
  uint32_t commands = 0;
  for (;;) {
    const Next next = whole.next();
    piecewise.open(rest, commands);
    require(piecewise.next() == next);
    if (next != Next::kCommand) return;
    require(fingerprint(whole.command(), check) == fingerprint(piecewise.command(), check));
    each(whole.command());
    commands = piecewise.commands();
    require(commands == whole.commands());
    rest = std::string(piecewise.rest());
  }
}

}  // namespace lcg::fuzz
