#include "broker/host/roster.h"

#include "broker/api/bus.h"

namespace lcg::host {

bool is_asked(const PluginSpec& spec, uint32_t request_mask, uint32_t kind) {
  if (!spec.authenticates && (kind == LCG_REQ_CONNECT || kind == LCG_REQ_REFRESH)) return false;
  return (request_mask >> kind & 1) != 0;
}

Result<std::unique_ptr<const Roster>> Roster::load(const HostOptions& options, std::vector<PluginSpec> specs,
                                                   uint32_t lanes) {
  if (specs.size() > kMaxPlugins) {
    return Status{Code::kInvalid, "plugins: " + std::to_string(specs.size()) + " are configured, at most " +
                                      std::to_string(kMaxPlugins) + " are possible"};
  }
  std::unique_ptr<Roster> roster(new Roster);
  roster->options_ = options;
  for (PluginSpec& spec : specs) {
    for (const Plugin& other : roster->plugins_) {
      if (other.loaded.name == spec.name) {
        return Status{Code::kConflict,
                      "plugins: '" + spec.name + "' is configured twice; remove one of the sections"};
      }
    }
    Result<LoadedPlugin> loaded = spec.linked != nullptr ? check_descriptor(spec.linked, spec.name, spec.name)
                                                         : load_plugin(options.dirs, spec.name, spec.file);
    if (!loaded.ok()) return loaded.status();
    const auto index = roster->size();
    if (Status ok = roster->services_.add(index, spec.name, loaded.value().provides); !ok.ok()) return ok;
    for (uint32_t kind = 1; kind < kKinds; ++kind) {
      if (is_asked(spec, loaded.value().ops.request_mask, kind)) roster->chains_[kind].push_back(index);
    }
    roster->authorities_.add(spec.name, is_asked(spec, loaded.value().ops.request_mask, LCG_REQ_CONNECT),
                             std::move(spec.user_prefix), std::move(spec.user_prefix_where));
    Plugin& plugin = roster->plugins_.emplace_back();
    plugin.loaded = std::move(loaded.value());
    plugin.number = index;
    plugin.per_lane = spec.per_lane;
    plugin.home = slot_of_key(spec.name, lanes);
    plugin.call_timeout = spec.call_timeout.count() > 0 ? spec.call_timeout : options.call_timeout;
    plugin.max_outstanding = spec.max_outstanding > 0 ? spec.max_outstanding : options.max_outstanding;
    plugin.before_commit = spec.before_commit;
    plugin.settings = std::move(spec.settings);
    plugin.settings_mutex = std::make_unique<std::mutex>();
  }
  return std::unique_ptr<const Roster>(std::move(roster));
}

}  // namespace lcg::host
