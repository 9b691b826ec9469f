// BrokerConfig: the broker's part of the configuration file. Defaults are what lcg runs with.
//
//   broker:   {node: lcg, slots: 1024, sessions_per_user: 64, plugin_dir: [/usr/lib/lcg]}
//             channels_per_lane: 1000000, channels_per_client: 0, positions_per_lane: 100000,
//             allow_anonymous, insecure, disallow_anonymous_connection_tokens: false,
//             user_personal_channel: {enabled: false, namespace: "", single_connection: false}
//   channel:  {without_namespace: {...}, namespaces: [{name: chat, history_size: 100, history_ttl: 1h}]}
//   plugins:  [{name: uaa, file: uaa.so, instances: per_lane, config: {...}}]
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/channel_name.h"
#include "base/clock.h"
#include "base/config.h"
#include "broker/channel/channel_table.h"
#include "broker/channel/namespace.h"
#include "broker/host/roster.h"
#include "broker/registry/registry.h"

namespace lcg::broker {

// For those that publish to more than they are subscribed to.
inline constexpr size_t kLeastChannelsPerClient = 2'000;

// Every user's connections are subscribed to a channel of the user's own, "NAMESPACE:#USER", or "#USER" without one; of a
// name that the namespace does not take to none.
struct PersonalChannel {
  bool enabled = false;
  std::string name_space;
  std::string of(const std::string& user) const {
    const std::string part = user_in_channel(user);
    return name_space.empty() ? "#" + part : name_space + ":#" + part;
  }
};

struct BrokerConfig {
  std::string node = "lcg";      // what a lease is taken as
  uint32_t slots = 1024;         // a power of two; fixed for the life of a store: data is placed by it
  bool allow_anonymous = false;  // a connect without a token that no plugin takes
  bool insecure = false;         // for trials: nobody needs a token, everybody may do everything
  bool disallow_anonymous_connection_tokens = false;  // a token without a user: 3507
  PersonalChannel personal;
  ChannelOptions without_namespace;
  std::vector<ChannelOptions> namespaces;

  RegistryLimits registry;
  // At a time, over it error 111: on one lane, of one namespace, and those that one client brought into being.
  // What a client may bring is settled where the gateway's limits are known (AppConfig).
  ChannelLimits channels;
  // Bytes of a client's publication in a channel in memory, over it error 107: the gateway's
  // (gateway.websocket.message_size, AppConfig). A provider has limits of its own.
  size_t publication_bytes = SIZE_MAX;
  // As configured; 0: what a user's connections may be subscribed to together, but kLeastChannelsPerClient.
  size_t channels_per_client = 0;
  size_t positions_per_lane = 100'000;  // remembered of channels that are gone, of a namespace
  Millis chain_timeout{4'500};          // for the plugins to answer a client; under Bus::kDefaultTimeout
  Millis walk_time{4'500};              // for a list in steps; under it as well, so that there is an answer

  std::vector<host::PluginSpec> plugins;  // in the order of the chain
  host::HostOptions host;
};

// Reads the three sections of `root` and leaves its errors in the document. Boot only.
BrokerConfig read_config(config::Section root);

}  // namespace lcg::broker
