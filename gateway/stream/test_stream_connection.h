// For tests: one streaming connection in a simulated world, its client's wire and its handler.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/sim_lane.h"
#include "gateway/stream/stream_connection.h"
#include "gateway/ws/test_connection.h"

namespace lcg::stream {

// What is in the chunks; "!" behind it once the response has ended, "?" behind it if a chunk is cut or broken.
inline std::string body_of(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    size_t line = bytes.find("\r\n");
    if (line == bytes.npos) return out + "?";
    const size_t size = std::stoul(std::string(bytes.substr(0, line)), nullptr, 16);
    if (size == 0) return out + (bytes == "0\r\n\r\n" ? "!" : "?");
    if (bytes.size() < line + 2 + size + 2) return out + "?";
    out += bytes.substr(line + 2, size);
    if (bytes.substr(line + 2 + size, 2) != "\r\n") return out + "?";
    bytes.remove_prefix(line + 2 + size + 2);
  }
  return out;
}

struct OneStream {
  explicit OneStream(Format format = Format::kStream, Encoding encoding = Encoding::kJson,
                     const ws::ConnectionLimits& limits = {})
      : wire(world.lane(0)), set(world.lane(0), limits), format_(format), encoding_(encoding) {}

  void open(std::string first = "{\"id\":1}") {
    on_lane([&] {
      set.start(
          ws::TestStream::make(wire), format_, encoding_,
          [&](ws::Transport& transport) {
            handler.transport = &transport;
            return &handler;
          },
          first);
    });
  }
  void on_lane(const std::function<void()>& body) {
    world.lane(0).post([&] { body(); });
    settle();
  }
  void send(std::string message) {
    on_lane([&] { handler.transport->send_message(message, ws::MessageKind::kText); });
  }
  void settle() { world.run_until_idle(); }
  std::string received() { return body_of(wire.take()); }
  std::vector<std::string> take_log() { return std::exchange(handler.log, {}); }

  SimWorld world{1};
  ws::Wire wire;
  ws::RecordingHandler handler;
  StreamSet set;  // first to go: its connections know the others

 private:
  const Format format_;
  const Encoding encoding_;
};

inline SharedBytes line_block(std::string_view line) {
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", line.size() + 1);
  return SharedBytes(std::string(size).append(line).append("\n\r\n"));
}

}  // namespace lcg::stream
