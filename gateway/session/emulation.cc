#include "gateway/session/emulation.h"

#include <charconv>
#include <span>

namespace lcg::gateway {

namespace {

bool read_number(std::string_view text, uint32_t& out) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string make_session_secret(Random& random) {
  std::array<uint8_t, 16> bytes;
  random.fill(std::as_writable_bytes(std::span(bytes)));
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const uint8_t byte : bytes) {
    text.push_back(kHex[byte >> 4]);
    text.push_back(kHex[byte & 0x0F]);
  }
  return text;
}

std::string node_text(GatewayAddress address) {
  return std::to_string(address.node) + "." + std::to_string(address.lane);
}

std::optional<GatewayAddress> parse_node(std::string_view text) {
  const size_t dot = text.find('.');
  GatewayAddress address;
  if (dot == std::string_view::npos || !read_number(text.substr(0, dot), address.node) ||
      !read_number(text.substr(dot + 1), address.lane))
    return std::nullopt;
  return address;
}

}  // namespace lcg::gateway
