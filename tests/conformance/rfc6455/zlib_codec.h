// A client's side of permessage-deflate, by zlib itself.
#pragma once
#include <string>
#include <string_view>

namespace lcg::conformance {

struct DeflateStyle {
  int window_bits = 15;  // 9 to 15
  int level = 6;         // 0 stores
  int strategy = 0;      // of zlib
};
// The payload of a compressed message: without the four bytes that end every flush (RFC 7692 7.2.1).
std::string deflated(std::string_view text, const DeflateStyle& style = {});
// The message behind such a payload, by itself; "(not DEFLATE)" when it is none.
std::string inflated(std::string_view payload, int window_bits = 15);

}  // namespace lcg::conformance
