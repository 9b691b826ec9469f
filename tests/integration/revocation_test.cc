// A login is revoked while its clients come and go on every lane: gateways and brokers are the real ones, the plugins
// are a script, and time and order are drawn from seeds.
//
// The rule: once the disconnect that a revocation ends with is answered, nothing is handed to the plugins for that
// login, whatever way it came in: an open session, a connect that the plugins let in before, a remembered bearer
// token, one that is being verified. Another login of the same user is not touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/sim_lane.h"
#include "broker/broker_lane.h"
#include "broker/bus/bus_local.h"
#include "broker/testing/fake_plugin_host.h"
#include "gateway/fanout/test_transport.h"
#include "gateway/gateway_lane.h"

namespace lcg {
namespace {

constexpr unsigned kLanes = 4;
constexpr uint32_t kSlots = 16;
constexpr uint64_t kMostMs = 40;  // a client acts within so long

class Process {
 public:
  explicit Process(uint64_t seed) : world(seed, kLanes) {
    for (unsigned i = 0; i < kLanes; ++i) {
      SimLane& lane = world.lane(i);
      hosts.push_back(std::make_unique<broker::FakePluginHost>(lane, store));
      hosts.back()->wanted = 1u << LCG_REQ_RPC | 1u << LCG_REQ_CONNECT;
      hosts.back()->on_chain = [this, &lane](host::ChainRequest request, host::ChainFn done) {
        chain(lane, std::move(request), std::move(done));
      };
      brokers.push_back(std::make_unique<broker::BrokerLane>(
          broker::LaneContext{lane, bus, *hosts.back(), broker_config, namespaces, slots, i}));
      bus.serve(i, lane, *brokers.back());
      gateways.push_back(std::make_unique<gateway::GatewayLane>(lane, bus, GatewayAddress{0, i},
                                                                gateway_config, std::vector<std::string>{}));
    }
  }
  ~Process() {
    for (auto& client : clients)
      if (client->handler != nullptr) world.on(*client->lane, [&] { client->handler->on_closed({}); });
    world.run_until_idle();
  }

  // The token is the login's name. It is looked up somewhere in the middle of the plugins' time.
  void chain(SimLane& lane, host::ChainRequest request, host::ChainFn done) {
    if (request.kind == LCG_REQ_RPC) {
      ++handed[request.peer->auth];
      if (acknowledged && request.peer->auth == "stolen") ++late;
      host::ChainResult result;
      result.status = LCG_OK;
      return done(std::move(result));
    }
    const Millis before(draw(3)), after(draw(3));
    lane.start_timer(
        before, [this, &lane, after, auth = request.credential, done = std::move(done)]() mutable {
          const bool good = !(revoked && auth == "stolen");
          lane.start_timer(after, [good, auth = std::move(auth), done = std::move(done)]() mutable {
            host::ChainResult result;
            result.status = good ? LCG_OK : LCG_E_DENIED;
            result.user = good ? "ann" : "";
            result.auth = good ? auth : "";
            result.disconnect_code = good ? 0 : 3500;
            done(std::move(result));
          });
        });
  }

  int64_t draw(uint64_t bound) { return static_cast<int64_t>(world.random().below(bound)); }
  void later(SimLane& lane, Millis delay, LaneTask task) {
    lane.post([&lane, delay, task = std::move(task)]() mutable { lane.start_timer(delay, std::move(task)); });
  }

  // A session that asks things until it is closed, or an HTTP client with the same token.
  struct Client {
    SimLane* lane = nullptr;
    gateway::TestTransport transport;
    ws::TransportHandler* handler = nullptr;
  };
  void add_session(const std::string& login) {
    clients.push_back(std::make_unique<Client>());
    Client& client = *clients.back();
    const auto number = static_cast<size_t>(draw(kLanes));
    client.lane = &world.lane(number);
    const int64_t begin = draw(kMostMs / 2);
    later(*client.lane, Millis(begin), [this, &client, number, login] {
      client.handler = &gateways[number]->open(client.transport);
      client.handler->on_message(R"({"id":1,"connect":{"token":")" + login + R"("}})",
                                 ws::MessageKind::kText);
    });
    for (int i = 0; i < 8; ++i) {
      later(*client.lane, Millis(begin + 1 + draw(kMostMs)), [&client, i] {
        client.handler->on_message(
            R"({"id":)" + std::to_string(i + 2) + R"(,"rpc":{"method":"m","data":{}}})",
            ws::MessageKind::kText);
      });
    }
  }
  void add_http_call(const std::string& login) {
    const auto number = static_cast<size_t>(draw(kLanes));
    later(world.lane(number), Millis(draw(kMostMs)), [this, number, login] {
      gateways[number]->http_rpc("m", login, *ClientAddress::parse("192.0.2.1:1"), "{}",
                                 [](const gateway::HttpRpcAnswer&) {});
    });
  }
  void revoke_at(Millis when) {
    later(world.lane(0), when, [this] {
      revoked = true;
      DisconnectSessions what;
      what.user = "ann";
      what.auth = "stolen";
      what.disconnect = make_disconnect(disconnect_code::kInvalidToken);
      ask(bus, world.lane(0), Target::slot(slot_of_key("ann", kSlots)), std::move(what),
          [this](const DisconnectSessionsResponse& answer) {
            acknowledged = answer.ok();
            closed += answer.closed;
          });
    });
  }

  SimWorld world;
  gateway::GatewayConfig gateway_config;
  broker::BrokerConfig broker_config;
  broker::Namespaces namespaces{broker_config.without_namespace, broker_config.namespaces};
  broker::Slots slots{kSlots, kLanes};
  BusLocal bus{kSlots, kLanes};
  broker::FakeStore store;
  std::vector<std::unique_ptr<broker::FakePluginHost>> hosts;
  std::vector<std::unique_ptr<broker::BrokerLane>> brokers;
  std::vector<std::unique_ptr<gateway::GatewayLane>> gateways;
  std::vector<std::unique_ptr<Client>> clients;
  bool revoked = false, acknowledged = false;
  std::map<std::string, int> handed;  // calls that came to the plugins, by login
  int late = 0;
  uint32_t closed = 0;
};

TEST(Revocation, NothingIsHandedToThePluginsOnceItIsAcknowledged) {
  uint32_t closed = 0;
  int stolen = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Process process(seed);
    for (int i = 0; i < 12; ++i) process.add_session("stolen");
    for (int i = 0; i < 40; ++i) process.add_http_call("stolen");
    process.add_session("other");
    process.add_http_call("other");
    process.revoke_at(Millis(process.draw(kMostMs)));

    process.world.run_for(std::chrono::seconds(1));

    ASSERT_TRUE(process.acknowledged) << "seed " << seed;
    ASSERT_EQ(process.late, 0) << "seed " << seed;
    ASSERT_EQ(process.handed["other"], 8 + 1) << "seed " << seed;
    for (const auto& client : process.clients) {
      const bool is_other = client == process.clients.back();
      ASSERT_EQ(client->transport.close_code, is_other ? 0u : 3500u) << "seed " << seed;
    }
    stolen += process.handed["stolen"];
    closed += process.closed;
  }
  EXPECT_GT(stolen, 1000) << "the seeds try little";
  EXPECT_GT(closed, 100u);
}

}  // namespace
}  // namespace lcg
