// How large a frame of a client may be: what follows from everything it may have to hold, so that a client that keeps
// every other limit never meets this one. Nobody configures it.
#pragma once
#include <algorithm>
#include <cstddef>

#include "gateway/protocol/limits.h"

namespace lcg::gateway {

// What is sent as a JSON string may be escaped, six bytes for one at most (\u0022). Tokens never are: they are of the
// characters that RFC 6750 has for them. Data is JSON already, and counted as it comes.
inline constexpr size_t kEscapedBytes = 6;
// Of a command: the names of its members, its numbers, an epoch, a few words of data.
inline constexpr size_t kCommandRestBytes = 512;
// The least there is: a chat's largest body with what is around it, and enough beyond that too large a body is
// answered by the chat, which says how large one may be, and not by a close.
inline constexpr size_t kLeastFrameBytes = 1u << 20;

// `channels` subscriptions with names of `channel_length` bytes; `message` bytes of data in one command. An SDK sends
// its connect and all its subscriptions, with their tokens, in one frame.
constexpr size_t frame_size(size_t channels, size_t channel_length, size_t message) {
  const size_t name = channel_length * kEscapedBytes;
  const size_t subscribe = protocol::kMaxTokenBytes + name + kCommandRestBytes;
  const size_t connect = protocol::kMaxTokenBytes + protocol::kMaxEmulatedHeaderBytes * kEscapedBytes +
                         message + 8 * kCommandRestBytes;
  const size_t publish = message + name + kCommandRestBytes;
  return std::max({kLeastFrameBytes, connect + channels * subscribe, publish});
}

// A frame in the body of POST /emulation: a JSON string, in which at most every byte is a quote.
constexpr size_t emulation_size(size_t frame) { return 2 * frame + 4096; }

}  // namespace lcg::gateway
