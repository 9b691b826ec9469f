#include "tests/bench/ws_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace lcg::bench {
namespace {

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

thread_local char shared_buffer[1 << 16];

}  // namespace

void append_client_frame(std::string& out, std::string_view payload, bool binary) {
  out.push_back(static_cast<char>(binary ? 0x82 : 0x81));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(0x80 | payload.size()));
  } else {
    out.push_back(static_cast<char>(0x80 | 126));
    out.push_back(static_cast<char>(payload.size() >> 8));
    out.push_back(static_cast<char>(payload.size() & 0xff));
  }
  out.append(4, '\0');
  out.append(payload);
}

void Client::open(const std::string& source_ip, uint16_t port, std::string_view path,
                  std::string_view headers) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) fail("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  int one = 1;
  ::setsockopt(fd_, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
  ::inet_pton(AF_INET, source_ip.c_str(), &address.sin_addr);
  if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  address.sin_port = htons(port);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const std::string request = "GET " + std::string(path) +
                              " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                              std::string(headers) + "\r\n";
  if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    fail("upgrade");
  std::string head;
  char c;
  while (head.find("\r\n\r\n") == std::string::npos) {
    if (::recv(fd_, &c, 1, 0) != 1) fail("upgrade answer");
    head.push_back(c);
  }
  if (head.find(" 101 ") == std::string::npos) {
    std::fprintf(stderr, "load: the server refused the upgrade: %s\n", head.c_str());
    std::exit(1);
  }
}

void Client::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Client::set_blocking(bool on) {
  const int flags = ::fcntl(fd_, F_GETFL);
  ::fcntl(fd_, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

std::string Client::exchange(std::string_view payload, bool binary) {
  std::string frame;
  append_client_frame(frame, payload, binary);
  send(frame);
  return next_message();
}

std::string Client::next_message() {
  for (;;) {
    window_ = rest_;
    if (const size_t used = next_frame(0); used != 0) {
      std::string message(payload_);
      rest_.erase(0, used);
      return message;
    }
    if (receive() < 0) fail("closed while waiting for an answer");
    if (window_.data() != rest_.data()) rest_.assign(window_);
  }
}

void Client::send(std::string_view frames) {
  if (out_.empty()) {
    const ssize_t n = ::send(fd_, frames.data(), frames.size(), MSG_NOSIGNAL);
    if (n == static_cast<ssize_t>(frames.size())) return;
    if (n > 0) frames.remove_prefix(static_cast<size_t>(n));
  }
  out_.append(frames);
}

void Client::writable() {
  if (out_.empty()) return;
  const ssize_t n = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
  if (n > 0) out_.erase(0, static_cast<size_t>(n));
}

long Client::receive() {
  const ssize_t n = ::recv(fd_, shared_buffer, sizeof shared_buffer, 0);
  if (n == 0) return -1;
  if (n < 0) {
    window_ = {};
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
  }
  if (rest_.empty()) {
    window_ = {shared_buffer, static_cast<size_t>(n)};
  } else {
    rest_.append(shared_buffer, static_cast<size_t>(n));
    window_ = rest_;
  }
  return n;
}

size_t Client::next_frame(size_t at) {
  const std::string_view bytes = window_.substr(at);
  if (bytes.size() < 2) return 0;
  uint64_t length = static_cast<unsigned char>(bytes[1]) & 0x7f;
  size_t head = 2;
  if (length == 126) {
    if (bytes.size() < 4) return 0;
    length = static_cast<uint64_t>(static_cast<unsigned char>(bytes[2])) << 8 |
             static_cast<unsigned char>(bytes[3]);
    head = 4;
  } else if (length == 127) {
    if (bytes.size() < 10) return 0;
    length = 0;
    for (size_t i = 2; i < 10; ++i) length = length << 8 | static_cast<unsigned char>(bytes[i]);
    head = 10;
  }
  if (bytes.size() < head + length) return 0;
  payload_ = bytes.substr(head, length);
  return head + length;
}

void Client::keep_from(size_t at) {
  if (at >= window_.size()) {
    rest_.clear();
  } else if (window_.data() == rest_.data()) {
    rest_.erase(0, at);
  } else {
    rest_.assign(window_.substr(at));
  }
  window_ = {};
}

}  // namespace lcg::bench
