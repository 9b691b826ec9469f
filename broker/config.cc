#include "broker/config.h"

#include <algorithm>
#include <bit>

#include "broker/api/bus.h"
#include "broker/channel_config.h"

namespace lcg::broker {
namespace {

constexpr uint32_t kMaxSlots = 4096;  // a message id has 12 bits for the slot
constexpr uint32_t kMaxSessionsPerUser = 100'000;
constexpr size_t kMaxChannelsPerLane = 100'000'000, kMaxOutstandingCalls = 65'536;

// One plugin's own section, as the plugin host reads it.
class YamlSettings final : public host::PluginSettings {
 public:
  explicit YamlSettings(config::Scalars scalars) : scalars_(std::move(scalars)) {}
  std::optional<std::string> scalar(std::string_view path) override { return scalars_.scalar(path); }
  std::vector<std::string> unread() const override { return scalars_.unread(); }

 private:
  config::Scalars scalars_;
};

void read_plugins(config::Section& root, BrokerConfig& out) {
  for (config::Section& entry : root.list("plugins")) {
    host::PluginSpec spec;
    entry.require("name");
    entry.get("name", spec.name);
    entry.get("file", spec.file);
    entry.get_enum("instances", spec.per_lane, {{"one", false}, {"per_lane", true}});
    entry.get("authenticates", spec.authenticates);
    entry.get("user_prefix", spec.user_prefix);
    spec.user_prefix_where = entry.where("user_prefix") + ": " + entry.path() + ".user_prefix";
    if (const std::string fault = host::fault_of_user_prefix(spec.user_prefix);
        !spec.user_prefix.empty() && !fault.empty())
      entry.error("user_prefix", fault);
    entry.get("call_timeout", spec.call_timeout, Millis(1), host::kMaxCallTimeout);
    entry.get("max_outstanding", spec.max_outstanding, size_t{1}, kMaxOutstandingCalls);
    config::Section before_commit = entry.section("before_commit");
    before_commit.get("timeout", spec.before_commit.timeout, Millis(10), host::kMaxCommitTimeout);
    before_commit.get_enum("on_failure", spec.before_commit.pass_on_failure,
                           {{"deny", false}, {"allow", true}});
    if (config::Section settings = entry.section("config"); settings.exists())
      spec.settings = std::make_shared<YamlSettings>(settings.scalars());
    out.plugins.push_back(std::move(spec));
  }
}

// REQUIRES: the namespaces have been read.
void read_personal_channel(config::Section section, BrokerConfig& out) {
  PersonalChannel& personal = out.personal;
  section.get("enabled", personal.enabled);
  section.get("namespace", personal.name_space);
  section.get("single_connection", out.registry.single_connection);
  if (out.registry.single_connection && !personal.enabled)
    section.error("single_connection", "needs enabled: true");
  const auto same = [&](const ChannelOptions& options) { return options.name == personal.name_space; };
  const auto space = std::find_if(out.namespaces.begin(), out.namespaces.end(), same);
  if (space != out.namespaces.end())
    space->personal = true;
  else if (!personal.name_space.empty())
    section.error("namespace", "there is no such namespace under channel.namespaces");
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
  broker.get("insecure", out.insecure);
  broker.get("disallow_anonymous_connection_tokens", out.disallow_anonymous_connection_tokens);
  broker.get("sessions_per_user", out.registry.sessions_per_user, 1u, kMaxSessionsPerUser);
  broker.get("channels_per_lane", out.channels.of_namespace, size_t{1}, kMaxChannelsPerLane);
  broker.get("channels_per_client", out.channels_per_client, size_t{0}, kMaxChannelsPerLane);
  broker.get("positions_per_lane", out.positions_per_lane, size_t{1}, kMaxChannelsPerLane);
  broker.get("answer_timeout", out.chain_timeout, Millis(10), Bus::kDefaultTimeout);
  broker.get("plugin_dir", out.host.dirs);
  broker.get("call_timeout", out.host.call_timeout, Millis(10), host::kMaxCallTimeout);
  broker.get("start_deadline", out.host.start_deadline, Millis(10));
  broker.get("stop_deadline", out.host.stop_deadline, Millis(10));
  read_channel_config(root.section("channel"), out.insecure, out.without_namespace, out.namespaces);
  read_personal_channel(broker.section("user_personal_channel"), out);
  read_plugins(root, out);
  return out;
}

}  // namespace lcg::broker
