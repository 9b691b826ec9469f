#include "gateway/net/proxy_protocol.h"

#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "gateway/net/cidr.h"

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

sockaddr_storage make_v4(std::string_view address, std::string_view port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  std::memcpy(&v4.sin_addr, address.data(), 4);
  std::memcpy(&v4.sin_port, port.data(), 2);
  sockaddr_storage out{};
  std::memcpy(&out, &v4, sizeof v4);
  return out;
}

sockaddr_storage make_v6(std::string_view address, std::string_view port) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, address.data(), 16);
  std::memcpy(&v6.sin6_port, port.data(), 2);
  sockaddr_storage out{};
  std::memcpy(&out, &v6, sizeof v6);
  return out;
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
  const sa_family_t family = words[0] == "TCP4" ? AF_INET : words[0] == "TCP6" ? AF_INET6 : AF_UNSPEC;
  if (family == AF_UNSPEC || words.size() != 5) return refuse("PROXY line is malformed");
  const auto source_port = parse_port(words[3]), target_port = parse_port(words[4]);
  if (!source_port.has_value() || !target_port.has_value()) return refuse("PROXY line has a bad port");
  const auto source = parse_ip(words[1], *source_port), target = parse_ip(words[2]);
  if (!source.has_value() || !target.has_value() || source->ss_family != family ||
      target->ss_family != family) {
    return refuse("PROXY line has a bad address");
  }
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
  if (family == 1) source_ = make_v4(body.substr(0, 4), body.substr(8, 2));
  if (family == 2) source_ = make_v6(body.substr(0, 16), body.substr(32, 2));
  return state_ = State::kDone;
}

}  // namespace lcg::net
