// For tests: what a client sends, and a short text of what a parser says.
#pragma once
#include <string>
#include <string_view>

#include "gateway/ws/frame_parser.h"

namespace lcg::ws {

// A client's frame. `first` is the whole first byte: FIN 0x80, RSV 0x70, opcode.
inline std::string raw_client_frame(uint8_t first, std::string_view payload,
                                    std::string_view mask = "\x37\xfa\x21\x3d") {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    const int length_bytes = payload.size() <= 0xFFFF ? 2 : 8;
    out += static_cast<char>(0x80 | (length_bytes == 2 ? 126 : 127));
    for (int i = length_bytes - 1; i >= 0; --i) out += static_cast<char>(payload.size() >> (8 * i));
  }
  out += mask;
  for (size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask[i & 3]);
  return out;
}

inline std::string client_frame(Opcode opcode, std::string_view payload, bool final = true) {
  return raw_client_frame(static_cast<uint8_t>((final ? 0x80 : 0) | static_cast<uint8_t>(opcode)), payload);
}
inline std::string client_text(std::string_view payload) { return client_frame(Opcode::kText, payload); }
inline std::string client_close(uint16_t code, std::string_view reason = "") {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
  return client_frame(Opcode::kClose, payload.append(reason));
}

// "text(hi)", "binary(..)", "ping()", "pong()", "close(1000 bye)", "error(1002)"
inline std::string describe(const FrameParser::Event& event) {
  const std::string data(event.data);
  switch (event.type) {
    case FrameParser::EventType::kNeedMore:
      return "more";
    case FrameParser::EventType::kMessage:
      return (event.kind == MessageKind::kText ? "text(" : "binary(") + data + ")";
    case FrameParser::EventType::kPing:
      return "ping(" + data + ")";
    case FrameParser::EventType::kPong:
      return "pong(" + data + ")";
    case FrameParser::EventType::kClose:
      return "close(" + std::to_string(event.code) + (data.empty() ? "" : " " + data) + ")";
    case FrameParser::EventType::kError:
      return "error(" + std::to_string(event.code) + ")";
  }
  return "?";
}

// Feeds `bytes` cut into pieces of `step` bytes (0: one piece); the events, separated by spaces.
inline std::string events_of(FrameParser& parser, std::string bytes, size_t step = 0) {
  std::string out;
  if (step == 0) step = bytes.size();
  for (size_t at = 0; at < bytes.size(); at += step) {
    std::span<char> input(bytes.data() + at, std::min(step, bytes.size() - at));
    for (;;) {
      const FrameParser::Event event = parser.next(input);
      if (event.type == FrameParser::EventType::kNeedMore) break;
      out += (out.empty() ? "" : " ") + describe(event);
    }
  }
  return out;
}

}  // namespace lcg::ws
