// SimNode: one life of the appliance: bus, broker, the real message and dialog plugins, a gateway on every
// lane, all in one simulated world. The store outlives it.
//
// The plugins are the files that are shipped, loaded as the daemon loads them: the SDK and the broker have
// types of the same names, so they cannot be linked into one program. What is linked in is a login that takes
// any credential for the user's name, and the storage service in front of SimStore: a disk with a queue,
// whose writes take a drawn time before they are done and another before they are answered.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sim_lane.h"
#include "broker/broker.h"
#include "broker/bus/bus_local.h"
#include "broker/host/testing_plugins.h"
#include "gateway/gateway_lane.h"
#include "tests/integration/simulation/sim_connection.h"
#include "tests/integration/simulation/sim_store.h"

namespace lcg::sim {

class SimNode {
 public:
  static constexpr uint32_t kSlots = 16;

  // Begins to start. `wall_ms`: what the wall clock says, Unix ms. `store` outlives the node.
  SimNode(uint64_t seed, unsigned lanes, int64_t wall_ms, SimStore& store);
  ~SimNode();

  // Nothing while it starts.
  const std::optional<Status>& started() const { return started_; }
  bool serves() const { return started_ && started_->ok() && !dead_; }
  SimWorld& world() { return world_; }
  unsigned lanes() const { return static_cast<unsigned>(world_.size()); }
  int64_t age_ms() { return (world_.clock().mono() - born_) / Millis(1); }

  // REQUIRES: serves().
  std::shared_ptr<SimConnection> connect(unsigned lane);
  // A call of a plugin's service as the operator's tool makes it; lets time pass until the answer is there.
  ServiceCallResponse call(std::string service, std::string method, std::string key, std::string data);
  // How many subscriptions of slow readers were collapsed.
  uint64_t collapses() const;
  // Every `percent`th write takes up to 7 s, longer than a call's deadline.
  void slow_disk(unsigned percent) { slow_percent_ = percent; }

  // The power goes: from now on nothing reaches the store or a client. What is left is taken down in order,
  // unseen, so that nothing leaks; the status is that of the plugins' stop.
  Status kill();

 private:
  struct Job {
    SimStore::Request request;
    uint32_t lane;
    lcg_token token;
  };
  broker::BrokerConfig config();
  host::testing::Script login_script();
  host::testing::Script storage_script();
  void accept(host::testing::Scripted& self, lcg_token token, const lcg_call& call);
  void write_next();
  void answer(uint32_t lane, lcg_token token, SimStore::Answer result);

  SimWorld world_;
  SimRandom disk_;  // draws of the disk's times, apart from the schedule
  const MonoTime born_;
  SimStore& store_;
  BusLocal bus_;
  host::testing::LinkedPlugin login_, storage_;
  std::vector<host::testing::Scripted*> disks_;  // by lane; null: not created, or destroyed
  std::deque<Job> writes_;                       // done in this order
  MonoTime write_done_at_;
  unsigned slow_percent_ = 0;
  gateway::GatewayConfig gateway_config_;
  std::unique_ptr<broker::Broker> broker_;
  std::vector<std::unique_ptr<gateway::GatewayLane>> gateways_;
  std::vector<std::weak_ptr<SimConnection>> connections_;
  std::optional<Status> started_;
  bool dead_ = false;
};

}  // namespace lcg::sim
