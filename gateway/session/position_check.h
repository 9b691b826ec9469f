// PositionCheck: finds positions that were lost without a publication to show it (client-protocol 2, periodic
// position sync).
//
// A channel with a positioned subscriber in which nothing came for SessionOptions::position_check is compared with its
// owner's position: one request for all its subscribers on the lane, not one for each. Channels are looked at in turn, so
// many a second that each comes once in the interval, and at most kMaxChecksPerSecond are asked about: with more quiet
// channels than that the interval grows. What is ahead of a subscriber may still be on its way to it, so it counts as lost
// only if it is not there a second later. An owner that cannot be asked is asked again in the next interval.
//
// One timer a lane, running while there are channels. With many of them a second's work is done in up to kMaxSteps steps,
// each far below what a lane may be held up for. Lane: the gateway lane's.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/api/bus.h"
#include "gateway/fanout/hub.h"
#include "gateway/session/channel_routes.h"

namespace lcg::gateway {

class PositionCheck {
 public:
  static constexpr size_t kMaxChecksPerSecond = 5000;
  static constexpr Millis kRound{1000};
  static constexpr size_t kMaxSteps = 50, kChannelsPerStep = 100;

  // `interval` 0: never.
  PositionCheck(Lane& lane, Bus& bus, Hub& hub, const ChannelRoutes& routes, Millis interval);
  ~PositionCheck() { lane_.cancel_timer(timer_); }
  PositionCheck(const PositionCheck&) = delete;
  PositionCheck& operator=(const PositionCheck&) = delete;

  // There is a subscriber to look after.
  void wake();

 private:
  using Tops = std::vector<std::pair<std::string, StreamPosition>>;  // by channel

  void begin_round();
  void step();

  Lane& lane_;
  Bus& bus_;
  Hub& hub_;
  const ChannelRoutes& routes_;
  const uint32_t rounds_;  // of an interval
  // What owners have said since the last round; shared with the answers that are on their way.
  std::shared_ptr<Tops> tops_ = std::make_shared<Tops>();
  Tops resting_, ripe_;  // what they had said before it, and before that
  size_t share_ = 0;     // channels to look at in this round
  size_t step_ = 0, steps_ = 1;
  TimerId timer_ = 0;
};

}  // namespace lcg::gateway
