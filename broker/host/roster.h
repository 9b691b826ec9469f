// Roster: the configured plugins after loading: who is asked in which order, who provides what, who lives
// where. Made once at boot and immutable, but for the settings, which carry their own lock. Any thread.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "broker/host/authorities.h"
#include "broker/host/limits.h"
#include "broker/host/loader.h"
#include "broker/host/services.h"
#include "broker/host/settings.h"

namespace lcg::host {

// What holds of a plugin that is asked before something is kept (lcg/ext/before_commit.h).
struct CommitRule {
  Millis timeout = kCommitTimeout;  // without an answer it has failed
  bool pass_on_failure = false;     // fail open: what it could not judge is kept
};

// One entry of `plugins:` in the YAML, in its order: that of the chain, of start and, backwards, of stop.
struct PluginSpec {
  std::string name;
  std::string file;                          // base name; "": "<name>.so"
  bool per_lane = false;                     // instances: per_lane, else 1
  bool authenticates = true;                 // false: not asked who a client is, at connect and refresh
  std::string user_prefix;                   // authorities.h
  std::string user_prefix_where;             // "lcg.yaml:14:9: plugins.1.user_prefix", for messages
  std::shared_ptr<PluginSettings> settings;  // null: an empty section
  Millis call_timeout{0};                    // of its calls with timeout_ms 0; 0: the default of HostOptions
  size_t max_outstanding = 0;                // 0: the default of HostOptions
  CommitRule before_commit;                  // of a plugin that is asked before a commit
  const lcg_descriptor* linked = nullptr;    // a plugin that is part of the program: nothing is loaded
};

// Is a plugin with this spec and ops.request_mask asked requests of `kind` (LCG_REQ_*)?
bool is_asked(const PluginSpec& spec, uint32_t request_mask, uint32_t kind);

struct HostOptions {
  std::vector<std::string> dirs;  // where plugin files are looked for, first match wins
  Millis call_timeout = kCallTimeout;
  Millis start_deadline = kStartDeadline;
  Millis stop_deadline = kStopDeadline;
  size_t max_outstanding = kMaxOutstanding;
};

struct Plugin {
  LoadedPlugin loaded;
  uint32_t number = 0;  // its place in the YAML
  bool per_lane = false;
  uint32_t home = 0;  // the lane of the only instance; meaningless with per_lane
  Millis call_timeout{0};
  size_t max_outstanding = 0;
  CommitRule before_commit;
  std::shared_ptr<PluginSettings> settings;
  std::unique_ptr<std::mutex> settings_mutex;  // instances of several lanes may read at once

  bool lives_on(uint32_t lane) const { return per_lane || home == lane; }
};

class Roster {
 public:
  // Loads and checks every plugin; the first refusal ends it. `lanes`: number of broker lanes.
  static Result<std::unique_ptr<const Roster>> load(const HostOptions& options, std::vector<PluginSpec> specs,
                                                    uint32_t lanes);

  const HostOptions& options() const { return options_; }
  uint32_t size() const { return static_cast<uint32_t>(plugins_.size()); }
  const Plugin& operator[](uint32_t plugin) const { return plugins_[plugin]; }
  const Services& services() const { return services_; }
  const Authorities& authorities() const { return authorities_; }
  // The plugins that want requests of `kind` (LCG_REQ_*), in order.
  const std::vector<uint32_t>& chain(uint32_t kind) const { return chains_[kind < kKinds ? kind : 0]; }

 private:
  static constexpr uint32_t kKinds = LCG_REQ_SUB_REFRESH + 1;
  Roster() = default;

  HostOptions options_;
  std::vector<Plugin> plugins_;
  Services services_;
  Authorities authorities_;
  std::array<std::vector<uint32_t>, kKinds> chains_;
};

}  // namespace lcg::host
