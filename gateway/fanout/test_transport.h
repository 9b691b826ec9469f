// A transport for tests: keeps what a client would see, in order.
#pragma once
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/protocol/codec.h"
#include "gateway/ws/frame.h"
#include "gateway/ws/transport.h"

namespace lcg::gateway {

class TestTransport final : public ws::Transport {
 public:
  void send_message(std::string_view payload, ws::MessageKind kind) override {
    kind_ = kind;
    take(payload);
  }
  void send_secret(std::string_view payload, ws::MessageKind kind) override {
    ++secrets;
    send_message(payload, kind);
  }
  void send_block(const SharedBytes& frames) override {
    if (ended()) return;
    blocks.push_back(frames);
    for (std::string_view rest = frames.view(); !rest.empty(); ++frames_in_blocks) {
      if (framing == protocol::Framing::kWebSocket) {
        rest.remove_prefix(take_frame(rest));
      } else {
        rest.remove_prefix(take_chunk(rest));
      }
    }
    if (during_block) during_block();
  }
  void gather_block(const SharedBytes& frames) override {
    ++gathered;
    send_block(frames);
  }
  void send_ping(std::string_view) override { ++pings; }
  size_t queued_bytes() const override { return queued; }
  bool congested() const override { return congested_by_queue; }
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
  void accept_close() override { ++accepted_closes; }
  ClientAddress remote_address() const override { return *ClientAddress::parse(remote); }

  bool ended() const { return close_code != 0; }
  std::string last() const { return lines.empty() ? "" : lines.back(); }
  // What came since the last call.
  std::vector<std::string> take_lines() { return std::exchange(lines, {}); }

  std::vector<std::string> lines;  // messages of the client protocol
  std::vector<SharedBytes> blocks;
  std::function<void()> during_block;
  std::string remote = "192.0.2.1:4711";
  protocol::Framing framing = protocol::Framing::kWebSocket;
  size_t queued = 0;
  size_t frames_in_blocks = 0;
  size_t gathered = 0;  // of the blocks
  size_t pings = 0, secrets = 0, accepted_closes = 0;
  uint32_t close_code = 0;
  std::string reason;
  bool aborted = false;
  bool paused = false;
  bool congested_by_queue = false;

 private:
  // The bytes of the frame that `block` begins with.
  size_t take_frame(std::string_view block) {
    const size_t size = ws::frame_size_at(block);
    size_t header = 2;
    while (ws::frame_header_size(size - header) != header) header += header == 2 ? 2 : 6;
    take(block.substr(header, size - header));
    return size;
  }
  // Of the HTTP chunk, in lines or events.
  size_t take_chunk(std::string_view block) {
    const size_t begin = block.find("\r\n") + 2;
    const size_t size = std::strtoull(std::string(block.substr(0, begin)).c_str(), nullptr, 16);
    std::string_view text = block.substr(begin, size);
    while (!text.empty()) {
      if (text.starts_with("data: ")) text.remove_prefix(6);
      const size_t end = text.find('\n');
      take(text.substr(0, end));
      text.remove_prefix(end + 1);
      if (text.starts_with('\n')) text.remove_prefix(1);
    }
    return begin + size + 2;
  }
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
