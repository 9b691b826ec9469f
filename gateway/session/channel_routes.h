// ChannelRoutes: which slot owns a channel, and which channels a provider's durable log stands behind.
// Immutable once made; any thread.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/api/bus.h"

namespace lcg::gateway {

class ChannelRoutes {
 public:
  // `provider_namespaces`: names without the ':'.
  ChannelRoutes(uint32_t slot_count, std::vector<std::string> provider_namespaces)
      : slot_count_(slot_count), provided_(std::move(provider_namespaces)) {}

  bool provided(std::string_view channel) const {
    const size_t colon = channel.find(':');
    if (colon == std::string_view::npos) return false;
    return std::find(provided_.begin(), provided_.end(), channel.substr(0, colon)) != provided_.end();
  }
  Target channel(std::string_view name) const {
    return Target::slot(slot_of_key(key_of_channel(name, provided(name)), slot_count_));
  }
  Target user(std::string_view id) const { return Target::slot(slot_of_key(id, slot_count_)); }

 private:
  uint32_t slot_count_;
  std::vector<std::string> provided_;
};

}  // namespace lcg::gateway
