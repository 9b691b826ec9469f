#include "gateway/stream/stream_connection.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "broker/api/codes.h"
#include "gateway/fanout/framing.h"
#include "gateway/stream/chunk.h"

namespace lcg::stream {

using ws::CloseInfo;
using ws::IoResult;
using Counters = ws::ConnectionCounters;

StreamConnection::StreamConnection(StreamSet& set, ws::StreamPtr stream, Format format, Encoding encoding)
    : set_(set), stream_(std::move(stream)), format_(format), encoding_(encoding) {}

StreamConnection::~StreamConnection() {
  if (timer_ != 0) set_.lane_.cancel_timer(timer_);
}

void StreamConnection::start(const StreamSet::Open& open, std::string_view first) {
  stream_->set_observer(this);
  if (format_ == Format::kEvents) cork(kFirstEventChunk);
  guarded([&] { handler_ = open(*this); });
  if (closing_ == nullptr) {
    Counters::add(set_.counters_.messages_in);
    const auto kind = encoding_ == Encoding::kJson ? ws::MessageKind::kText : ws::MessageKind::kBinary;
    guarded([&] { handler_->on_message(first, kind); });
  }
  to_turn_end();
  if (!done_) stream_->wait_readable();
}

template <class Call>
void StreamConnection::guarded(Call&& call) {
  try {
    call();
  } catch (const std::exception& error) {
    log::error("a connection's handler failed", {{"error", error.what()}});
    begin_close(CloseInfo::By::kHandler, disconnect_code::kInternal,
                disconnect_text(disconnect_code::kInternal), false);
  }
}

// Nothing is expected but the client's end.
void StreamConnection::on_readable() {
  if (done_) return;
  char ignored[1024];
  const IoResult result = stream_->read_some(ignored);
  if (result.status == IoResult::Status::kOk) {
    ignored_bytes_ += result.bytes;
    Counters::add(set_.counters_.bytes_in, result.bytes);
  } else if (result.status == IoResult::Status::kEnd && closing_ != nullptr) {
    closing_->read_over = true;  // it sends no more, and still reads
    if (closing_->sent) finish();
    return;
  } else if (result.status != IoResult::Status::kWouldBlock) {
    return network_end();
  }
  if (ignored_bytes_ > kMaxIgnoredBytes) return network_end();
  stream_->wait_readable();
}

// ---- Writing ----

void StreamConnection::send_message(std::string_view payload, ws::MessageKind) {
  if (payload.empty() || closing_ != nullptr) return;
  std::string& chunk = set_.chunk_;
  chunk.clear();
  if (format_ == Format::kEvents) {
    gateway::append_event_chunk(chunk, payload);
  } else {
    gateway::append_stream_chunk(chunk, encoding_, payload);
  }
  if (!admit(chunk.size(), true)) return;
  if (chunk.size() > ws::kCorkMessageBytes) return write_block(SharedBytes(chunk));
  cork(chunk);
  if (cork_->size() >= ws::kCorkKeepBytes) flush();
}

void StreamConnection::send_block(const SharedBytes& frames) {
  if (!frames.empty() && admit(frames.size())) write_block(frames);
}

void StreamConnection::gather_block(const SharedBytes& frames) {
  if (frames.empty() || !admit(frames.size())) return;
  if (!queue_.empty() || frames.size() > ws::kCorkMessageBytes) return write_block(frames);
  cork(frames.view());
  if (cork_->size() >= ws::kCorkKeepBytes) flush();
}

void StreamConnection::write_block(const SharedBytes& frames) {
  if (!queue_.empty()) {
    cork_to_queue(0);
    return enqueue(frames, 0);
  }
  const size_t corked = cork_ == nullptr ? 0 : cork_->size();
  if (corked != 0 && frames.size() <= ws::kCorkCopyBytes) {
    cork(frames.view());
    if (cork_->size() >= ws::kCorkKeepBytes) flush();
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

// May `bytes` more be owed to the client? An answer may while commands are taken (ws/connection.cc).
bool StreamConnection::admit(size_t bytes, bool answer) {
  if (closing_ != nullptr) return false;
  if (answer && !congested()) return true;
  if (queue_.empty() || queue_.bytes() + bytes <= set_.limits_.max_queue_bytes) return true;
  Counters::add(set_.counters_.refused_messages);
  ws::Overflow verdict = ws::Overflow::kClose;
  if (handler_ != nullptr) guarded([&] { verdict = handler_->on_overflow(bytes, queue_.bytes()); });
  if (verdict == ws::Overflow::kClose && closing_ == nullptr) {
    Counters::add(set_.counters_.slow_closed);
    begin_close(CloseInfo::By::kProtocol, disconnect_code::kSlow, disconnect_text(disconnect_code::kSlow),
                true);
  }
  return false;
}

void StreamConnection::cork(std::string_view chunks) {
  if (cork_ == nullptr) cork_ = set_.take_cork();
  cork_->append(chunks);
  to_turn_end();
}

void StreamConnection::flush() {
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

void StreamConnection::cork_to_queue(size_t sent) {
  if (cork_ == nullptr) return;
  SharedBytes block{std::string_view(*cork_)};
  drop_cork();
  enqueue(std::move(block), sent);
}

void StreamConnection::drop_cork() {
  if (cork_ != nullptr) set_.give_back_cork(std::move(cork_));
}

void StreamConnection::enqueue(SharedBytes block, size_t sent) {
  const bool first = queue_.empty();
  queue_.push(std::move(block), sent);
  over_low_water_ |= queue_.bytes() > set_.limits_.low_water_bytes;
  if (!first) return;
  Counters::add(set_.counters_.blocked_writes);
  progress_ = set_.lane_.now();
  wake_at(progress_ + set_.limits_.write_progress_timeout);
  stream_->wait_writable();
}

// False: the stream failed and the connection is done.
bool StreamConnection::write(std::span<const iovec> buffers, size_t& written) {
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

void StreamConnection::on_writable() {
  if (done_) return;
  if (!queue_.empty()) {
    iovec buffers[ws::kGatherBuffers];
    size_t written = 0;
    if (!write({buffers, queue_.gather(buffers)}, written)) return;
    if (written != 0) {
      queue_.consume(written);
      progress_ = set_.lane_.now();
    }
    if (!queue_.empty()) stream_->wait_writable();
  }
  if (queue_.empty()) {
    flush();
    when_all_is_sent();
  }
  if (over_low_water_ && queue_.bytes() <= set_.limits_.low_water_bytes) {
    over_low_water_ = false;
    if (closing_ == nullptr) guarded([&] { handler_->on_writable_low(); });
  }
}

// ---- Ending ----

void StreamConnection::close(uint32_t code, std::string_view reason) {
  begin_close(CloseInfo::By::kHandler, code, reason, false);
}

void StreamConnection::abort(uint32_t code, std::string_view reason) {
  begin_close(CloseInfo::By::kHandler, code, reason, true);
}

void StreamConnection::leave_open(CloseInfo::By by, uint32_t code, std::string_view reason) {
  if (closing_ != nullptr) return;
  closing_ = std::make_unique<Closing>();
  closing_->reason = reason;
  closing_->info = {by, code, closing_->reason};
  to_turn_end();
}

void StreamConnection::begin_close(CloseInfo::By by, uint32_t code, std::string_view reason,
                                   bool drop_queue) {
  if (closing_ != nullptr) return;
  leave_open(by, code, reason);
  if (drop_queue) {
    drop_cork();
    queue_.drop_unsent_frames(chunk_size_at);
  }
  cork(kLastChunk);
  closing_->deadline =
      set_.lane_.now() + (drop_queue ? set_.limits_.abort_timeout : set_.limits_.close_timeout);
  wake_at(closing_->deadline);
}

// The last chunk may just have left: the client reads it and goes.
void StreamConnection::when_all_is_sent() {
  if (done_ || closing_ == nullptr || closing_->sent || cork_ != nullptr || !queue_.empty()) return;
  closing_->sent = true;
  if (closing_->read_over) return finish();
  stream_->shutdown_write();
  closing_->deadline = set_.lane_.now() + set_.limits_.close_timeout;
  wake_at(closing_->deadline);
}

void StreamConnection::network_end() {
  leave_open(CloseInfo::By::kNetwork, disconnect_code::kConnectionClosed, {});
  finish();
}

void StreamConnection::end_now(uint32_t code) {
  leave_open(CloseInfo::By::kHandler, code, disconnect_text(code));
  done_ = true;
  on_turn_end();
}

void StreamConnection::finish() {
  if (done_) return;
  done_ = true;
  drop_cork();
  queue_ = ws::OutQueue();
  to_turn_end();
}

void StreamConnection::to_turn_end() {
  if (on_turn_list_) return;
  on_turn_list_ = true;
  set_.turn_end_.add(*this);
}

void StreamConnection::on_turn_end() {
  flush();
  if (closing_ != nullptr && handler_ != nullptr) {
    ws::TransportHandler* handler = std::exchange(handler_, nullptr);
    guarded([&] { handler->on_closed(closing_->info); });
  }
  if (done_) stream_.reset();
  on_turn_list_ = false;
}

// ---- Time: one timer, for whichever deadline comes first; one that fires for nothing is not rearmed ----

void StreamConnection::wake_at(MonoTime due) {
  if (timer_ != 0 && wake_due_ <= due) return;
  if (timer_ != 0) set_.lane_.cancel_timer(timer_);
  wake_due_ = due;
  const Nanos delay = std::max(due - set_.lane_.now(), Nanos(0));
  timer_ = set_.lane_.start_timer(std::chrono::ceil<Millis>(delay), [this] { on_timer(); });
}

void StreamConnection::on_timer() {
  timer_ = 0;
  if (done_) return;
  const MonoTime now = set_.lane_.now();
  if (closing_ == nullptr && !queue_.empty()) {
    const MonoTime due = progress_ + set_.limits_.write_progress_timeout;
    if (now < due) return wake_at(due);
    Counters::add(set_.counters_.slow_closed);
    begin_close(CloseInfo::By::kProtocol, disconnect_code::kSlow, disconnect_text(disconnect_code::kSlow),
                true);
  }
  if (closing_ == nullptr) return;
  if (now < closing_->deadline) return wake_at(closing_->deadline);
  if (!closing_->sent) stream_->discard_unsent();
  finish();
}

}  // namespace lcg::stream
