#include "tests/integration/recovery_model/wire_run.h"

#include <algorithm>
#include <utility>

#include "gateway/gateway_lane.h"

namespace lcg::recovery_model {
namespace {

constexpr unsigned kGateways = 2;
constexpr uint32_t kSlots = 16;
constexpr const char* kChannel = "c:a";
constexpr int kRounds = 150;
constexpr Millis kPositionCheck{5'000}, kSettle{20'000};

broker::ChannelOptions draw_options(SimRandom& random) {
  const auto below = [&](uint64_t bound) { return random.next() % bound; };
  constexpr uint32_t sizes[] = {2, 10, 100};
  broker::ChannelOptions options;
  options.name = "c";
  options.history_size = sizes[below(std::size(sizes))];
  options.history_ttl = below(3) == 0 ? Millis(20) : Millis(3'600'000);
  options.recovery_mode = below(4) == 0 ? broker::RecoveryMode::kCache : broker::RecoveryMode::kStream;
  options.auto_cache_recover = options.recovery_mode == broker::RecoveryMode::kCache && below(2) == 0;
  options.subscribe.for_client = options.allow_recovery = options.allow_positioning = true;
  options.allow_fossil = options.allow_tags_filter = options.compaction = true;
  options.delta_publish = below(2) == 0;
  options.batch_delay = Millis(below(2) * below(30));
  options.join_leave = options.force_push_join_leave = below(3) == 0;
  return options;
}

// The broker's bus, which loses some of what is published.
class LossyBus final : public Bus {
 public:
  LossyBus(Bus& bus, SimRandom& random, unsigned percent) : bus_(bus), random_(random), percent_(percent) {}

  uint32_t slot_count() const override { return bus_.slot_count(); }
  uint32_t broker_lane_count() const override { return bus_.broker_lane_count(); }
  void serve(uint32_t broker_lane, Lane& lane, RequestHandler& handler) override {
    bus_.serve(broker_lane, lane, handler);
  }
  void attach(GatewayAddress gateway, Lane& lane, DeliverySink& sink) override {
    bus_.attach(gateway, lane, sink);
  }
  bool reaches(GatewayAddress gateway) const override { return bus_.reaches(gateway); }
  void request(Lane& from, Target target, Request request, ResponseFn done, Millis timeout) override {
    bus_.request(from, target, std::move(request), std::move(done), timeout);
  }
  void tell(Lane& from, Target target, Request what) override { bus_.tell(from, target, std::move(what)); }
  void deliver(Lane& from, GatewayAddress to, Delivery delivery) override {
    const bool positioned = std::holds_alternative<DeliverPublication>(delivery) &&
                            std::get<DeliverPublication>(delivery).publication->offset > 0;
    if (positioned && random_.next() % 100 < percent_) return;
    bus_.deliver(from, to, std::move(delivery));
  }
  void lose_nothing() { percent_ = 0; }

 private:
  Bus& bus_;
  SimRandom& random_;
  unsigned percent_;
};

broker::BrokerConfig config_with(broker::ChannelOptions options) {
  broker::BrokerConfig config;
  config.namespaces = {std::move(options)};
  return config;
}

gateway::GatewayConfig gateway_config() {
  gateway::GatewayConfig config;
  config.session.position_check = kPositionCheck;
  // The clients of a run make errors and commands as fast as the simulator lets them.
  config.session.connection_rates.all = {};
  return config;
}

}  // namespace

struct WireRun::Life {
  Life(uint64_t seed, broker::ChannelOptions options, SimRandom& random, unsigned loss_percent)
      : world(seed, 1 + kGateways),
        bus(inner, random, loss_percent),
        config(config_with(std::move(options))),
        namespaces(config.without_namespace, config.namespaces),
        gateways_config(gateway_config()),
        broker({world.lane(0), bus, host, config, namespaces, slots, 0}) {
    host.on_chain = [](host::ChainRequest request, host::ChainFn done) {
      host::ChainResult result;
      result.status = request.kind == LCG_REQ_CONNECT ? LCG_OK : LCG_DEFER;
      result.user = request.credential;
      done(std::move(result));
    };
    inner.serve(0, world.lane(0), broker);
    for (unsigned i = 0; i < kGateways; ++i) {
      gateways.push_back(std::make_unique<gateway::GatewayLane>(world.lane(1 + i), bus, GatewayAddress{0, i},
                                                                gateways_config, std::vector<std::string>()));
    }
  }

  SimWorld world;
  BusLocal inner{kSlots, 1};
  LossyBus bus;
  broker::BrokerConfig config;
  broker::Namespaces namespaces;
  gateway::GatewayConfig gateways_config;
  broker::Slots slots{kSlots, 1};
  broker::FakeStore store;
  broker::FakePluginHost host{world.lane(0), store};
  broker::BrokerLane broker;
  std::vector<std::unique_ptr<gateway::GatewayLane>> gateways;
};

WireRun::WireRun(uint64_t seed, WireMutation mutation)
    : random_(SimRandom(~seed).next()),
      seed_(seed),
      options_(draw_options(random_)),
      loss_percent_(below(2) == 0 ? 0 : static_cast<unsigned>(below(10))),
      publisher_(random_) {
  const bool by_time = options_.history_ttl < Millis(1'000);
  for (int i = 0; i < 4; ++i) {
    WireClient::Plan plan;
    plan.user = "client" + std::to_string(i);
    plan.channel = kChannel;
    plan.tag = i == 1 ? "1" : "";
    plan.delta = i >= 2;
    plan.cache_mode = options_.recovery_mode == broker::RecoveryMode::kCache;
    plan.recoverable = by_time || plan.cache_mode ? 0 : std::min<uint64_t>(options_.history_size, 300);
    clients_.push_back(std::make_unique<WireClient>(std::move(plan), random_, mutation));
  }
  life_ = std::make_unique<Life>(seed_ * 64, options_, random_, loss_percent_);
}
WireRun::~WireRun() {
  for (auto& client : clients_) client->server_died();
  life_->world.run_until_idle();
}

void WireRun::restart() {
  for (auto& client : clients_) client->server_died();
  life_->world.run_until_idle();
  life_ = std::make_unique<Life>(seed_ * 64 + ++facts_.restarts, options_, random_, loss_percent_);
}

void WireRun::publish() {
  ServerPublish next = publisher_.next(kChannel);
  const std::string data(next.publication.data.view());
  const Tags tags = next.options.tags;
  const bool kept = !next.options.skip_history;
  // What has no position may be sent before the publisher is answered.
  if (!kept) truth_.published_unkept(data);
  ++facts_.published;
  SimLane& from = life_->world.lane(1);
  life_->world.on(from, [&] {
    ask(life_->bus, from, Target::lane(0), std::move(next),
        [this, kept, data, tags](const PublishResponse& answer) {
          if (!answer.ok()) wrong_.push_back("a publication was refused: " + answer.error.message);
          if (answer.ok() && kept) truth_.published(answer.position, {data, tags});
        });
  });
}

void WireRun::connect(WireClient& client) {
  const unsigned gateway = static_cast<unsigned>(below(kGateways));
  client.connect(sim::SimConnection::open(life_->world, 1 + gateway, *life_->gateways[gateway]));
}

void WireRun::mischief() {
  WireClient& client = *clients_[below(clients_.size())];
  switch (below(8)) {
    case 0:
    case 1:
      return client.drop();
    case 2:
    case 3:
      return client.subscribe_again();
    case 4:
      return life_->world.run_for(Millis(below(60)));
    case 5:
      if (below(20) == 0) restart();
      return;
    default:
      for (uint64_t n = 1 + below(4); n > 0; --n) publish();
  }
}

// Some turns of the lanes, or, when nobody has work, some time.
void WireRun::advance() {
  for (uint64_t turns = 1 + below(8); turns > 0; --turns) {
    if (life_->world.step()) continue;
    return life_->world.run_for(Millis(1 + below(4)));
  }
}

void WireRun::tick() {
  for (auto& client : clients_) client->tick();
}

// Nothing more goes wrong: everybody comes back and hears of what he missed.
void WireRun::settle() {
  life_->bus.lose_nothing();
  for (const MonoTime until = life_->world.clock().mono() + kSettle; life_->world.clock().mono() < until;) {
    life_->world.run_for(Millis(100));
    tick();
    for (auto& client : clients_)
      if (!client->connected()) connect(*client);
  }
}

std::vector<std::string> WireRun::run() {
  for (int round = 0; round < kRounds; ++round) {
    for (auto& client : clients_)
      if (!client->connected() && below(3) == 0) connect(*client);
    if (below(2) == 0) mischief();
    advance();
    tick();
  }
  settle();
  for (auto& client : clients_) {
    if (!client->subscribed()) wrong_.push_back("a client did not come back");
    const std::vector<std::string> found = client->follower().violations(truth_, true);
    wrong_.insert(wrong_.end(), found.begin(), found.end());
    facts_.taken += client->follower().taken();
    facts_.patched += client->follower().patched();
    facts_.recovered += client->recovered();
    facts_.lost += client->lost();
  }
  return wrong_;
}

}  // namespace lcg::recovery_model
