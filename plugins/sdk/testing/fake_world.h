// SPDX-License-Identifier: Apache-2.0
// fake_world.h: the inside of FakeHost: the event loop, the tokens, the routing. Not installed.
//
// Everything a plugin is told is an event of the loop, never a nested call. Events of an instance that is
// gone are skipped. mutex_ guards what plugins may touch from threads of their own: ready_, tokens_, logs_,
// random.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lcg/detail/core.hpp"
#include "lcg/lcg_plugin.h"
#include "lcg/reply.hpp"
#include "testing/fake_host.h"
#include "testing/fake_storage.h"

namespace lcg::testing {

struct OpenAnswer : Answer {
  lcg_token token = 0;
  uint64_t instance = 0;
};

// What one lcg_host_ctx is.
struct Instance {
  World* world = nullptr;
  std::string plugin;  // empty: the test itself
  Config config;
  std::set<std::string> read;
  const lcg_plugin_ops* ops = nullptr;
  lcg_instance* self = nullptr;
  lcg_host table{};
  uint64_t serial = 0;
  struct Call {
    lcg_done_fn done;
    void* user;
    lcg_timer timeout;
  };
  std::map<uint64_t, Call> calls;  // accepted, done not run yet
};

struct Plugin {
  const lcg_descriptor* descriptor = nullptr;
  Config config;
  uint32_t count = 1;
  std::vector<std::unique_ptr<Instance>> instances;
  bool serving = false;
};

struct World {
  explicit World(const Options& given);
  ~World();

  // --- events ---
  struct Event {
    uint64_t owner;  // Instance::serial, 0 for the world's own
    std::function<void()> fn;
  };
  void push(uint64_t owner, std::function<void()> fn);  // any thread
  lcg_timer start_timer(uint64_t owner, int64_t delay_ms, std::function<void()> fn);
  bool cancel_timer(lcg_timer timer);
  bool run_one();  // an event or a timer due now; false: nothing to do at this time
  void run();
  bool wait_for_threads();   // true when a thread of a plugin has posted something
  bool jump(int64_t until);  // to the next timer, not past `until`; false: none
  bool run_until(const std::function<bool()>& condition, int64_t max_ms);

  // --- instances ---
  Instance* find(uint64_t serial);
  Plugin* find_plugin(std::string_view name);
  void start(Plugin& plugin);
  void create_one(Plugin& plugin, uint32_t index);
  void start_all_of(Plugin& plugin);
  void tell_slots(Plugin& plugin);
  std::string stop(Plugin& plugin);  // why it did not stop, or empty
  void finish_calls(Instance& instance);
  void kill_all();
  void forget(const Instance& instance);

  // --- tokens and calls ---
  using Complete = std::function<void(Reply)>;
  // `counts`: the reply is a step. Those to start and stop are not.
  lcg_token issue(uint64_t instance, Complete complete, int64_t timeout_ms, bool counts = true);
  lcg_status reply(Instance& from, lcg_token token, const lcg_result* result);  // any thread
  void expire(lcg_token token);
  lcg_status start_call(Instance& caller, const lcg_call& call, lcg_done_fn done, void* user);
  void finish_call(uint64_t instance, uint64_t id, const Reply& reply);
  void deliver(ServiceCall call, Complete complete);
  void route(const std::string& plugin, const ServiceCall& call, Complete complete);
  lcg_status start_publish(Instance& from, const lcg_publication& publication, lcg_done_fn done, void* user);
  lcg_status start_offload(Instance& from, lcg_fn work, lcg_fn done, void* user);
  void send(Instance& to, Request request, std::shared_ptr<OpenAnswer> answer);
  void send(Instance& to, ClientEvent event, std::shared_ptr<OpenAnswer> answer);
  // Asks the plugins from number `step` on what they say of `commit` (FakeHost::commit).
  void judge(Commit commit, size_t step, bool replaced, Complete complete);
  lcg_status start_judging(Instance& caller, const lcg_commit& commit, lcg_done_fn done, void* user);
  // What the plugin's instance 0 offers as "before_commit/1", or null.
  static const lcg_before_commit_v1* judge_of(const Plugin& plugin);
  uint32_t slot_of(std::string_view key) const;

  // --- faults ---
  enum class Crossing { kProceed, kDropped, kFreezeAfter };
  Crossing cross(const Instance& who);  // REQUIRES: mutex held
  const Fault* match(std::string_view service, std::string_view method);

  const Options options;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Event> ready_;
  std::map<std::pair<int64_t, uint64_t>, Event> timers_;  // (due, id)
  std::map<uint64_t, int64_t> due_of_timer_;
  uint64_t next_id_ = 1;
  int64_t now_ns_;
  int64_t wall_skew_ms_ = 0;
  uint64_t random_state_;

  struct Token {
    uint64_t instance;
    Complete complete;
    lcg_timer deadline;
    bool counts;
  };
  std::map<lcg_token, Token> tokens_;
  lcg_token next_token_ = (lcg_token{1} << 32) + 1;
  uint64_t stale_replies_ = 0;
  std::vector<std::weak_ptr<OpenAnswer>> answers_;
  std::deque<std::function<void()>> offloads_;
  size_t offloads_open_ = 0;

  std::vector<std::unique_ptr<Plugin>> plugins_;  // in the order of loading
  std::map<std::string, FakeHost::AsyncProvider> providers_;
  Instance test_;
  std::unique_ptr<detail::Core> test_core_;
  struct Slot {
    uint64_t term = 1;
    bool owned = true;
  };
  std::vector<Slot> slots_;

  FakeStorage storage_;
  struct ArmedFault {
    Fault fault;
    uint64_t seen = 0;
  };
  std::vector<ArmedFault> faults_;
  uint64_t steps_ = 0, crash_step_ = 0;
  When crash_when_ = When::kBefore;
  std::atomic<bool> crashed_ = false;
  bool starting_ = false;  // offloads of a start are not deferred: nobody is there to run them

  std::vector<Publication> publications_;
  std::map<std::string, uint64_t> offset_of_channel_;
  std::vector<Disconnect> disconnects_;
  std::vector<UnsubscribeRecord> unsubscribes_;
  std::vector<CallRecord> calls_;
  std::vector<LogRecord> logs_;
};

// The function table of one instance (fake_host_api.cc).
lcg_host make_host_table(Instance& instance, uint32_t index, uint32_t count);

}  // namespace lcg::testing
