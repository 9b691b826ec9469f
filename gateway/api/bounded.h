// Bounded: many asynchronous steps, some at a time. gather: one question to several lanes.
#pragma once
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/function.h"
#include "base/lane.h"
#include "broker/api/bus.h"

namespace lcg::gateway::api {

// Begins `start(i, next)` for i from 0 to count - 1 in order, at most `width` (at least 1) at a time; `start`
// runs `next` once, at once or later, on this lane. `finished` runs once after the last, perhaps before this
// returns. However many steps answer at once, the stack does not grow.
class Bounded : public std::enable_shared_from_this<Bounded> {
 public:
  using Start = UniqueFunction<void(size_t index, LaneTask next)>;

  static void run(size_t count, size_t width, Start start, LaneTask finished) {
    auto self = std::make_shared<Bounded>(count, width, std::move(start), std::move(finished));
    self->pump();
  }

  Bounded(size_t count, size_t width, Start start, LaneTask finished)
      : count_(count),
        width_(std::max<size_t>(width, 1)),
        start_(std::move(start)),
        finished_(std::move(finished)) {}

 private:
  void pump() {
    if (pumping_) return;
    pumping_ = true;
    while (begun_ < count_ && begun_ - ended_ < width_) {
      start_(begun_++, [self = shared_from_this()] {
        ++self->ended_;
        self->pump();
      });
    }
    pumping_ = false;
    if (ended_ < count_ || !finished_) return;
    LaneTask finished = std::exchange(finished_, nullptr);
    finished();
  }

  const size_t count_, width_;
  size_t begun_ = 0, ended_ = 0;
  bool pumping_ = false;
  Start start_;
  LaneTask finished_;
};

// What is wrong with a response that should have been a `Part`; ok when it is one and is ok itself.
template <class Part>
Outcome outcome_of(const Response& response) {
  if (const auto* answer = std::get_if<Part>(&response)) {
    if constexpr (std::is_base_of_v<Outcome, Part>) return *answer;
    return {};
  }
  const auto* outcome = std::get_if<Outcome>(&response);
  if (outcome != nullptr && !outcome->ok()) return *outcome;
  return {make_error(error_code::kInternal), {}};
}

inline std::vector<Target> every_lane(const Bus& bus) {
  std::vector<Target> out;
  out.reserve(bus.broker_lane_count());
  for (uint32_t lane = 0; lane < bus.broker_lane_count(); ++lane) out.push_back(Target::lane(lane));
  return out;
}

// Asks all targets at once; `done(const Outcome&, const std::vector<R::Answer>&)` with the answers in their order
// and the first outcome that is not ok. An answer that never came is not ok, whatever its type.
template <class R, class Fn>
void gather(Bus& bus, Lane& lane, std::vector<Target> targets, R request, Fn done) {
  using Part = typename R::Answer;
  struct State {
    std::vector<Target> targets;
    R request;
    std::vector<Part> answers;
    Outcome outcome;
  };
  auto state = std::make_shared<State>();
  state->answers.resize(targets.size());
  state->targets = std::move(targets);
  state->request = std::move(request);
  const size_t count = state->targets.size();
  Bounded::run(
      count, count,
      [&bus, &lane, state](size_t index, LaneTask next) {
        bus.request(lane, state->targets[index], Request(state->request),
                    ResponseFn([state, index, next = std::move(next)](Response response) mutable {
                      Outcome outcome = outcome_of<Part>(response);
                      if (!outcome.ok() && state->outcome.ok()) state->outcome = std::move(outcome);
                      if (auto* answer = std::get_if<Part>(&response))
                        state->answers[index] = std::move(*answer);
                      next();
                    }));
      },
      [state, done = std::move(done)]() mutable { done(state->outcome, state->answers); });
}

}  // namespace lcg::gateway::api
