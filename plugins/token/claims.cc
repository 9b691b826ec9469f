// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/claims.h"

#include <algorithm>

#include "lcg/json.hpp"
#include "plugins/token/base64.h"
#include "plugins/token/json_list.h"

namespace lcg::token {
namespace {

using Members = std::vector<std::pair<std::string, std::string_view>>;

void read_text(json::Object& object, std::string_view name, size_t limit, std::string& out) {
  if (!object.has(name)) return;
  if (object.raw(name).front() != '"') return object.fail(name, "expected a string");
  out = object.text(name);
  if (out.size() > limit) object.fail(name, "is longer than " + std::to_string(limit) + " bytes");
}

void read_time(json::Object& object, std::string_view name, std::optional<int64_t>& out) {
  if (!object.has(name)) return;
  out = json_seconds(object.raw(name));
  if (!out) object.fail(name, "expected a number of seconds, 0 to 2^53");
}

// `name` as JSON, or `encoded` as JSON in base64, which wins where it is given.
void read_json(json::Object& object, std::string_view name, std::string_view encoded, std::string& out) {
  if (object.has(name)) out = object.raw(name);
  const std::string text = object.text(encoded);
  if (text.empty()) return;
  const std::optional<std::string> decoded = from_base64(text);
  if (!decoded || !json::valid(*decoded)) return object.fail(encoded, "expected a JSON value in base64");
  out = json::one_line(*decoded);
}

void read_audience(json::Object& object, std::vector<std::string>& out) {
  if (!object.has("aud")) return;
  const std::string token = object.raw("aud");
  if (token.front() == '[') {
    out = object.texts("aud", kMaxAudiences);
  } else if (token.front() == '"') {
    out.push_back(object.text("aud"));
  } else {
    object.fail("aud", "expected a string or a list of strings");
  }
}

// {"value":true}
std::optional<bool> read_value(json::Object& object, std::string_view name) {
  if (!object.has(name)) return std::nullopt;
  json::Object inner;
  const std::string token = object.raw(name);
  if (token.front() != '{' || !json::Object::parse(token, inner) || !inner.has("value")) {
    object.fail(name, "expected {\"value\":true} or {\"value\":false}");
    return std::nullopt;
  }
  const bool value = inner.boolean("value", false);
  if (!inner.error().empty()) object.fail(name, inner.error());
  return value;
}

void read_override(json::Object& object, Override& out) {
  if (!object.has("override")) return;
  const std::string token = object.raw("override");
  json::Object inner;
  if (token.front() != '{' || !json::Object::parse(token, inner))
    return object.fail("override", "expected an object that names each option once");
  out.presence = read_value(inner, "presence");
  out.join_leave = read_value(inner, "join_leave");
  out.force_push_join_leave = read_value(inner, "force_push_join_leave");
  out.force_recovery = read_value(inner, "force_recovery");
  out.force_positioning = read_value(inner, "force_positioning");
  if (!inner.error().empty()) object.fail("override", inner.error());
}

void check_channel(json::Object& object, std::string_view claim, std::string_view channel) {
  if (channel.empty() || channel.size() > kMaxChannelBytes)
    object.fail(claim, "a channel's name has 1 to " + std::to_string(kMaxChannelBytes) + " bytes");
}

void read_subs(json::Object& object, std::vector<Sub>& out) {
  Members members;
  const std::string list = object.has("subs") ? object.raw("subs") : "{}";
  if (!json_members(list, kMaxChannels, members))
    return object.fail("subs", "expected an object of at most " + std::to_string(kMaxChannels) + " channels");
  for (auto& [channel, token] : members) {
    check_channel(object, "subs", channel);
    json::Object options;
    if (token != "null" && (token.front() != '{' || !json::Object::parse(token, options)))
      return object.fail("subs", "expected an object for each channel");
    Sub sub;
    sub.channel = std::move(channel);
    read_json(options, "info", "b64info", sub.info);
    read_json(options, "data", "b64data", sub.data);
    read_override(options, sub.override_options);
    if (!options.error().empty()) return object.fail("subs", options.error());
    out.push_back(std::move(sub));
  }
  // channels counts only where there are no subs.
  std::vector<std::string> channels = object.texts("channels", kMaxChannels);
  if (!out.empty()) return;
  std::sort(channels.begin(), channels.end());
  channels.erase(std::unique(channels.begin(), channels.end()), channels.end());
  for (std::string& channel : channels) {
    check_channel(object, "channels", channel);
    out.emplace_back().channel = std::move(channel);
  }
}

}  // namespace

std::optional<Claims> read_claims(std::string_view payload, std::string_view user_claim, std::string& why) {
  json::Object object;
  if (payload.empty() || !json::Object::parse(payload, object)) {
    why = "the claims are not one JSON object that names each member once";
    return std::nullopt;
  }
  Claims out;
  read_text(object, user_claim, kMaxUserBytes, out.user);
  read_text(object, "iss", payload.size(), out.issuer);
  read_text(object, "jti", kMaxTokenIdBytes, out.token_id);
  read_audience(object, out.audience);
  read_time(object, "exp", out.expires_s);
  read_time(object, "nbf", out.not_before_s);
  read_time(object, "iat", out.issued_s);
  read_time(object, "expire_at", out.expire_at_s);
  read_json(object, "info", "b64info", out.info);
  read_json(object, "data", "b64data", out.data);
  if (object.has("meta")) out.meta = object.raw("meta");
  read_subs(object, out.subs);
  if (object.has("channel")) read_text(object, "channel", kMaxChannelBytes, out.channel.emplace());
  read_text(object, "client", kMaxTokenIdBytes, out.client);
  read_override(object, out.override_options);
  if (object.error().empty()) return out;
  why = object.error();
  return std::nullopt;
}

}  // namespace lcg::token
