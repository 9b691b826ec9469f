#include "appliance/config.h"

#include <sched.h>

#include <algorithm>
#include <filesystem>

#include "broker/channel/publication_store.h"
#include "gateway/net/cidr.h"
#include "gateway/net/listener.h"

namespace lcg {
namespace {

unsigned usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

// A relative directory is below the folder of the program, never of whoever starts it: what is in there is loaded.
void resolve_plugin_dirs(std::vector<std::string>& dirs) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (dirs.empty()) dirs.push_back("../plugins.d");
  for (std::string& dir : dirs) {
    if (!error && fs::path(dir).is_relative())
      dir = (program.parent_path() / dir).lexically_normal().string();
  }
}

// What the gateway's own reader, which knows no sockets, cannot judge.
void check_listeners(config::Section gateway, const gateway::GatewayConfig& config) {
  for (size_t i = 0; i < config.listen.size(); ++i) {
    const gateway::ListenConfig& entry = config.listen[i];
    if (!net::parse_listen_address(entry.address).ok())
      gateway.error("listen", i, "expected an address and port like 127.0.0.1:8000");
    if (entry.tls && config.certificates.empty())
      gateway.error("listen", i, "has tls, but gateway.tls.certificates is empty");
    if (entry.proxy_protocol && config.proxies.trusted.empty())
      gateway.error("listen", i,
                    "has proxy_protocol, but gateway.proxies.trusted names nobody who may speak it");
  }
  const std::vector<std::string>& networks = config.proxies.trusted;
  for (size_t i = 0; i < networks.size(); ++i) {
    if (const auto trusted = net::CidrList::parse({networks[i]}); !trusted.ok())
      gateway.section("proxies").error("trusted", i, trusted.status().message());
  }
}

// What a client may subscribe to and what it may bring into being are limits of two rooms: a user who keeps the first
// with all connections does not meet the second by subscribing.
void settle_channels_per_client(config::Section broker, const gateway::GatewayConfig& gateway,
                                broker::BrokerConfig& config) {
  const size_t of_connection = gateway.session.channel_limit, asked = config.channels_per_client;
  if (asked == 0) {
    config.channels.of_client =
        std::max(broker::kLeastChannelsPerClient, of_connection * config.registry.sessions_per_user);
  } else if (asked < of_connection) {
    broker.error("channels_per_client",
                 std::to_string(asked) + " is less than the " + std::to_string(of_connection) +
                     " that one connection may be subscribed to (gateway.clients.channels): "
                     "raise it, lower that, or leave it at 0");
  } else {
    config.channels.of_client = asked;
  }
}

// What a client may publish has to fit into the store, where a namespace keeps it there.
void check_durable(config::Section websocket, const AppConfig& config) {
  constexpr size_t kInfo = 64u << 10;  // what is kept beside the data
  constexpr size_t most = broker::PublicationStore::kMaxRowBytes - kInfo;
  const auto durable = [](const broker::ChannelOptions& options) { return options.durable(); };
  const broker::BrokerConfig& broker = config.broker;
  if (broker.publication_bytes <= most) return;
  if (!durable(broker.without_namespace) &&
      std::none_of(broker.namespaces.begin(), broker.namespaces.end(), durable))
    return;
  websocket.error("message_size", "with it, and with decompressed_size, a publication may have " +
                                      std::to_string(broker.publication_bytes) +
                                      " bytes, and a namespace with history: durable takes " +
                                      std::to_string(most));
}

}  // namespace

AppConfig AppConfig::read(config::Document& document) {
  AppConfig out;
  config::Section root = document.root();
  root.get("lanes", out.lanes, 0u, kMaxLanes);
  if (out.lanes == 0) out.lanes = std::min(usable_cores(), kMaxLanes);
  root.get("pin_lanes", out.pin_lanes);
  root.get("pool_threads", out.pool_threads, 1u, 64u);

  config::Section log = root.section("log");
  log.get_enum("level", out.log_level,
               {{"debug", log::Level::kDebug},
                {"info", log::Level::kInfo},
                {"warn", log::Level::kWarn},
                {"error", log::Level::kError},
                {"off", log::Level::kOff}});
  log.get_enum("format", out.log_format, {{"logfmt", log::Format::kLogfmt}, {"json", log::Format::kJson}});
  root.section("admin").get("socket", out.admin_socket);

  out.gateway = gateway::read_config(root.section("gateway"));
  check_listeners(root.section("gateway"), out.gateway);
  out.api = gateway::api::read_config(root.section("gateway").section("api"));
  out.broker = broker::read_config(root);
  settle_channels_per_client(root.section("broker"), out.gateway, out.broker);
  out.broker.publication_bytes = out.gateway.publication_bytes;
  check_durable(root.section("gateway").section("websocket"), out);
  resolve_plugin_dirs(out.broker.host.dirs);
  root.finish();
  return out;
}

}  // namespace lcg
