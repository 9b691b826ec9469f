#include "gateway/ws/frame.h"

namespace lcg::ws {

char* write_close_frame(char* out, uint32_t code, std::string_view reason) {
  if (!valid_close_code(code)) return write_frame_header(out, Opcode::kClose, 0);
  if (reason.size() > kMaxCloseReason) {
    size_t end = kMaxCloseReason;
    while (end > 0 && (static_cast<uint8_t>(reason[end]) & 0xC0) == 0x80) --end;  // not inside a character
    reason = reason.substr(0, end);
  }
  out = write_frame_header(out, Opcode::kClose, 2 + reason.size());
  *out++ = static_cast<char>(code >> 8);
  *out++ = static_cast<char>(code);
  if (!reason.empty()) std::memcpy(out, reason.data(), reason.size());
  return out + reason.size();
}

size_t frame_size_at(std::string_view frame) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(frame[i]); };
  const size_t length = byte(1) & 0x7F;
  if (length < 126) return 2 + length;
  const size_t length_bytes = length == 126 ? 2 : 8;
  size_t payload_bytes = 0;
  for (size_t i = 0; i < length_bytes; ++i) payload_bytes = payload_bytes << 8 | byte(2 + i);
  return 2 + length_bytes + payload_bytes;
}

}  // namespace lcg::ws
