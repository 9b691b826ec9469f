// The yardstick: RFC 6455 handshake and frames on Asio and nothing else: no protocol, timers, UTF-8, limits.
// Echoes every message, or, once a connection asked GET /fan, sends what any connection says to all of those
// as one contiguous block per loop turn. One thread. Usage: raw_server PORT (loopback only).
#include <sys/socket.h>

#include <openssl/sha.h>
#include <boost/asio.hpp>
#include <boost/beast/core/detail/base64.hpp>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;

namespace {

std::string accept_key(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char sha[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), sha);
  std::string out(boost::beast::detail::base64::encoded_size(sizeof sha), '\0');
  out.resize(boost::beast::detail::base64::encode(out.data(), sha, sizeof sha));
  return out;
}

void append_frame(std::string& out, std::string_view payload) {
  out.push_back(static_cast<char>(0x81));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(payload.size()));
  } else {
    out.push_back(126);
    out.push_back(static_cast<char>(payload.size() >> 8));
    out.push_back(static_cast<char>(payload.size() & 0xff));
  }
  out.append(payload);
}

class Server;

class Connection {
 public:
  Connection(Server& server, Socket socket) : server_(server), socket_(std::move(socket)) {
    socket_.non_blocking(true);
    socket_.set_option(tcp::no_delay(true));
  }
  void wait_read();
  void send(std::string_view bytes) {
    if (queue_.empty()) {
      const ssize_t n = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n == static_cast<ssize_t>(bytes.size())) return;
      bytes.remove_prefix(n > 0 ? static_cast<size_t>(n) : 0);
    }
    const bool idle = queue_.empty();
    queue_.append(bytes);
    if (idle) wait_write();
  }

 private:
  void readable();
  void consume(std::string_view bytes);
  void wait_write() {
    socket_.async_wait(tcp::socket::wait_write, [this](boost::system::error_code error) {
      if (error) return;
      const ssize_t n = ::send(socket_.native_handle(), queue_.data(), queue_.size(), MSG_NOSIGNAL);
      if (n > 0) queue_.erase(0, static_cast<size_t>(n));
      if (!queue_.empty()) wait_write();
    });
  }
  Server& server_;
  Socket socket_;
  std::string rest_, queue_;
  bool open_ = false, fan_ = false;
};

class Server {
 public:
  Server(asio::io_context& context, uint16_t port)
      : context_(context), acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), port)) {
    accept();
  }
  void close(Connection* connection) {
    fan.erase(connection);
    all_.erase(connection);
    delete connection;
  }
  void publish(std::string_view payload) {
    if (block_.empty()) asio::post(context_, [this] { flush(); });
    append_frame(block_, payload);
  }
  std::unordered_set<Connection*> fan;
  char buffer[65536];
  std::string echo;

 private:
  void flush() {
    const std::string block = std::exchange(block_, {});
    for (Connection* connection : fan) connection->send(block);
  }
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, auto socket) {
      if (!error) {
        auto* connection = new Connection(*this, Socket(std::move(socket)));
        all_.insert(connection);
        connection->wait_read();
      }
      accept();
    });
  }
  asio::io_context& context_;
  asio::basic_socket_acceptor<tcp, asio::io_context::executor_type> acceptor_;
  std::unordered_set<Connection*> all_;
  std::string block_;
};

void Connection::wait_read() {
  socket_.async_wait(tcp::socket::wait_read, [this](boost::system::error_code error) {
    if (!error) readable();
  });
}

void Connection::readable() {
  const ssize_t n = ::recv(socket_.native_handle(), server_.buffer, sizeof server_.buffer, 0);
  if (n == 0 || (n < 0 && errno != EAGAIN)) return server_.close(this);
  if (n > 0) {
    std::string_view bytes(server_.buffer, static_cast<size_t>(n));
    if (rest_.empty()) {
      consume(bytes);
    } else {
      rest_.append(bytes);
      const std::string whole = std::exchange(rest_, {});
      consume(whole);
    }
  }
  wait_read();
}

void Connection::consume(std::string_view bytes) {
  if (!open_) {
    const size_t end = bytes.find("\r\n\r\n");
    const size_t at = bytes.find("Sec-WebSocket-Key: ");
    if (end == std::string_view::npos || at == std::string_view::npos) {
      rest_ = bytes;
      return;
    }
    const std::string_view key = bytes.substr(at + 19, bytes.find("\r\n", at) - at - 19);
    fan_ = bytes.starts_with("GET /fan");
    if (fan_) server_.fan.insert(this);
    open_ = true;
    send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Accept: " +
        accept_key(key) + "\r\n\r\n");
    bytes.remove_prefix(end + 4);
  }
  std::string& out = server_.echo;
  out.clear();
  while (bytes.size() >= 6) {
    size_t length = static_cast<unsigned char>(bytes[1]) & 0x7f, head = 2;
    if (length == 126) {
      if (bytes.size() < 8) break;
      length = static_cast<size_t>(static_cast<unsigned char>(bytes[2])) << 8 |
               static_cast<unsigned char>(bytes[3]);
      head = 4;
    }
    if (bytes.size() < head + 4 + length) break;
    char* payload = const_cast<char*>(bytes.data()) + head + 4;
    for (size_t i = 0; i < length; ++i) payload[i] = static_cast<char>(payload[i] ^ bytes[head + (i & 3)]);
    if (fan_) {
      server_.publish({payload, length});
    } else {
      append_frame(out, {payload, length});
    }
    bytes.remove_prefix(head + 4 + length);
  }
  if (!bytes.empty()) rest_ = bytes;
  if (!out.empty()) send(out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: raw_server PORT\n");
    return 2;
  }
  asio::io_context context(1);
  Server server(context, static_cast<uint16_t>(std::atoi(argv[1])));
  context.run();
}
