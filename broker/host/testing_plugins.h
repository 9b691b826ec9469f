// For the tests of this folder: plugins written as lambdas, and a simulated process to run them in.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sim_lane.h"
#include "broker/bus/bus_local.h"
#include "broker/host/abi_io.h"
#include "broker/host/plugin_set.h"

namespace lcg::host::testing {

// One instance of a scripted plugin, and short forms of the host functions.
struct Scripted {
  const lcg_host* host = nullptr;
  std::string text(std::string_view path) const {
    lcg_str out{};
    return host->config(host->ctx, c_str(path), &out) == LCG_OK ? std::string(view(out)) : "(none)";
  }
  // LCG_OK lets in, unless flags say otherwise.
  lcg_status reply(lcg_token token, lcg_status status = LCG_OK, std::string_view data = "",
                   uint64_t flags = LCG_RESULT_GRANT) const {
    lcg_result result{};
    result.struct_size = sizeof result;
    result.status = status;
    result.flags = flags;
    result.data = c_bytes(data);
    return host->reply(host->ctx, token, &result);
  }
  lcg_status call(std::string_view service, std::string_view method, std::string_view key, lcg_done_fn done,
                  void* user, uint32_t timeout_ms = 0) const {
    lcg_call out{};
    out.struct_size = sizeof out;
    out.timeout_ms = timeout_ms;
    out.service = c_str(service);
    out.method = c_str(method);
    out.key = c_str(key);
    return host->call(host->ctx, &out, done, user);
  }
};

// What a plugin does. An empty function is NULL in its table, except create, start, stop and destroy, which
// then do the least that is right.
struct Script {
  std::string provides;
  std::function<lcg_status(Scripted&, std::string& why)> create;
  std::function<void(Scripted&, lcg_token)> start, stop, on_cancel;
  std::function<void(Scripted&)> destroy;
  std::function<void(Scripted&, const lcg_request&)> on_request;
  std::function<void(Scripted&, lcg_token, const lcg_call&)> on_call;
  std::function<void(Scripted&, uint32_t slot, uint64_t term, bool owned)> on_slot;
  std::function<void(Scripted&, const lcg_peer&, uint32_t)> on_disconnect;
  std::function<void(Scripted&, lcg_token, const lcg_event&)> on_event;
  uint32_t event_mask = 0x7e;  // with on_event: all there are
  std::function<void(Scripted&, lcg_token, const lcg_commit&)> on_commit;
  uint16_t abi_minor = LCG_ABI_MINOR;
  uint32_t kinds =
      1u << LCG_REQ_CONNECT | 1u << LCG_REQ_SUBSCRIBE | 1u << LCG_REQ_PUBLISH | 1u << LCG_REQ_RPC;
};

// Settings from a map; "script" leads the C functions to their Script.
class MapSettings final : public PluginSettings {
 public:
  explicit MapSettings(std::map<std::string, std::string, std::less<>> values) : values_(std::move(values)) {}
  std::optional<std::string> scalar(std::string_view path) override {
    read_[std::string(path)] = true;
    auto at = values_.find(path);
    if (at == values_.end()) return std::nullopt;
    return at->second;
  }
  std::vector<std::string> unread() const override {
    std::vector<std::string> out;
    for (const auto& [path, value] : values_) {
      if (!read_.contains(path)) out.push_back("test.yaml: " + path);
    }
    return out;
  }

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::map<std::string, bool> read_;
};

// A plugin of the program itself. The descriptor refers to this object.
class LinkedPlugin {
 public:
  LinkedPlugin(std::string name, Script what) : name_(std::move(name)), script_(std::move(what)) {
    ops_.struct_size = sizeof ops_;
    ops_.create = &create;
    ops_.start = [](lcg_instance* i, lcg_token t) noexcept {
      script(i).start ? script(i).start(self(i), t) : static_cast<void>(self(i).reply(t));
    };
    ops_.stop = [](lcg_instance* i, lcg_token t) noexcept {
      script(i).stop ? script(i).stop(self(i), t) : static_cast<void>(self(i).reply(t));
    };
    ops_.destroy = [](lcg_instance* i) noexcept {
      if (script(i).destroy) script(i).destroy(self(i));
      delete box(i);
    };
    if (script_.on_request) {
      ops_.request_mask = script_.kinds;
      ops_.on_request = [](lcg_instance* i, const lcg_request* r) noexcept {
        script(i).on_request(self(i), *r);
      };
    }
    if (script_.on_cancel)
      ops_.on_cancel = [](lcg_instance* i, lcg_token t) noexcept { script(i).on_cancel(self(i), t); };
    if (script_.on_call) {
      ops_.on_call = [](lcg_instance* i, lcg_token t, const lcg_call* c) noexcept {
        script(i).on_call(self(i), t, *c);
      };
    }
    if (script_.on_slot) {
      ops_.on_slot = [](lcg_instance* i, uint32_t slot, uint64_t term, uint32_t owned) noexcept {
        script(i).on_slot(self(i), slot, term, owned != 0);
      };
    }
    if (script_.on_disconnect) {
      ops_.on_disconnect = [](lcg_instance* i, const lcg_peer* p, uint32_t c) noexcept {
        script(i).on_disconnect(self(i), *p, c);
      };
    }
    if (script_.on_event || script_.on_commit) {
      ops_.query = [](lcg_instance* i, lcg_str interface) noexcept -> const void* {
        if (view(interface) == LCG_EVENTS_V1 && script(i).on_event) return &box(i)->events;
        return view(interface) == LCG_BEFORE_COMMIT_V1 && script(i).on_commit ? &box(i)->commits : nullptr;
      };
    }
    descriptor_ = {
        LCG_ABI_MAGIC, sizeof descriptor_,       LCG_ABI_MAJOR, script_.abi_minor, 0, 0, name_.c_str(), "1",
        "Apache-2.0",  script_.provides.c_str(), &ops_};
  }
  LinkedPlugin(const LinkedPlugin&) = delete;
  LinkedPlugin& operator=(const LinkedPlugin&) = delete;

  PluginSpec spec(bool per_lane, std::map<std::string, std::string, std::less<>> settings = {}) const {
    settings["script"] = std::to_string(reinterpret_cast<uintptr_t>(&script_));
    PluginSpec out;
    out.name = name_;
    out.per_lane = per_lane;
    out.settings = std::make_shared<MapSettings>(std::move(settings));
    out.linked = &descriptor_;
    return out;
  }

 private:
  struct Box {
    Scripted scripted;
    const Script* script;
    lcg_events_v1 events{};
    lcg_before_commit_v1 commits{sizeof(lcg_before_commit_v1), 0,
                                 [](lcg_instance* i, lcg_token t, const lcg_commit* c) noexcept {
                                   LinkedPlugin::script(i).on_commit(LinkedPlugin::self(i), t, *c);
                                 }};
  };
  static Box* box(lcg_instance* i) { return reinterpret_cast<Box*>(i); }
  static Scripted& self(lcg_instance* i) { return box(i)->scripted; }
  static const Script& script(lcg_instance* i) { return *box(i)->script; }
  static lcg_status create(const lcg_host* host, lcg_instance** out, char* err, size_t err_size) noexcept {
    auto made = std::make_unique<Box>();
    made->scripted.host = host;
    made->script = reinterpret_cast<const Script*>(std::stoull(made->scripted.text("script")));
    if (made->script->create) {
      std::string why;
      const lcg_status status = made->script->create(made->scripted, why);
      if (status != LCG_OK) {
        err[why.copy(err, err_size - 1)] = '\0';
        return status;
      }
    }
    made->events = {sizeof(lcg_events_v1), made->script->event_mask,
                    [](lcg_instance* i, lcg_token t, const lcg_event* e) noexcept {
                      script(i).on_event(self(i), t, *e);
                    }};
    *out = reinterpret_cast<lcg_instance*>(made.release());
    return LCG_OK;
  }

  const std::string name_;
  const Script script_;
  lcg_plugin_ops ops_{};
  lcg_descriptor descriptor_{};
};

// A broker lane that knows nothing but plugins: every slot of its lane is held under term 7.
class BareBroker final : public RequestHandler {
 public:
  static constexpr uint64_t kTerm = 7;
  explicit BareBroker(const uint32_t slots) : slots_(slots) {}
  void on_request(Request request, ResponseFn done) override {
    if (auto* call = std::get_if<ServiceCall>(&request)) {
      const uint32_t slot = slot_of_key(call->key, slots_);
      return host->serve(std::move(*call), slot, kTerm,
                         [done = std::move(done)](ServiceCallResponse r) mutable { done(std::move(r)); });
    }
    if (auto* publish = std::get_if<ServerPublish>(&request)) {
      published.push_back(*publish);
      PublishResponse response;
      response.position = {published.size(), "e1"};
      return done(std::move(response));
    }
    if (auto* disconnect = std::get_if<DisconnectSessions>(&request)) disconnected.push_back(*disconnect);
    if (auto* unsubscribe = std::get_if<UnsubscribeSessions>(&request)) {
      unsubscribed.push_back(*unsubscribe);
      published_before_unsubscribe = published.size();
      return done(UnsubscribeSessionsResponse{});
    }
    if (!holds_disconnects) return done(on_disconnect);
    held.push_back(std::move(done));
  }
  DisconnectSessionsResponse on_disconnect;
  bool holds_disconnects = false;
  std::vector<ResponseFn> held;  // answers of disconnects
  PluginHost* host = nullptr;
  std::vector<ServerPublish> published;
  std::vector<DisconnectSessions> disconnected;
  std::vector<UnsubscribeSessions> unsubscribed;
  size_t published_before_unsubscribe = 0;

 private:
  const uint32_t slots_;
};

// Every request has this answer, given at once.
inline Script answering(lcg_status status, std::string data = "") {
  Script script;
  script.on_request = [status, data = std::move(data)](Scripted& me, const lcg_request& r) {
    me.reply(r.token, status, data);
  };
  return script;
}

// A process in simulation. Call add() for each plugin in order, then boot().
class SimProcess {
 public:
  static constexpr uint32_t kSlots = 16;
  explicit SimProcess(unsigned lanes = 1, uint64_t seed = 1) : world(seed, lanes), bus(kSlots, lanes) {}

  ~SimProcess() {
    if (set != nullptr) stop();
  }

  void add(const std::string& name, Script script, bool per_lane = true,
           std::map<std::string, std::string, std::less<>> settings = {}) {
    plugins_.push_back(std::make_unique<LinkedPlugin>(name, std::move(script)));
    specs.push_back(plugins_.back()->spec(per_lane, std::move(settings)));
  }
  Status load() {
    std::vector<Lane*> lanes;
    for (size_t i = 0; i < world.size(); ++i) lanes.push_back(&world.lane(i));
    auto made = PluginSet::make(options, specs, lanes, bus, world.blocking_pool());
    if (!made.ok()) return made.status();
    set = std::move(made.value());
    for (uint32_t i = 0; i < world.size(); ++i) {
      brokers.push_back(std::make_unique<BareBroker>(kSlots));
      brokers.back()->host = &set->host(i);
      bus.serve(i, world.lane(i), *brokers.back());
    }
    return {};
  }
  // Runs start or stop to its end; nothing when it does not come within a minute.
  std::optional<Status> start() {
    return outcome([this](StatusFn done) { set->start_all(0, std::move(done)); });
  }
  std::optional<Status> stop() {
    return outcome([this](StatusFn done) { set->stop(std::move(done)); });
  }
  void boot() {
    const Status loaded = load();
    ASSERT_TRUE(loaded.ok()) << loaded.message();
    const std::optional<Status> started = start();
    ASSERT_TRUE(started && started->ok()) << (started ? started->message() : "start did not end");
    for (uint32_t slot = 0; slot < kSlots; ++slot) {
      world.on(world.lane(slot % world.size()), [&] {
        set->host(slot % static_cast<uint32_t>(world.size())).slot_changed(slot, BareBroker::kTerm, true);
      });
    }
  }

  // The chain's answer to one request of `kind`, run on `lane` until it comes.
  std::optional<ChainResult> chain(uint32_t kind, std::string name = "m", std::string data = "",
                                   Millis timeout = Millis(1000), unsigned lane = 0) {
    std::optional<ChainResult> answer;
    world.lane(lane).post([&] {
      ChainRequest request;
      request.kind = kind;
      request.peer = peer;
      request.name = std::move(name);
      request.data = SharedBytes(data);
      set->host(lane).run_chain(std::move(request), timeout, [&](ChainResult result) {
        ++answers;
        answer = std::move(result);
      });
    });
    world.run_until([&] { return answer.has_value(); }, Millis(60'000));
    return answer;
  }
  std::optional<ServiceCallResponse> call(std::string service, std::string key, unsigned lane = 0,
                                          Millis timeout = Millis(1000)) {
    std::optional<ServiceCallResponse> answer;
    world.lane(lane).post([&] {
      ServiceCall request;
      request.service = std::move(service);
      request.method = "m";
      request.key = std::move(key);
      request.caller = "host";
      set->host(lane).call(std::move(request), timeout, [&](ServiceCallResponse result) {
        ++answers;
        answer = std::move(result);
      });
    });
    world.run_until([&] { return answer.has_value(); }, Millis(60'000));
    return answer;
  }
  // Tells an event and waits for the host's answer.
  std::optional<bool> event(EventRequest what, unsigned lane = 0) {
    std::optional<bool> taken;
    world.lane(lane).post([&] {
      set->host(lane).event(std::move(what), [&](bool ok) {
        ++answers;
        taken = ok;
      });
    });
    world.run_until([&] { return taken.has_value(); }, Millis(60'000));
    return taken;
  }
  const Instance& instance(const std::string& name, uint32_t index = 0) {
    const Instance* found = nullptr;
    set->for_each_instance([&](const Instance& i) {
      if (i.name() == name && i.index() == index) found = &i;
    });
    return *found;
  }

  SimWorld world;
  BusLocal bus;
  HostOptions options;
  std::vector<PluginSpec> specs;
  std::unique_ptr<PluginSet> set;
  std::vector<std::unique_ptr<BareBroker>> brokers;
  PeerPtr peer =
      std::make_shared<Peer>(Peer{"s1", "alice", "d1", 3, false, "a1", "192.0.2.1:5", false, {}, {}});
  int answers = 0;

 private:
  template <class Begin>
  std::optional<Status> outcome(Begin begin) {
    std::optional<Status> out;
    begin([&](Status status) { out = std::move(status); });
    world.run_until([&] { return out.has_value(); }, Millis(60'000));
    return out;
  }
  std::vector<std::unique_ptr<LinkedPlugin>> plugins_;
};

}  // namespace lcg::host::testing
