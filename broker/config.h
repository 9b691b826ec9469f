// BrokerConfig: the broker's part of the configuration file. Defaults are what lcg runs with.
//
//   broker:   {node: lcg, slots: 1024, sessions_per_user: 64, plugin_dir: [/usr/lib/lcg]}
//   channel:  {without_namespace: {...}, namespaces: [{name: chat, history_size: 100, history_ttl: 1h}]}
//   plugins:  [{name: uaa, file: uaa.so, instances: per_lane, config: {...}}]
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/config.h"
#include "broker/channel/namespace.h"
#include "broker/host/roster.h"
#include "broker/registry/registry.h"

namespace lcg::broker {

struct BrokerConfig {
  std::string node = "lcg";      // what a lease is taken as
  uint32_t slots = 1024;         // a power of two; fixed for the life of a store: data is placed by it
  bool allow_anonymous = false;  // a connect without a token that no plugin takes
  ChannelOptions without_namespace;
  std::vector<ChannelOptions> namespaces;

  RegistryLimits registry;
  size_t channels_per_lane = 1'000'000;  // at a time, over it error 111
  Millis chain_timeout{4'500};           // for the plugins to answer a client; under Bus::kDefaultTimeout

  std::vector<host::PluginSpec> plugins;  // in the order of the chain
  host::HostOptions host;
};

// Reads the three sections of `root` and leaves its errors in the document. Boot only.
BrokerConfig read_config(config::Section root);

}  // namespace lcg::broker
