// What one delivery costs, on the wire and in the server, in each form the client protocol has: --conns subscribers of
// one form, one publisher with one publication outstanding, --count publications of a state of which a little changes.
// Prints one JSON line. Forms: json, protobuf, each with the options deflate, delta and compact.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstring>
#include <memory>

#include "tests/bench/process_cost.h"
#include "tests/bench/ws_client.h"

namespace lcg::bench {
namespace {

struct Options {
  uint16_t port = 0;
  int pid = 0;
  unsigned conns = 1000, count = 500;
  bool protobuf = false, deflate = false, delta = false, compact = false;
};

constexpr int kQuietMs = 300;  // nothing came for so long: everything is there

// A table of quotes, about 600 bytes, of which publication `n` changes one.
std::string state(unsigned n) {
  std::string out = "{\"table\":[";
  for (unsigned row = 0; row < 12; ++row) {
    const unsigned changes = n / 12 + (row < n % 12 ? 1 : 0);
    if (row != 0) out += ',';
    out += "{\"name\":\"instrument-" + std::to_string(100 + row) +
           "\",\"bid\":" + std::to_string(10'000 + changes * 37) + '}';
  }
  return out + "],\"venue\":\"loopback\",\"currency\":\"EUR\",\"delayed\":false}";
}

// Client-protocol 1.2, 1.3: fields of a command, length-delimited.
std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(0x80 | (value & 0x7f)));
  out.push_back(static_cast<char>(value));
  return out;
}
std::string field(unsigned number, std::string_view bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}
std::string field(unsigned number, uint64_t value) { return varint(number << 3) + varint(value); }
std::string command(unsigned id, unsigned method, const std::string& request) {
  const std::string body = field(1, uint64_t{id}) + field(method, std::string_view(request));
  return varint(body.size()) + body;
}

class Run {
 public:
  explicit Run(Options options) : o_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  int run() {
    for (unsigned i = 0; i < o_.conns; ++i) add_subscriber(i);
    publisher_.open("127.0.0.2", o_.port, "/connection/websocket");
    publisher_.exchange(R"({"id":1,"connect":{"token":"publisher"}})");
    publish(0);
    publish(1);  // a delta subscriber has its base now
    drain();
    bytes_ = 0;
    const int64_t cpu = cpu_ns(o_.pid);
    for (unsigned n = 2; n < o_.count + 2; ++n) {
      publish(n);
      read_what_is_there(0);
    }
    drain();
    const double deliveries = static_cast<double>(o_.conns) * o_.count;
    std::printf("{\"bytes\":%.1f,\"cpu_us\":%.4f,\"data_bytes\":%zu}\n",
                static_cast<double>(bytes_) / deliveries,
                static_cast<double>(cpu_ns(o_.pid) - cpu) / 1e3 / deliveries, state(1000).size());
    return 0;
  }

 private:
  void add_subscriber(unsigned i) {
    auto client = std::make_unique<Client>();
    std::string headers;
    if (o_.protobuf) headers += "Sec-WebSocket-Protocol: centrifuge-protobuf\r\n";
    if (o_.deflate) headers += "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n";
    client->open("127.0.0.3", o_.port, "/connection/websocket", headers);
    const std::string user = "u" + std::to_string(i);
    if (o_.protobuf) {
      std::string subscribe = field(1, "cost:table");
      if (o_.delta) subscribe += field(12, "fossil");
      if (o_.compact) subscribe += field(14, uint64_t{1});
      client->exchange(command(1, 4, field(1, std::string_view(user))), true);
      client->exchange(command(2, 5, subscribe), true);
    } else {
      std::string subscribe = R"({"id":2,"subscribe":{"channel":"cost:table")";
      if (o_.delta) subscribe += R"(,"delta":"fossil")";
      if (o_.compact) subscribe += R"(,"flag":1)";
      client->exchange(R"({"id":1,"connect":{"token":")" + user + "\"}}");
      client->exchange(subscribe + "}}");
    }
    client->set_blocking(false);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = client->fd();
    epoll_ctl(epoll_, EPOLL_CTL_ADD, client->fd(), &event);
    clients_.push_back(std::move(client));
  }

  void publish(unsigned n) {
    const std::string answer =
        publisher_.exchange("{\"id\":" + std::to_string(n + 2) +
                            ",\"publish\":{\"channel\":\"cost:table\",\"data\":" + state(n) + "}}");
    if (answer.find("\"error\"") == std::string::npos) return;
    std::fprintf(stderr, "cost: publish was refused: %s\n", answer.c_str());
    std::exit(1);
  }

  // False: nothing came within `wait_ms`.
  bool read_what_is_there(int wait_ms) {
    epoll_event events[256];
    const int n = epoll_wait(epoll_, events, 256, wait_ms);
    for (int i = 0; i < n; ++i) {
      const ssize_t got = ::recv(events[i].data.fd, buffer_, sizeof buffer_, 0);
      if (got > 0) bytes_ += static_cast<uint64_t>(got);
    }
    return n > 0;
  }
  void drain() {
    while (read_what_is_there(kQuietMs)) {
    }
  }

  const Options o_;
  const int epoll_;
  std::vector<std::unique_ptr<Client>> clients_;
  Client publisher_;
  uint64_t bytes_ = 0;
  char buffer_[1 << 16];
};

int main_of(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto number = [&] { return static_cast<unsigned>(std::atoi(i + 1 < argc ? argv[++i] : "")); };
    if (name == "--port")
      o.port = static_cast<uint16_t>(number());
    else if (name == "--pid")
      o.pid = static_cast<int>(number());
    else if (name == "--conns")
      o.conns = number();
    else if (name == "--count")
      o.count = number();
    else if (name == "protobuf")
      o.protobuf = true;
    else if (name == "deflate")
      o.deflate = true;
    else if (name == "delta")
      o.delta = true;
    else if (name == "compact")
      o.compact = true;
  }
  return std::make_unique<Run>(o)->run();
}

}  // namespace
}  // namespace lcg::bench

int main(int argc, char** argv) { return lcg::bench::main_of(argc, argv); }
