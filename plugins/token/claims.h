// SPDX-License-Identifier: Apache-2.0
// claims: what a token says (client-protocol 1.13), read strictly. Nothing here is to be believed before the
// token's signature was checked. Pure; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lcg/channel_name.hpp"

namespace lcg::token {

// Server-side subscriptions of one token: as many as gateway.clients.channels may be, how many it is the gateway says.
inline constexpr size_t kMaxChannels = 4096;
inline constexpr size_t kMaxUserBytes = 255, kMaxTokenIdBytes = 255;
inline constexpr size_t kMaxAudiences = 32;

// {"presence":{"value":true}}: takes the place of the namespace's option of that name, where given.
struct Override {
  std::optional<bool> presence, join_leave, force_push_join_leave, force_recovery, force_positioning;
};

// One of the claim subs.
struct Sub {
  std::string channel;
  std::string info, data;  // JSON, or empty
  Override override_options;
};

struct Claims {
  std::string user;  // sub, or the claim user_id_claim names; empty: anonymous
  std::string issuer, token_id;
  std::vector<std::string> audience;
  std::optional<int64_t> expires_s, not_before_s, issued_s;  // Unix seconds
  std::optional<int64_t> expire_at_s;                        // 0: never
  std::string info, meta, data;                              // JSON, or empty
  std::vector<Sub> subs;                                     // of subs, or else of channels
  // Of a subscription token.
  std::optional<std::string> channel;
  std::string client;
  Override override_options;

  // When the connection or subscription ends: expire_at, or else exp. Unix ms; 0: never.
  int64_t lives_until_ms() const { return expire_at_s.value_or(expires_s.value_or(0)) * 1000; }
};

// nullopt with `why`: `payload` is not one JSON object that names each member once, or a claim has a type it
// may not have: a time that is no number, negative or over 2^53 (one with a fraction is rounded down); an aud that is
// neither a string nor a list of strings; a name over its limit; info or b64info that is no JSON.
std::optional<Claims> read_claims(std::string_view payload, std::string_view user_claim, std::string& why);

}  // namespace lcg::token
