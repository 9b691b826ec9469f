// SPDX-License-Identifier: Apache-2.0
// settings: the plugin's section of the YAML (README.md), read and checked once.
#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lcg/host.hpp"
#include "plugins/token/fetch.h"
#include "plugins/token/verify.h"

namespace lcg::token {

inline constexpr size_t kMaxEndpoints = 64;

// Where a set of keys is published.
struct Endpoint {
  std::string url;
  std::chrono::milliseconds refresh{std::chrono::hours(1)};
  std::chrono::milliseconds min_interval{std::chrono::seconds(30)};
  FetchRules rules;
};

// Which endpoint has the keys of a token: one, or by what named groups of issuer_regex and audience_regex match.
// Every value a group may have is listed in the settings, so no token makes a URL.
struct EndpointChoice {
  struct Variable {
    std::string name;
    bool of_audience = false;  // else of the issuer
    int group = 0;             // of the regex
  };
  std::vector<Variable> variables;
  std::map<std::vector<std::string>, size_t> endpoints;  // values in the order of `variables` to index

  bool separate_users = false;  // each endpoint's users are people of their own

  // nullopt: none of the listed ones.
  std::optional<size_t> find(const Claims& claims, const TokenPolicy& policy) const;
  // With separate_users what the ids of this token's issuer begin with, "acme@", else "". nullopt: as find.
  std::optional<std::string> scope(const Claims& claims, const TokenPolicy& policy) const;

 private:
  std::vector<std::string> values(const Claims& claims, const TokenPolicy& policy) const;
};

// How one kind of token, of connections or of subscriptions, is checked.
struct TokenRules {
  TokenPolicy policy;
  std::string user_claim = "sub";
  std::vector<FixedKey> fixed;
  std::optional<EndpointChoice> published;
};

struct Settings {
  std::string user_prefix;  // of every user id: the claim follows it
  TokenRules connection;
  TokenRules subscription;  // the same as connection, unless subscription_token.enabled
  std::vector<Endpoint> endpoints;
  bool defer_unknown = false;
  bool refuse_anonymous = false;
  bool revocation = true;
  std::chrono::milliseconds revocation_keep{std::chrono::hours(24 * 30)};
  std::vector<std::string> warnings;  // to be logged at start
};

// Throws ConfigError naming the key and what is wrong with it, never its text.
Settings read_settings(const Host& host);

}  // namespace lcg::token
