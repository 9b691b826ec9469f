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
  timer_ = lane_.start_timer(kRound, [this] {
    timer_ = 0;
    round();
    if (hub_.channel_count() > 0) wake();
  });
}

void PositionCheck::round() {
  for (const auto& [channel, top] : ripe_) hub_.compare(channel, top);
  ripe_ = std::exchange(*tops_, {});
  const size_t share = (hub_.channel_count() + rounds_ - 1) / rounds_;
  std::vector<std::string> quiet;
  hub_.each_quiet(share, kMaxChecksPerSecond, rounds_,
                  [&](const HubChannel& channel) { quiet.push_back(channel.name); });
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
