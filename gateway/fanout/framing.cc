#include "gateway/fanout/framing.h"

#include <array>
#include <charconv>

#include "gateway/ws/frame.h"

namespace lcg::gateway {

namespace {

constexpr std::string_view kEventBegin = "data: ", kEventEnd = "\n\n", kChunkEnd = "\r\n";

void append_chunk_size(std::string& out, size_t bytes) {
  std::array<char, 16> hex;
  const auto end = std::to_chars(hex.data(), hex.data() + hex.size(), bytes, 16).ptr;
  out.append(hex.data(), end).append(kChunkEnd);
}

}  // namespace

void append_stream_chunk(std::string& out, Encoding encoding, std::string_view message) {
  const bool json = encoding == Encoding::kJson;
  append_chunk_size(out, message.size() + (json ? 1 : 0));
  out.append(message);
  if (json) out.push_back('\n');
  out.append(kChunkEnd);
}

void append_event_chunk(std::string& out, std::string_view message) {
  size_t messages = 1;
  for (const char c : message) messages += c == '\n';
  // The newline between two messages becomes the end of one event and the begin of the next.
  append_chunk_size(out, message.size() + 1 - messages + messages * (kEventBegin.size() + kEventEnd.size()));
  while (messages-- > 0) {
    const size_t end = message.find('\n');
    out.append(kEventBegin).append(message.substr(0, end)).append(kEventEnd);
    message.remove_prefix(end == std::string_view::npos ? message.size() : end + 1);
  }
  out.append(kChunkEnd);
}

void Framer::append(const protocol::Variant& variant, std::string_view message) {
  using protocol::Framing;
  switch (variant.framing) {
    case Framing::kWebSocket: {
      const ws::Opcode opcode = ws::opcode_of(protocol::encoder_of(variant).message_kind());
      const size_t at = block_.size();
      block_.resize(at + ws::frame_size(message.size()));
      ws::write_frame(block_.data() + at, opcode, message);
      break;
    }
    case Framing::kWebSocketDeflate9:
    case Framing::kWebSocketDeflate10:
    case Framing::kWebSocketDeflate11:
    case Framing::kWebSocketDeflate:
      deflater_.append_frame(block_, message, protocol::encoder_of(variant).message_kind(),
                             protocol::window_of(variant.framing));
      break;
    case Framing::kStream:
      append_stream_chunk(block_, variant.encoding, message);
      break;
    case Framing::kEventStream:
      append_event_chunk(block_, message);
      break;
  }
}

}  // namespace lcg::gateway
