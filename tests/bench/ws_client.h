// A WebSocket client for load: non-blocking, one epoll set, no allocation a message. Loopback only.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lcg::bench {

// Appends one masked frame, text or binary (zero mask: the bytes stay readable; the server still unmasks).
void append_client_frame(std::string& out, std::string_view payload, bool binary = false);

class Client {
 public:
  // Blocking: connects from `source_ip` and upgrades at `path`; `headers` are whole lines, each with its CRLF.
  // Dies with a sentence on failure.
  void open(const std::string& source_ip, uint16_t port, std::string_view path,
            std::string_view headers = {});
  void close();
  // Blocking: sends one message and returns the next one received.
  std::string exchange(std::string_view payload, bool binary = false);
  std::string next_message();

  // Non-blocking from here on. Bytes the socket does not take are kept and retried on the next send or
  // writable.
  void send(std::string_view frames);
  void writable();
  // Reads what is there, calls on_frame(payload) a message. False: the connection is gone.
  template <class Fn>
  bool readable(Fn&& on_frame) {
    for (;;) {
      const long n = receive();
      if (n == 0) return true;
      if (n < 0) return false;
      size_t at = 0;
      while (const size_t used = next_frame(at)) {
        on_frame(payload_);
        at += used;
      }
      keep_from(at);
      if (n < static_cast<long>(kBuffer)) return true;
    }
  }
  int fd() const { return fd_; }
  void set_blocking(bool on);

 private:
  static constexpr size_t kBuffer = 1 << 16;
  long receive();                // > 0 bytes appended to the window, 0 nothing there, < 0 closed
  size_t next_frame(size_t at);  // bytes used, 0: not whole
  void keep_from(size_t at);
  int fd_ = -1;
  std::string rest_, out_;
  std::string_view window_, payload_;
};

}  // namespace lcg::bench
