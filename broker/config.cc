#include "broker/config.h"

#include <algorithm>
#include <bit>

#include "broker/api/bus.h"

namespace lcg::broker {
namespace {

constexpr uint32_t kMaxSlots = 4096;  // a message id has 12 bits for the slot
constexpr uint32_t kMaxHistorySize = 100'000, kMaxSessionsPerUser = 100'000;
constexpr size_t kMaxChannelsPerLane = 100'000'000, kMaxOutstandingCalls = 65'536;
constexpr Millis kLongestHistory = std::chrono::hours(24 * 366);

// One plugin's own section, as the plugin host reads it.
class YamlSettings final : public host::PluginSettings {
 public:
  explicit YamlSettings(config::Scalars scalars) : scalars_(std::move(scalars)) {}
  std::optional<std::string> scalar(std::string_view path) override { return scalars_.scalar(path); }
  std::vector<std::string> unread() const override { return scalars_.unread(); }

 private:
  config::Scalars scalars_;
};

void read_permission(config::Section& section, const std::string& what, Permission& permission) {
  section.get("allow_" + what + "_for_client", permission.for_client);
  section.get("allow_" + what + "_for_subscriber", permission.for_subscriber);
  section.get("allow_" + what + "_for_anonymous", permission.for_anonymous);
}

void check_options(config::Section& section, const ChannelOptions& options) {
  if ((options.history_size > 0) != (options.history_ttl.count() > 0))
    section.error("history_size", "history needs both a history_size and a history_ttl");
  const bool tracks = options.force_recovery || options.force_positioning || options.allow_recovery ||
                      options.allow_positioning;
  if (tracks && !options.keeps_history() && !options.provided()) {
    section.error("force_recovery",
                  "recovery and positioning need a history: set history_size and history_ttl");
  }
  if (options.force_push_join_leave && !options.join_leave)
    section.error("force_push_join_leave", "needs join_leave: true");
  // The gateway and the plugin host tell a provided channel by its namespace.
  if (options.provided() && options.provider != options.name)
    section.error("provider", "must be memory or the namespace's own name, '" + options.name + "'");
}

ChannelOptions read_options(config::Section section, std::string name) {
  ChannelOptions options;
  options.name = std::move(name);
  section.get("provider", options.provider);
  section.get("history_size", options.history_size, 0u, kMaxHistorySize);
  section.get("history_ttl", options.history_ttl, Millis(0), kLongestHistory);
  section.get("history_meta_ttl", options.history_meta_ttl, Millis(1000), kLongestHistory);
  section.get("presence", options.presence);
  section.get("join_leave", options.join_leave);
  section.get("force_push_join_leave", options.force_push_join_leave);
  section.get("force_positioning", options.force_positioning);
  section.get("allow_positioning", options.allow_positioning);
  section.get("force_recovery", options.force_recovery);
  section.get("allow_recovery", options.allow_recovery);
  section.get("allow_user_limited_channels", options.allow_user_limited_channels);
  section.get("allow_subscribe_for_client", options.subscribe.for_client);
  section.get("allow_subscribe_for_anonymous", options.subscribe.for_anonymous);
  read_permission(section, "publish", options.publish);
  read_permission(section, "presence", options.presence_read);
  read_permission(section, "history", options.history_read);
  if (section.exists()) check_options(section, options);
  return options;
}

void read_channels(config::Section section, BrokerConfig& out) {
  out.without_namespace = read_options(section.section("without_namespace"), "");
  for (config::Section& entry : section.list("namespaces")) {
    std::string name;
    entry.require("name");
    entry.get("name", name);
    const bool valid = Namespaces::valid_name(name);
    if (!name.empty() && !valid) entry.error("name", "must be of letters, digits, '_' and '-', 64 at most");
    const auto same = [&](const ChannelOptions& other) { return other.name == name; };
    if (valid && std::any_of(out.namespaces.begin(), out.namespaces.end(), same))
      entry.error("name", "there is a namespace '" + name + "' already");
    out.namespaces.push_back(read_options(entry, name));
  }
}

void read_plugins(config::Section& root, BrokerConfig& out) {
  for (config::Section& entry : root.list("plugins")) {
    host::PluginSpec spec;
    entry.require("name");
    entry.get("name", spec.name);
    entry.get("file", spec.file);
    entry.get_enum("instances", spec.per_lane, {{"one", false}, {"per_lane", true}});
    entry.get("call_timeout", spec.call_timeout, Millis(1), host::kMaxCallTimeout);
    entry.get("max_outstanding", spec.max_outstanding, size_t{1}, kMaxOutstandingCalls);
    if (config::Section settings = entry.section("config"); settings.exists())
      spec.settings = std::make_shared<YamlSettings>(settings.scalars());
    out.plugins.push_back(std::move(spec));
  }
}

}  // namespace

BrokerConfig read_config(config::Section root) {
  BrokerConfig out;
  config::Section broker = root.section("broker");
  broker.get("node", out.node);
  if (out.node.empty()) broker.error("node", "must not be empty");
  broker.get("slots", out.slots, 1u, kMaxSlots);
  if (!std::has_single_bit(out.slots))
    broker.error("slots", "must be a power of two, found " + std::to_string(out.slots));
  broker.get("allow_anonymous", out.allow_anonymous);
  broker.get("sessions_per_user", out.registry.sessions_per_user, 1u, kMaxSessionsPerUser);
  broker.get("channels_per_lane", out.channels_per_lane, size_t{1}, kMaxChannelsPerLane);
  broker.get("answer_timeout", out.chain_timeout, Millis(10), Bus::kDefaultTimeout);
  broker.get("plugin_dir", out.host.dirs);
  broker.get("call_timeout", out.host.call_timeout, Millis(10), host::kMaxCallTimeout);
  broker.get("start_deadline", out.host.start_deadline, Millis(10));
  broker.get("stop_deadline", out.host.stop_deadline, Millis(10));
  read_channels(root.section("channel"), out);
  read_plugins(root, out);
  return out;
}

}  // namespace lcg::broker
