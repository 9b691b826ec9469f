// LaneRig: one BrokerLane on a simulated lane of its own, a gateway lane beside it, fake plugins behind it. The gateway
// has the sessions that were bound through the rig, and closes what it is told to close.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/sim_lane.h"
#include "broker/broker_lane.h"
#include "broker/bus/bus_local.h"
#include "broker/testing/fake_plugin_host.h"

namespace lcg::broker {

class LaneRig : public DeliverySink {
 public:
  explicit LaneRig(BrokerConfig config_in = {})
      : config(std::move(config_in)),
        namespaces(config.without_namespace, config.namespaces),
        broker({world.lane(0), bus, host, config, namespaces, slots, 0}) {
    bus.serve(0, world.lane(0), broker);
    bus.attach({0, 0}, world.lane(1), *this);
  }

  static PeerPtr peer(std::string user, std::string session) {
    auto peer = std::make_shared<Peer>();
    peer->user = std::move(user);
    peer->session = session;
    peer->device = "device-of-" + session;
    return peer;
  }

  // Asks from the gateway's lane without waiting; the answer lands in the optional.
  template <class R>
  std::shared_ptr<std::optional<typename ResponseOf<R>::type>> begin(R request) {
    using Answer = typename ResponseOf<R>::type;
    auto slot = std::make_shared<std::optional<Answer>>();
    SimLane& from = world.lane(1);
    if constexpr (std::is_same_v<R, BindSession>) peers[request.peer->session] = request.peer;
    world.on(from, [&] {
      ask(bus, from, Target::lane(0), std::move(request),
          [slot](Answer answer) { *slot = std::move(answer); });
    });
    return slot;
  }
  // And waits. An answer that never comes fails by its deadline.
  template <class R>
  typename ResponseOf<R>::type get(R request) {
    auto slot = begin(std::move(request));
    world.run_until([&] { return slot->has_value(); });
    world.run_until_idle();
    return std::move(slot->value());
  }

  void on_delivery(Delivery delivery) override {
    if (before_delivery) before_delivery();
    if (const auto* closing = std::get_if<DeliverDisconnect>(&delivery);
        closing != nullptr && closes && (silent || closing->unless_heard.count() == 0))
      if (const auto peer = peers.find(closing->session); peer != peers.end())
        ask(bus, world.lane(1), Target::lane(0), SessionClosed{peer->second, closing->disconnect.code},
            [](const SessionClosedResponse&) {});
    deliveries.push_back(std::move(delivery));
  }
  template <class D>
  std::vector<D> delivered() const {
    std::vector<D> out;
    for (const Delivery& delivery : deliveries)
      if (const D* is = std::get_if<D>(&delivery)) out.push_back(*is);
    return out;
  }

  SimWorld world{11, 2};
  BrokerConfig config;
  Namespaces namespaces;
  Slots slots{16, 1};
  BusLocal bus{16, 1};
  FakeStore store;
  FakePluginHost host{world.lane(0), store};
  std::vector<Delivery> deliveries;
  std::function<void()> before_delivery;
  std::map<std::string, PeerPtr> peers;  // by session: those that were bound
  bool closes = true;                    // false: it is told to close and does not
  bool silent = false;                   // no client gives a sign of life
  BrokerLane broker;
};

}  // namespace lcg::broker
