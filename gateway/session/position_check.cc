#include "gateway/session/position_check.h"

#include <algorithm>

namespace lcg::gateway {

PositionCheck::PositionCheck(Lane& lane, Bus& bus, Hub& hub, const ChannelRoutes& routes, Millis interval)
    : lane_(lane),
      bus_(bus),
      hub_(hub),
      routes_(routes),
      rounds_(interval.count() <= 0 ? 0 : static_cast<uint32_t>(std::max<int64_t>(interval / kRound, 1))) {}

void PositionCheck::wake() {
  if (timer_ != 0 || rounds_ == 0) return;
  timer_ = lane_.start_timer(kRound / static_cast<int64_t>(steps_), [this] {
    timer_ = 0;
    step();
    if (hub_.channel_count() > 0) wake();
  });
}

void PositionCheck::begin_round() {
  ripe_ = std::exchange(resting_, std::exchange(*tops_, {}));
  hub_.begin_round();
  share_ = (hub_.channel_count() + rounds_ - 1) / rounds_;
  steps_ = std::clamp((std::max(share_, ripe_.size()) + kChannelsPerStep - 1) / kChannelsPerStep, size_t{1},
                      kMaxSteps);
}

void PositionCheck::step() {
  if (step_ == 0) begin_round();
  // The part of `total` that this step does.
  const auto part = [&](size_t total, size_t step) { return total * step / steps_; };
  for (size_t i = part(ripe_.size(), step_); i < part(ripe_.size(), step_ + 1); ++i)
    hub_.compare(ripe_[i].first, ripe_[i].second);
  std::vector<std::string> quiet;
  hub_.each_quiet(part(share_, step_ + 1) - part(share_, step_), kMaxChecksPerSecond / steps_, rounds_,
                  [&](const HubChannel& channel) { quiet.push_back(channel.name); });
  step_ = step_ + 1 == steps_ ? 0 : step_ + 1;
  for (std::string& channel : quiet) {
    HistoryRequest request{.channel = channel, .peer = nullptr, .since = {}, .limit = 0};
    const Target target = routes_.channel(channel);
    ask(bus_, lane_, target, std::move(request),
        [tops = tops_, channel = std::move(channel)](HistoryResponse answer) mutable {
          if (answer.ok() && !answer.position.epoch.empty())
            tops->emplace_back(std::move(channel), std::move(answer.position));
        });
  }
}

}  // namespace lcg::gateway
