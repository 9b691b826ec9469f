// PositionMemory: what a lane knows of streams that no channel holds, so that a position a client comes back with
// means what it meant, and names used once cost nothing.
//
// A channel that nothing was ever published in has offset 0 and an epoch made of its name, a secret of this process and
// the number of its shelf: nothing is kept, and it has the same epoch whenever it is asked for. The last position of
// a stream whose publications have expired is kept, at most `limit` of a namespace, until history_meta_ttl after its last
// use; beyond the limit those that left their channel first are forgotten. Forgetting changes the shelf's number: an
// epoch that named an offset above 0 never comes back with a smaller one. The untouched channels of the same shelf,
// one in kShelves, have a new epoch with it, which costs a client that comes back to them a `recovered: false`.
//
// Owned by the lane's ChannelContext; one lane, but for the count. No timer: what has expired goes with the next use.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/growing_map.h"
#include "broker/api/types.h"

namespace lcg::broker {

// Where a stream begins, or goes on.
struct PastStream {
  StreamPosition position;
  uint64_t version = 0;  // of the newest publication that had one
  std::string version_epoch;
};

class PositionMemory {
 public:
  // `spaces` is the number of namespaces; `limit` positions are kept of each. `random` outlives it.
  PositionMemory(size_t spaces, size_t limit, Random& random);

  // The stream of `name` from here on, which is the caller's to keep until it gives it back.
  PastStream take(MonoTime now, uint32_t space, std::string_view name);
  // Forgotten at `until`.
  void keep(MonoTime now, uint32_t space, std::string_view name, PastStream stream, MonoTime until);

  // Any thread.
  uint64_t size(uint32_t space) const { return spaces_[space].size.load(std::memory_order_relaxed); }

  static constexpr size_t kShelves = 4096;

 private:
  struct Kept {
    PastStream stream;
    MonoTime until;
    std::list<std::string_view>::iterator order;
  };
  struct Space {
    GrowingMap<std::string, Kept> streams;
    std::list<std::string_view> oldest_first;  // views of the keys
    std::atomic<uint64_t> size{0};             // of streams, for other threads
    void count() { size.store(streams.size(), std::memory_order_relaxed); }
  };
  std::string epoch_of(std::string_view name);
  void forget_oldest(Space& space);

  const size_t limit_;
  Random& random_;
  uint64_t secret_ = 0;  // made at the first use
  std::array<uint32_t, kShelves> shelves_{};
  std::vector<Space> spaces_;
};

}  // namespace lcg::broker
