// SPDX-License-Identifier: Apache-2.0
// RawServer: an HTTP back end on 127.0.0.1 that answers with whatever bytes a test wants, one thread a connection.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace lcg::http_callback::testing {

// One request that has arrived whole.
struct RawRequest {
  size_t connection = 0;  // counted from 0
  std::string head, body;
};

class RawServer {
 public:
  // Returns what is sent back; an empty text closes the connection. May block until released().
  using Handler = std::function<std::string(RawServer&, const RawRequest&)>;

  explicit RawServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 64) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no port for the test's back end");
    port_ = ntohs(address.sin_port);
    threads_.emplace_back([this] { accept_all(); });
  }
  ~RawServer() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
      shutdown(listener_, SHUT_RDWR);
      for (const int fd : connections_) shutdown(fd, SHUT_RDWR);
      changed_.notify_all();
    }
    threads_.front().join();
    for (size_t i = 1; i < threads_.size(); ++i) threads_[i].join();
    for (const int fd : connections_) close(fd);
    close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  int port() const { return port_; }
  // Requests so far, in order of arrival.
  std::vector<RawRequest> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  size_t connections() {
    const std::lock_guard lock(mutex_);
    return connections_.size();
  }
  // Waits until `count` requests have arrived, or the server ends.
  void wait_requests(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ending_ || requests_.size() >= count; });
  }
  // For handlers: waits until the test calls release(), or the server ends.
  void hold() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ending_ || released_; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

  static std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

 private:
  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const std::lock_guard lock(mutex_);
      if (fd < 0 || ending_) {
        if (fd >= 0) close(fd);
        return;
      }
      const size_t index = connections_.size();
      connections_.push_back(fd);
      threads_.emplace_back([this, fd, index] { serve(fd, index); });
    }
  }
  void serve(int fd, size_t connection) {
    std::string buffer;
    RawRequest request;
    request.connection = connection;
    while (read_request(fd, buffer, request)) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
        changed_.notify_all();
      }
      const std::string answer = handler_(*this, request);
      if (answer.empty() || !send_all(fd, answer)) break;
    }
    shutdown(fd, SHUT_RDWR);
  }
  static bool send_all(int fd, const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t n = send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return false;
      at += static_cast<size_t>(n);
    }
    return true;
  }
  static bool read_request(int fd, std::string& buffer, RawRequest& request) {
    for (;;) {
      const size_t end = buffer.find("\r\n\r\n");
      if (end != std::string::npos) {
        const size_t field = buffer.find("Content-Length: ");
        const size_t length = field < end ? std::stoul(buffer.substr(field + 16)) : 0;
        if (buffer.size() >= end + 4 + length) {
          request.head = buffer.substr(0, end + 4);
          request.body = buffer.substr(end + 4, length);
          buffer.erase(0, end + 4 + length);
          return true;
        }
      }
      char chunk[4096];
      const ssize_t n = recv(fd, chunk, sizeof chunk, 0);
      if (n <= 0) return false;
      buffer.append(chunk, static_cast<size_t>(n));
    }
  }

  const Handler handler_;
  int listener_ = -1, port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false, released_ = false;
  std::vector<RawRequest> requests_;
  std::vector<int> connections_;
  std::vector<std::thread> threads_;
};

}  // namespace lcg::http_callback::testing
