// Stream: the kept publications of one channel, a ring bounded in count and by idle time.
//
// Offsets are dense from the one it begins at while the epoch is constant. The contents expire `ttl` after the last
// publication; the owner keeps offset and epoch for whoever begins it again (position_memory.h). A new epoch is how a
// client learns that its position means nothing any more. Source: client-protocol 2.
// One lane; no I/O.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "broker/api/types.h"

namespace lcg::broker {

inline constexpr uint32_t kMaxHistoryPublications = 300;  // in one answer to history or recover
// Bytes of data at which an answer to history ends; it has one publication at least. Of a recovery, which is whole or
// none: ChannelOptions::recovery_bytes.
inline constexpr size_t kMaxAnswerBytes = 1u << 20;

// The request's limit within ours; negative asks for as many as allowed. REQUIRES: limit is not 0.
inline uint32_t history_limit(int32_t limit) {
  return limit < 0 || static_cast<uint32_t>(limit) > kMaxHistoryPublications ? kMaxHistoryPublications
                                                                             : static_cast<uint32_t>(limit);
}

class Stream {
 public:
  // Begins after `from`. REQUIRES: size > 0, ttl > 0.
  Stream(uint32_t size, Millis ttl, StreamPosition from);

  // Gives `publication` its position and keeps it; the oldest one makes room.
  StreamPosition append(MonoTime now, const std::shared_ptr<Publication>& publication);

  // What was kept elsewhere: the publications right before those that are kept here, ascending; what the ring has no room
  // for is left out. `last_append`: of the newest one ever. REQUIRES: the last of `older` is right before oldest().
  void put_before(std::vector<PublicationPtr> older, MonoTime last_append);

  // The position of the newest publication ever, kept or not.
  StreamPosition top() const { return {top_, epoch_}; }

  // Ascending: those after `since`, or the oldest kept without it. Reverse: those before `since`, newest
  // first, or from the newest without it. At most `limit`, and to the one that reaches `bytes`.
  std::vector<PublicationPtr> read(MonoTime now, const uint64_t* since, bool reverse, uint32_t limit,
                                   size_t bytes = kMaxAnswerBytes);

  struct Recovery {
    bool recovered = false;
    std::vector<PublicationPtr> publications;  // empty unless recovered
  };
  // Everything after `since`, or not recovered: another epoch ("" matches any), a gap, or more than
  // kMaxHistoryPublications or `bytes` missed.
  Recovery recover(MonoTime now, const StreamPosition& since, size_t bytes);

  // The latest alone (cache mode). Recovered: it is the newest ever, and left out if the client is at it already
  // (offset and epoch); or it is gone and the client is at the top.
  Recovery recover_latest(MonoTime now, const StreamPosition& since);

  // The newest publication, if it is kept.
  PublicationPtr latest(MonoTime now);

  // Forgets the contents; offset and epoch go on.
  void clear();

  // Frees the contents when they have expired. Returns when they will, or nothing kept: `now` plus the ttl.
  MonoTime expire(MonoTime now);
  size_t kept() const { return count_; }
  // The first offset that is kept; top().offset + 1: none.
  uint64_t oldest() const { return top_ - count_ + 1; }

 private:
  const PublicationPtr& at(uint64_t offset) const { return ring_[offset % ring_.size()]; }
  void grow();

  const uint32_t size_;
  const Millis ttl_;
  std::string epoch_;
  uint64_t top_ = 0;
  size_t count_ = 0;  // those with offsets top_ - count_ + 1 .. top_
  MonoTime last_append_;
  std::vector<PublicationPtr> ring_;  // offset modulo its size; grows by doubling up to size_
};

}  // namespace lcg::broker
