// Broker: one node's broker: a BrokerLane on each lane, the plugins between them, and the order in which they
// come up.
//
// Start: the storage plugin, then the leases of all slots (their terms fence whoever held them before), then
// every lane learns its slots, then the other plugins in YAML order. Traffic may be let in when start() is
// done. Stop goes backwards; a lease needs no giving back, the next start takes it with a higher term.
//
// Made before the lanes run, destroyed after they have ended; start and stop from any thread.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "broker/broker_lane.h"
#include "broker/host/plugin_set.h"
#include "broker/slot/lease.h"

namespace lcg::broker {

class Broker {
 public:
  using DoneFn = UniqueFunction<void(Status)>;

  // Loads the plugins and serves every lane on `bus`. All arguments but `config` outlive the broker.
  // Errors: those of PluginSet::make; kInvalid when no plugin provides "storage", a namespace and the
  // plugins do not agree on who provides it, or two plugins could give the same user id. REQUIRES: one lane per bus.broker_lane_count(); bus.slot_count()
  // is config.slots.
  static Result<std::unique_ptr<Broker>> make(BrokerConfig config, std::vector<Lane*> lanes, Bus& bus,
                                              BlockingPool& pool);

  // `done` runs on the first lane, with the first failure; stop() is then still due. REQUIRES: the lanes run.
  void start(DoneFn done);
  // After the gateways are closed. `done` on the first lane; kTimeout: a plugin did not stop
  // (PluginSet::stop).
  void stop(DoneFn done);

  const BrokerConfig& config() const { return config_; }
  const Namespaces& namespaces() const { return namespaces_; }
  // Namespaces with a provider: gateways route their channels by the part after ':'.
  std::vector<std::string> provided_namespaces() const;
  host::PluginSet& plugins() { return *plugins_; }

  // What exists of a namespace on all lanes. Any thread.
  struct SpaceCounts {
    std::string_view name;  // "" is without_namespace
    uint64_t channels = 0, positions = 0;
  };
  std::vector<SpaceCounts> channel_counts() const;

 private:
  Broker(BrokerConfig config, std::vector<Lane*> lanes);
  Status check_providers() const;
  void own_slots(DoneFn done);
  void start_plugins(uint32_t next, DoneFn done);

  BrokerConfig config_;  // as it is from make() on
  const std::vector<Lane*> lanes_;
  Namespaces namespaces_;
  Slots slots_;
  std::unique_ptr<host::PluginSet> plugins_;
  std::optional<uint32_t> storage_;  // the plugin that provides "storage"
  std::vector<std::unique_ptr<BrokerLane>> parts_;
  std::unique_ptr<LeaseKeeper> keeper_;
};

}  // namespace lcg::broker
