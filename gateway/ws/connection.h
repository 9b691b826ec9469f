// Connection: one WebSocket after its upgrade. Moves bytes between a ByteStream, the frame parser, the out
// queue and the handler, and runs the closing handshake. Knows nothing of what the messages mean.
//
// Life:  open ──close()/abort()/peer's close/error──▶ closing ──close frame sent, client's came, or time
// out──▶ finished. The handler is told at the end of the turn in which the connection left "open", or when many end
// at once in a turn soon after (turn_end.h); the ConnectionSet destroys it when it is finished. Between two reads it
// owns no buffer, but for what was read and is not handled yet (rest_: up to kReadBufferBytes while reading pauses or
// its turn's share is used up), and no timer but one left over to run out.
//
// Writing: what is sent goes to the cork (see ConnectionSet), the cork to the stream in one write, and only
// what the stream does not take to the queue. Hence: the queue is empty, or the stream is waited on for
// writing. Never blocks.
#pragma once
#include <exception>
#include <memory>
#include <string>

#include "base/lane.h"
#include "gateway/ws/connection_set.h"
#include "gateway/ws/frame_parser.h"
#include "gateway/ws/inflate_budget.h"
#include "gateway/ws/out_queue.h"

namespace lcg::ws {

class Connection final : public Transport, private StreamObserver {
 public:
  Connection(ConnectionSet& set, StreamPtr stream, uint8_t deflate);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Transport
  void send_message(std::string_view payload, MessageKind kind) override;
  void send_secret(std::string_view payload, MessageKind kind) override;
  void send_block(const SharedBytes& frames) override;
  void gather_block(const SharedBytes& frames) override;
  void send_ping(std::string_view payload) override;
  size_t queued_bytes() const override { return queue_.bytes(); }
  void client_connected() override { inflating_.connected(set_.lane_.now()); }
  bool congested() const override { return paused_by_queue_; }
  void pause_reading(bool paused) override;
  void close(uint32_t code, std::string_view reason) override;
  void abort(uint32_t code, std::string_view reason) override;
  void accept_close() override;
  ClientAddress remote_address() const override;

 private:
  friend class ConnectionSet;
  friend class TurnEnd<Connection>;

  // Exists from the moment the connection leaves "open".
  struct Closing {
    CloseInfo info;
    std::string reason;
    MonoTime deadline;
    bool sent = false;       // the close frame has left
    bool peer_done = false;  // the client's close frame came, or its end: nothing more to wait for
    bool read_over = false;  // its end came
  };

  // The client's close frame, while what it asked for before is answered.
  struct PeerClose {
    uint32_t code;
    std::string reason;
    MonoTime deadline;
  };

  // For ConnectionSet and TurnEnd
  void start(const ConnectionSet::Open& open, std::span<char> early);
  void on_turn_end();
  bool over() const { return done_; }  // the handler may not have been told
  bool finished() const { return done_ && handler_ == nullptr; }
  void end_now(uint32_t code);

  // StreamObserver
  void on_readable() override;
  void on_writable() override;

  // Runs a call into the handler: a fault of ours that one client found costs its connection, no other.
  template <class Call>
  void guarded(Call&& call) {
    try {
      call();
    } catch (const std::exception& error) {
      handler_failed(error);
    }
  }
  void handler_failed(const std::exception& error);

  // Reading
  // What one turn has done of what was read (kMessagesPerTurn, kInflatedPerTurn).
  struct Share {
    unsigned messages = 0;
    size_t inflated = 0;
    bool used_up() const { return messages >= kMessagesPerTurn || inflated >= kInflatedPerTurn; }
  };
  void handle(std::span<char> input, Share& share);
  void allow_inflating();
  void take_up_rest();
  void handle_event(const FrameParser::Event& event);
  void on_peer_close(const FrameParser::Event& event);
  bool spend_control_frame();
  bool may_read() const;
  void continue_reading();

  // Writing
  void send_frame(Opcode opcode, std::string_view payload);
  bool admit(size_t bytes, bool answer = false);
  void write_block(const SharedBytes& frames);
  void append_frame(Opcode opcode, std::string_view payload);
  void cork(std::string_view frames);
  void flush();
  void cork_to_queue(size_t sent);
  void drop_cork();
  void enqueue(SharedBytes block, size_t sent);
  bool write(std::span<const iovec> buffers, size_t& written);
  void when_all_is_sent();

  // Ending
  void client_takes();
  void echo_close(uint32_t code, std::string_view reason);
  void leave_open(CloseInfo::By by, uint32_t code, std::string_view reason);
  void begin_close(CloseInfo::By by, uint32_t code, std::string_view reason, bool drop_queue);
  void peer_ends();
  void network_end();
  void finish();
  void to_turn_end();

  // Time
  void wake_at(MonoTime due);
  void on_timer();
  MonoTime message_deadline() const;

  ConnectionSet& set_;
  StreamPtr stream_;
  TransportHandler* handler_ = nullptr;
  std::unique_ptr<Closing> closing_;
  std::unique_ptr<PeerClose> peer_close_;
  std::unique_ptr<std::string> cork_;  // frames to leave together; null when none
  std::unique_ptr<std::string> rest_;  // of what was read: for the next turn, or until reading goes on
  OutQueue queue_;
  FrameParser parser_;
  InflateBudget inflating_;
  MonoTime progress_;       // the stream took bytes; valid while the queue is not empty
  MonoTime message_since_;  // 0: no message is unfinished
  MonoTime control_since_;  // control frames are counted from here
  MonoTime wake_due_;
  TimerId timer_ = 0;
  uint32_t index_ = 0;
  uint16_t control_frames_ = 0;
  const uint8_t deflate_;  // bits of our window; 0: not agreed
  bool done_ = false;      // no further I/O; destroyed at the end of the turn
  bool handling_read_ = false;
  bool on_turn_list_ = false;
  bool read_waiting_ = false;
  bool paused_by_handler_ = false;
  bool paused_by_queue_ = false;
  bool over_low_water_ = false;
};

}  // namespace lcg::ws
