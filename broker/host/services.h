// Services: which plugin provides a service. Filled while plugins are loaded, then read-only.
// Any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"

namespace lcg::host {

class Services {
 public:
  // `provides` as in the descriptor: names separated by spaces. Error kConflict names both plugins when one
  // of the services has a provider already.
  Status add(uint32_t plugin, std::string_view plugin_name, std::string_view provides);

  // The provider's number in load order.
  std::optional<uint32_t> find(std::string_view service) const;
  // Whether a plugin provides the channels of `name_space`, i.e. the service "channel:<name_space>".
  bool provides_channels(std::string_view name_space) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Provider {
    uint32_t plugin;
    std::string name;
  };
  using Map = std::unordered_map<std::string, Provider, Hash, std::equal_to<>>;
  Map by_service_;
  Map by_namespace_;
};

}  // namespace lcg::host
