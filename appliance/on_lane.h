// Runs something on a lane and waits for it: for main, which is on no lane.
#pragma once
#include <future>
#include <memory>
#include <utility>

#include "base/lane.h"
#include "base/status.h"

namespace lcg {

// Main's thread only, while the lane runs. `work` may refer to what main has on its stack. Returns what it
// returns.
template <class Work>
auto on_lane(Lane& lane, Work work) -> decltype(work()) {
  using Value = decltype(work());
  auto result = std::make_shared<std::promise<Value>>();
  std::future<Value> future = result->get_future();
  lane.post([&work, result] {
    if constexpr (std::is_void_v<Value>) {
      work();
      result->set_value();
    } else {
      result->set_value(work());
    }
  });
  return future.get();
}

// As above for work that answers later: `work(done)` on the lane, and done(status) on any thread, once.
template <class Work>
Status await_on_lane(Lane& lane, Work work) {
  auto result = std::make_shared<std::promise<Status>>();
  std::future<Status> future = result->get_future();
  lane.post([&work, result] { work([result](Status status) { result->set_value(std::move(status)); }); });
  return future.get();
}

}  // namespace lcg
