#include "gateway/stream/stream_set.h"

#include <utility>

#include "broker/api/codes.h"
#include "gateway/stream/stream_connection.h"

namespace lcg::stream {

using Counters = ws::ConnectionCounters;

StreamSet::StreamSet(Lane& lane, const ws::ConnectionLimits& limits)
    : lane_(lane),
      limits_(limits),
      turn_end_(lane, [this](StreamConnection& connection) { remove(connection); }) {}

StreamSet::~StreamSet() {
  for (const auto& connection : connections_) connection->end_now(disconnect_code::kConnectionClosed);
  connections_.clear();
}

void StreamSet::start(ws::StreamPtr stream, Format format, Encoding encoding, const Open& open,
                      std::string_view first) {
  connections_.push_back(std::make_unique<StreamConnection>(*this, std::move(stream), format, encoding));
  StreamConnection& connection = *connections_.back();
  connection.index_ = static_cast<uint32_t>(connections_.size() - 1);
  Counters::add(counters_.opened);
  connection.start(open, first);
}

std::unique_ptr<std::string> StreamSet::take_cork() {
  if (corks_.empty()) return std::make_unique<std::string>();
  std::unique_ptr<std::string> cork = std::move(corks_.back());
  corks_.pop_back();
  return cork;
}

void StreamSet::give_back_cork(std::unique_ptr<std::string> cork) {
  if (corks_.size() >= ws::kCorkPoolBuffers || cork->capacity() > ws::kCorkKeepBytes) return;
  cork->clear();
  corks_.push_back(std::move(cork));
}

void StreamSet::remove(StreamConnection& connection) {
  Counters::add(counters_.closed);
  const uint32_t index = connection.index_;
  connections_[index].swap(connections_.back());
  connections_[index]->index_ = index;
  connections_.pop_back();
}

}  // namespace lcg::stream
