#include "broker/channel/stream.h"

#include <algorithm>
#include <utility>

namespace lcg::broker {
namespace {

constexpr size_t kFirstRing = 8;

}  // namespace

Stream::Stream(uint32_t size, Millis ttl, StreamPosition from)
    : size_(size), ttl_(ttl), epoch_(std::move(from.epoch)), top_(from.offset) {}

void Stream::grow() {
  std::vector<PublicationPtr> bigger(std::min<size_t>(size_, std::max(kFirstRing, ring_.size() * 2)));
  for (uint64_t offset = oldest(); offset <= top_; ++offset) bigger[offset % bigger.size()] = at(offset);
  ring_ = std::move(bigger);
}

StreamPosition Stream::append(MonoTime now, const std::shared_ptr<Publication>& publication) {
  expire(now);
  if (count_ == ring_.size() && ring_.size() < size_) grow();
  publication->offset = ++top_;
  publication->epoch = epoch_;
  ring_[top_ % ring_.size()] = publication;
  count_ = std::min(count_ + 1, ring_.size());
  last_append_ = now;
  return top();
}

void Stream::put_before(std::vector<PublicationPtr> older, MonoTime last_append) {
  if (count_ == 0) last_append_ = last_append;
  while (!older.empty() && count_ < size_) {
    if (count_ == ring_.size()) grow();
    ring_[(oldest() - 1) % ring_.size()] = std::move(older.back());
    older.pop_back();
    ++count_;
  }
}

std::vector<PublicationPtr> Stream::read(MonoTime now, const uint64_t* since, bool reverse, uint32_t limit,
                                         size_t most_bytes) {
  expire(now);
  std::vector<PublicationPtr> out;
  if (count_ == 0 || limit == 0) return out;
  size_t bytes = 0;
  const auto take = [&](uint64_t offset) {
    out.push_back(at(offset));
    bytes += out.back()->data.size();
  };
  const uint64_t oldest = this->oldest();
  if (reverse) {
    uint64_t offset = since == nullptr ? top_ : std::min(top_, *since - std::min<uint64_t>(*since, 1));
    for (; offset >= oldest && out.size() < limit && bytes < most_bytes; --offset) take(offset);
    return out;
  }
  if (since != nullptr && *since >= top_) return out;
  const uint64_t first = since == nullptr ? oldest : std::max(oldest, *since + 1);
  const uint64_t last = std::min(top_, first + limit - 1);
  out.reserve(last - first + 1);
  for (uint64_t offset = first; offset <= last && bytes < most_bytes; ++offset) take(offset);
  return out;
}

Stream::Recovery Stream::recover(MonoTime now, const StreamPosition& since, size_t bytes) {
  if (!since.epoch.empty() && since.epoch != epoch_) return {};
  std::vector<PublicationPtr> missed = read(now, &since.offset, false, kMaxHistoryPublications, bytes);
  if (missed.empty()) return {top_ == since.offset, {}};
  const bool whole = missed.front()->offset == since.offset + 1 && missed.back()->offset == top_;
  if (!whole) return {};
  return {true, std::move(missed)};
}

Stream::Recovery Stream::recover_latest(MonoTime now, const StreamPosition& since) {
  const bool is_there = since.offset == top_ && since.epoch == epoch_;
  PublicationPtr newest = latest(now);
  if (newest == nullptr) return {is_there, {}};
  if (is_there) return {true, {}};
  return {true, {std::move(newest)}};
}

PublicationPtr Stream::latest(MonoTime now) {
  expire(now);
  return count_ == 0 ? nullptr : at(top_);
}

void Stream::clear() {
  ring_.clear();
  ring_.shrink_to_fit();
  count_ = 0;
}

MonoTime Stream::expire(MonoTime now) {
  if (count_ == 0) return now + ttl_;
  const MonoTime at = last_append_ + ttl_;
  if (now < at) return at;
  clear();
  return now + ttl_;
}

}  // namespace lcg::broker
