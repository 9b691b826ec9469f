// For tests: a recording handler, and a set of connections in a simulated world.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/sim_lane.h"
#include "gateway/ws/connection.h"
#include "gateway/ws/test_frames.h"
#include "gateway/ws/test_stream.h"

namespace lcg::ws {

struct RecordingHandler final : TransportHandler {
  void on_message(std::string_view payload, MessageKind) override {
    log.push_back("message " + std::string(payload));
    if (when_message) when_message(payload);
  }
  void on_pong(std::string_view payload) override { log.push_back("pong " + std::string(payload)); }
  Overflow on_overflow(size_t, size_t) override {
    log.push_back("overflow");
    return verdict;
  }
  void on_writable_low() override { log.push_back("low"); }
  bool on_peer_close() override { return !busy; }
  void on_closed(const CloseInfo& info) override {
    static constexpr const char* kBy[] = {"handler", "peer", "protocol", "network"};
    log.push_back("closed by " + std::string(kBy[static_cast<size_t>(info.by)]) + " " +
                  std::to_string(info.code) + " " + std::string(info.reason));
    transport = nullptr;
    if (when_closed) when_closed();
  }

  Transport* transport = nullptr;
  Overflow verdict = Overflow::kClose;
  bool busy = false;  // with what the client asked for
  std::function<void(std::string_view)> when_message;
  std::function<void()> when_closed;
  std::vector<std::string> log;
};

// A server's frames as text: "text(hi) close(3008 slow)"; what is no whole frame shows as "<n bytes>".
inline std::string server_frames(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    if (!out.empty()) out += " ";
    const bool has_header = bytes.size() >= 2 && bytes.size() >= ((bytes[1] & 0x7F) < 126    ? 2u
                                                                  : (bytes[1] & 0x7F) == 126 ? 4u
                                                                                             : 10u);
    const size_t size = has_header ? frame_size_at(bytes) : bytes.size() + 1;
    if (size > bytes.size()) return out + "<" + std::to_string(bytes.size()) + " bytes>";
    const auto first = static_cast<uint8_t>(bytes[0]);
    const size_t length = static_cast<uint8_t>(bytes[1]) & 0x7Fu;
    std::string_view payload = bytes.substr(0, size).substr(length < 126 ? 2 : length == 126 ? 4 : 10);
    bytes.remove_prefix(size);
    switch (static_cast<Opcode>(first & 0xF)) {
      case Opcode::kText:
        out += "text(";
        break;
      case Opcode::kBinary:
        out += "binary(";
        break;
      case Opcode::kPing:
        out += "ping(";
        break;
      case Opcode::kPong:
        out += "pong(";
        break;
      default:
        out += "close(";
        if (payload.size() >= 2) {
          const int code = static_cast<uint8_t>(payload[0]) << 8 | static_cast<uint8_t>(payload[1]);
          payload.remove_prefix(2);
          out += std::to_string(code) + (payload.empty() ? "" : " ");
        }
    }
    out += std::string(payload) + ")";
  }
  return out;
}

inline SharedBytes text_block(std::string_view payload) {
  return SharedBytes::build(frame_size(payload.size()),
                            [&](char* out) { write_frame(out, Opcode::kText, payload); });
}

// One connection, its client's wire and its handler.
struct OneConnection {
  explicit OneConnection(const ConnectionLimits& limits = {})
      : wire(world.lane(0)), set(world.lane(0), limits) {}

  void open(std::string early = "", bool deflate = false) {
    on_lane([&] {
      set.start(
          TestStream::make(wire),
          [&](Transport& transport) {
            handler.transport = &transport;
            return &handler;
          },
          early, deflate ? kDeflateWindowBits : 0);
    });
    settle();
  }
  // Runs `body` on the lane, then everything that follows from it now.
  void on_lane(const std::function<void()>& body) {
    world.lane(0).post([&] { body(); });
    settle();
  }
  void settle() { world.run_until_idle(); }
  void client_sends(std::string_view bytes) {
    wire.send(bytes);
    settle();
  }
  std::string received() { return server_frames(wire.take()); }
  std::vector<std::string> take_log() { return std::exchange(handler.log, {}); }

  SimWorld world{1};
  Wire wire;
  RecordingHandler handler;
  ConnectionSet set;  // first to go: its connections know the others
};

}  // namespace lcg::ws
