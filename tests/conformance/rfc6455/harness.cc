#include "tests/conformance/rfc6455/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <ostream>

#include "gateway/net/test_client.h"
#include "gateway/ws/test_frames.h"

namespace lcg::conformance {

namespace {

constexpr int kDeadlineMs = 20'000;

// Deletes itself when its connection has ended.
class Echo final : public ws::TransportHandler {
 public:
  Echo(ws::Transport& transport, bool closes) : transport_(transport), closes_(closes) {
    transport_.client_connected();  // an echo knows no connect
  }
  void on_message(std::string_view payload, ws::MessageKind kind) override {
    if (closes_) return transport_.close(4001, "enough");
    transport_.send_message(payload, kind);
  }
  void on_closed(const ws::CloseInfo&) override { delete this; }

 private:
  ws::Transport& transport_;
  const bool closes_;
};

struct Endpoint final : net::WebSocketEndpoint {
  explicit Endpoint(bool closing) : closes(closing) {}
  ws::TransportHandler* open(ws::Transport& transport, net::WebSocketRequest) override {
    return new Echo(transport, closes);
  }
  const bool closes;
};

struct Server {
  explicit Server(const net::HttpServer::Config& config)
      : server(config, [this](net::HttpRouter& router) {
          router.add_websocket("/echo", echo);
          router.add_websocket("/closes", closes);
        }) {}
  Endpoint echo{false}, closes{true};
  net::TestServer server;
};

std::array<std::unique_ptr<Server>, 3>& servers() {
  static std::array<std::unique_ptr<Server>, 3> all;
  return all;
}

uint16_t port_of(Profile profile) {
  std::unique_ptr<Server>& server = servers().at(static_cast<size_t>(profile));
  if (server == nullptr) {
    net::HttpServer::Config config;
    if (profile == Profile::kLarge) {
      config.websocket.frame.max_message_bytes = ws::kMaxMessageBytes;
      config.websocket.max_queue_bytes = 2 * ws::kMaxMessageBytes;
    } else if (profile == Profile::kDeflate) {
      config.upgrade.deflate = true;
      config.websocket.deflate.enabled = true;
      config.websocket.deflate.min_bytes = 16;
      config.websocket.frame.max_inflated_bytes = 131072;
    }
    server = std::make_unique<Server>(config);
  }
  return server->server.port();
}

std::string shortened(const std::string& payload) {
  std::string out;
  for (const char c : payload.substr(0, 60)) {
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += hex;
    }
  }
  return payload.size() > 60 ? out + "... of " + std::to_string(payload.size()) + " bytes" : out;
}

// Codes are compared, not the words behind them.
void forget_reason(Frame& frame) {
  if (frame.first == 0x88) frame.payload.resize(std::min<size_t>(frame.payload.size(), 2));
}

}  // namespace

void stop_servers() { servers() = {}; }

void PrintTo(const Frame& frame, std::ostream* out) {
  char first[8];
  std::snprintf(first, sizeof first, "%02x", static_cast<unsigned>(frame.first));
  *out << first << '(' << shortened(frame.payload) << ')';
}

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name << ": " << shortened(one.bytes) << (one.step == 0 ? "" : ", cut");
}

Frame closed(uint16_t code) {
  Frame frame{0x88, ""};
  if (code != 0) frame.payload = {static_cast<char>(code >> 8), static_cast<char>(code)};
  return frame;
}

std::string frame_of_length(uint8_t first, unsigned length_bytes, uint64_t length, std::string_view payload) {
  const std::string_view mask = "\x11\x22\x33\x44";
  std::string out(1, static_cast<char>(first));
  out += static_cast<char>(0x80 | (length_bytes == 0 ? length : length_bytes == 2 ? 126 : 127));
  for (unsigned i = length_bytes; i > 0; --i) out += static_cast<char>(length >> (8 * (i - 1)));
  out += mask;
  for (size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask[i & 3]);
  return out;
}

Case with_close(Case one) {
  one.bytes += ws::client_close(1000);
  one.expected.push_back(closed(1000));
  return one;
}

std::vector<Case> also_byte_by_byte(std::vector<Case> cases) {
  const size_t count = cases.size();
  for (size_t i = 0; i < count; ++i) {
    Case again = cases[i];
    again.name += "_byte_by_byte";
    again.step = 1;
    cases.push_back(std::move(again));
  }
  return cases;
}

Client::Client(Profile profile) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_of(profile));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ADD_FAILURE() << "the echo server cannot be reached";
  }
}

Client::~Client() { ::close(fd_); }

void Client::send(std::string_view bytes, size_t step) {
  while (!bytes.empty()) {
    const std::string_view piece = step == 0 ? bytes : bytes.substr(0, step);
    const ssize_t n = ::send(fd_, piece.data(), piece.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

bool Client::read_some() {
  pollfd waiting{fd_, POLLIN, 0};
  if (::poll(&waiting, 1, kDeadlineMs) <= 0) {
    ADD_FAILURE() << "the server said nothing for " << kDeadlineMs << " ms";
    return false;
  }
  char buffer[64 * 1024];
  const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
  if (n <= 0) return false;
  input_.append(buffer, static_cast<size_t>(n));
  return true;
}

std::string Client::read_head() {
  size_t end = std::string::npos;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_some()) return std::exchange(input_, {});
  }
  std::string head = input_.substr(0, end + 4);
  input_.erase(0, end + 4);
  return head;
}

std::string Client::upgrade(std::string_view path, std::string_view headers) {
  send("GET " + std::string(path) +
       " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
       std::string(headers) + "\r\n");
  const std::string head = read_head();
  return head.starts_with("HTTP/1.1 101 ") ? "" : "no upgrade: " + head;
}

// RFC 6455 5.1, 5.2: what a server may send.
bool Client::take_frame(Frame& frame) {
  const auto byte = [this](size_t i) { return static_cast<uint8_t>(input_[i]); };
  if (input_.size() < 2) return false;
  EXPECT_NE(byte(0) & 0x80, 0) << "a fragment: the server sends whole messages";
  EXPECT_EQ(byte(0) & 0x30, 0) << "RSV2 or RSV3";
  EXPECT_EQ(byte(1) & 0x80, 0) << "a server's frame is masked";
  uint64_t length = byte(1) & 0x7F;
  const size_t length_bytes = length == 127 ? 8 : length == 126 ? 2 : 0;
  if (input_.size() < 2 + length_bytes) return false;
  if (length_bytes != 0) {
    length = 0;
    for (size_t i = 0; i < length_bytes; ++i) length = length << 8 | byte(2 + i);
    EXPECT_GT(length, length_bytes == 2 ? 125u : 65535u) << "a length that is not in its shortest form";
  }
  if (input_.size() - 2 - length_bytes < length) return false;
  frame = {byte(0), input_.substr(2 + length_bytes, length)};
  input_.erase(0, 2 + length_bytes + length);
  return true;
}

std::vector<Frame> Client::read_frames() {
  std::vector<Frame> frames = read_frames(SIZE_MAX);
  EXPECT_EQ(input_, "") << "the stream ends inside a frame";
  return frames;
}

std::vector<Frame> Client::read_frames(size_t count) {
  std::vector<Frame> frames;
  Frame frame;
  while (frames.size() < count) {
    if (take_frame(frame)) {
      forget_reason(frame);
      frames.push_back(std::move(frame));
    } else if (!read_some()) {
      break;
    }
  }
  return frames;
}

void expect_conversation(const Case& one, Profile profile, std::string_view path, std::string_view headers) {
  Client client(profile);
  ASSERT_EQ(client.upgrade(path, headers), "");

  client.send(one.bytes, one.step);

  EXPECT_EQ(client.read_frames(), one.expected);
}

}  // namespace lcg::conformance
