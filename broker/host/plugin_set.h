// PluginSet: all plugins of a process, from the configuration to their end.
//
// make() loads and checks the files. start_plugin() creates the instances of one plugin, each on its lane,
// and starts them; plugins are started one after another in YAML order, so that each finds those before it
// serving. The broker may do something of its own in between (take its leases once storage is up). stop()
// goes backwards.
//
// start_plugin, start_all and stop: any thread, one at a time; `done` runs on the first lane. The lanes must
// be running. The set is destroyed after the lanes have ended: what they still hold refers to it.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/host/lane_host.h"

namespace lcg::host {

class PluginSet {
 public:
  // `lanes`: the broker lanes, at most as many as bus.broker_lane_count(). Errors: those of load_plugin, and
  // kConflict for a plugin configured or a service provided twice.
  static Result<std::unique_ptr<PluginSet>> make(const HostOptions& options, std::vector<PluginSpec> specs,
                                                 std::vector<Lane*> lanes, Bus& bus, BlockingPool& pool);

  uint32_t size() const { return roster_->size(); }
  const Plugin& operator[](uint32_t plugin) const { return (*roster_)[plugin]; }
  const Services& services() const { return roster_->services(); }
  const Authorities& authorities() const { return roster_->authorities(); }
  PluginHost& host(uint32_t lane) { return *hosts_[lane]; }

  // Creates all instances of `plugin`, then starts them; done(ok) when each is ready. Errors name the
  // instance: kInvalid or kInternal (the plugin's own words), kTimeout (not ready within the start deadline,
  // and what it waits for).
  void start_plugin(uint32_t plugin, StatusFn done);
  // From plugin `first` to the last; the first error ends it.
  void start_all(uint32_t first, StatusFn done);
  // Stops and destroys what was created, last plugin first. One that does not stop in time does not keep the
  // others from stopping; done then gets kTimeout with the open work of each, and the process is to be ended
  // without destroying anything of theirs.
  void stop(StatusFn done);

  // After start_plugin: "conf/lcg.yaml:14:3: plugins.uaa.tokn_ttl" for each setting that create did not ask
  // for. They are also logged.
  std::vector<std::string> unread_settings(uint32_t plugin) const;

  // Any thread. Visit(const Instance&) for every instance: name(), index(), counters.
  template <class Visit>
  void for_each_instance(Visit&& visit) const {
    for (const auto& host : hosts_) {
      for (uint32_t i = 0; i < size(); ++i) {
        if (const Instance* instance = host->instance(i)) visit(*instance);
      }
    }
  }

 private:
  class Start;
  class Stop;
  PluginSet(std::unique_ptr<const Roster> roster, std::vector<Lane*> lanes, Bus& bus, BlockingPool& pool);
  // The lane hosts that have an instance of `plugin`, by instance index.
  std::vector<LaneHost*> hosts_of(uint32_t plugin) const;

  std::unique_ptr<const Roster> roster_;
  EventInterest interest_;
  LaneHost::Shared shared_;
  std::vector<std::unique_ptr<LaneHost>> hosts_;
  std::vector<Lane*> lanes_;
};

}  // namespace lcg::host
