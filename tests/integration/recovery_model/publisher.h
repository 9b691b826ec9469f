// Publisher: what is published in a run: states of one document that change a little, so that deltas are worth it.
#pragma once
#include <array>
#include <string>

#include "base/sim_lane.h"
#include "broker/api/channel_requests.h"

namespace lcg::recovery_model {

class Publisher {
 public:
  explicit Publisher(SimRandom& random) : random_(random) {}

  // The next state, with a tag "t" of "0" or "1".
  ServerPublish next(std::string channel) {
    levels_[below(levels_.size())] = below(10'000);
    std::string data =
        R"({"number":)" + std::to_string(++number_) + R"(,"symbol":"M\u00fcnchen €","levels":[)";
    for (const uint64_t level : levels_) data += std::to_string(level) + ",";
    data += "0]}";
    ServerPublish out{std::move(channel), {}, false};
    out.publication.data = SharedBytes(data);
    out.options.tags = {{"t", std::to_string(below(2))}};
    out.options.delta = below(2) == 0;
    out.options.skip_history = below(20) == 0;
    return out;
  }

 private:
  uint64_t below(uint64_t bound) { return random_.next() % bound; }
  SimRandom& random_;
  uint64_t number_ = 0;
  std::array<uint64_t, 12> levels_{};
};

}  // namespace lcg::recovery_model
