// Events: what happens to sessions and channels, told to the plugins that asked for it.
#include <array>
#include <utility>

#include "base/log.h"
#include "broker/host/abi_io.h"
#include "broker/host/lane_host.h"

namespace lcg::host {
namespace {

std::string_view event_name(uint32_t kind) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "?", "connect", "disconnect", "subscribe", "unsubscribe", "occupied", "vacated"};
  return kNames[kind < kNames.size() ? kind : 0];
}

// Waits for several plugins, and for event() itself to have asked all of them.
struct Gathering {
  EventFn done;
  uint32_t waiting = 1;
  bool taken = true;
  void arrived(bool ok) {
    taken = taken && ok;
    if (--waiting == 0) std::exchange(done, nullptr)(taken);
  }
};

}  // namespace

void LaneHost::event(EventRequest event, EventFn done) {
  const uint32_t kind = event.kind;
  if (!wants_event(kind)) return done(true);
  auto told = std::make_shared<Told>();
  told->what = std::move(event);
  told->time_ms = lane_.clock().wall_ms();
  told->term = owned_[told->what.slot].term;
  told->deadline = lane_.now() + kEventTimeout;
  std::shared_ptr<Gathering> all;
  if (event_waits(kind)) all = std::make_shared<Gathering>(Gathering{std::exchange(done, nullptr)});
  for (uint32_t plugin = 0; plugin < instances_.size(); ++plugin) {
    if (!shared_.interest.of(plugin, kind)) continue;
    CallFn answered;
    if (all != nullptr) {
      ++all->waiting;
      answered = [this, all, kind, plugin](ServiceCallResponse response) {
        if (response.status != LCG_OK) {
          log::warn("a plugin did not take an event", {{"plugin", shared_.roster[plugin].loaded.name},
                                                       {"event", event_name(kind)},
                                                       {"status", status_name(response.status)},
                                                       {"message", response.message}});
        }
        all->arrived(response.status == LCG_OK);
      };
    }
    if (Instance* here = instances_[plugin].get())
      tell(*here, *told, std::move(answered));
    else
      tell_other_lane(plugin, told, std::move(answered));
  }
  if (all != nullptr) return all->arrived(true);
  done(true);
}

// `done` is empty when nobody waits.
void LaneHost::tell(Instance& instance, const Told& told, CallFn done) {
  if (instance.state() != Instance::State::kReady || instance.event_mask() == 0) {
    if (done) done({LCG_E_UNAVAILABLE, 0, "plugin '" + instance.name() + "' is not running", {}});
    return;
  }
  lcg_token token = 0;
  if (done) {
    const bool full = instance.outstanding >= instance.plugin().max_outstanding;
    token = full ? 0 : pending_.open(&instance);
    if (token == 0) {
      count(instance.counters.busy);
      return done({LCG_E_BUSY, 0, {}, {}});
    }
    Pending& p = pending_.value(token);
    p.instance = &instance;
    p.since = lane_.now();
    p.deadline = told.deadline;
    p.service = "event";
    p.method = event_name(told.what.kind);
    p.call_done = std::move(done);
    ++instance.outstanding;
  }
  count(instance.counters.requests);
  lcg_peer peer = c_peer(told.what.peer.get());
  peer.client_name = c_str(told.what.client_name);
  peer.client_version = c_str(told.what.client_version);
  lcg_event out{};
  out.struct_size = sizeof out;
  out.kind = told.what.kind;
  out.time_ms = told.time_ms;
  out.peer = told.what.peer == nullptr ? nullptr : &peer;
  out.channel = c_str(told.what.channel);
  out.code = told.what.code;
  out.slot = told.what.slot;
  out.reason = c_str(told.what.reason);
  out.term = told.term;
  Entry entry(instance, "on_event");
  instance.events().on_event(instance.handle(), token, &out);
  if (token != 0 && pending_.is_open(token)) arm(token, pending_.value(token));
}

// The plugin's only instance lives elsewhere. Its mailbox keeps the order in which this lane told them.
void LaneHost::tell_other_lane(uint32_t plugin, std::shared_ptr<const Told> told, CallFn done) {
  LaneHost& there = *shared_.lanes[shared_.roster[plugin].home];
  CallFn back;
  if (done) {
    back = [this, done = std::move(done)](ServiceCallResponse response) mutable {
      lane_.post(
          [done = std::move(done), response = std::move(response)]() mutable { done(std::move(response)); });
    };
  }
  there.lane_.post([&there, plugin, told = std::move(told), back = std::move(back)]() mutable {
    there.tell(*there.instances_[plugin], *told, std::move(back));
  });
}

}  // namespace lcg::host
