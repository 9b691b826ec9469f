// For tests: PROXY protocol headers, version 2.
#pragma once
#include <string>
#include <string_view>

#include "base/client_address.h"

namespace lcg::net {

inline std::string proxy_v2_raw(uint8_t version_command, uint8_t family_protocol, std::string_view body) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += static_cast<char>(version_command);
  out += static_cast<char>(family_protocol);
  out += static_cast<char>(body.size() >> 8);
  out += static_cast<char>(body.size());
  return out.append(body);
}

// A connection of `address`, to an address of the same kind.
inline std::string proxy_v2(const char* address, uint16_t port, std::string_view extensions = "") {
  const ClientAddress::Bytes bytes = ClientAddress::parse_ip(address)->bytes();
  const bool v4 = std::string_view(address).find(':') == std::string_view::npos;
  std::string ip(reinterpret_cast<const char*>(bytes.data()) + (v4 ? 12 : 0), v4 ? 4 : 16);
  std::string body = ip + ip;
  body += static_cast<char>(port >> 8);
  body += static_cast<char>(port);
  body += std::string("\x01\xbb", 2);
  return proxy_v2_raw(0x21, v4 ? 0x11 : 0x21, body.append(extensions));
}

}  // namespace lcg::net
