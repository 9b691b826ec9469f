#include "broker/channel_config.h"

#include <map>

namespace lcg::broker {
namespace {

constexpr uint32_t kMaxHistorySize = 100'000;
constexpr Millis kLongestHistory = std::chrono::hours(24 * 366);
constexpr Millis kLongestBatch{1'000};

void read_permission(config::Section& section, const std::string& what, Permission& permission) {
  section.get("allow_" + what + "_for_client", permission.for_client);
  section.get("allow_" + what + "_for_subscriber", permission.for_subscriber);
  section.get("allow_" + what + "_for_anonymous", permission.for_anonymous);
}

// "<what>_proxy_enabled: true" asks the plugins, and names them the back end.
void read_route(config::Section& section, const std::string& what, std::string& route) {
  bool enabled = false;
  std::string name = "default";
  section.get(what + "_proxy_enabled", enabled);
  section.get(what + "_proxy_name", name);
  if (!Namespaces::valid_name(name))
    section.error(what + "_proxy_name", "must be of letters, digits, '_' and '-', 64 at most");
  if (enabled) route = name;
}

void read_delta(config::Section& section, ChannelOptions& options) {
  std::vector<std::string> types;
  section.get("allowed_delta_types", types);
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] != "fossil") section.error("allowed_delta_types", i, "fossil is the only type");
    options.allow_fossil = true;
  }
  section.get("delta_publish", options.delta_publish);
}

void read_pattern(config::Section& section, ChannelOptions& options) {
  std::string expression;
  section.get("channel_regex", expression);
  if (expression.empty()) return;
  auto compiled = ChannelPattern::compile(expression);
  if (!compiled.ok())
    section.error("channel_regex", "no expression in RE2's syntax: " + compiled.status().message());
  else
    options.pattern = std::move(compiled.value());
}

void read_type(config::Section& section) {
  std::string type = "stream";
  section.get("subscription_type", type);
  if (type == "stream") return;
  section.error(
      "subscription_type",
      "only stream is served. Clients that ask for maps and shared polls are answered with error 108");
}

void check_recovery(config::Section& section, const ChannelOptions& options) {
  const bool tracks = options.force_recovery || options.force_positioning || options.allow_recovery ||
                      options.allow_positioning;
  if (tracks && !options.keeps_history() && !options.provided()) {
    section.error("force_recovery",
                  "recovery and positioning need a history: set history_size and history_ttl");
  }
  const bool caches = options.recovery_mode == RecoveryMode::kCache;
  if (caches && !options.keeps_history())
    section.error("force_recovery_mode", "cache needs a history: set history_size and history_ttl");
  if (options.auto_cache_recover && !caches)
    section.error("auto_cache_recover", "needs force_recovery_mode: cache");
}

void check_delta(config::Section& section, const ChannelOptions& options) {
  if (options.delta_publish && !options.allow_fossil)
    section.error("delta_publish", "needs allowed_delta_types: [fossil]");
  if (options.allow_fossil && !options.keeps_stream()) {
    section.error("allowed_delta_types",
                  "a delta is made from the publication before: set history_size and "
                  "history_ttl, or keep_latest_publication");
  }
}

// A provider says itself who may do what, and keeps its own publications.
void check_provider(config::Section& section, const ChannelOptions& options) {
  // The gateway and the plugin host tell a provided channel by its namespace.
  if (options.provider != options.name)
    section.error("provider", "must be memory or the namespace's own name");
  const auto refuse = [&](bool set, std::string_view key) {
    if (set) section.error(key, "has no meaning in a namespace with a provider");
  };
  refuse(options.durable(), "history");
  refuse(!options.subscribe_route.empty(), "subscribe_proxy_enabled");
  refuse(!options.publish_route.empty(), "publish_proxy_enabled");
  refuse(!options.sub_refresh_route.empty(), "sub_refresh_proxy_enabled");
  refuse(options.allow_fossil, "allowed_delta_types");
  refuse(options.keep_latest_publication, "keep_latest_publication");
  refuse(options.data_format != DataFormat::kAny, "publication_data_format");
}

void check_options(config::Section& section, const ChannelOptions& options) {
  if ((options.history_size > 0) != (options.history_ttl.count() > 0))
    section.error("history_size", "history needs both a history_size and a history_ttl");
  if (options.durable() && !options.keeps_history())
    section.error("history", "durable needs a history_size and a history_ttl");
  if (options.force_push_join_leave && !options.join_leave)
    section.error("force_push_join_leave", "needs join_leave: true");
  check_recovery(section, options);
  check_delta(section, options);
  if (options.provided()) check_provider(section, options);
}

ChannelOptions read_options(config::Section section, std::string name, bool insecure) {
  ChannelOptions options;
  options.name = std::move(name);
  options.insecure = insecure;
  section.get("provider", options.provider);
  read_type(section);
  section.get_enum("history", options.history,
                   {{"memory", HistoryPlace::kMemory}, {"durable", HistoryPlace::kDurable}});
  section.get("history_size", options.history_size, 0u, kMaxHistorySize);
  section.get("history_ttl", options.history_ttl, Millis(0), kLongestHistory);
  section.get("history_meta_ttl", options.history_meta_ttl, Millis(1000), kLongestHistory);
  section.get("keep_latest_publication", options.keep_latest_publication);
  section.get("presence", options.presence);
  section.get("join_leave", options.join_leave);
  section.get("force_push_join_leave", options.force_push_join_leave);
  section.get("force_positioning", options.force_positioning);
  section.get("allow_positioning", options.allow_positioning);
  section.get("force_recovery", options.force_recovery);
  section.get("allow_recovery", options.allow_recovery);
  section.get_enum("force_recovery_mode", options.recovery_mode,
                   {{"stream", RecoveryMode::kStream}, {"cache", RecoveryMode::kCache}});
  if (options.provided()) options.recovery_bytes = kProvidedRecoveryBytes;
  section.get_size("recovery_bytes", options.recovery_bytes, 1024, kMostRecoveryBytes);
  section.get("auto_cache_recover", options.auto_cache_recover);
  read_delta(section, options);
  section.get("allow_tags_filter", options.allow_tags_filter);
  section.get("allow_user_limited_channels", options.allow_user_limited_channels);
  section.get("allow_channel_compaction", options.compaction);
  section.get("batch_max_delay", options.batch_delay, Millis(0), kLongestBatch);
  section.get_enum("publication_data_format", options.data_format,
                   {{"", DataFormat::kAny},
                    {"json", DataFormat::kJson},
                    {"json_object", DataFormat::kJsonObject},
                    {"binary", DataFormat::kBinary}});
  read_pattern(section, options);
  section.get("allow_subscribe_for_client", options.subscribe.for_client);
  section.get("allow_subscribe_for_anonymous", options.subscribe.for_anonymous);
  read_permission(section, "publish", options.publish);
  read_permission(section, "presence", options.presence_read);
  read_permission(section, "history", options.history_read);
  read_route(section, "subscribe", options.subscribe_route);
  read_route(section, "publish", options.publish_route);
  read_route(section, "sub_refresh", options.sub_refresh_route);
  if (section.exists()) check_options(section, options);
  return options;
}

}  // namespace

void read_channel_config(config::Section section, bool insecure, ChannelOptions& without_namespace,
                         std::vector<ChannelOptions>& namespaces) {
  without_namespace = read_options(section.section("without_namespace"), "", insecure);
  std::map<std::string, std::string> places;
  for (config::Section& entry : section.list("namespaces")) {
    std::string name;
    entry.require("name");
    entry.get("name", name);
    const bool valid = Namespaces::valid_name(name);
    if (!name.empty() && !valid) entry.error("name", "must be of letters, digits, '_' and '-', 64 at most");
    if (valid) {
      const auto [first, fresh] = places.emplace(name, entry.where("name"));
      if (!fresh) entry.error("name", "there is a namespace of this name already, at " + first->second);
    }
    namespaces.push_back(read_options(entry, name, insecure));
  }
}

}  // namespace lcg::broker
