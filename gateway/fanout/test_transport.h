// A transport for tests: keeps what a client would see, in order.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/ws/frame.h"
#include "gateway/ws/transport.h"

namespace lcg::gateway {

class TestTransport final : public ws::Transport {
 public:
  void send_message(std::string_view payload, ws::MessageKind kind) override {
    kind_ = kind;
    take(payload);
  }
  void send_block(const SharedBytes& frames) override {
    if (ended()) return;
    blocks.push_back(frames);
    for (std::string_view rest = frames.view(); !rest.empty();) {
      const size_t size = ws::frame_size_at(rest);
      size_t header = 2;
      while (ws::frame_header_size(size - header) != header) header += header == 2 ? 2 : 6;
      ++frames_in_blocks;
      take(rest.substr(header, size - header));
      rest.remove_prefix(size);
    }
    if (during_block) during_block();
  }
  void send_ping(std::string_view) override {}
  size_t queued_bytes() const override { return queued; }
  void pause_reading(bool pause) override { paused = pause; }
  void close(uint32_t code, std::string_view why) override {
    if (ended()) return;
    close_code = code;
    reason = why;
  }
  void abort(uint32_t code, std::string_view why) override {
    close(code, why);
    aborted = true;
  }
  std::string remote_address() const override { return "192.0.2.1:4711"; }

  bool ended() const { return close_code != 0; }
  std::string last() const { return lines.empty() ? "" : lines.back(); }
  // What came since the last call.
  std::vector<std::string> take_lines() { return std::exchange(lines, {}); }

  std::vector<std::string> lines;  // messages of the client protocol
  std::vector<SharedBytes> blocks;
  std::function<void()> during_block;
  size_t queued = 0;
  size_t frames_in_blocks = 0;
  uint32_t close_code = 0;
  std::string reason;
  bool aborted = false;
  bool paused = false;

 private:
  void take(std::string_view frame) {
    if (ended()) return;
    for (;;) {
      const size_t newline = frame.find('\n');
      lines.emplace_back(frame.substr(0, newline));
      if (newline == std::string_view::npos) return;
      frame.remove_prefix(newline + 1);
    }
  }
  ws::MessageKind kind_ = ws::MessageKind::kText;
};

}  // namespace lcg::gateway
