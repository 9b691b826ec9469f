// SimConnection: one client's connection without a socket: the transport a session writes to, and the end the
// client reads and writes.
//
// A client that stalls takes nothing: what is written to it counts as queued, and over kHardQueueBytes the
// handler is asked what to do, as on a socket. The server learns of the client's leaving by a task of the
// lane, so some time later. Everything runs in the simulator's one thread; shared by the client and by the
// lane's tasks.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/sim_lane.h"
#include "gateway/gateway_lane.h"
#include "gateway/ws/transport.h"

namespace lcg::sim {

class SimConnection final : public ws::Transport, public std::enable_shared_from_this<SimConnection> {
 public:
  static constexpr size_t kHardQueueBytes = 24u << 10;

  // Opens a session on the lane, in its next turn.
  static std::shared_ptr<SimConnection> open(SimWorld& world, unsigned lane, gateway::GatewayLane& gateway);

  // The client's end.
  void write(std::string frame);
  std::vector<std::string> read();  // messages of the protocol; what was queued leaves
  void stall() { stalled_ = true; }
  void drop();  // leaves without a word
  // 0: open. What a server that closed in good order said, or 1006. Read first: messages come before it.
  uint32_t closed_code() const { return closed_code_; }
  // The server is gone, and its sessions with it.
  void server_died();

  // The session's end.
  void send_message(std::string_view payload, ws::MessageKind kind) override;
  void send_block(const SharedBytes& frames) override;
  void send_ping(std::string_view) override {}
  size_t queued_bytes() const override { return stalled_ ? inbox_bytes_ : 0; }
  // The commands under way in a simulation are always fewer than what a paused socket may still deliver.
  void pause_reading(bool) override {}
  void close(uint32_t code, std::string_view reason) override;
  void abort(uint32_t code, std::string_view reason) override;
  ClientAddress remote_address() const override { return *ClientAddress::parse("192.0.2.1:4711"); }

 private:
  SimConnection(SimWorld& world, unsigned lane) : lane_(world.lane(lane)) {}
  bool room_for(size_t bytes);
  void take(std::string_view frame);
  void end(ws::CloseInfo info);  // tells the handler, once

  SimLane& lane_;
  ws::TransportHandler* handler_ = nullptr;
  std::deque<std::string> inbox_;
  size_t inbox_bytes_ = 0;
  bool stalled_ = false;
  bool left_ = false;     // by the client
  bool closing_ = false;  // by the session
  uint32_t closed_code_ = 0;
};

}  // namespace lcg::sim
