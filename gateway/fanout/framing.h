// Framing: how messages of the client protocol stand on the wire of each transport (client-protocol 1.2, 1.14).
//
// `message` is what an Encoder has written: one message or several, in JSON with a newline between two. A frame of
// it is appended to `out`; frames stand one behind the other in a block that all who get it share.
//   kWebSocket         one text or binary frame (RFC 6455 5.2)
//   kWebSocketDeflate  the same, compressed by itself where that is shorter (gateway/ws/deflate.h)
//   kStream            one HTTP chunk (RFC 9112 7.1) with a line for each JSON message, or length-delimited Protobuf
//   kEventStream       one HTTP chunk with an event for each JSON message: "data: <json>\n\n"
// A Framer belongs to a lane; the functions are for any thread.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "gateway/protocol/codec.h"
#include "gateway/protocol/limits.h"
#include "gateway/ws/deflate.h"

namespace lcg::gateway {

// REQUIRES: `message` is not empty: a chunk of nothing would end the response.
void append_stream_chunk(std::string& out, Encoding encoding, std::string_view message);
void append_event_chunk(std::string& out, std::string_view message);

class Framer {
 public:
  // `messages_per_frame`: what SDKs handle one after the other before they look at the next frame.
  Framer(size_t messages_per_frame, const ws::DeflateOptions& deflate)
      : messages_per_frame_(messages_per_frame), deflater_(deflate) {}

  // A block of `count` messages; write(i, out) appends message i to a frame that is being gathered.
  template <class Write>
  SharedBytes block(const protocol::Variant& variant, size_t count, Write&& write) {
    block_.clear();
    for (size_t i = 0; i < count;) {
      message_.clear();
      for (size_t in_frame = 0; in_frame < messages_per_frame_ && i < count; ++in_frame) write(i++, message_);
      append(variant, message_);
    }
    SharedBytes block(block_);
    if (block_.capacity() > protocol::kKeptBufferBytes) block_ = message_ = std::string();
    return block;
  }

 private:
  void append(const protocol::Variant& variant, std::string_view message);

  const size_t messages_per_frame_;
  ws::Deflater deflater_;
  std::string message_, block_;  // reused
};

}  // namespace lcg::gateway
