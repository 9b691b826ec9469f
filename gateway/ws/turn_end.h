// TurnEnd: the connections of a lane with something to do at the end of the turn, and those that are over and have not
// been taken leave of.
//
// What follows from an end (subscriptions, presence, the registry, the socket) costs some 20 us: when thousands are cut
// at once, a turn ends kEndsPerTurn of them, under 1 ms, and the others of the lane are served in between. Those that
// wait send and receive nothing any more. Where more are cut than that for long, as by a flood of openings and cuts, the
// share is an eighth of those that wait, up to the kMaxEndsPerTurn that a turn's events can cut: some 2,000 wait at most.
//
// Owned by a ConnectionSet or StreamSet; lane: its own. A Connection has on_turn_end(), and over(): it does no I/O any
// more, and finished(): it can be destroyed.
#pragma once
#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/lane.h"
#include "gateway/ws/limits.h"

namespace lcg::ws {

template <class Connection>
class TurnEnd {
 public:
  // `remove` destroys a connection that is finished.
  TurnEnd(Lane& lane, std::function<void(Connection&)> remove)
      : lane_(lane), remove_(std::move(remove)), self_(std::make_shared<TurnEnd*>(this)) {}
  ~TurnEnd() { *self_ = nullptr; }
  TurnEnd(const TurnEnd&) = delete;
  TurnEnd& operator=(const TurnEnd&) = delete;

  // Calls connection.on_turn_end() when this turn ends, or when it is over in a turn soon after. REQUIRES: it is not
  // listed already.
  void add(Connection& connection) {
    if (listed_.empty()) {
      lane_.at_turn_end([self = self_] {
        if (*self != nullptr) (*self)->run();
      });
    }
    listed_.push_back(&connection);
  }

 private:
  void run() {
    running_.swap(listed_);
    for (Connection* connection : running_) {
      if (connection->over())
        over_.push_back(connection);
      else
        finish(*connection);
    }
    running_.clear();
    if (!asked_) end_some();
  }

  void end_some() {
    const size_t share = std::clamp(over_.size() / 8, kEndsPerTurn, kMaxEndsPerTurn);
    for (size_t ends = 0; ends < share && !over_.empty(); ++ends) {
      Connection& connection = *over_.front();
      over_.pop_front();
      finish(connection);
    }
    asked_ = !over_.empty();
    if (!asked_) return;
    lane_.post([self = self_] {
      if (*self != nullptr) (*self)->end_some();
    });
  }

  void finish(Connection& connection) {
    connection.on_turn_end();
    if (connection.finished()) remove_(connection);
  }

  Lane& lane_;
  const std::function<void(Connection&)> remove_;
  std::vector<Connection*> listed_, running_;
  std::deque<Connection*> over_;          // oldest first
  bool asked_ = false;                    // for a turn that ends some
  const std::shared_ptr<TurnEnd*> self_;  // null inside once destroyed: for tasks still listed
};

}  // namespace lcg::ws
