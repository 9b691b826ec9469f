// How a connection ends, and its time.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/api/codes.h"
#include "gateway/ws/connection.h"

namespace lcg::ws {

using Counters = ConnectionCounters;

void Connection::handler_failed(const std::exception& error) {
  log::error("a connection's handler failed", {{"error", error.what()}});
  begin_close(CloseInfo::By::kHandler, disconnect_code::kInternal,
              disconnect_text(disconnect_code::kInternal), false);
}

// The client is answered what it asked for before, and its close frame last (RFC 6455 5.5.1), as long as it takes some.
void Connection::on_peer_close(const FrameParser::Event& event) {
  if (closing_ == nullptr) {
    bool now = true;
    guarded([&] { now = handler_->on_peer_close(); });
    if (closing_ == nullptr) {
      if (now) return echo_close(event.code, event.data);
      const MonoTime deadline = set_.lane_.now() + set_.limits_.write_progress_timeout;
      peer_close_ = std::make_unique<PeerClose>(PeerClose{event.code, std::string(event.data), deadline});
      return wake_at(deadline);
    }
  }
  closing_->peer_done = true;
  if (closing_->sent) finish();
}

void Connection::accept_close() {
  if (peer_close_ == nullptr || closing_ != nullptr) return;
  const PeerClose told = std::move(*peer_close_);
  echo_close(told.code, told.reason);
}

void Connection::echo_close(uint32_t code, std::string_view reason) {
  leave_open(CloseInfo::By::kPeer, code, reason);
  char frame[kMaxCloseFrame];
  cork({frame, static_cast<size_t>(write_close_frame(frame, code, {}) - frame)});
  closing_->deadline = set_.lane_.now() + set_.limits_.write_progress_timeout;
  wake_at(closing_->deadline);
  closing_->peer_done = true;
}

// Whoever closed and still reads is waited for.
void Connection::client_takes() {
  const MonoTime due = progress_ + set_.limits_.write_progress_timeout;
  if (closing_ != nullptr && closing_->info.by == CloseInfo::By::kPeer) closing_->deadline = due;
  if (closing_ == nullptr && peer_close_ != nullptr) peer_close_->deadline = due;
}

void Connection::close(uint32_t code, std::string_view reason) {
  begin_close(CloseInfo::By::kHandler, code, reason, false);
}

void Connection::abort(uint32_t code, std::string_view reason) {
  begin_close(CloseInfo::By::kHandler, code, reason, true);
}

void Connection::leave_open(CloseInfo::By by, uint32_t code, std::string_view reason) {
  if (closing_ != nullptr) return;
  closing_ = std::make_unique<Closing>();
  closing_->reason = reason;
  closing_->info = {by, code, closing_->reason};
  closing_->peer_done = peer_close_ != nullptr;
  parser_.skip_messages();
  to_turn_end();
}

void Connection::begin_close(CloseInfo::By by, uint32_t code, std::string_view reason, bool drop_queue) {
  if (closing_ != nullptr) return;
  leave_open(by, code, reason);
  if (drop_queue) {
    drop_cork();
    queue_.drop_unsent_frames();
  }
  char frame[kMaxCloseFrame];
  cork({frame, static_cast<size_t>(write_close_frame(frame, code, reason) - frame)});
  closing_->deadline =
      set_.lane_.now() + (drop_queue ? set_.limits_.abort_timeout : set_.limits_.close_timeout);
  wake_at(closing_->deadline);
}

// The close frame may just have left: wait for the client's, or be done.
void Connection::when_all_is_sent() {
  if (done_ || closing_ == nullptr || closing_->sent || cork_ != nullptr || !queue_.empty()) return;
  closing_->sent = true;
  if (closing_->peer_done) return finish();
  // What a client that broke the protocol sends is not understood any more: it sees the end of ours instead.
  if (closing_->info.by == CloseInfo::By::kProtocol) stream_->shutdown_write();
  closing_->deadline = set_.lane_.now() + set_.limits_.close_timeout;
  wake_at(closing_->deadline);
  continue_reading();
}

// It sends no more, and still reads.
void Connection::peer_ends() {
  closing_->peer_done = closing_->read_over = true;
  if (closing_->sent) finish();
}

void Connection::network_end() {
  leave_open(CloseInfo::By::kNetwork, close_code::kAbnormal, {});
  finish();
}

void Connection::end_now(uint32_t code) {
  leave_open(CloseInfo::By::kHandler, code, disconnect_text(code));
  done_ = true;
  on_turn_end();
}

void Connection::finish() {
  if (done_) return;
  done_ = true;
  drop_cork();
  queue_ = OutQueue();
  rest_.reset();
  to_turn_end();
}

void Connection::to_turn_end() {
  if (on_turn_list_) return;
  on_turn_list_ = true;
  set_.turn_end_.add(*this);
}

void Connection::on_turn_end() {
  flush();
  if (closing_ != nullptr && handler_ != nullptr) {
    TransportHandler* handler = std::exchange(handler_, nullptr);
    guarded([&] { handler->on_closed(closing_->info); });
  }
  if (done_) stream_.reset();
  on_turn_list_ = false;
}

// ---- Time: one timer, for whichever deadline comes first; one that fires for nothing is not rearmed ----

void Connection::wake_at(MonoTime due) {
  if (timer_ != 0 && wake_due_ <= due) return;
  if (timer_ != 0) set_.lane_.cancel_timer(timer_);
  wake_due_ = due;
  const Nanos delay = std::max(due - set_.lane_.now(), Nanos(0));
  timer_ = set_.lane_.start_timer(std::chrono::ceil<Millis>(delay), [this] { on_timer(); });
}

MonoTime Connection::message_deadline() const {
  const int64_t earned_ms =
      static_cast<int64_t>(parser_.unfinished_bytes()) * 1000 / set_.limits_.min_message_rate;
  return message_since_ + set_.limits_.message_timeout + Millis(earned_ms);
}

void Connection::on_timer() {
  timer_ = 0;
  take_up_rest();
  if (done_) return;
  const MonoTime now = set_.lane_.now();
  if (closing_ == nullptr && !queue_.empty()) {
    const MonoTime due = progress_ + set_.limits_.write_progress_timeout;
    if (now < due) {
      wake_at(due);
    } else {
      Counters::add(set_.counters_.slow_closed);
      begin_close(CloseInfo::By::kProtocol, disconnect_code::kSlow, disconnect_text(disconnect_code::kSlow),
                  true);
    }
  }
  if (closing_ == nullptr && message_since_.ns != 0) {
    const MonoTime due = message_deadline();
    if (now < due) {
      wake_at(due);
    } else {
      Counters::add(set_.counters_.protocol_errors);
      begin_close(CloseInfo::By::kProtocol, close_code::kPolicy, "message took too long", false);
    }
  }
  if (closing_ == nullptr && peer_close_ != nullptr) {
    if (now < peer_close_->deadline) return wake_at(peer_close_->deadline);
    accept_close();
  }
  if (closing_ == nullptr) return;
  if (now < closing_->deadline) return wake_at(closing_->deadline);
  if (!closing_->sent) stream_->discard_unsent();
  finish();
}

}  // namespace lcg::ws
