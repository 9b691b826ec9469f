// Instance: one plugin on one lane: its functions, its state, what it has open, and what it cost.
//
// Made with the lane's LaneHost and living as long as it, so that the context a plugin holds stays valid
// whatever the plugin does after destroy. Lane only, except what is atomic.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/function.h"
#include "base/lane.h"
#include "base/status.h"
#include "broker/host/crash_note.h"
#include "broker/host/roster.h"
#include "lcg/ext/before_commit.h"
#include "lcg/ext/events.h"
#include "lcg/lcg_plugin.h"

namespace lcg::host {
class Instance;
class LaneHost;
}  // namespace lcg::host

// What a plugin gives back with every host function.
struct lcg_host_ctx {
  lcg::host::Instance* instance;
};

namespace lcg::host {

using StatusFn = UniqueFunction<void(Status)>;

// Any thread may read them; relaxed.
struct InstanceCounters {
  std::atomic<uint64_t> requests{0};     // asked by the chain
  std::atomic<uint64_t> calls_in{0};     // calls to its services
  std::atomic<uint64_t> calls_out{0};    // calls, publications and disconnects it made
  std::atomic<uint64_t> busy{0};         // refused: too many unanswered
  std::atomic<uint64_t> timeouts{0};     // answered by the host because the plugin was late
  std::atomic<uint64_t> stale{0};        // second, late or forged replies
  std::atomic<uint64_t> over_budget{0};  // callbacks over kCallbackBudget
  std::atomic<uint64_t> over_alarm{0};   // callbacks over kCallbackAlarm, logged
  std::atomic<uint64_t> log_dropped{0};  // log lines over kLogLinesPerSecond
};
inline void count(std::atomic<uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

class Instance {
 public:
  enum class State : uint8_t {
    kAbsent,    // not created yet, or create failed
    kCreating,  // inside create: may use the host, has no instance yet
    kCreated,   // waits for start
    kStarting,  // has not answered start
    kReady,     // serves
    kStopping,  // has not answered stop; may use the host to finish
    kClosing,   // answered stop; destroyed as soon as nothing posted or offloaded is under way
    kGone,      // destroyed: nothing enters it any more
    kHung       // did not stop in time: never entered again, never destroyed
  };

  Instance(LaneHost& lane_host, const Plugin& plugin, uint32_t slot_count);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  LaneHost& lane_host() { return lane_host_; }
  const Plugin& plugin() const { return plugin_; }
  const std::string& name() const { return plugin_.loaded.name; }
  const lcg_plugin_ops& ops() const { return plugin_.loaded.ops; }
  uint32_t index() const { return table_.instance_index; }
  // "uaa[0]": for logs and messages.
  std::string label() const;

  // Any thread.
  State state() const { return state_.load(std::memory_order_acquire); }
  void set_state(State state) { state_.store(state, std::memory_order_release); }
  // It may call, publish, start timers and post.
  bool may_use_host() const { return state() >= State::kCreating && state() <= State::kStopping; }
  // Callbacks that were promised may run.
  bool may_be_entered() const { return state() >= State::kCreating && state() <= State::kClosing; }

  // Runs create and keeps what it returned. Error kInvalid or kInternal: the plugin's own words.
  Status create(uint32_t index, uint32_t count);
  lcg_instance* handle() const { return handle_; }
  // After create: what it offers as "events/1". REQUIRES of events(): event_mask() is not 0.
  uint32_t event_mask() const { return events_.event_mask; }
  const lcg_events_v1& events() const { return events_; }
  // After create: whether it offers "before_commit/1". REQUIRES of commits(): it does.
  bool judges_commits() const { return commits_.on_commit != nullptr; }
  const lcg_before_commit_v1& commits() const { return commits_; }

  // host->config. *out stays valid as long as this object.
  lcg_status config(std::string_view path, lcg_str* out);
  // host->log, any thread. Lines over kLogLinesPerSecond are counted and reported once a second.
  void log(uint32_t level, std::string_view message);

  InstanceCounters counters;
  size_t outstanding = 0;              // unanswered requests and calls, start and stop not counted
  std::atomic<uint32_t> under_way{0};  // posts and offloads accepted and not finished; added on any thread
  lcg_token start_token = 0, stop_token = 0;
  TimerId stop_timer = 0;
  StatusFn stop_done;

 private:
  void ask_for_interfaces();

  LaneHost& lane_host_;
  const Plugin& plugin_;
  lcg_host_ctx context_{this};
  lcg_host table_{};
  lcg_instance* handle_ = nullptr;
  lcg_events_v1 events_{};          // all zero: none
  lcg_before_commit_v1 commits_{};  // likewise
  std::atomic<State> state_{State::kAbsent};
  std::deque<std::string> settings_read_;  // what config() handed out; a deque does not move its items
  std::atomic<int64_t> log_second_{0};
  std::atomic<uint32_t> log_lines_{0};
};

// Around every entry into a plugin: charges the time to it, and keeps the rest of the broker from running
// beneath it (LaneHost::leave runs what was deferred when the outermost entry ends).
class Entry {
 public:
  Entry(Instance& instance, const char* callback);
  ~Entry();
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

 private:
  Instance& instance_;
  const char* const callback_;
  std::optional<CrashNote> note_;
  const MonoTime began_;
};

}  // namespace lcg::host
