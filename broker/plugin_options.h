// The "options" of a plugin's answer (lcg_result.options, lcg_publication.options): JSON objects, read here and
// nowhere else. What they mean: docs/plugins.md, "Options"; their names are those of client-protocol 3.
//
// Empty text is no options. A member nobody knows is ignored, one of the wrong type makes the whole invalid: a
// plugin's mistake must not become a subscription with other rights than it meant.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/api/channel_requests.h"
#include "broker/api/grant.h"

namespace lcg::broker {

inline constexpr size_t kMaxTags = 64;                  // of one publication
inline constexpr size_t kMaxTagBytes = 256;             // of a key, and of a value
inline constexpr size_t kMaxIdempotencyKeyBytes = 256;  // also of version_epoch
inline constexpr size_t kMaxServerSubs = 4096;          // that one answer may name

// connect: {"subs": {"<channel>": {"info", "data": any JSON, "expire_at": Unix seconds, "override",
// "cache_recover", "server_refresh"}}}. In the order of the text; `subs` without "subs" is empty. Nothing: invalid.
std::optional<std::vector<ServerSub>> read_connect_options(std::string_view json);

// subscribe: {"override": {"presence": {"value": bool}, ...}, "cache_recover": bool}, put into `grant`. A bare bool
// does as well as {"value": bool}. False: invalid; `grant` may be half filled.
bool read_subscribe_options(std::string_view json, SubscribeGrant& grant);

// publish, and lcg_publication: {"tags": {"k": "v"}, "idempotency_key", "version", "version_epoch", "delta",
// "skip_history"}. Tags come out sorted, of equal keys the last one. Nothing: invalid.
std::optional<PublishOptions> read_publish_options(std::string_view json);

// ["a", "b"]: the channels a client names, as plugins read them.
std::string channels_json(const std::vector<std::string>& channels);

}  // namespace lcg::broker
