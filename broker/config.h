// BrokerConfig: the broker's part of the configuration file. Defaults are what lcg runs with; every limit has
// its unit.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "broker/channel/namespace.h"
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
};

}  // namespace lcg::broker
