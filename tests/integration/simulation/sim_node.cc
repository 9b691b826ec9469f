#include "tests/integration/simulation/sim_node.h"

#include <algorithm>

#include "broker/host/abi_io.h"

namespace lcg::sim {

using host::testing::MapSettings;
using host::testing::Script;
using host::testing::Scripted;

namespace {

constexpr uint64_t kReadMs = 2, kWriteMs = 4, kSlowWriteMs = 7'000, kAnswerMs = 2;  // at most
constexpr size_t kSoftQueueBytes = 1u << 10;  // a dialog of a stalled client is collapsed soon

host::PluginSpec shipped(std::string name, std::map<std::string, std::string, std::less<>> settings) {
  host::PluginSpec spec;
  spec.name = std::move(name);
  spec.per_lane = true;
  spec.settings = std::make_shared<MapSettings>(std::move(settings));
  return spec;
}

}  // namespace

SimNode::SimNode(uint64_t seed, unsigned lanes, int64_t wall_ms, SimStore& store)
    : world_(seed, lanes),
      disk_(seed ^ 0xD15C),
      born_(world_.clock().mono()),
      store_(store),
      bus_(kSlots, lanes),
      login_("login", login_script()),
      storage_("storage", storage_script()),
      disks_(lanes) {
  world_.clock().jump_wall(Millis(wall_ms - world_.clock().wall_ms()));
  gateway_config_.session.soft_queue_bytes = kSoftQueueBytes;
  std::vector<Lane*> on;
  for (unsigned i = 0; i < lanes; ++i) on.push_back(&world_.lane(i));
  auto made = broker::Broker::make(config(), std::move(on), bus_, world_.blocking_pool());
  if (!made.ok()) {
    started_ = made.status();
    return;
  }
  broker_ = std::move(made.value());
  for (unsigned i = 0; i < lanes; ++i) {
    gateways_.push_back(std::make_unique<gateway::GatewayLane>(
        world_.lane(i), bus_, GatewayAddress{0, i}, gateway_config_, broker_->provided_namespaces()));
  }
  broker_->start([this](Status status) { started_ = std::move(status); });
}

SimNode::~SimNode() {
  if (!dead_) static_cast<void>(kill());
}

broker::BrokerConfig SimNode::config() {
  broker::BrokerConfig out;
  out.slots = kSlots;
  out.host.dirs = {LCG_SIM_PLUGIN_DIR};
  out.plugins = {storage_.spec(true), login_.spec(true),
                 shipped("message", {{"try_time", "2s"}, {"resolve_every", "500ms"}}),
                 shipped("dialog", {{"try_time", "2s"}, {"idle_time", "1s"}})};
  broker::ChannelOptions dialogs;
  dialogs.name = dialogs.provider = "dialog";
  out.namespaces = {dialogs};
  return out;
}

Script SimNode::login_script() {
  Script script;
  script.kinds = 1u << LCG_REQ_CONNECT;
  script.on_request = [](Scripted& self, const lcg_request& request) {
    lcg_result result{};
    result.struct_size = sizeof result;
    result.user_id = request.credential;
    self.host->reply(self.host->ctx, request.token, &result);
  };
  return script;
}

Script SimNode::storage_script() {
  Script script;
  script.provides = "storage";
  script.start = [this](Scripted& self, lcg_token token) {
    disks_[self.host->instance_index] = &self;
    self.reply(token);
  };
  script.destroy = [this](Scripted& self) { disks_[self.host->instance_index] = nullptr; };
  script.on_call = [this](Scripted& self, lcg_token token, const lcg_call& call) {
    accept(self, token, call);
  };
  return script;
}

void SimNode::accept(Scripted& self, lcg_token token, const lcg_call& call) {
  Job job{{std::string(host::view(call.method)), std::string(host::view(call.key)),
           std::string(host::view(call.data)), call.slot, call.term},
          self.host->instance_index,
          token};
  SimLane& lane = world_.lane(job.lane);
  if (job.request.method != "commit") {
    const Millis takes(disk_.next() % (kReadMs + 1));
    lane.start_timer(takes, [this, job = std::move(job)] {
      answer(job.lane, job.token,
             dead_ ? SimStore::Answer{LCG_E_UNAVAILABLE, {}} : store_.serve(job.request));
    });
    return;
  }
  const bool slow = disk_.next() % 100 < slow_percent_;
  const MonoTime now = world_.clock().mono();
  write_done_at_ =
      std::max(write_done_at_, now) + Millis(disk_.next() % ((slow ? kSlowWriteMs : kWriteMs) + 1));
  writes_.push_back(std::move(job));
  lane.start_timer(std::chrono::ceil<Millis>(write_done_at_ - now), [this] { write_next(); });
}

// There is a timer for each write, and whichever comes does the oldest.
void SimNode::write_next() {
  Job job = std::move(writes_.front());
  writes_.pop_front();
  SimStore::Answer result{LCG_E_UNAVAILABLE, {}};
  if (!dead_) result = store_.serve(job.request);
  const Millis later(disk_.next() % (kAnswerMs + 1));
  SimLane& lane = world_.lane(job.lane);
  lane.post([this, later, &lane, job = std::move(job), result = std::move(result)]() mutable {
    lane.start_timer(later, [this, to = job.lane, token = job.token, result = std::move(result)]() mutable {
      answer(to, token, std::move(result));
    });
  });
}

void SimNode::answer(uint32_t lane, lcg_token token, SimStore::Answer result) {
  if (disks_[lane] != nullptr) disks_[lane]->reply(token, result.status, result.data);
}

std::shared_ptr<SimConnection> SimNode::connect(unsigned lane) {
  std::shared_ptr<SimConnection> made = SimConnection::open(world_, lane, *gateways_[lane]);
  std::erase_if(connections_, [](const auto& connection) { return connection.expired(); });
  connections_.push_back(made);
  return made;
}

ServiceCallResponse SimNode::call(std::string service, std::string method, std::string key,
                                  std::string data) {
  std::optional<ServiceCallResponse> result;
  world_.lane(0).post([&] {
    ServiceCall call{std::move(service), std::move(method), std::move(key), std::move(data), "host", 0};
    broker_->plugins().host(0).call(std::move(call), Millis(60'000), [&result](ServiceCallResponse response) {
      result = std::move(response);
    });
  });
  world_.run_until([&] { return result.has_value(); }, std::chrono::minutes(2));
  return result ? *std::move(result) : ServiceCallResponse{LCG_E_TIMEOUT, 0, "no answer", {}};
}

uint64_t SimNode::collapses() const {
  uint64_t sum = 0;
  for (const auto& gateway : gateways_) sum += gateway->stats().hub.collapses;
  return sum;
}

Status SimNode::kill() {
  dead_ = true;
  if (broker_ == nullptr) return {};
  for (const auto& weak : connections_)
    if (const auto connection = weak.lock()) connection->server_died();
  world_.run_until([this] { return started_.has_value(); });
  std::optional<Status> stopped;
  broker_->stop([&stopped](Status status) { stopped = std::move(status); });
  world_.run_until([&] { return stopped.has_value(); });
  return stopped ? *stopped : Status(Code::kTimeout, "stop has no end");
}

}  // namespace lcg::sim
