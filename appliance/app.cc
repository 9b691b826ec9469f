#include "appliance/app.h"

#include <algorithm>
#include <thread>

#include "appliance/certificates.h"
#include "appliance/notify.h"
#include "appliance/on_lane.h"
#include "appliance/version.h"

namespace lcg {

namespace {

bool has_internal(const AppConfig& config) {
  const auto& listen = config.gateway.listen;
  return std::any_of(listen.begin(), listen.end(), [](const auto& entry) { return entry.internal; });
}

// Null: no listener needs it.
Result<std::shared_ptr<const net::TlsContext>> load_tls(const AppConfig& config) {
  const auto& listen = config.gateway.listen;
  if (std::none_of(listen.begin(), listen.end(), [](const auto& entry) { return entry.tls; })) {
    return std::shared_ptr<const net::TlsContext>();
  }
  return load_certificates(config.gateway.certificates);
}

}  // namespace

// What one lane has of the gateway. The order of the members is the order of destruction, backwards.
struct App::LanePart {
  LanePart(AsioLane& on, Bus& bus, unsigned index, const AppConfig& config, std::vector<std::string> provided,
           std::shared_ptr<gateway::SharedRates> rates, gateway::api::NodeFacts node,
           const std::atomic<bool>& ready, MetricsPage& metrics, const net::HttpServer::Config& http_config)
      : lane(on),
        gateway(on, bus, GatewayAddress{0, index}, config.gateway, provided, std::move(rates)),
        api(on, bus, config.api, std::move(provided), std::move(node)),
        clients(gateway, config.gateway, ready),
        routes{
            on,
            bus,
            gateway,
            config.gateway,
            api,
            config.api.insecure,
            has_internal(config),
            ready,
            [&metrics, &on](UniqueFunction<void(std::string)> done) { metrics.render(on, std::move(done)); }},
        http(on, http_config, make_router(routes, clients)),
        streams(on, config.gateway.connection) {
    clients.set_streams(&streams);
  }

  AsioLane& lane;
  gateway::GatewayLane gateway;
  gateway::api::ApiService api;
  ClientRoutes clients;
  RouteContext routes;
  net::HttpServer http;
  stream::StreamSet streams;  // goes before what its streams are counted by
};

App::App(AppConfig config)
    : config_(std::move(config)),
      lanes_({config_.lanes, config_.pin_lanes}),
      pool_({config_.pool_threads, 1024, "lcg-pool"}),
      bus_(config_.broker.slots, config_.lanes),
      metrics_(kVersion, lanes_) {}

App::~App() {
  pool_.stop();
  lanes_.stop();
  lanes_.join();
}

net::UpgradePolicy App::upgrade_policy(const AppConfig& config) const {
  net::UpgradePolicy policy;
  policy.browsers = {net::OriginList(config.gateway.allowed_origins),
                     net::HostList(config.gateway.allowed_hosts)};
  policy.subprotocols = {"centrifuge-protobuf",
                         "centrifuge-json"};  // client-protocol 1.1: Protobuf if it is offered
  policy.deflate = config_.gateway.connection.deflate.enabled;
  return policy;
}

Status App::start() {
  std::vector<Lane*> lanes;
  lanes.reserve(lanes_.size());
  for (unsigned i = 0; i < lanes_.size(); ++i) lanes.push_back(&lanes_[i]);
  auto broker = broker::Broker::make(config_.broker, lanes, bus_, pool_);
  if (!broker.ok()) return broker.status();
  broker_ = std::move(broker.value());
  metrics_.set_broker(*broker_);

  const Result<net::CidrList> trusted = net::CidrList::parse(config_.gateway.proxies.trusted);
  if (!trusted.ok()) return trusted.status();
  const net::HttpServer::Config http{config_.gateway.http,
                                     upgrade_policy(config_),
                                     config_.gateway.connection,
                                     {trusted.value(), config_.gateway.proxies.forwarded}};
  const auto rates = std::make_shared<gateway::SharedRates>(config_.gateway.session.user_rates,
                                                            config_.gateway.session.address_rates);
  const std::string uid = std::to_string(lanes_[0].random().u64());
  for (unsigned i = 0; i < lanes_.size(); ++i) {
    gateway::api::NodeFacts node{
        uid, config_.broker.node, kVersion, lanes_[0].now(),
        [this, i](UniqueFunction<void(std::string)> done) { metrics_.render(lanes_[i], std::move(done)); }};
    parts_.push_back(std::make_unique<LanePart>(lanes_[i], bus_, i, config_, broker_->provided_namespaces(),
                                                rates, std::move(node), ready_, metrics_, http));
    metrics_.add({&lanes_[i], &parts_[i]->gateway, &parts_[i]->http, &parts_[i]->streams});
  }
  lanes_.start();
  running_ = true;
  if (Status status = open_admin(); !status.ok()) return status;
  Status started = await_on_lane(lanes_[0], [this](auto done) { broker_->start(std::move(done)); });
  if (!started.ok()) return started;
  ready_ = true;
  if (Status status = listen(); !status.ok()) return status;
  notify_service_manager("READY=1\nSTATUS=serving");
  return {};
}

Status App::listen() {
  auto tls = load_tls(config_);
  if (!tls.ok()) return tls.status();
  for (auto& part : parts_) on_lane(part->lane, [&] { part->http.set_tls(tls.value()); });
  for (const gateway::ListenConfig& entry : config_.gateway.listen) {
    const net::HttpServer::ListenOptions options{entry.tls, entry.proxy_protocol, entry.internal};
    const Result<net::ListenAddress> parsed = net::parse_listen_address(entry.address);
    if (!parsed.ok()) return parsed.status();
    net::ListenAddress address = parsed.value();
    if (Status status = net::check_free(address); !status.ok()) return status;
    for (auto& part : parts_) {
      const Result<uint16_t> port = on_lane(part->lane, [&] { return part->http.listen(address, options); });
      if (!port.ok()) return port.status();
      address.port = port.value();  // port 0: the lanes share the one the first was given
    }
    log::info("listening", {{"address", address.host},
                            {"port", address.port},
                            {"lanes", parts_.size()},
                            {"tls", entry.tls},
                            {"proxy_protocol", entry.proxy_protocol},
                            {"internal", entry.internal}});
  }
  return {};
}

// First of all, so that a second server on the same socket ends here, before it touches the store.
Status App::open_admin() {
  if (config_.admin_socket.empty()) return {};
  admin::AdminCommands::Facts facts{
      kVersion, lanes_.size(), lanes_[0].now(), [this](UniqueFunction<void(size_t)> done) {
        metrics_.collect(lanes_[0],
                         [done = std::move(done)](const gateway::GatewayLaneStats& totals) mutable {
                           done(totals.open_sessions);
                         });
      }};
  commands_ =
      std::make_unique<admin::AdminCommands>(lanes_[0], bus_, broker_->plugins().host(0), std::move(facts));
  admin_ = std::make_unique<admin::AdminSocket>(lanes_[0], [this](std::string request, admin::Answer answer) {
    commands_->run(request, std::move(answer));
  });
  return on_lane(lanes_[0], [this] { return admin_->listen(config_.admin_socket); });
}

void App::reload(const AppConfig& config) {
  log::set_level(config.log_level);
  log::set_format(config.log_format);
  AppConfig certificates = config_;  // listeners stay; what they show is read again
  certificates.gateway.certificates = config.gateway.certificates;
  const auto tls = load_tls(certificates);
  if (!tls.ok()) log::error("certificates refused, the old ones stay", {{"error", tls.status().text()}});
  for (auto& part : parts_)
    on_lane(part->lane, [&] {
      part->http.http().set_policy(upgrade_policy(config));
      if (tls.ok()) part->http.set_tls(tls.value());
    });
}

void App::drain_clients() {
  std::atomic<size_t> waiting{parts_.size()};
  std::promise<void> drained;
  for (auto& part : parts_) {
    on_lane(part->lane, [&] {
      part->http.stop_accepting();
      part->gateway.drain(config_.gateway.drain_spread, [&] {
        if (--waiting == 0) drained.set_value();
      });
    });
  }
  drained.get_future().wait();
  // The last answers and closing handshakes leave; a client that does not take its part is not waited for.
  const MonoTime until = system_clock().mono() + Millis(2'000);
  for (auto& part : parts_) {
    on_lane(part->lane, [&] { part->http.drain(); });
    while (!on_lane(part->lane, [&] { return part->http.idle() && part->streams.size() == 0; }) &&
           system_clock().mono() < until)
      std::this_thread::sleep_for(Millis(5));
  }
}

Status App::stop() {
  if (!running_) return {};
  notify_service_manager("STOPPING=1\nSTATUS=draining");
  ready_ = false;
  drain_clients();
  if (admin_ != nullptr) on_lane(lanes_[0], [this] { admin_->stop(); });
  Status stopped = await_on_lane(lanes_[0], [this](auto done) { broker_->stop(std::move(done)); });
  if (!stopped.ok()) return stopped;
  pool_.stop();
  lanes_.stop();
  lanes_.join();
  running_ = false;
  return {};
}

ConfigDiff compare_configs(const std::map<std::string, uint64_t>& before,
                           const std::map<std::string, uint64_t>& now) {
  std::map<std::string, uint64_t> keys = now;
  keys.insert(before.begin(), before.end());
  ConfigDiff diff;
  for (const auto& [key, digest] : keys) {
    const auto old = before.find(key), then = now.find(key);
    if (old != before.end() && then != now.end() && old->second == then->second) continue;
    const bool taken = key == "log.level" || key == "log.format" ||
                       key.starts_with("gateway.allowed_origins") ||
                       key.starts_with("gateway.allowed_hosts") || key.starts_with("gateway.tls.");
    (taken ? diff.taken : diff.needs_restart).push_back(key);
  }
  return diff;
}

}  // namespace lcg
