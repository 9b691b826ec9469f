// LaneHost: the PluginHost of one broker lane.
//
// Three tables of tokens, one for each thing that can be open: `pending_`, what a plugin has to answer;
// `outgoing_`, what a plugin or the broker has asked; `timers_`. Nothing of the broker ever runs beneath a
// plugin's callback: an answer given, a call made or a publication inside one is queued and taken up when the
// outermost Entry ends (still inside run_chain, if that is who entered). So a plugin is never entered twice,
// `done` never runs inside the accepting call, and a chain of plugins answering each other is a loop and not
// a recursion; after kTurnBatch steps the rest is posted, so that it cannot starve the lane.
//
// Owned by PluginSet. Lane: its own, except reply() and post(). Destroyed after the lanes have ended.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/blocking_pool.h"
#include "base/lane.h"
#include "broker/api/bus.h"
#include "broker/host/event_interest.h"
#include "broker/host/instance.h"
#include "broker/host/plugin_host.h"
#include "broker/host/roster.h"
#include "broker/host/token_table.h"

namespace lcg::host {

class LaneHost final : public PluginHost {
 public:
  // What the lane hosts of one process share. Outlives them.
  struct Shared {
    const Roster& roster;
    Bus& bus;
    BlockingPool& pool;
    EventInterest& interest;
    std::vector<LaneHost*> lanes;  // by broker lane
  };
  struct Done {
    lcg_done_fn fn = nullptr;
    void* user = nullptr;
  };

  LaneHost(const Shared& shared, uint32_t lane_number, Lane& lane);
  LaneHost(const LaneHost&) = delete;
  LaneHost& operator=(const LaneHost&) = delete;
  ~LaneHost() override;

  Lane& lane() { return lane_; }
  uint32_t slot_count() const { return static_cast<uint32_t>(owned_.size()); }
  // Null: that plugin's only instance lives on another lane.
  Instance* instance(uint32_t plugin) { return instances_[plugin].get(); }

  // PluginHost
  void run_chain(ChainRequest request, Millis timeout, ChainFn done) override;
  bool wants(uint32_t kind) const override { return !shared_.roster.chain(kind).empty(); }
  bool uses_devices() const override { return provides("message") || provides("devices"); }
  void call(ServiceCall call, Millis timeout, CallFn done) override;
  void serve(ServiceCall call, uint32_t slot, uint64_t term, CallFn done) override;
  void slot_changed(uint32_t slot, uint64_t term, bool owned) override;
  void disconnected(const PeerPtr& peer, uint32_t code) override;
  bool wants_event(uint32_t kind) const override { return shared_.interest.any(kind); }
  void event(EventRequest event, EventFn done) override;

  // Life of one instance, driven by PluginSet. `done` runs once, on this lane.
  Status create(uint32_t plugin, uint32_t index, uint32_t count);
  void start(uint32_t plugin, StatusFn done);  // REQUIRES: kCreated
  void stop(uint32_t plugin, StatusFn done);   // whatever its state
  // "unanswered: rpc chat.send (3.1 s); waits for: storage.get (2.0 s); 3 timers": what an instance has open.
  std::string describe_open(const Instance& instance);

  // Entry's.
  void enter() { ++depth_; }
  void leave() {
    if (--depth_ == 0) drain();
  }

  // Any thread. "": none.
  bool provides(std::string_view service) const {
    return shared_.roster.services().find(service).has_value();
  }
  const std::string& user_prefix(const Instance& instance) const {
    return shared_.roster.authorities().prefix(instance.plugin().number);
  }
  std::string_view user_prefix_of(std::string_view user) const {
    return shared_.roster.authorities().prefix_of(user);
  }

  // host_api's. reply and post: any thread.
  lcg_status reply(Instance& instance, lcg_token token, const lcg_result* result);
  lcg_status post(Instance& instance, lcg_fn fn, void* user);
  lcg_status publish(Instance& instance, const lcg_publication& publication, Done done);
  lcg_status call_from(Instance& instance, const lcg_call& call, Done done);
  lcg_status disconnect(Instance& instance, const lcg_disconnect& disconnect, Done done);
  lcg_status unsubscribe(Instance& instance, UnsubscribeSessions request);
  bool judges_commits() const { return shared_.interest.any(EventInterest::kCommits); }
  lcg_status judge_commit(Instance& instance, const lcg_commit& commit, Done done);
  lcg_status start_timer(Instance& instance, Millis delay, lcg_fn fn, void* user, lcg_timer& out);
  lcg_status cancel_timer(Instance& instance, lcg_timer timer);
  lcg_status offload(Instance& instance, lcg_fn work, lcg_fn done, void* user);

 private:
  // Something that is about to be kept, on its way through those who are asked (lane_commits.cc).
  struct Judging {
    uint32_t kind = 0;
    PeerPtr peer;
    std::string channel, type;
    SharedBytes data;
    uint64_t target = 0, cseq = 0;
    uint32_t max_bytes = 0;
    uint32_t step = 0;      // the plugin that is asked
    bool replaced = false;  // data is a plugin's
  };
  // One question a plugin has to answer, or (instance null, between two plugins) a chain on its way. Which of
  // the two completions is set says what it is: a chain, or a call; start and stop are calls of the host's
  // own.
  struct Pending {
    Instance* instance = nullptr;
    bool control = false;     // start or stop: not counted as outstanding, never cancelled by on_cancel
    bool judges = false;      // asked before a commit: a deferral is an answer
    bool one_plugin = false;  // asked by another lane's chain: a deferral is an answer
    uint32_t step = 0;        // place in the chain
    bool replaced = false;    // publish: an earlier plugin had no objection, and other data or options
    TimerId timer = 0;
    MonoTime since, deadline;
    ChainRequest request;
    ChainFn chain_done;
    ChainResult chain_result;  // what an earlier use left in it is written over as a whole
    SharedBytes options;       // with `replaced`
    std::string service, method;
    CallFn call_done;
    ServiceCallResponse call_result;
  };
  struct Outgoing {
    Instance* caller = nullptr;  // null: the broker
    Done done{};
    CallFn host_done;
    Millis timeout{0};
    MonoTime since;
    std::string service, method;
    std::variant<std::monostate, ServiceCall, ServerPublish, DisconnectSessions, UnsubscribeSessions,
                 std::shared_ptr<Judging>>
        request;
  };
  struct PluginTimer {
    Instance* instance = nullptr;
    lcg_fn fn = nullptr;
    void* user = nullptr;
    TimerId timer = 0;
  };
  struct Ownership {
    bool owned = false;
    uint64_t term = 0;
  };
  enum class Step : uint8_t { kFinish, kSend };

  // Deferred steps (lane_host.cc).
  void defer(Step step, uint64_t token) { steps_.push_back({step, token}); }
  void drain();
  void schedule_drain();

  // Chains (lane_host.cc). A token here is claimed.
  void advance(lcg_token token);
  void ask(Instance& instance, lcg_token token);
  void ask_other_lane(uint32_t plugin, lcg_token token);
  void answer_for(uint32_t plugin, ChainRequest request, MonoTime deadline, ChainFn done);
  void refuse(lcg_token token, lcg_status why);

  // What is pending (lane_host.cc).
  void arm(lcg_token token, Pending& pending);
  void expire(lcg_token token);
  void finish(lcg_token token);
  static void take_along(Pending& pending);
  void without_grant(Instance& instance, uint32_t kind, ChainResult& answer);  // any thread
  void hold_to_own_users(Instance& instance, ChainResult& who);                // any thread

  // Calls (lane_calls.cc).
  lcg_status submit_from(Instance& instance, Outgoing&& outgoing);
  void send(uint64_t token);
  void send_call(uint64_t token, Outgoing& outgoing);
  void send_publish(uint64_t token, Outgoing& outgoing);
  void send_disconnect(uint64_t token, Outgoing& outgoing);
  void send_unsubscribe(uint64_t token, Outgoing& outgoing);
  Target owner_of_channel(std::string_view channel) const;
  void forward(const Plugin& plugin, ServiceCall call, CallFn done);
  void serve_on(Instance& instance, const ServiceCall& call, uint32_t slot, uint64_t term, CallFn done);
  void answered(uint64_t token, ServiceCallResponse response);

  // Events (lane_events.cc). `time_ms` and `term` are the lane's that owns the slot.
  struct Told {
    EventRequest what;
    int64_t time_ms = 0;
    uint64_t term = 0;
    MonoTime deadline;
  };
  void tell(Instance& instance, const Told& told, CallFn done);
  void tell_other_lane(uint32_t plugin, std::shared_ptr<const Told> told, CallFn done);

  // Before a commit (lane_commits.cc). `token` is the outgoing one of who asks.
  void judge(uint64_t token, std::shared_ptr<Judging> commit);
  void judged(uint64_t token, std::shared_ptr<Judging> commit, ServiceCallResponse verdict);
  void ask_before_commit(Instance& instance, const Judging& commit, CallFn done);

  // Life (lane_life.cc).
  void ready(Instance& instance);
  void close(Instance& instance);
  void cancel_everything(Instance& instance);
  void settled(Instance& instance);
  void overdue(Instance& instance);
  template <class Body>
  void run_under_way(Instance& instance, const char* callback, Body&& body);

  const Shared& shared_;
  const uint32_t lane_number_;
  Lane& lane_;
  std::vector<std::unique_ptr<Instance>> instances_;  // by plugin
  std::vector<Ownership> owned_;                      // by slot
  TokenTable<Pending, kPendingBits> pending_;
  TokenTable<Outgoing, kOutgoingBits> outgoing_;
  TokenTable<PluginTimer, kTimerBits> timers_;
  std::vector<std::pair<Step, uint64_t>> steps_;
  unsigned depth_ = 0;  // entries into plugins on the stack
  bool draining_ = false;
  bool drain_posted_ = false;
};

}  // namespace lcg::host
