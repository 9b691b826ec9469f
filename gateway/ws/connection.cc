#include "gateway/ws/connection.h"

#include <algorithm>
#include <utility>

#include "broker/api/codes.h"

namespace lcg::ws {

using Counters = ConnectionCounters;

Connection::Connection(ConnectionSet& set, StreamPtr stream, uint8_t deflate)
    : set_(set),
      stream_(std::move(stream)),
      parser_(set.limits_.frame, deflate != 0 ? set.inflater_.get() : nullptr),
      deflate_(deflate) {}

Connection::~Connection() {
  if (timer_ != 0) set_.lane_.cancel_timer(timer_);
}

void Connection::start(const ConnectionSet::Open& open, std::span<char> early) {
  stream_->set_observer(this);
  guarded([&] { handler_ = open(*this); });
  handling_read_ = true;
  Share share;
  Counters::add(set_.counters_.bytes_in, early.size());
  handle(early, share);
  handling_read_ = false;
  flush();
  continue_reading();
}

ClientAddress Connection::remote_address() const { return stream_->remote_address(); }

// ---- Reading ----

void Connection::on_readable() {
  read_waiting_ = false;
  handling_read_ = true;
  Share share;
  for (unsigned reads = 0; reads < kReadsPerTurn && may_read() && !share.used_up(); ++reads) {
    const std::span<char> buffer = set_.read_buffer();
    const IoResult result = stream_->read_some(buffer);
    if (result.status == IoResult::Status::kWouldBlock) break;
    if (result.status == IoResult::Status::kEnd && closing_ != nullptr) {
      peer_ends();
      break;
    }
    if (result.status != IoResult::Status::kOk) {
      network_end();
      break;
    }
    Counters::add(set_.counters_.bytes_in, result.bytes);
    handle(buffer.first(result.bytes), share);
    if (rest_ != nullptr) break;
    if (result.bytes < buffer.size()) break;  // most likely drained: the next wait tells
  }
  handling_read_ = false;
  flush();
  continue_reading();
}

bool Connection::may_read() const {
  if (done_) return false;
  if (closing_ != nullptr) return !closing_->read_over;
  return !paused_by_handler_ && !paused_by_queue_ && peer_close_ == nullptr;
}

void Connection::continue_reading() {
  if (read_waiting_ || handling_read_ || !may_read()) return;
  if (rest_ != nullptr) return wake_at(set_.lane_.now() + kRestDelay);
  read_waiting_ = true;
  stream_->wait_readable();
}

void Connection::pause_reading(bool paused) {
  paused_by_handler_ = paused;
  continue_reading();
}

// Takes all of `input`, or puts the rest aside: when this turn's share is used up, and, where messages may be larger
// than the bytes they came in, when reading pauses.
void Connection::handle(std::span<char> input, Share& share) {
  if (deflate_ != 0) allow_inflating();
  while (!done_) {
    if (!input.empty() && (share.used_up() || (share.inflated != 0 && !may_read()))) {
      rest_ = std::make_unique<std::string>(input.data(), input.size());
      break;
    }
    const FrameParser::Event event = parser_.next(input);
    if (event.type == FrameParser::EventType::kNeedMore) break;
    if (event.type == FrameParser::EventType::kMessage) {
      ++share.messages;
      if (event.work != 0) {
        share.inflated += event.work;
        Counters::add(set_.counters_.inflated, event.work);
        inflating_.spend(event.work, event.compressed);
        allow_inflating();
      }
    }
    handle_event(event);
    if (deflate_ != 0) set_.inflater_->give_back();
  }
  if (!parser_.unfinished()) {
    message_since_ = {};
  } else if (message_since_.ns == 0) {
    message_since_ = set_.lane_.now();
    wake_at(message_deadline());
  }
}

void Connection::allow_inflating() {
  parser_.allow_work(inflating_.room(set_.limits_.frame, set_.lane_.now()), inflating_.free_for_a_byte());
}

void Connection::take_up_rest() {
  if (rest_ == nullptr || !may_read()) return;
  const std::unique_ptr<std::string> rest = std::move(rest_);
  handling_read_ = true;
  Share share;
  handle(*rest, share);
  handling_read_ = false;
  flush();
  continue_reading();
}

void Connection::handle_event(const FrameParser::Event& event) {
  switch (event.type) {
    case FrameParser::EventType::kNeedMore:
      return;
    case FrameParser::EventType::kMessage:
      message_since_ = {};
      if (closing_ != nullptr) return;
      Counters::add(set_.counters_.messages_in);
      guarded([&] { handler_->on_message(event.data, event.kind); });
      return;
    case FrameParser::EventType::kPing:
      if (!spend_control_frame() || closing_ != nullptr) return;
      if (queue_.bytes() <= set_.limits_.max_queue_bytes) append_frame(Opcode::kPong, event.data);
      return;
    case FrameParser::EventType::kPong:
      if (!spend_control_frame() || closing_ != nullptr) return;
      guarded([&] { handler_->on_pong(event.data); });
      return;
    case FrameParser::EventType::kClose:
      return on_peer_close(event);
    case FrameParser::EventType::kError:
      Counters::add(set_.counters_.protocol_errors);
      if (closing_ == nullptr) {
        begin_close(CloseInfo::By::kProtocol, event.code, event.data, false);
      } else {
        on_peer_close(event);  // no close frame of the client can be read any more
      }
      return;
  }
}

// Leaks control_frames_per_second out of a bucket of control_frame_burst.
bool Connection::spend_control_frame() {
  const ConnectionLimits& limits = set_.limits_;
  const MonoTime now = set_.lane_.now();
  const int64_t per_frame_ns = 1'000'000'000 / limits.control_frames_per_second;
  const int64_t leaked = (now.ns - control_since_.ns) / per_frame_ns;
  if (leaked >= control_frames_) {
    control_frames_ = 0;
    control_since_ = now;
  } else {
    control_frames_ = static_cast<uint16_t>(control_frames_ - leaked);
    control_since_.ns += leaked * per_frame_ns;
  }
  if (control_frames_ < limits.control_frame_burst) {
    ++control_frames_;
    return true;
  }
  if (closing_ == nullptr) {
    Counters::add(set_.counters_.protocol_errors);
    begin_close(CloseInfo::By::kProtocol, close_code::kPolicy, "too many control frames", true);
  }
  return false;
}

// ---- Writing ----

void Connection::send_message(std::string_view payload, MessageKind kind) {
  if (deflate_ == 0 || closing_ != nullptr) return send_secret(payload, kind);
  const std::string_view small = set_.deflater_->compress(payload, deflate_);
  if (small.empty()) {
    send_secret(payload, kind);
  } else {
    send_frame(compressed(opcode_of(kind)), small);
  }
  set_.deflater_->give_back();
}

void Connection::send_secret(std::string_view payload, MessageKind kind) {
  send_frame(opcode_of(kind), payload);
}

void Connection::send_frame(Opcode opcode, std::string_view payload) {
  const size_t size = frame_size(payload.size());
  if (size > kCorkMessageBytes) {  // too large to be copied twice
    if (admit(size, true)) {
      write_block(SharedBytes::build(size, [&](char* out) { write_frame(out, opcode, payload); }));
    }
  } else if (admit(size, true)) {
    append_frame(opcode, payload);
  }
}

void Connection::send_ping(std::string_view payload) {
  payload = payload.substr(0, kMaxControlPayload);
  if (admit(frame_size(payload.size()))) append_frame(Opcode::kPing, payload);
}

void Connection::send_block(const SharedBytes& frames) {
  if (!frames.empty() && admit(frames.size())) write_block(frames);
}

void Connection::gather_block(const SharedBytes& frames) {
  if (frames.empty() || !admit(frames.size())) return;
  if (!queue_.empty() || frames.size() > kCorkMessageBytes) return write_block(frames);
  cork(frames.view());
  if (cork_->size() >= kCorkKeepBytes) flush();
}

void Connection::write_block(const SharedBytes& frames) {
  if (!queue_.empty()) {
    cork_to_queue(0);
    return enqueue(frames, 0);
  }
  const size_t corked = cork_ == nullptr ? 0 : cork_->size();
  if (corked != 0 && frames.size() <= kCorkCopyBytes) {
    cork(frames.view());
    if (cork_->size() >= kCorkKeepBytes) flush();
    return;
  }

  iovec buffers[2];
  size_t count = 0;
  if (corked != 0) buffers[count++] = {cork_->data(), corked};
  buffers[count++] = {const_cast<char*>(frames.view().data()), frames.size()};  // only read
  size_t written = 0;
  if (!write({buffers, count}, written)) return;
  if (written < corked) {
    cork_to_queue(written);
    return enqueue(frames, 0);
  }
  drop_cork();
  if (written - corked < frames.size()) enqueue(frames, written - corked);
}

// May `bytes` more be owed to the client? An answer may while commands are read: the one who asked has not been slow
// before, and one page of history may be as long as the whole queue.
bool Connection::admit(size_t bytes, bool answer) {
  if (closing_ != nullptr) return false;
  if (answer && queue_.bytes() <= set_.limits_.read_pause_bytes) return true;
  if (queue_.empty() || queue_.bytes() + bytes <= set_.limits_.max_queue_bytes) return true;
  Counters::add(set_.counters_.refused_messages);
  Overflow verdict = Overflow::kClose;
  if (handler_ != nullptr) guarded([&] { verdict = handler_->on_overflow(bytes, queue_.bytes()); });
  if (verdict == Overflow::kClose && closing_ == nullptr) {
    Counters::add(set_.counters_.slow_closed);
    begin_close(CloseInfo::By::kProtocol, disconnect_code::kSlow, disconnect_text(disconnect_code::kSlow),
                true);
  }
  return false;
}

void Connection::append_frame(Opcode opcode, std::string_view payload) {
  char header[kMaxFrameHeader];
  cork({header, static_cast<size_t>(write_frame_header(header, opcode, payload.size()) - header)});
  cork_->append(payload);
  if (cork_->size() >= kCorkKeepBytes) flush();
}

void Connection::cork(std::string_view frames) {
  if (cork_ == nullptr) cork_ = set_.take_cork();
  cork_->append(frames);
  if (!handling_read_) to_turn_end();
}

void Connection::flush() {
  if (done_ || cork_ == nullptr) return;
  if (!queue_.empty()) return cork_to_queue(0);
  const iovec buffer{cork_->data(), cork_->size()};
  size_t written = 0;
  if (!write({&buffer, 1}, written)) return;
  if (written == cork_->size()) {
    drop_cork();
    when_all_is_sent();
  } else {
    cork_to_queue(written);
  }
}

void Connection::cork_to_queue(size_t sent) {
  if (cork_ == nullptr) return;
  SharedBytes block{std::string_view(*cork_)};
  drop_cork();
  enqueue(std::move(block), sent);
}

void Connection::drop_cork() {
  if (cork_ != nullptr) set_.give_back_cork(std::move(cork_));
}

void Connection::enqueue(SharedBytes block, size_t sent) {
  const bool first = queue_.empty();
  queue_.push(std::move(block), sent);
  over_low_water_ |= queue_.bytes() > set_.limits_.low_water_bytes;
  paused_by_queue_ |= queue_.bytes() > set_.limits_.read_pause_bytes;
  if (!first) return;
  Counters::add(set_.counters_.blocked_writes);
  progress_ = set_.lane_.now();
  wake_at(progress_ + set_.limits_.write_progress_timeout);
  stream_->wait_writable();
}

// False: the stream failed and the connection is done.
bool Connection::write(std::span<const iovec> buffers, size_t& written) {
  const IoResult result = stream_->write_some(buffers);
  Counters::add(set_.counters_.writes);
  written = 0;
  if (result.status == IoResult::Status::kWouldBlock) return true;
  if (result.status != IoResult::Status::kOk) {
    network_end();
    return false;
  }
  written = result.bytes;
  Counters::add(set_.counters_.bytes_out, written);
  return true;
}

void Connection::on_writable() {
  if (done_) return;
  if (!queue_.empty()) {
    iovec buffers[kGatherBuffers];
    size_t written = 0;
    if (!write({buffers, queue_.gather(buffers)}, written)) return;
    if (written != 0) {
      queue_.consume(written);
      progress_ = set_.lane_.now();
      client_takes();
    }
    if (!queue_.empty()) stream_->wait_writable();
  }
  if (queue_.empty()) {
    flush();
    when_all_is_sent();
  }
  if (over_low_water_ && queue_.bytes() <= set_.limits_.low_water_bytes) {
    over_low_water_ = paused_by_queue_ = false;
    continue_reading();
    if (closing_ == nullptr) guarded([&] { handler_->on_writable_low(); });
  }
}

}  // namespace lcg::ws
