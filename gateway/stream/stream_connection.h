// StreamConnection: the server's half of an emulated or unidirectional connection: an HTTP response in chunks
// that never ends (client-protocol 1.14). It carries messages to the client; what the client has to say came
// with its request, or comes by POST /emulation past this object.
//
// Life:  open ──close()/abort()/client gone/no progress──▶ closing: the last chunk leaves ──client's end or time
// out──▶ finished. A stream has no close frames: whoever closes it sends the disconnect push before. The handler
// is told at the end of the turn in which the connection left "open", or when many end at once in a turn soon after
// (gateway/ws/turn_end.h). Writing follows the rules of ws::Connection: cork, one write, and only what the stream does
// not take is queued, within the same limits.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "gateway/stream/stream_set.h"
#include "gateway/ws/out_queue.h"

namespace lcg::stream {

// Bytes a client may send behind its request, which are ignored, before it is taken for broken.
inline constexpr size_t kMaxIgnoredBytes = 16u << 10;

class StreamConnection final : public ws::Transport, private ws::StreamObserver {
 public:
  StreamConnection(StreamSet& set, ws::StreamPtr stream, Format format, Encoding encoding);
  ~StreamConnection();
  StreamConnection(const StreamConnection&) = delete;
  StreamConnection& operator=(const StreamConnection&) = delete;

  // Transport. `payload` is what an Encoder wrote: one message or several.
  void send_message(std::string_view payload, ws::MessageKind kind) override;
  void send_block(const SharedBytes& frames) override;
  void gather_block(const SharedBytes& frames) override;
  void send_ping(std::string_view) override {}  // there is no such frame here
  size_t queued_bytes() const override { return queue_.bytes(); }
  void pause_reading(bool) override {}  // nothing is read
  bool congested() const override { return queue_.bytes() > set_.limits_.read_pause_bytes; }
  void close(uint32_t code, std::string_view reason) override;
  void abort(uint32_t code, std::string_view reason) override;
  ClientAddress remote_address() const override { return stream_->remote_address(); }

 private:
  friend class StreamSet;
  friend class ws::TurnEnd<StreamConnection>;

  // Exists from the moment the connection leaves "open".
  struct Closing {
    ws::CloseInfo info;
    std::string reason;
    MonoTime deadline;
    bool sent = false;       // the last chunk has left
    bool read_over = false;  // the client's end came: nothing more to wait for
  };

  // For StreamSet and TurnEnd
  void start(const StreamSet::Open& open, std::string_view first);
  void on_turn_end();
  bool over() const { return done_; }  // the handler may not have been told
  bool finished() const { return done_ && handler_ == nullptr; }
  void end_now(uint32_t code);

  // StreamObserver
  void on_readable() override;
  void on_writable() override;

  template <class Call>
  void guarded(Call&& call);

  bool admit(size_t bytes, bool answer = false);
  void write_block(const SharedBytes& frames);
  void cork(std::string_view chunks);
  void flush();
  void cork_to_queue(size_t sent);
  void drop_cork();
  void enqueue(SharedBytes block, size_t sent);
  bool write(std::span<const iovec> buffers, size_t& written);
  void when_all_is_sent();

  void leave_open(ws::CloseInfo::By by, uint32_t code, std::string_view reason);
  void begin_close(ws::CloseInfo::By by, uint32_t code, std::string_view reason, bool drop_queue);
  void network_end();
  void finish();
  void to_turn_end();

  void wake_at(MonoTime due);
  void on_timer();

  StreamSet& set_;
  ws::StreamPtr stream_;
  ws::TransportHandler* handler_ = nullptr;
  std::unique_ptr<Closing> closing_;
  std::unique_ptr<std::string> cork_;  // chunks to leave together; null when none
  ws::OutQueue queue_;
  MonoTime progress_;  // the stream took bytes; valid while the queue is not empty
  MonoTime wake_due_;
  TimerId timer_ = 0;
  size_t ignored_bytes_ = 0;
  uint32_t index_ = 0;
  const Format format_;
  const Encoding encoding_;
  bool done_ = false;  // no further I/O; destroyed at the end of the turn
  bool on_turn_list_ = false;
  bool over_low_water_ = false;
};

}  // namespace lcg::stream
