// For tests: a client's compressed message, made by zlib itself.
#pragma once
#include <zlib.h>

#include <string>
#include <string_view>

#include "gateway/ws/test_frames.h"

namespace lcg::ws {

// The payload of a permessage-deflate message (RFC 7692 7.2.1).
inline std::string zlib_message(std::string_view text, int window_bits = 15) {
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_SYNC_FLUSH);
  out.resize(out.size() - z.avail_out - 4);
  deflateEnd(&z);
  return out;
}

inline std::string client_deflated(std::string_view text) {
  return raw_client_frame(0xC1, zlib_message(text));
}

}  // namespace lcg::ws
