#include "broker/plugin_options.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "broker/plugin_json.h"

namespace lcg::broker {
namespace {

constexpr JsonLimits kLimits{kMaxPluginJson, 64};
constexpr size_t kMaxChannelBytes = 1024;  // the channel itself decides what is too long

// {"value": true}, or true.
bool read_switch(JsonReader& reader, std::optional<bool>& out) {
  if (reader.take_null()) return true;
  bool value = false;
  if (reader.peek() != JsonKind::kObject) {
    if (!reader.read(value)) return false;
    out = value;
    return true;
  }
  std::string_view key;
  reader.enter_object();
  while (reader.next_member(key)) {
    if (key != "value" || reader.take_null()) continue;
    if (reader.read(value)) out = value;
  }
  return reader.ok();
}

bool read_override(JsonReader& reader, ChannelOverride& out) {
  if (reader.take_null()) return true;
  std::string_view key;
  reader.enter_object();
  while (reader.next_member(key)) {
    if (key == "presence")
      read_switch(reader, out.presence);
    else if (key == "join_leave")
      read_switch(reader, out.join_leave);
    else if (key == "force_push_join_leave")
      read_switch(reader, out.force_push_join_leave);
    else if (key == "force_recovery")
      read_switch(reader, out.force_recovery);
    else if (key == "force_positioning")
      read_switch(reader, out.force_positioning);
  }
  return reader.ok();
}

// Any JSON value, in one line.
bool read_value(JsonReader& reader, SharedBytes& out) {
  if (reader.take_null()) return true;
  std::string_view raw;
  if (!reader.read_raw(raw)) return false;
  std::string scratch;
  out = SharedBytes(compact_newlines(raw, scratch));
  return true;
}

bool read_grant(JsonReader& reader, SubscribeGrant& out) {
  if (reader.take_null()) return true;
  std::string_view key;
  reader.enter_object();
  while (reader.next_member(key)) {
    if (key == "info") {
      read_value(reader, out.info);
    } else if (key == "data") {
      read_value(reader, out.data);
    } else if (key == "expire_at") {
      int64_t seconds = 0;
      if (!reader.take_null() && reader.read(seconds)) {
        if (seconds < 0 || seconds > INT64_MAX / 1000) return false;
        out.expire_at_ms = seconds * 1000;
      }
    } else if (key == "override") {
      read_override(reader, out.override_options);
    } else if (key == "cache_recover") {
      reader.take_null() || reader.read(out.cache_recover);
    } else if (key == "server_refresh") {
      reader.take_null() || reader.read(out.server_refresh);
    }
  }
  return reader.ok();
}

// A channel twice is two grants, and nobody could say which was meant.
bool read_subs(JsonReader& reader, std::vector<ServerSub>& out) {
  if (reader.take_null()) return true;
  std::unordered_set<std::string> names;
  std::string_view key;
  reader.enter_object();
  while (reader.next_member(key)) {
    if (key.empty() || key.size() > kMaxChannelBytes || out.size() == kMaxServerSubs) return false;
    ServerSub sub{std::string(key)};
    if (!names.insert(sub.channel).second) return false;
    auto grant = std::make_shared<SubscribeGrant>();
    if (!read_grant(reader, *grant)) return false;
    sub.grant = std::move(grant);
    out.push_back(std::move(sub));
  }
  return reader.ok();
}

bool read_tags(JsonReader& reader, Tags& out) {
  if (reader.take_null()) return true;
  std::string_view key;
  reader.enter_object();
  while (reader.next_member(key)) {
    if (key.empty() || key.size() > kMaxTagBytes || out.size() == kMaxTags) return false;
    std::string name(key), value;
    if (!reader.read(value, kMaxTagBytes)) return false;
    out.emplace_back(std::move(name), std::move(value));
  }
  // Of equal keys the last one: the sort is stable, so it is the last of its run.
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto last =
      std::unique(out.rbegin(), out.rend(), [](const auto& a, const auto& b) { return a.first == b.first; });
  out.erase(out.begin(), last.base());
  return reader.ok();
}

}  // namespace

std::optional<std::vector<ServerSub>> read_connect_options(std::string_view json) {
  std::vector<ServerSub> out;
  if (json.empty()) return out;
  JsonReader reader(json, kLimits);
  std::string_view key;
  reader.enter_object();
  bool has_subs = false;
  while (reader.next_member(key)) {
    if (key == "subs" && (std::exchange(has_subs, true) || !read_subs(reader, out))) return std::nullopt;
  }
  if (!reader.finish()) return std::nullopt;
  return out;
}

bool read_subscribe_options(std::string_view json, SubscribeGrant& grant) {
  if (json.empty()) return true;
  JsonReader reader(json, kLimits);
  std::string_view key;
  reader.enter_object();
  while (reader.next_member(key)) {
    if (key == "override")
      read_override(reader, grant.override_options);
    else if (key == "cache_recover")
      reader.take_null() || reader.read(grant.cache_recover);
  }
  return reader.finish();
}

std::optional<PublishOptions> read_publish_options(std::string_view json) {
  PublishOptions out;
  if (json.empty()) return out;
  JsonReader reader(json, kLimits);
  std::string_view key;
  reader.enter_object();
  while (reader.next_member(key)) {
    if (key == "tags") {
      if (!read_tags(reader, out.tags)) return std::nullopt;
    } else if (key == "idempotency_key") {
      reader.take_null() || reader.read(out.idempotency_key, kMaxIdempotencyKeyBytes);
    } else if (key == "version") {
      reader.take_null() || reader.read(out.version);
    } else if (key == "version_epoch") {
      reader.take_null() || reader.read(out.version_epoch, kMaxIdempotencyKeyBytes);
    } else if (key == "delta") {
      reader.take_null() || reader.read(out.delta);
    } else if (key == "skip_history") {
      reader.take_null() || reader.read(out.skip_history);
    }
  }
  if (!reader.finish()) return std::nullopt;
  return out;
}

std::string channels_json(const std::vector<std::string>& channels) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_array();
  for (const std::string& channel : channels) writer.value(channel);
  writer.end_array();
  return out;
}

}  // namespace lcg::broker
