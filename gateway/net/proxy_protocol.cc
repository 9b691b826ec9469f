#include "gateway/net/proxy_protocol.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

namespace lcg::net {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kLineBegin = "PROXY ";
constexpr size_t kBinaryHead = 16;
constexpr size_t kShortestLine = 15;  // "PROXY UNKNOWN\r\n"
constexpr size_t kAddressBytesV4 = 12, kAddressBytesV6 = 36, kAddressBytesUnix = 216;

uint8_t byte_at(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }
size_t length_at(std::string_view bytes, size_t at) {
  return static_cast<size_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

bool begins_alike(std::string_view bytes, std::string_view with) {
  const size_t size = std::min(bytes.size(), with.size());
  return bytes.substr(0, size) == with.substr(0, size);
}

// Decimal, without a leading zero.
std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return port;
}

// `address`: 4 or 16 bytes.
ClientAddress address_of(std::string_view address, size_t port) {
  ClientAddress::Bytes bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  std::memcpy(bytes.data() + bytes.size() - address.size(), address.data(), address.size());
  return ClientAddress(bytes, static_cast<uint16_t>(port));
}

// Are these whole extensions, type (1), length (2), value, and nothing behind?
bool extensions_are_whole(std::string_view bytes) {
  while (!bytes.empty()) {
    if (bytes.size() < 3) return false;
    const size_t size = 3 + length_at(bytes, 1);
    if (bytes.size() < size) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

}  // namespace

size_t ProxyParser::wanted() const {
  if (state_ != State::kMore) return 0;
  if (bytes_.size() < kShortestLine) return kShortestLine - bytes_.size();
  if (bytes_.front() != kSignature.front()) return bytes_.back() == '\r' ? 1 : 2;
  if (bytes_.size() < kBinaryHead) return kBinaryHead - bytes_.size();
  return kBinaryHead + length_at(bytes_, 14) - bytes_.size();
}

ProxyParser::State ProxyParser::feed(std::string_view bytes) {
  bytes_.append(bytes);
  if (bytes_.empty()) return state_;
  return bytes_.front() == kSignature.front() ? feed_binary() : feed_line();
}

ProxyParser::State ProxyParser::refuse(const char* reason) {
  reason_ = reason;
  return state_ = State::kRefused;
}

ProxyParser::State ProxyParser::feed_line() {
  if (!begins_alike(bytes_, kLineBegin)) return refuse("no PROXY header");
  const size_t end = bytes_.find('\n');
  if (end == std::string::npos) {
    return bytes_.size() >= kMaxProxyLineBytes ? refuse("PROXY line too long") : state_;
  }
  if (end + 1 != bytes_.size() || bytes_[end - 1] != '\r' || bytes_.size() > kMaxProxyLineBytes) {
    return refuse("PROXY line is malformed");
  }
  std::vector<std::string_view> words;
  for (std::string_view rest =
           std::string_view(bytes_).substr(kLineBegin.size(), end - 1 - kLineBegin.size());
       ;) {
    const size_t space = rest.find(' ');
    words.push_back(rest.substr(0, space));
    if (space == rest.npos) break;
    rest.remove_prefix(space + 1);
  }
  if (words[0] == "UNKNOWN") return state_ = State::kDone;
  const bool v6 = words[0] == "TCP6";
  if ((!v6 && words[0] != "TCP4") || words.size() != 5) return refuse("PROXY line is malformed");
  const auto source_port = parse_port(words[3]), target_port = parse_port(words[4]);
  if (!source_port.has_value() || !target_port.has_value()) return refuse("PROXY line has a bad port");
  const auto of_family = [v6](std::string_view text, uint16_t port) {
    const bool fits = (text.find(':') != text.npos) == v6;
    return fits ? ClientAddress::parse_ip(text, port) : std::nullopt;
  };
  const auto source = of_family(words[1], *source_port);
  if (!source.has_value() || !of_family(words[2], 0).has_value())
    return refuse("PROXY line has a bad address");
  source_ = source;
  return state_ = State::kDone;
}

ProxyParser::State ProxyParser::feed_binary() {
  if (!begins_alike(bytes_, kSignature)) return refuse("no PROXY header");
  if (bytes_.size() < kBinaryHead) return state_;
  if (byte_at(bytes_, 12) >> 4 != 2) return refuse("PROXY version is not 2");
  const size_t size = kBinaryHead + length_at(bytes_, 14);
  if (size > kMaxProxyHeaderBytes) return refuse("PROXY header too long");
  return bytes_.size() < size ? state_ : take_binary();
}

ProxyParser::State ProxyParser::take_binary() {
  const unsigned command = byte_at(bytes_, 12) & 0x0F;
  if (command == 0) return state_ = State::kDone;  // LOCAL: whatever follows says nothing
  if (command != 1) return refuse("PROXY command is unknown");
  const unsigned family = byte_at(bytes_, 13) >> 4, protocol = byte_at(bytes_, 13) & 0x0F;
  if (family > 3 || protocol > 2) return refuse("PROXY address family is unknown");
  if (protocol == 2) return refuse("PROXY header tells of datagrams");
  constexpr size_t kSizes[] = {0, kAddressBytesV4, kAddressBytesV6, kAddressBytesUnix};
  const std::string_view body = std::string_view(bytes_).substr(kBinaryHead);
  if (body.size() < kSizes[family]) return refuse("PROXY addresses are cut");
  if (!extensions_are_whole(body.substr(kSizes[family])))
    return refuse("PROXY extensions overrun the header");
  if (family == 1) source_ = address_of(body.substr(0, 4), length_at(body, 8));
  if (family == 2) source_ = address_of(body.substr(0, 16), length_at(body, 32));
  return state_ = State::kDone;
}

}  // namespace lcg::net
