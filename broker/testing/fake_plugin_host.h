// FakePluginHost: the plugins of one lane as a test wants them, and a store in memory behind the service
// "storage".
#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/lane.h"
#include "broker/host/plugin_host.h"
#include "lcg/services/storage_wire.hpp"

namespace lcg::broker {

// Conditional batches of one partition, as the service promises them; no durability, no fencing.
class FakeStore {
 public:
  ServiceCallResponse serve(const ServiceCall& call) {
    ++calls;
    if (down) return {LCG_E_UNAVAILABLE, 0, "store is down", {}};
    if (call.method == "get") {
      wire::Reader reader(call.data);
      const std::string collection(reader.str()), key(reader.str());
      const auto found = rows.find({call.key, collection, key});
      if (found == rows.end()) return {LCG_E_NOT_FOUND, 0, {}, {}};
      return {LCG_OK, 0, {}, found->second};
    }
    if (call.method == "scan") {
      storage::Scan scan;
      storage::ScanRows found;
      if (!storage::Scan::decode(call.data, scan)) return {LCG_E_INVALID, 0, {}, {}};
      for (const auto& [where, value] : rows) {
        const auto& [partition, collection, key] = where;
        const bool in = key >= scan.from && (scan.to.empty() || key < scan.to);
        if (in && partition == call.key && collection == scan.collection) found.rows.push_back({key, value});
      }
      if (scan.reverse) std::reverse(found.rows.begin(), found.rows.end());
      found.more = found.rows.size() > scan.limit;
      if (found.more) found.rows.resize(scan.limit);
      return {LCG_OK, 0, {}, found.encode()};
    }
    storage::Batch batch;
    if (call.method != "commit" || !storage::Batch::decode(call.data, batch))
      return {LCG_E_INVALID, 0, {}, {}};
    if (before_commit) before_commit(call);
    for (const storage::Condition& condition : batch.conditions) {
      const auto found = rows.find({call.key, condition.collection, condition.key});
      const bool present = found != rows.end();
      const bool holds = condition.kind == storage::Condition::Kind::kAbsent ? !present
                         : condition.kind == storage::Condition::Kind::kPresent
                             ? present
                             : present && found->second == condition.value;
      if (!holds) return {LCG_E_CONFLICT, 0, condition.key, {}};
    }
    for (const storage::Op& op : batch.ops) {
      if (op.kind == storage::Op::Kind::kPut)
        rows[{call.key, op.collection, op.key}] = op.value;
      else
        rows.erase({call.key, op.collection, op.key});
    }
    if (answers_lost > 0) {
      --answers_lost;
      down = down_after_lost;
      return {LCG_E_TIMEOUT, 0, "the answer was lost", {}};
    }
    return {};
  }

  std::map<std::tuple<std::string, std::string, std::string>, std::string>
      rows;  // partition, collection, key
  std::function<void(const ServiceCall&)> before_commit;
  bool down = false;
  bool down_after_lost = false;
  int answers_lost = 0;  // of the next commits: they are applied all the same
  int calls = 0;
};

class FakePluginHost final : public host::PluginHost {
 public:
  FakePluginHost(Lane& lane, FakeStore& store) : lane_(lane), store_(store) {}

  void run_chain(host::ChainRequest request, Millis, host::ChainFn done) override {
    chains.push_back(request);
    if (on_chain) return on_chain(std::move(request), std::move(done));
    done({});
  }
  bool wants(uint32_t kind) const override { return (wanted >> kind & 1) != 0; }
  bool uses_devices() const override { return devices; }
  void call(ServiceCall call, Millis, host::CallFn done) override {
    calls.push_back(call);
    LaneTask answer = [this, call = std::move(call), done = std::move(done)]() mutable {
      if (call.service == "storage") return done(store_.serve(call));
      if (on_call) return on_call(std::move(call), std::move(done));
      done({LCG_E_UNAVAILABLE, 0, {}, {}});
    };
    if (hold_calls)
      held.push_back(std::move(answer));
    else
      lane_.post(std::move(answer));
  }
  void serve(ServiceCall call, uint32_t slot, uint64_t term, host::CallFn done) override {
    served.push_back({std::move(call), slot, term});
    done({});
  }
  void slot_changed(uint32_t slot, uint64_t term, bool owned) override {
    slots.emplace_back(slot, term, owned);
  }
  void disconnected(const PeerPtr& peer, uint32_t code) override { gone.emplace_back(peer->session, code); }
  bool wants_event(uint32_t kind) const override { return (events_wanted >> kind & 1) != 0; }
  // Nobody wants it: as the real one. Else it is taken, or what on_event says.
  void event(host::EventRequest event, host::EventFn done) override {
    if (!wants_event(event.kind)) return done(true);
    events.push_back(event);
    if (on_event) return on_event(std::move(event), std::move(done));
    done(true);
  }

  struct Served {
    ServiceCall call;
    uint32_t slot;
    uint64_t term;
  };
  uint32_t wanted = 0;
  bool devices = true;
  uint32_t events_wanted = 0;
  std::vector<host::EventRequest> events;
  std::function<void(host::EventRequest, host::EventFn)> on_event;
  std::function<void(host::ChainRequest, host::ChainFn)> on_chain;
  std::function<void(ServiceCall, host::CallFn)> on_call;
  bool hold_calls = false;  // calls made meanwhile are answered when the test runs them
  std::vector<LaneTask> held;
  std::vector<host::ChainRequest> chains;
  std::vector<ServiceCall> calls;
  std::vector<Served> served;
  std::vector<std::tuple<uint32_t, uint64_t, bool>> slots;
  std::vector<std::pair<std::string, uint32_t>> gone;

 private:
  Lane& lane_;
  FakeStore& store_;
};

}  // namespace lcg::broker
