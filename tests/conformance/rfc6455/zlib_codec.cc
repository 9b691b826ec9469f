#include "tests/conformance/rfc6455/zlib_codec.h"

#include <zlib.h>

namespace lcg::conformance {

namespace {

Bytef* bytes_of(const char* text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text)); }

}  // namespace

std::string deflated(std::string_view text, const DeflateStyle& style) {
  z_stream zlib{};
  deflateInit2(&zlib, style.level, Z_DEFLATED, -style.window_bits, 8, style.strategy);
  std::string out(deflateBound(&zlib, text.size()) + 64, '\0');
  zlib.next_in = bytes_of(text.data());
  zlib.avail_in = static_cast<uInt>(text.size());
  zlib.next_out = bytes_of(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  deflate(&zlib, Z_SYNC_FLUSH);
  out.resize(out.size() - zlib.avail_out - 4);
  deflateEnd(&zlib);
  return out;
}

std::string inflated(std::string_view payload, int window_bits) {
  z_stream zlib{};
  inflateInit2(&zlib, -window_bits);
  const std::string input = std::string(payload) + std::string("\0\0\xFF\xFF", 4);
  zlib.next_in = bytes_of(input.data());
  zlib.avail_in = static_cast<uInt>(input.size());
  std::string out;
  char buffer[64 * 1024];
  int status = Z_OK;
  do {
    zlib.next_out = bytes_of(buffer);
    zlib.avail_out = sizeof buffer;
    status = inflate(&zlib, Z_SYNC_FLUSH);
    out.append(buffer, sizeof buffer - zlib.avail_out);
  } while (status == Z_OK && zlib.avail_out == 0);
  const bool whole = (status == Z_OK || status == Z_BUF_ERROR) && zlib.avail_in == 0;
  inflateEnd(&zlib);
  return whole ? out : "(not DEFLATE)";
}

}  // namespace lcg::conformance
