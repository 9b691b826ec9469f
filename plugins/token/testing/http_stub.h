// SPDX-License-Identifier: Apache-2.0
// http_stub: a real HTTP server on loopback, in a thread of its own, that answers as it is told.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace lcg::token {

class HttpStub {
 public:
  HttpStub() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, raw, &size) != 0 || ::pipe(wake_) != 0)
      throw std::runtime_error("no socket on loopback");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  HttpStub(const HttpStub&) = delete;
  HttpStub& operator=(const HttpStub&) = delete;
  ~HttpStub() {
    ::close(wake_[1]);
    thread_.join();
    ::close(wake_[0]);
    ::close(listener_);
  }

  std::string url(const std::string& path = "/jwks") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  // From now on `path` is answered with 200 and `body`; other paths with 404.
  void publish(const std::string& body, const std::string& path = "/jwks") {
    raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body,
        path);
  }
  // These bytes, whatever they are. Empty: the request is read and never answered.
  void raw(const std::string& bytes, const std::string& path = "/jwks") {
    const std::lock_guard lock(mutex_);
    answers_[path] = bytes;
  }
  int requests() const { return requests_; }

 private:
  // False: the stub ends.
  bool readable(int fd) const {
    pollfd wanted[] = {{fd, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    return ::poll(wanted, 2, -1) > 0 && wanted[1].revents == 0;
  }
  void serve() {
    while (readable(listener_)) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      answer(client);
      ::close(client);
    }
  }
  void answer(int client) {
    std::string head;
    char buffer[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      if (!readable(client)) return;
      const ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      head.append(buffer, static_cast<size_t>(got));
    }
    ++requests_;
    const size_t start = head.find(' ') + 1;
    std::string bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    {
      const std::lock_guard lock(mutex_);
      const auto found = answers_.find(head.substr(start, head.find(' ', start) - start));
      if (found != answers_.end()) bytes = found->second;
    }
    if (bytes.empty()) {
      readable(client);  // until it gives up, or the stub ends
      return;
    }
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t sent = ::send(client, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return;
      at += static_cast<size_t>(sent);
    }
  }

  int listener_ = -1, wake_[2] = {-1, -1};
  uint16_t port_ = 0;
  std::atomic<int> requests_{0};
  std::mutex mutex_;
  std::map<std::string, std::string> answers_;
  std::thread thread_;
};

}  // namespace lcg::token
