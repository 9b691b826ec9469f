// Params: what a command of the server API says, read strictly from untrusted JSON.
//
// Every method takes some of the fields below (method.h); a field has one name, one type and one limit wherever
// it occurs. Members nobody knows are ignored and null is the same as absent, as the reference does; a member of
// another type is refused. Source: client-protocol 4.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json_reader.h"
#include "broker/api/channel_requests.h"
#include "gateway/api/limits.h"

namespace lcg::gateway::api {

struct Params {
  std::string channel, user, client, session, pattern, expression, rpc_method, auth, uid;
  std::string idempotency_key, version_epoch, b64data, b64info;
  std::vector<std::string> channels, users, whitelist;
  SharedBytes data, info, rpc_params;  // one JSON value on one line; empty: absent
  bool skip_history = false, delta = false, expired = false, reverse = false;
  uint64_t version = 0;
  int64_t expire_at = 0, issued_before = 0;  // Unix seconds; 0: none
  int32_t limit = 0;
  std::optional<StreamPosition> since, recover_since;
  Tags tags;
  Disconnect disconnect;  // code 0: none given
  ChannelOverride override_options;
};

struct Field {
  using Into = std::variant<std::string Params::*, std::vector<std::string> Params::*, SharedBytes Params::*,
                            bool Params::*, uint64_t Params::*, int64_t Params::*, int32_t Params::*,
                            std::optional<StreamPosition> Params::*, Tags Params::*, Disconnect Params::*,
                            ChannelOverride Params::*>;
  std::string_view name;  // in the JSON
  Into into;
  size_t max = 0;  // bytes of a string, entries of a list or map; 0: bounded by the body alone

  // "string", "strings", "json", "bool", "uint64", "int64", "int32", "position", "tags", "disconnect", "override"
  std::string_view type() const;
};

// One a method takes.
struct Param {
  const Field* field;
  bool required = false;  // neither absent nor empty
};

// Why params were not taken. Malformed: not JSON, or a value of another type or out of range: HTTP 400. Else
// well-formed, but more than a limit allows, or a required one is missing: error 107.
struct Refusal {
  bool malformed = false;
  std::string text;  // "publish: channel: expected a string at byte 12"
  explicit operator bool() const { return !text.empty(); }
};

// Does a member of the JSON have this name, which is in lower case? Case does not count, as in the reference: "Disconnect"
// is "disconnect".
bool names(std::string_view key, std::string_view name);

// Reads the object that `json` is at. `method` is for the texts. On a refusal that is not malformed the object
// was read to its end.
Refusal read_params(JsonReader& json, std::string_view method, std::span<const Param> takes, Params& out);

// RFC 4648 section 4, padding required; nothing: not base64.
std::optional<std::string> decode_base64(std::string_view text);
// Of `text`, with padding.
std::string encode_base64(std::string_view bytes);

namespace field {
inline constexpr Field kChannel{"channel", &Params::channel, kMaxNameBytes};
inline constexpr Field kChannels{"channels", &Params::channels};  // ApiConfig::max_broadcast_channels
inline constexpr Field kUser{"user", &Params::user, kMaxNameBytes};
inline constexpr Field kUsers{"users", &Params::users, kMaxUsers};
inline constexpr Field kClient{"client", &Params::client, kMaxNameBytes};
inline constexpr Field kSession{"session", &Params::session, kMaxNameBytes};
inline constexpr Field kWhitelist{"whitelist", &Params::whitelist, kMaxWhitelist};
inline constexpr Field kData{"data", &Params::data};
inline constexpr Field kB64Data{"b64data", &Params::b64data};
inline constexpr Field kInfo{"info", &Params::info};
inline constexpr Field kB64Info{"b64info", &Params::b64info};
inline constexpr Field kTags{"tags", &Params::tags, kMaxTags};
inline constexpr Field kSkipHistory{"skip_history", &Params::skip_history};
inline constexpr Field kIdempotencyKey{"idempotency_key", &Params::idempotency_key, kMaxNameBytes};
inline constexpr Field kDelta{"delta", &Params::delta};
inline constexpr Field kVersion{"version", &Params::version};
inline constexpr Field kVersionEpoch{"version_epoch", &Params::version_epoch, kMaxEpochBytes};
inline constexpr Field kExpireAt{"expire_at", &Params::expire_at};
inline constexpr Field kExpired{"expired", &Params::expired};
inline constexpr Field kRecoverSince{"recover_since", &Params::recover_since, kMaxEpochBytes};
inline constexpr Field kOverride{"override", &Params::override_options};
inline constexpr Field kDisconnect{"disconnect", &Params::disconnect, kMaxReasonBytes};
inline constexpr Field kLimit{"limit", &Params::limit};
inline constexpr Field kSince{"since", &Params::since, kMaxEpochBytes};
inline constexpr Field kReverse{"reverse", &Params::reverse};
inline constexpr Field kPattern{"pattern", &Params::pattern, kMaxNameBytes};
inline constexpr Field kExpression{"expression", &Params::expression, kMaxNameBytes};
inline constexpr Field kMethod{"method", &Params::rpc_method, kMaxNameBytes};
inline constexpr Field kParams{"params", &Params::rpc_params};
inline constexpr Field kAuth{"auth", &Params::auth, kMaxNameBytes};
inline constexpr Field kUid{"uid", &Params::uid, kMaxNameBytes};
inline constexpr Field kIssuedBefore{"issued_before", &Params::issued_before};
}  // namespace field

}  // namespace lcg::gateway::api
