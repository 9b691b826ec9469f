// RFC 6455 frames as bytes: names of the protocol, and the writing of a server's frames.
//
// A server's frame is a header of 2, 4 or 10 bytes and the payload, never masked and, here, never fragmented;
// so a block of frames is built by adding up frame_size() and then writing header and payload one behind the
// other. Reading is frame_parser.h. Any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "gateway/ws/transport.h"

namespace lcg::ws {

// RFC 6455 5.2
enum class Opcode : uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA,
};

// RFC 6455 7.4.1. The codes of the client protocol, from 3000 up, are in broker/api/codes.h.
namespace close_code {
inline constexpr uint16_t kNormal = 1000, kGoingAway = 1001, kProtocolError = 1002, kNone = 1005,
                          kAbnormal = 1006, kInvalidData = 1007, kPolicy = 1008, kTooBig = 1009;
}  // namespace close_code

inline constexpr size_t kMaxFrameHeader = 10;      // bytes, as a server writes it
inline constexpr size_t kMaxControlPayload = 125;  // bytes, RFC 6455 5.5
inline constexpr size_t kMaxCloseReason = 123;     // bytes, of kMaxControlPayload less the code
inline constexpr size_t kMaxCloseFrame = 2 + kMaxControlPayload;

inline constexpr Opcode opcode_of(MessageKind kind) {
  return kind == MessageKind::kText ? Opcode::kText : Opcode::kBinary;
}

// The same with RSV1 set: its payload is compressed (RFC 7692 6, deflate.h).
inline constexpr uint8_t kRsv1 = 0x40;
inline constexpr Opcode compressed(Opcode opcode) {
  return static_cast<Opcode>(static_cast<uint8_t>(opcode) | kRsv1);
}

// May this code stand in a close frame? RFC 6455 7.4.2 and the IANA registry (1012 to 1014); 5000 and up are
// nobody's.
constexpr bool valid_close_code(uint32_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

constexpr size_t frame_header_size(size_t payload_bytes) {
  return payload_bytes < 126 ? 2 : payload_bytes <= 0xFFFF ? 4 : kMaxFrameHeader;
}
constexpr size_t frame_size(size_t payload_bytes) { return frame_header_size(payload_bytes) + payload_bytes; }

// Writes the header of a final frame to `out`, which has room for frame_header_size(payload_bytes), and
// returns the end of what it wrote.
inline char* write_frame_header(char* out, Opcode opcode, size_t payload_bytes) {
  *out++ = static_cast<char>(0x80 | static_cast<uint8_t>(opcode));
  if (payload_bytes < 126) {
    *out++ = static_cast<char>(payload_bytes);
    return out;
  }
  const int length_bytes = payload_bytes <= 0xFFFF ? 2 : 8;
  *out++ = static_cast<char>(length_bytes == 2 ? 126 : 127);
  for (int shift = (length_bytes - 1) * 8; shift >= 0; shift -= 8) {
    *out++ = static_cast<char>(static_cast<uint64_t>(payload_bytes) >> shift);
  }
  return out;
}

// Writes header and payload; returns the end.
inline char* write_frame(char* out, Opcode opcode, std::string_view payload) {
  out = write_frame_header(out, opcode, payload.size());
  if (!payload.empty()) std::memcpy(out, payload.data(), payload.size());
  return out + payload.size();
}

// Writes a close frame to `out` (room for kMaxCloseFrame); returns the end. A reason over kMaxCloseReason is
// cut at a character. A code that may not be sent (1005, 1006) makes an empty close frame.
char* write_close_frame(char* out, uint32_t code, std::string_view reason);

// The size of the frame that begins at `frame`, written by write_frame_header(). REQUIRES: the whole header
// is in `frame`.
size_t frame_size_at(std::string_view frame);

}  // namespace lcg::ws
