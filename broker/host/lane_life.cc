// The life of an instance on its lane: slots, timers, posts and offloads, start, stop.
#include "base/log.h"
#include "broker/host/abi_io.h"
#include "broker/host/lane_host.h"

namespace lcg::host {
namespace {

std::string seconds(Nanos took) {
  const int64_t tenths = took / Millis(100);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

// The first kMaxListedWaits of what was added, and how many there were.
class WaitList {
 public:
  void add(std::string what, Nanos age) {
    if (count_++ < kMaxListedWaits)
      text_ += (text_.empty() ? "" : ", ") + std::move(what) + " (" + seconds(age) + ")";
  }
  std::string text() const {
    return count_ <= kMaxListedWaits ? text_
                                     : text_ + " and " + std::to_string(count_ - kMaxListedWaits) + " more";
  }
  bool empty() const { return count_ == 0; }

 private:
  std::string text_;
  size_t count_ = 0;
};

}  // namespace

// --- slots and clients ---------------------------------------------------------------------------

void LaneHost::slot_changed(uint32_t slot, uint64_t term, bool owned) {
  owned_[slot] = {owned, owned ? term : 0};
  for (auto& instance : instances_) {
    if (instance == nullptr || instance->state() != Instance::State::kReady ||
        instance->ops().on_slot == nullptr)
      continue;
    Entry entry(*instance, "on_slot");
    instance->ops().on_slot(instance->handle(), slot, term, owned ? 1 : 0);
  }
}

void LaneHost::disconnected(const PeerPtr& peer, uint32_t code) {
  for (uint32_t i = 0; i < instances_.size(); ++i) {
    const Plugin& plugin = shared_.roster[i];
    if (plugin.loaded.ops.on_disconnect == nullptr) continue;
    auto tell = [peer, code](Instance& instance) {
      if (instance.state() != Instance::State::kReady) return;
      const lcg_peer who = c_peer(peer.get());
      Entry entry(instance, "on_disconnect");
      instance.ops().on_disconnect(instance.handle(), &who, code);
    };
    if (instances_[i] != nullptr) {
      tell(*instances_[i]);
      continue;
    }
    LaneHost& there = *shared_.lanes[plugin.home];
    there.lane_.post([&instance = *there.instances_[i], tell] { tell(instance); });
  }
}

// --- timers, posts, offloads ---------------------------------------------------------------------

lcg_status LaneHost::start_timer(Instance& instance, Millis delay, lcg_fn fn, void* user, lcg_timer& out) {
  const uint64_t token = timers_.open(&instance);
  if (token == 0) return LCG_E_BUSY;
  const TimerId timer = lane_.start_timer(delay, [this, token] {
    if (!timers_.claim(token)) return;
    const PluginTimer due = timers_.value(token);
    timers_.close(token);
    Entry entry(*due.instance, "timer");
    due.fn(due.user);
  });
  timers_.value(token) = {&instance, fn, user, timer};
  out = token;
  return LCG_OK;
}

lcg_status LaneHost::cancel_timer(Instance& instance, lcg_timer timer) {
  if (!timers_.claim(timer, &instance)) return LCG_E_STALE;
  lane_.cancel_timer(timers_.value(timer).timer);
  timers_.close(timer);
  return LCG_OK;
}

// Runs a promised callback, unless the instance is gone, and lets a stop that waits for it go on.
template <class Body>
void LaneHost::run_under_way(Instance& instance, const char* callback, Body&& body) {
  if (instance.may_be_entered()) {
    Entry entry(instance, callback);
    body();
  }
  instance.under_way.fetch_sub(1, std::memory_order_acq_rel);
  settled(instance);
}

lcg_status LaneHost::post(Instance& instance, lcg_fn fn, void* user) {
  if (!instance.may_use_host()) return LCG_E_CANCELLED;
  instance.under_way.fetch_add(1, std::memory_order_acq_rel);
  lane_.post([this, &instance, fn, user] { run_under_way(instance, "post", [&] { fn(user); }); });
  return LCG_OK;
}

lcg_status LaneHost::offload(Instance& instance, lcg_fn work, lcg_fn done, void* user) {
  instance.under_way.fetch_add(1, std::memory_order_acq_rel);
  auto in_pool = [plugin = instance.name().c_str(), work, user] {
    const CrashNote note(plugin, "offloaded work");
    work(user);
  };
  const Status accepted = shared_.pool.run(std::move(in_pool), lane_, [this, &instance, done, user] {
    run_under_way(instance, "offload done", [&] {
      if (done != nullptr) done(user);
    });
  });
  if (accepted.ok()) return LCG_OK;
  instance.under_way.fetch_sub(1, std::memory_order_acq_rel);
  return accepted.code() == Code::kCancelled ? LCG_E_CANCELLED : LCG_E_BUSY;
}

// --- create and start ----------------------------------------------------------------------------

Status LaneHost::create(uint32_t plugin, uint32_t index, uint32_t count) {
  Instance& instance = *instances_[plugin];
  Status created = instance.create(index, count);
  if (created.ok()) {
    shared_.interest.add(plugin, (instance.event_mask() & ~1u) | (instance.judges_commits() ? 1u : 0u));
    return created;
  }
  // There is nothing to tell: what it started before it failed just ends.
  instance.set_state(Instance::State::kGone);
  cancel_everything(instance);
  return created;
}

void LaneHost::start(uint32_t plugin, StatusFn done) {
  Instance& instance = *instances_[plugin];
  const lcg_token token = pending_.open(&instance);
  if (token == 0)
    return done({Code::kBusy, "plugin " + instance.label() + ": the lane has too much unanswered work"});
  Pending& p = pending_.value(token);
  p.instance = &instance;
  p.control = true;
  p.since = lane_.now();
  p.deadline = p.since + shared_.roster.options().start_deadline;
  p.call_done = [this, &instance, done = std::move(done)](ServiceCallResponse answer) mutable {
    instance.start_token = 0;
    if (instance.state() != Instance::State::kStarting) answer.status = LCG_E_CANCELLED;  // stopped meanwhile
    if (answer.status == LCG_OK) {
      ready(instance);
      return done({});
    }
    const std::string label = "plugin " + instance.label();
    if (answer.status == LCG_E_TIMEOUT) {
      const auto limit =
          std::chrono::duration_cast<std::chrono::seconds>(shared_.roster.options().start_deadline);
      return done({Code::kTimeout, label + ": not ready within " + std::to_string(limit.count()) +
                                       " s; it has open: " + describe_open(instance)});
    }
    done({Code::kInternal, label + ": start failed (" + std::string(status_name(answer.status)) +
                               "): " + (answer.message.empty() ? "it gave no reason" : answer.message)});
  };
  instance.start_token = token;
  instance.set_state(Instance::State::kStarting);
  Entry entry(instance, "start");
  instance.ops().start(instance.handle(), token);
  if (pending_.is_open(token)) arm(token, p);
}

// Every slot of the lane is told before the first call can reach the instance.
void LaneHost::ready(Instance& instance) {
  instance.set_state(Instance::State::kReady);
  if (instance.ops().on_slot == nullptr) return;
  for (uint32_t slot = 0; slot < owned_.size(); ++slot) {
    if (!owned_[slot].owned) continue;
    Entry entry(instance, "on_slot");
    instance.ops().on_slot(instance.handle(), slot, owned_[slot].term, 1);
  }
}

// --- stop ----------------------------------------------------------------------------------------

void LaneHost::stop(uint32_t plugin, StatusFn done) {
  Instance& instance = *instances_[plugin];
  const Instance::State state = instance.state();
  if (state < Instance::State::kCreated || state > Instance::State::kReady) return done({});
  instance.set_state(Instance::State::kStopping);
  if (const lcg_token starting = instance.start_token; pending_.claim(starting)) {
    pending_.value(starting).call_result = {LCG_E_CANCELLED, 0, {}, {}};
    finish(starting);
  }
  instance.stop_done = std::move(done);
  instance.stop_timer =
      lane_.start_timer(shared_.roster.options().stop_deadline, [this, &instance] { overdue(instance); });
  const lcg_token token = pending_.open(&instance);
  if (token == 0) return overdue(instance);
  Pending& p = pending_.value(token);
  p.instance = &instance;
  p.control = true;
  p.since = lane_.now();
  p.call_done = [this, &instance](ServiceCallResponse answer) {
    instance.stop_token = 0;
    if (instance.state() != Instance::State::kStopping) return;  // too late
    if (answer.status != LCG_OK) instance.log(3, "stopped with an error: " + answer.message);
    close(instance);
  };
  instance.stop_token = token;
  Entry entry(instance, "stop");
  instance.ops().stop(instance.handle(), token);
}

void LaneHost::close(Instance& instance) {
  instance.set_state(Instance::State::kClosing);
  cancel_everything(instance);
  settled(instance);
}

// Those who wait for the instance are told LCG_E_CANCELLED, as is the instance about what it waits for; its
// timers end.
void LaneHost::cancel_everything(Instance& instance) {
  std::vector<uint64_t> tokens;
  pending_.for_each([&](uint64_t token, Pending& p) {
    if (p.instance == &instance) tokens.push_back(token);
  });
  for (const uint64_t token : tokens) {
    if (!pending_.claim(token)) continue;
    Pending& p = pending_.value(token);
    if (p.chain_done) {
      refuse(token, LCG_E_CANCELLED);
    } else {
      p.call_result = {LCG_E_CANCELLED, 0, {}, {}};
      finish(token);
    }
  }
  tokens.clear();
  outgoing_.for_each([&](uint64_t token, Outgoing& o) {
    if (o.caller == &instance) tokens.push_back(token);
  });
  for (const uint64_t token : tokens) answered(token, {LCG_E_CANCELLED, 0, {}, {}});
  timers_.for_each([&](uint64_t token, PluginTimer& timer) {
    if (timer.instance == &instance) static_cast<void>(cancel_timer(instance, token));
  });
}

// Destroys an instance that has answered stop once nothing of it is under way.
void LaneHost::settled(Instance& instance) {
  if (instance.state() != Instance::State::kClosing ||
      instance.under_way.load(std::memory_order_acquire) != 0)
    return;
  {
    Entry entry(instance, "destroy");
    instance.ops().destroy(instance.handle());
    instance.set_state(Instance::State::kGone);
  }
  lane_.cancel_timer(std::exchange(instance.stop_timer, 0));
  StatusFn done = std::exchange(instance.stop_done, nullptr);
  done({});
}

void LaneHost::overdue(Instance& instance) {
  const auto limit = std::chrono::duration_cast<std::chrono::seconds>(shared_.roster.options().stop_deadline);
  const std::string open = describe_open(instance);
  log::error("plugin does not stop",
             {{"plugin", instance.name()}, {"instance", instance.index()}, {"open", open}});
  lane_.cancel_timer(std::exchange(instance.stop_timer, 0));
  StatusFn done = std::exchange(instance.stop_done, nullptr);
  instance.set_state(Instance::State::kClosing);  // it may ask for nothing more while it is told
  cancel_everything(instance);
  instance.set_state(Instance::State::kHung);
  done({Code::kTimeout, "plugin " + instance.label() + ": did not stop within " +
                            std::to_string(limit.count()) + " s; it has open: " + open +
                            "; it is not destroyed, end the process"});
}

std::string LaneHost::describe_open(const Instance& instance) {
  static constexpr std::string_view kKinds[] = {"?",   "connect", "subscribe", "publish",
                                                "rpc", "refresh", "http",      "sub_refresh"};
  const MonoTime now = lane_.now();
  WaitList requests, waits;
  size_t timers = 0;
  pending_.for_each([&](uint64_t, const Pending& p) {
    if (p.instance != &instance || p.control) return;
    requests.add(p.chain_done ? std::string(kKinds[p.request.kind]) + " " + p.request.name
                              : p.service + "." + p.method,
                 now - p.since);
  });
  outgoing_.for_each([&](uint64_t, const Outgoing& o) {
    if (o.caller == &instance) waits.add(o.service + "." + o.method, now - o.since);
  });
  timers_.for_each(
      [&](uint64_t, const PluginTimer& timer) { timers += timer.instance == &instance ? 1 : 0; });
  std::string out;
  if (!requests.empty()) out += "unanswered: " + requests.text() + "; ";
  if (!waits.empty()) out += "waits for: " + waits.text() + "; ";
  return out + std::to_string(timers) + " timers; " +
         std::to_string(instance.under_way.load(std::memory_order_relaxed)) + " posted or offloaded";
}

}  // namespace lcg::host
