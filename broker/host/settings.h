// PluginSettings: one plugin's section of the configuration, as host->config reads it.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lcg::host {

// The host calls it under a lock of its own, so an implementation needs none.
class PluginSettings {
 public:
  virtual ~PluginSettings() = default;
  // The scalar at `path` relative to the section: "pool.size", "servers.0.host"; "servers.#" is the number of
  // items. Marks it as read. Nothing: absent, or not a scalar.
  virtual std::optional<std::string> scalar(std::string_view path) = 0;
  // "conf/lcg.yaml:14:3: plugins.uaa.tokn_ttl" for every scalar that nobody has asked for.
  virtual std::vector<std::string> unread() const = 0;
};

}  // namespace lcg::host
