// EndQueue: connections that are over and have not been taken leave of. What follows from an end (subscriptions,
// presence, the registry, the socket) costs some 20 us: when thousands are cut at once, a turn ends no more than
// kEndsPerTurn, and the others of the lane are served in between. Those who wait send and receive nothing any more.
//
// Owned by a ConnectionSet or StreamSet; lane: its own.
#pragma once
#include <cstddef>
#include <deque>

namespace lcg::ws {

inline constexpr size_t kEndsPerTurn = 32;  // under 1 ms

template <class Connection>
class EndQueue {
 public:
  void add(Connection& connection) { waiting_.push_back(&connection); }
  size_t waiting() const { return waiting_.size(); }

  // At the end of a turn, or in a turn that was asked for: takes leave of some by end(Connection&). True: ask for a
  // turn, in which next_turn() comes before this is called again.
  template <class Fn>
  bool run(Fn&& end) {
    if (asked_) return false;
    for (size_t ends = 0; ends < kEndsPerTurn && !waiting_.empty(); ++ends) {
      Connection& connection = *waiting_.front();
      waiting_.pop_front();
      end(connection);
    }
    asked_ = !waiting_.empty();
    return asked_;
  }
  void next_turn() { asked_ = false; }

 private:
  std::deque<Connection*> waiting_;
  bool asked_ = false;
};

}  // namespace lcg::ws
