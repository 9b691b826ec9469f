#include "tests/integration/simulation/sim_connection.h"

#include <utility>

#include "gateway/ws/frame.h"

namespace lcg::sim {

std::shared_ptr<SimConnection> SimConnection::open(SimWorld& world, unsigned lane,
                                                   gateway::GatewayLane& gateway) {
  std::shared_ptr<SimConnection> made(new SimConnection(world, lane));
  made->lane_.post([made, &gateway] {
    if (!made->left_) made->handler_ = &gateway.open(*made);
  });
  return made;
}

void SimConnection::write(std::string frame) {
  lane_.post([self = shared_from_this(), frame = std::move(frame)] {
    if (self->handler_ != nullptr && !self->closing_)
      self->handler_->on_message(frame, ws::MessageKind::kText);
  });
}

std::vector<std::string> SimConnection::read() {
  std::vector<std::string> out(std::make_move_iterator(inbox_.begin()),
                               std::make_move_iterator(inbox_.end()));
  inbox_.clear();
  inbox_bytes_ = 0;
  if (std::exchange(stalled_, false)) {
    lane_.post([self = shared_from_this()] {
      if (self->handler_ != nullptr && !self->closing_) self->handler_->on_writable_low();
    });
  }
  return out;
}

void SimConnection::drop() {
  left_ = true;
  lane_.post([self = shared_from_this()] { self->end({}); });
}

void SimConnection::server_died() {
  drop();
  if (closed_code_ == 0) closed_code_ = 1006;
}

bool SimConnection::room_for(size_t bytes) {
  if (left_ || closing_) return false;
  if (queued_bytes() + bytes <= kHardQueueBytes) return true;
  if (handler_->on_overflow(bytes, queued_bytes()) == ws::Overflow::kClose) abort(3008, "slow");
  return false;
}

void SimConnection::take(std::string_view frame) {
  while (!frame.empty()) {
    const size_t newline = std::min(frame.find('\n'), frame.size());
    inbox_.emplace_back(frame.substr(0, newline));
    inbox_bytes_ += newline;
    frame.remove_prefix(std::min(newline + 1, frame.size()));
  }
}

void SimConnection::send_message(std::string_view payload, ws::MessageKind) {
  if (room_for(payload.size())) take(payload);
}

void SimConnection::send_block(const SharedBytes& frames) {
  if (!room_for(frames.size())) return;
  for (std::string_view rest = frames.view(); !rest.empty();) {
    const size_t size = ws::frame_size_at(rest);
    size_t header = 2;
    while (ws::frame_header_size(size - header) != header) header += header == 2 ? 2 : 6;
    take(rest.substr(header, size - header));
    rest.remove_prefix(size);
  }
}

void SimConnection::close(uint32_t code, std::string_view) {
  if (std::exchange(closing_, true)) return;
  closed_code_ = code;
  lane_.post([self = shared_from_this(), code] { self->end({ws::CloseInfo::By::kHandler, code, {}}); });
}

void SimConnection::abort(uint32_t code, std::string_view reason) {
  inbox_.clear();
  inbox_bytes_ = 0;
  close(code, reason);
}

void SimConnection::end(ws::CloseInfo info) {
  if (ws::TransportHandler* handler = std::exchange(handler_, nullptr)) handler->on_closed(info);
}

}  // namespace lcg::sim
