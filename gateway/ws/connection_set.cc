#include "gateway/ws/connection_set.h"

#include <utility>

#include "broker/api/codes.h"
#include "gateway/ws/connection.h"

namespace lcg::ws {

ConnectionSet::ConnectionSet(Lane& lane, const ConnectionLimits& limits)
    : lane_(lane),
      limits_(limits),
      read_buffer_(new char[kReadBufferBytes]),
      turn_end_(lane, [this](Connection& connection) { remove(connection); }) {
  if (!limits_.deflate.enabled) return;
  deflater_ = std::make_unique<Deflater>(limits_.deflate);
  inflater_ = std::make_unique<Inflater>(limits_.frame.max_inflated_bytes);
}

ConnectionSet::~ConnectionSet() {
  for (const auto& connection : connections_) connection->end_now(disconnect_code::kConnectionClosed);
  connections_.clear();
}

void ConnectionSet::start(StreamPtr stream, const Open& open, std::span<char> early, uint8_t deflate) {
  connections_.push_back(std::make_unique<Connection>(*this, std::move(stream), deflate));
  Connection& connection = *connections_.back();
  connection.index_ = static_cast<uint32_t>(connections_.size() - 1);
  ConnectionCounters::add(counters_.opened);
  connection.start(open, early);
}

void ConnectionSet::close_all(uint32_t code, std::string_view reason) {
  for (const auto& connection : connections_) connection->close(code, reason);
}

void ConnectionSet::abort_all(uint32_t code, std::string_view reason) {
  for (const auto& connection : connections_) connection->abort(code, reason);
}

std::unique_ptr<std::string> ConnectionSet::take_cork() {
  if (corks_.empty()) return std::make_unique<std::string>();
  std::unique_ptr<std::string> cork = std::move(corks_.back());
  corks_.pop_back();
  corks_bytes_ -= cork->capacity();
  return cork;
}

void ConnectionSet::give_back_cork(std::unique_ptr<std::string> cork) {
  const size_t bytes = cork->capacity();
  if (corks_.size() >= kCorkPoolBuffers || bytes > kCorkKeepBytes || corks_bytes_ + bytes > kCorkPoolBytes)
    return;
  corks_bytes_ += bytes;
  cork->clear();
  corks_.push_back(std::move(cork));
}

void ConnectionSet::remove(Connection& connection) {
  ConnectionCounters::add(counters_.closed);
  const uint32_t index = connection.index_;
  connections_[index].swap(connections_.back());
  connections_[index]->index_ = index;
  connections_.pop_back();
}

}  // namespace lcg::ws
