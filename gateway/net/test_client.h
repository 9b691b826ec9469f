// For tests: a server on a lane of its own, and a blocking client on loopback. Every wait has a deadline.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/asio_lane.h"
#include "gateway/net/http_server.h"

namespace lcg::net {

class TestClient {
 public:
  // `receive_buffer`: SO_RCVBUF in bytes, 0 the system's.
  explicit TestClient(uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer != 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~TestClient() { ::close(fd_); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool connected() const { return connected_; }
  int fd() const { return fd_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  // What came until `enough` is content with it, the server ends, or the deadline passes.
  std::string read_until(const std::function<bool(std::string_view)>& enough) {
    std::string out;
    while (!enough(out) && read_some(out)) {
    }
    return out;
  }
  std::string read_bytes(size_t count) {
    return read_until([count](std::string_view got) { return got.size() >= count; });
  }
  std::string read_head() {
    return read_until([](std::string_view got) { return got.find("\r\n\r\n") != got.npos; });
  }
  std::string read_to_end() {
    return read_until([](std::string_view) { return false; });
  }
  void shutdown_write() { ::shutdown(fd_, SHUT_WR); }

 private:
  bool read_some(std::string& out) {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, 20'000) <= 0) return false;
    char buffer[64 * 1024];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    out.append(buffer, static_cast<size_t>(n));
    return true;
  }

  int fd_;
  bool connected_ = false;
};

class TestServer {
 public:
  TestServer(const HttpServer::Config& config, const std::function<void(HttpRouter&)>& routes)
      : lanes_({.lanes = 1, .pin = false}) {
    lanes_.start();
    run([&] {
      HttpRouter router;
      routes(router);
      server_ = std::make_unique<HttpServer>(lanes_[0], config, std::move(router));
      port_ = server_->listen({"127.0.0.1", 0}).value();
    });
  }
  ~TestServer() {
    run([&] { server_.reset(); });
    lanes_.stop();
    lanes_.join();
  }

  uint16_t port() const { return port_; }
  HttpServer& server() { return *server_; }

  // Runs `body` on the lane and waits for it.
  void run(const std::function<void()>& body) {
    std::promise<void> done;
    lanes_[0].post([&] {
      body();
      done.set_value();
    });
    done.get_future().wait();
  }
  // Runs `condition` on the lane until it holds, at most 20 s; whether it held.
  bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    bool held = false;
    while (!held && std::chrono::steady_clock::now() < deadline) {
      run([&] { held = condition(); });
      if (!held) std::this_thread::yield();
    }
    return held;
  }

 private:
  LaneSet lanes_;
  std::unique_ptr<HttpServer> server_;
  uint16_t port_ = 0;
};

}  // namespace lcg::net
