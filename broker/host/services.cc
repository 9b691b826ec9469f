#include "broker/host/services.h"

namespace lcg::host {
namespace {

constexpr std::string_view kChannelPrefix = "channel:";

}  // namespace

Status Services::add(uint32_t plugin, std::string_view plugin_name, std::string_view provides) {
  while (!provides.empty()) {
    const size_t end = std::min(provides.find(' '), provides.size());
    const std::string service(provides.substr(0, end));
    provides.remove_prefix(std::min(end + 1, provides.size()));
    if (service.empty()) continue;
    auto [at, added] = by_service_.try_emplace(service, Provider{plugin, std::string(plugin_name)});
    if (!added) {
      return {Code::kConflict, "service '" + service + "' is provided by plugin '" + at->second.name +
                                   "' and by plugin '" + std::string(plugin_name) +
                                   "'; configure one of them"};
    }
    if (service.starts_with(kChannelPrefix)) {
      by_namespace_.try_emplace(service.substr(kChannelPrefix.size()),
                                Provider{plugin, std::string(plugin_name)});
    }
  }
  return {};
}

std::optional<uint32_t> Services::find(std::string_view service) const {
  auto at = by_service_.find(service);
  if (at == by_service_.end()) return std::nullopt;
  return at->second.plugin;
}

bool Services::provides_channels(std::string_view name_space) const {
  return by_namespace_.find(name_space) != by_namespace_.end();
}

}  // namespace lcg::host
