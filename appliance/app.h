// App: the appliance as one object graph: lanes, bus, broker with its plugins, a gateway and an HTTP server
// on every lane, the admin socket. Built, started, reloaded and stopped by main, in that thread; nothing here
// is a singleton.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "appliance/admin/admin_commands.h"
#include "appliance/admin/admin_socket.h"
#include "appliance/config.h"
#include "appliance/metrics_page.h"
#include "appliance/routes.h"
#include "base/asio_lane.h"
#include "base/blocking_pool.h"
#include "broker/broker.h"
#include "broker/bus/bus_local.h"
#include "gateway/net/http_server.h"

namespace lcg {

class App {
 public:
  explicit App(AppConfig config);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Starts everything and lets clients in. On an error the parts that did start are for stop().
  Status start();

  // Takes over what can change while running: log.level, log.format, gateway.allowed_origins, gateway.allowed_hosts,
  // and the certificates of gateway.tls, read again for connections to come; a bad file leaves the old ones. Clients
  // notice nothing.
  void reload(const AppConfig& config);

  // No new clients; sessions are told 3001 over gateway.drain_spread; then plugins, lanes and threads end.
  // Errors: kTimeout (a plugin did not stop: the process must end without destroying this).
  Status stop();

 private:
  struct LanePart;
  Status listen();
  Status open_admin();
  void drain_clients();
  net::UpgradePolicy upgrade_policy(const AppConfig& config) const;

  const AppConfig config_;
  std::atomic<bool> ready_{false};
  LaneSet lanes_;
  ThreadBlockingPool pool_;
  BusLocal bus_;
  std::unique_ptr<broker::Broker> broker_;
  MetricsPage metrics_;
  std::vector<std::unique_ptr<LanePart>> parts_;
  std::unique_ptr<admin::AdminCommands> commands_;
  std::unique_ptr<admin::AdminSocket> admin_;
  bool running_ = false;
};

// What the configuration was and is now (Document::digests), as the keys whose value changed, told apart by whether
// reload() takes them.
struct ConfigDiff {
  std::vector<std::string> taken, needs_restart;
};
ConfigDiff compare_configs(const std::map<std::string, uint64_t>& before,
                           const std::map<std::string, uint64_t>& now);

}  // namespace lcg
