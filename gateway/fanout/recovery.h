// Recovery: how a snapshot (the answer to a subscribe) and the live stream are joined without gap or
// duplicate.
//
// The rules (client-protocol 1.8 step 5, 2): offsets of one epoch are dense. A delivery at or below the
// position is a duplicate and is dropped; the next one is position + 1; anything above it, or another epoch,
// means that something was lost. A subscription that is not tracked (neither positioned nor recoverable) has
// no claim to completeness: it is sent what comes, less the duplicates that are known as such. Offset 0: the
// channel keeps no history, nothing can be checked.
//
// Pure functions. Any thread.
#pragma once
#include <cstdint>
#include <span>

#include "broker/api/requests.h"

namespace lcg::gateway {

// An epoch as a small number, unique within one channel on one lane; see HubChannel::epoch_number.
using EpochNumber = uint32_t;
inline constexpr EpochNumber kAnyEpoch = UINT32_MAX;  // not known yet: the first one seen is taken

// Where a subscriber is.
struct Place {
  uint64_t offset = 0;
  EpochNumber epoch = kAnyEpoch;
  bool tracked = false;
};

// Publications in a row: offsets first to last, all of one epoch. first 0: without offsets.
struct Run {
  uint64_t first = 0, last = 0;
  EpochNumber epoch = kAnyEpoch;
};

// How much of a run a subscriber gets.
enum class Reach : uint8_t {
  kAll,
  kTail,  // those above its offset
  kNone,  // it has them
  kLost,  // something between is missing
};

constexpr Reach reach(const Place& place, const Run& run) {
  if (run.first == 0) return Reach::kAll;
  if (place.epoch != run.epoch && place.epoch != kAnyEpoch) return place.tracked ? Reach::kLost : Reach::kAll;
  if (place.offset + 1 == run.first) return Reach::kAll;
  if (place.offset >= run.last) return Reach::kNone;
  if (place.offset >= run.first) return Reach::kTail;
  return place.tracked ? Reach::kLost : Reach::kAll;
}

// May `publication` stand behind one with this offset and epoch in the same run?
bool continues(uint64_t offset, std::string_view epoch, const Publication& publication);

// The position a client has once it has handled the answer and the publications in it.
StreamPosition position_after(const SubscribeResponse& answer);

// The position recovery was asked from is told back when it succeeded (client-protocol 2); the SDK moves on
// from it by the publications in the answer. False: the answer contradicts itself (a hole between position
// and publications).
bool answer_is_dense(const SubscribeResponse& answer);

}  // namespace lcg::gateway
