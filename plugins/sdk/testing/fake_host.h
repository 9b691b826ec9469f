// SPDX-License-Identifier: Apache-2.0
// fake_host.h: a whole broker for unit tests of plugins, in one thread and in virtual time.
//
// Load one or several plugins (by descriptor; link `<name>_static` and name it with LCG_DECLARE_PLUGIN), ask
// them things, look at what they did. The service "storage" is there from the start (FakeStorage); any
// service can be scripted; plugins call each other as they would in a broker. Time moves only when nothing
// else can.
//
// Crash tests: every call, publish and reply of a plugin is a step. crash_at(n) freezes the world before or
// after the n-th; restart() drops all instances where they stand, loses what the store had not synced, and
// starts them again.
//
//   for (uint64_t n = 1;; ++n) {
//     FakeHost host;
//     host.load(lcg_plugin_descriptor_dialog());
//     host.crash_at(n);
//     host.ask(rpc("dialog.create", "{}", user));
//     if (!host.crashed()) break;      // the scenario has fewer than n steps: every one was tried
//     host.restart();
//     ... what must be true now ...
//   }
//
// Lane: the thread that made it. Plugins may use the host functions marked [any] from their own threads.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lcg/ext/before_commit.h"
#include "lcg/host.hpp"
#include "lcg/lcg_plugin.h"
#include "lcg/reply.hpp"
#include "testing/fake_storage.h"

// The descriptor of a plugin linked as `<name>_static`: lcg_plugin_descriptor_<name>().
#define LCG_DECLARE_PLUGIN(name) \
  extern "C" const lcg_descriptor* lcg_plugin_descriptor_##name(void) LCG_NOEXCEPT

namespace lcg::testing {

// Settings as dotted paths: {"pool.size", "4"}, {"servers.0.host", "a"}, {"servers.#", "1"}.
using Config = std::map<std::string, std::string>;

// A plugin was refused, failed to start or did not stop; what() says why.
class PluginError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  uint64_t seed = 1;  // of Host::random and of the jitter
  uint32_t slot_count = 16;
  uint16_t abi_minor = LCG_ABI_MINOR;   // what the host claims to be
  uint32_t call_timeout_ms = 5000;      // for calls that name none
  uint32_t request_timeout_ms = 10000;  // after it a request is answered LCG_E_TIMEOUT
  uint32_t start_timeout_ms = 10000, stop_timeout_ms = 10000;
  uint32_t reply_jitter_ms = 0;  // answers of services arrive up to this much later, so out of order
  bool offer_channels = true;    // whether Host::query knows "channels/1"
  bool defer_offload = false;    // offloaded work waits for run_offloads(), once started
  size_t offload_limit = 64;     // beyond it LCG_E_BUSY
  // Plugins with threads of their own: how long, in real milliseconds, an idle world waits for one of them to
  // post before it moves the clock instead. 0: it does not wait.
  uint32_t real_wait_ms = 0;
};

// An answer that may not have come yet.
struct Answer {
  bool done = false;
  bool lost = false;  // the world crashed first: it will never come
  Reply reply;
};
using Pending = std::shared_ptr<const Answer>;

enum class When { kBefore, kAfter };

// Makes a call fail. With kAfter the provider does its work and only the answer is replaced (LCG_E_TIMEOUT:
// outcome unknown). service "@publish" means publications.
struct Fault {
  lcg_status status = LCG_E_UNAVAILABLE;
  uint64_t nth = 1;    // of the calls that match, from now on, 1-based
  uint64_t times = 1;  // this many in a row
  When when = When::kBefore;
  bool refuse = false;          // host->call itself returns the status
  std::string service, method;  // empty: any
};

struct CallRecord {
  std::string caller, service, method, key, data;
  uint32_t slot = 0;
};
// What a channel provider did through the optional interface "channels/1".
struct UnsubscribeRecord {
  std::string channel, user_id;
  uint32_t code = 0;
  std::string reason;
  std::string session_id;  // instead of user_id
};
struct LogRecord {
  uint32_t level = 0;
  std::string plugin, text;
};

// Requests as a client would make them.
Request connect(std::string credential, std::string data = {}, Peer peer = {});
Request subscribe(std::string channel, Peer peer = {});
Request publish(std::string channel, std::string data, Peer peer = {});
Request rpc(std::string method, std::string data, Peer peer = {});
Request refresh(std::string credential, Peer peer = {});
Request sub_refresh(std::string channel, std::string credential = {}, Peer peer = {});
Request http(std::string method_and_path, std::string body, std::string authorization = {}, Peer peer = {});
// A message that `peer` says in a dialog (LCG_COMMIT_*).
Commit commit(std::string channel, std::string data, Peer peer = {}, uint32_t kind = LCG_COMMIT_MESSAGE);
// A peer with a session of its own.
Peer peer(std::string user_id, std::string device_id = "device", std::string session_id = {});

struct World;

class FakeHost {
 public:
  using Provider = std::function<Reply(const ServiceCall&)>;
  using AsyncProvider = std::function<void(ServiceCall, std::function<void(Reply)> answer)>;

  explicit FakeHost(Options options = {});
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost();  // stops all plugins

  // --- plugins: throw PluginError
  // ----------------------------------------------------------------------------- Checks, creates and starts
  // it and tells it its slots. The name is the descriptor's.
  void load(const lcg_descriptor* descriptor, Config config = {}, uint32_t instances = 1);
  // Stops and destroys all, the last loaded first.
  void stop();
  // Settings no instance of the plugin read during create.
  std::vector<std::string> unread_config(std::string_view plugin) const;
  // Answers calls of `service` in place of a plugin; the last one given or loaded counts.
  void provide(const std::string& service, Provider provider);
  void provide_async(const std::string& service, AsyncProvider provider);

  // --- asking: the same as a client or a peer broker would
  // ---------------------------------------------------- Runs the world until the answer is there. Without a
  // plugin name the chain is asked in the order of loading until one does not defer, or to be let in until one grants or
  // refuses. All defer: LCG_E_DENIED. All defer or have no objection: LCG_DEFER, for the configuration decides; a publish
  // then has the data and options that were put in the place of the client's.
  Reply ask(Request request);
  Reply ask(std::string_view plugin, Request request);
  Reply call(Call call);
  // The same without waiting.
  Pending send(std::string_view plugin, Request request);
  Pending send_call(Call call);
  // Tells an event, and waits where a broker waits (connect, subscribe, occupied). A plugin that does not want
  // the kind: LCG_OK.
  Reply tell(std::string_view plugin, ClientEvent event);
  // Something is about to be kept: asks the plugins that have `before_commit` as a broker does, in the order of loading.
  // Ok: it is kept, as `data` when that is not empty. LCG_E_DENIED: it is not. LCG_E_UNAVAILABLE: a plugin failed, and
  // its setting before_commit.on_failure does not say allow.
  Reply commit(Commit commit);
  Pending send(std::string_view plugin, ClientEvent event);
  // The client went away before the answer.
  void cancel(const Pending& pending);
  void peer_gone(std::string_view plugin, const Peer& peer, uint32_t code);
  // Ownership of one slot changes; every plugin is told.
  void set_slot(uint32_t slot, uint64_t term, bool owned);
  uint32_t slot_of(std::string_view key) const;

  // --- running -----------------------------------------------------------------------------------
  void run();                // until nothing is left to do now
  void advance(int64_t ms);  // with all timers on the way
  // Moves the clock as far as needed, at most max_ms. True when `condition` holds.
  bool run_until(const std::function<bool()>& condition, int64_t max_ms = 60'000);
  void run_offloads();  // with Options::defer_offload
  int64_t now_ns() const;
  int64_t wall_ms() const;
  void skew_wall_ms(int64_t ms);  // the wall clock jumps

  // A Host for the test itself, to use a typed client with, and a way to run a coroutine to its end.
  Host host();
  template <class T>
  T await(Task<T> task);

  // --- faults ------------------------------------------------------------------------------------
  void inject(Fault fault);
  void clear_faults();
  // Freezes the world at the nth step from now, 1-based.
  void crash_at(uint64_t nth, When when = When::kBefore);
  bool crashed() const;
  // Kills every instance where it stands (a kill -9 when the world is not frozen), then starts all again
  // under the next term. keep_unsynced: FakeStorage::crash. May freeze again if crash_at was set meanwhile.
  void restart(size_t keep_unsynced = 0);
  uint64_t steps() const;

  // --- what happened -----------------------------------------------------------------------------
  FakeStorage& storage();
  const std::vector<Publication>& publications() const;
  const std::vector<Disconnect>& disconnects() const;
  const std::vector<UnsubscribeRecord>& unsubscribes() const;
  const std::vector<CallRecord>& calls() const;
  std::vector<LogRecord> logs() const;
  uint64_t stale_replies() const;  // answers to what was answered already
  size_t open_requests() const;    // issued and not answered

 private:
  Reply wait(const Pending& pending);
  const std::unique_ptr<World> world_;
};

template <class T>
T FakeHost::await(Task<T> task) {
  if constexpr (std::is_void_v<T>) {
    bool done = false;
    auto body = [](Task<T> inner, bool* flag) -> Task<> {
      co_await std::move(inner);
      *flag = true;
    };
    host().spawn(body(std::move(task), &done));
    run_until([&done] { return done; });
    if (!done) throw PluginError("the task did not end");
  } else {
    std::optional<T> result;
    auto body = [](Task<T> inner, std::optional<T>* out) -> Task<> {
      out->emplace(co_await std::move(inner));
    };
    host().spawn(body(std::move(task), &result));
    run_until([&result] { return result.has_value(); });
    if (!result) throw PluginError("the task did not end");
    return *std::move(result);
  }
}

}  // namespace lcg::testing
