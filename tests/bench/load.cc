// The load generator: one process, one thread, one epoll set. Speaks bare WebSocket (against raw_server) or
// the client protocol (against lcg), counts, and reads the server's CPU time from /proc. Prints one JSON
// line.
//   echo  every connection keeps --depth messages outstanding
//   fan   the first connection publishes, --depth outstanding; every connection receives; a message is a
//   delivery
//   many  every connection is subscribed to 1/10 of --channels channels, each of ten subscribers; in the first --busy of
//   them one publication is under way; a message is a delivery
//   idle  opens --conns connections and reports the growth of the server's PSS a connection send
//   durable message.send, one outstanding a connection, spread over --dialogs dialogs
#include <sys/epoll.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <utility>

#include "tests/bench/process_cost.h"
#include "tests/bench/ws_client.h"

namespace lcg::bench {
namespace {

struct Options {
  std::string mode = "echo", proto = "raw";
  uint16_t port = 0;
  int pid = 0;
  unsigned conns = 500, depth = 1, size = 128, dialogs = 16, channels = 1000, busy = 256;
  double seconds = 3, warmup = 0.5;
};

class Load {
 public:
  explicit Load(Options options) : o_(std::move(options)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  int run() {
    const int64_t before = o_.mode == "idle" ? pss_bytes(o_.pid) : 0;
    open_all();
    if (o_.mode == "idle") {
      const int64_t grown = pss_bytes(o_.pid) - before;
      std::printf("{\"mode\":\"idle\",\"proto\":\"%s\",\"conns\":%u,\"bytes_per_conn\":%.0f}\n",
                  o_.proto.c_str(), o_.conns, static_cast<double>(grown) / o_.conns);
      return 0;
    }
    prepare();
    for (auto& c : clients_) c->ws.set_blocking(false);
    start();
    pump(o_.warmup);
    messages_ = 0;
    latencies_.clear();
    const int64_t cpu = cpu_ns(o_.pid), begin = now_ns();
    pump(o_.seconds);
    report(static_cast<double>(now_ns() - begin) / 1e9, cpu_ns(o_.pid) - cpu);
    return 0;
  }

 private:
  struct Conn {
    Client ws;
    unsigned index = 0;
    uint32_t id = 1;  // last command id used
    uint64_t cseq = 0;
    std::deque<int64_t> sent;  // when the outstanding messages left
  };
  bool lcg() const { return o_.proto == "lcg"; }

  void open_all() {
    for (unsigned i = 0; i < o_.conns; ++i) {
      auto c = std::make_unique<Conn>();
      c->index = i;
      // 20,000 connections a source address stays clear of the ephemeral port range's end.
      const std::string source = "127.0.0." + std::to_string(2 + i / 20000);
      c->ws.open(source, o_.port, lcg() ? "/connection/websocket" : o_.mode == "fan" ? "/fan" : "/echo");
      if (lcg()) {
        // Only a device numbers its messages; a client that sends none needs no name.
        const std::string device = o_.mode == "send" ? R"(,"headers":{"lcg-device":"load"})" : "";
        expect(c->ws.exchange(R"({"id":1,"connect":{"token":"u)" + std::to_string(i) + "\"" + device + "}}"),
               "\"connect\"");
      }
      clients_.push_back(std::move(c));
    }
  }

  static void expect(const std::string& answer, const char* what) {
    if (answer.find(what) != std::string::npos && answer.find("\"error\"") == std::string::npos) return;
    std::fprintf(stderr, "load: unexpected answer: %s\n", answer.c_str());
    std::exit(1);
  }

  std::string command(Conn& c, const std::string& body) {
    return "{\"id\":" + std::to_string(++c.id) + "," + body + "}";
  }

  // Skips pushes that arrive between a command and its answer.
  void ask(Conn& c, const std::string& body, const char* what) {
    std::string answer = c.ws.exchange(command(c, body));
    while (answer.rfind("{\"push\"", 0) == 0 || answer == "{}") answer = c.ws.next_message();
    expect(answer, what);
  }

  void prepare() {
    if (lcg() && o_.mode == "fan")
      for (auto& c : clients_) ask(*c, "\"subscribe\":{\"channel\":\"bench:fan\"}", "\"subscribe\"");
    for (unsigned k = 0; many() && k < o_.channels; ++k) {
      for (unsigned j = 0; j < kMembers; ++j)
        ask(member(k, j), "\"subscribe\":{\"channel\":\"" + channel(k) + "\"}", "\"subscribe\"");
    }
    if (o_.mode == "send") {
      for (unsigned d = 0; d < o_.dialogs; ++d)
        ask(*clients_[0],
            "\"rpc\":{\"method\":\"dialog.create\",\"data\":{\"kind\":\"group\",\"open\":true,\"id\":\"" +
                dialog(d) + "\"}}",
            "\"rpc\"");
      for (auto& c : clients_)
        ask(*c,
            "\"rpc\":{\"method\":\"dialog.join\",\"data\":{\"dialog\":\"" + dialog(c->index % o_.dialogs) +
                "\"}}",
            "\"rpc\"");
    }
  }
  static constexpr unsigned kMembers = 10;  // of a channel
  bool many() const { return o_.mode == "many"; }
  Conn& member(unsigned k, unsigned j) { return *clients_[(k + j * (o_.conns / kMembers)) % o_.conns]; }
  static std::string channel(unsigned k) { return "bench:m" + std::to_string(k); }
  void publish_to(unsigned k) {
    Conn& c = member(k, 0);
    frames_.clear();
    append_client_frame(
        frames_, command(c, "\"publish\":{\"channel\":\"" + channel(k) + "\",\"data\":\"" + text_ + "\"}"));
    left_[k] = kMembers;
    sent_[k] = now_ns();
    c.ws.send(frames_);
  }
  std::string dialog(unsigned d) const { return "bench-" + std::to_string(o_.pid) + "-" + std::to_string(d); }

  void start() {
    const std::string filler(o_.size > 60 ? o_.size - 60 : 8, 'x');
    text_ = o_.proto == "raw" ? std::string(o_.size, 'x') : filler;
    for (auto& c : clients_) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = c.get();
      epoll_ctl(epoll_, EPOLL_CTL_ADD, c->ws.fd(), &event);
      if (many() || (o_.mode == "fan" && c->index != 0)) continue;
      emit(*c, o_.mode == "send" ? 1 : o_.depth);
    }
    left_.resize(o_.busy);
    sent_.resize(o_.busy);
    for (unsigned k = 0; many() && k < o_.busy; ++k) publish_to(k);
  }

  void emit(Conn& c, unsigned count) {
    frames_.clear();
    for (unsigned i = 0; i < count; ++i) {
      if (o_.proto == "raw") {
        append_client_frame(frames_, text_);
      } else if (o_.mode == "echo") {
        append_client_frame(frames_, command(c, "\"rpc\":{\"method\":\"echo\",\"data\":\"" + text_ + "\"}"));
      } else if (o_.mode == "fan") {
        append_client_frame(frames_,
                            command(c, "\"publish\":{\"channel\":\"bench:fan\",\"data\":\"" + text_ + "\"}"));
      } else {
        append_client_frame(
            frames_, command(c, "\"rpc\":{\"method\":\"message.send\",\"data\":{\"dialog\":\"" +
                                    dialog(c.index % o_.dialogs) + "\",\"cseq\":" + std::to_string(++c.cseq) +
                                    ",\"body\":\"" + text_ + "\"}}"));
      }
      c.sent.push_back(now_ns());
    }
    c.ws.send(frames_);
  }

  // A frame of the client protocol holds one message a line.
  void on_frame(Conn& c, std::string_view payload) {
    for (size_t end; lcg() && (end = payload.find('\n')) != std::string_view::npos;
         payload.remove_prefix(end + 1))
      on_message(c, payload.substr(0, end));
    on_message(c, payload);
  }

  void on_message(Conn& c, std::string_view payload) {
    if (lcg()) {
      if (payload == "{}") {
        std::string pong;
        append_client_frame(pong, "{}");
        c.ws.send(pong);
        return;
      }
      const bool push = payload.substr(0, 7) == "{\"push\"";
      if (push != (o_.mode == "fan" || many())) return;
      if (!push && payload.find("\"error\"") != std::string_view::npos) {
        ++errors_;
        std::fprintf(stderr, "load: %.*s\n", static_cast<int>(payload.size()), payload.data());
        if (errors_ > 5) std::exit(1);
      }
    }
    ++messages_;
    if (many()) {
      constexpr std::string_view kBefore = "\"channel\":\"bench:m";
      const size_t at = payload.find(kBefore) + kBefore.size();
      const auto k = static_cast<unsigned>(std::atoi(payload.data() + at));
      if (--left_[k] != 0) return;
      latencies_.push_back(now_ns() - sent_[k]);
      published_.push_back(k);
      return;
    }
    if (o_.mode == "fan") {
      if (++received_ < o_.conns) return;
      received_ = 0;
      finish(*clients_[0]);
    } else {
      finish(c);
    }
  }
  void finish(Conn& c) {
    latencies_.push_back(now_ns() - c.sent.front());
    c.sent.pop_front();
    due_.push_back(&c);
  }

  void pump(double seconds) {
    const int64_t until = now_ns() + static_cast<int64_t>(seconds * 1e9);
    epoll_event events[256];
    while (now_ns() < until) {
      const int n = epoll_wait(epoll_, events, 256, 20);
      for (int i = 0; i < n; ++i) {
        auto& c = *static_cast<Conn*>(events[i].data.ptr);
        if (!c.ws.readable([&](std::string_view payload) { on_frame(c, payload); })) {
          std::fprintf(stderr, "load: the server closed connection %u\n", c.index);
          std::exit(1);
        }
        while (!due_.empty()) {
          Conn* first = due_.back();
          unsigned count = 0;
          while (!due_.empty() && due_.back() == first) due_.pop_back(), ++count;
          emit(*first, count);
        }
        for (const unsigned k : std::exchange(published_, {})) publish_to(k);
        c.ws.writable();
      }
    }
  }

  void report(double seconds, int64_t cpu) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](double q) {
      return latencies_.empty()
                 ? 0.0
                 : static_cast<double>(
                       latencies_[static_cast<size_t>(q * static_cast<double>(latencies_.size() - 1))]) /
                       1e6;
    };
    std::printf(
        "{\"mode\":\"%s\",\"proto\":\"%s\",\"conns\":%u,\"depth\":%u,\"size\":%u,\"messages\":%llu,\"rate\":%"
        ".0f,"
        "\"cpu_us\":%.3f,\"server_load\":%.2f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"errors\":%llu}\n",
        o_.mode.c_str(), o_.proto.c_str(), o_.conns, o_.depth, o_.size,
        static_cast<unsigned long long>(messages_), static_cast<double>(messages_) / seconds,
        messages_ ? static_cast<double>(cpu) / 1e3 / static_cast<double>(messages_) : 0.0,
        static_cast<double>(cpu) / 1e9 / seconds, at(.5), at(.99), static_cast<unsigned long long>(errors_));
  }

  Options o_;
  int epoll_;
  std::vector<std::unique_ptr<Conn>> clients_;
  std::vector<Conn*> due_;
  std::vector<int64_t> latencies_;
  std::vector<unsigned> left_,
      published_;              // by channel: subscribers that have not got it; channels to publish to again
  std::vector<int64_t> sent_;  // by channel
  std::string text_, frames_;
  uint64_t messages_ = 0, received_ = 0, errors_ = 0;
};

}  // namespace
}  // namespace lcg::bench

int main(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  lcg::bench::Options o;
  const auto text = [&](const char* name, std::string& to) {
    if (given.count(name)) to = given[name];
  };
  const auto number = [&](const char* name, auto& to) {
    if (given.count(name)) to = static_cast<std::decay_t<decltype(to)>>(std::atof(given[name].c_str()));
  };
  text("--mode", o.mode);
  text("--proto", o.proto);
  number("--port", o.port);
  number("--pid", o.pid);
  number("--conns", o.conns);
  number("--depth", o.depth);
  number("--size", o.size);
  number("--dialogs", o.dialogs);
  number("--channels", o.channels);
  number("--busy", o.busy);
  number("--seconds", o.seconds);
  number("--warmup", o.warmup);
  if (o.port == 0 || o.pid == 0 || argc % 2 == 0) {
    std::fprintf(
        stderr,
        "usage: load --mode echo|fan|many|idle|send --proto raw|lcg --port P --pid SERVER [--conns N] "
        "[--depth D] [--size B]"
        " [--dialogs N] [--channels N] [--busy N] [--seconds S] [--warmup S]\n");
    return 2;
  }
  return lcg::bench::Load(std::move(o)).run();
}
