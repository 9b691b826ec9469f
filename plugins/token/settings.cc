// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/settings.h"

#include <re2/re2.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>

#include "lcg/trusted_path.hpp"
#include "lcg/users.hpp"

namespace lcg::token {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxKeyFileBytes = 64u << 10;
constexpr size_t kGoodSecretBytes = 32;

// The text of a setting, or of the file that <name>_file names. `where` says which, for messages.
std::optional<std::string> text_or_file(const Host& host, const std::string& name, std::string& where) {
  where = name;
  std::optional<std::string> text = host.config_find(name);
  const std::optional<std::string> path = host.config_find(name + "_file");
  if (!path) return text && !text->empty() ? text : std::nullopt;
  if (text) throw ConfigError(name + ": is set, and " + name + "_file too: keep one of them");
  where = name + "_file:";  // without the path: some put the key itself there
  const TrustedPath trusted = trusted_file(*path);
  if (!trusted.ok() && trusted.error == 0) throw ConfigError(where + " " + trusted.why);
  errno = trusted.error;
  std::ifstream file;
  if (trusted.ok()) file.open(trusted.path, std::ios::binary);
  if (!file.is_open()) throw ConfigError(where + " cannot be read: " + std::strerror(errno));
  std::string content(std::istreambuf_iterator<char>(file), {});
  if (content.size() > kMaxKeyFileBytes) throw ConfigError(where + " is over 64 KiB");
  return content;
}

VerifyKey make_key(const std::string& where, const std::function<VerifyKey()>& make) {
  try {
    return make();
  } catch (const std::invalid_argument& error) {
    throw ConfigError(where + " " + error.what());
  }
}

Algorithm read_algorithm(const Host& host, const std::string& key, const char* fallback, Family family) {
  const std::string name = host.config(key, fallback);
  const auto algorithm = algorithm_named(name);
  if (!algorithm || family_of(*algorithm) != family)
    throw ConfigError(
        key, family == Family::kHmac ? "HS256, HS384 or HS512" : "RS256 to RS512 or PS256 to PS512", name);
  return *algorithm;
}

void read_secrets(const Host& host, const std::string& prefix, TokenRules& out, Settings& settings) {
  const Algorithm algorithm = read_algorithm(host, prefix + "hmac_algorithm", "HS256", Family::kHmac);
  const std::string current = prefix + "hmac_secret_key", previous = prefix + "hmac_previous_secret_key";
  for (const std::string& name : {current, previous}) {
    std::string where;
    std::optional<std::string> secret = text_or_file(host, name, where);
    if (!secret) continue;
    if (where != name && secret->ends_with('\n')) secret->pop_back();  // of the file, not of the secret
    if (secret->size() < kGoodSecretBytes)
      settings.warnings.push_back(
          where +
          " has under 32 bytes (RFC 7518 section 3.2): whoever has one token can try to "
          "guess it");
    const int64_t until =
        name == current ? 0 : host.config_int(previous + "_valid_until", 0, 0, int64_t{1} << 40);
    out.fixed.push_back({make_key(where, [&] { return VerifyKey::hmac(algorithm, *secret); }), until});
  }
}

void read_public_keys(const Host& host, const std::string& prefix, TokenRules& out) {
  const Algorithm rsa = read_algorithm(host, prefix + "rsa_algorithm", "RS256", Family::kRsa);
  std::string where;
  if (const auto pem = text_or_file(host, prefix + "rsa_public_key", where))
    out.fixed.push_back({make_key(where, [&] { return VerifyKey::pem(rsa, *pem); })});
  if (const auto pem = text_or_file(host, prefix + "ecdsa_public_key", where))
    out.fixed.push_back(
        {make_key(where, [&] { return VerifyKey::pem(VerifyKey::algorithm_of_ec_pem(*pem), *pem); })});
  if (const auto pem = text_or_file(host, prefix + "ed25519_public_key", where))
    out.fixed.push_back({make_key(where, [&] { return VerifyKey::pem(Algorithm::kEdDsa, *pem); })});
}

std::shared_ptr<const re2::RE2> read_regex(const Host& host, const std::string& key) {
  const std::string text = host.config(key, "");
  if (text.empty()) return nullptr;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto regex = std::make_shared<const re2::RE2>(text, options);
  if (!regex->ok()) {
    // RE2 says what is wrong, a colon, and the part of the text that is.
    const std::string& error = regex->error();
    throw ConfigError(key + ": " + error.substr(0, error.find(": ")));
  };
  return regex;
}

void read_policy(const Host& host, const std::string& prefix, TokenRules& out) {
  out.policy.issuer = host.config(prefix + "issuer", "");
  out.policy.audience = host.config(prefix + "audience", "");
  out.policy.issuer_regex = read_regex(host, prefix + "issuer_regex");
  out.policy.audience_regex = read_regex(host, prefix + "audience_regex");
  out.policy.require_exp = host.config_bool(prefix + "require_exp", true);
  // Tokens have whole seconds: a part of one is allowed as one.
  out.policy.leeway_s =
      std::chrono::ceil<std::chrono::seconds>(
          host.config_duration(prefix + "leeway", 0s, 0s, std::chrono::seconds(kMaxLeewaySeconds)))
          .count();
  out.user_claim = host.config(prefix + "user_id_claim", "sub");
}

// --- published keys ------------------------------------------------------------------------------

// The names of url's {{name}}s, in order, each once.
std::vector<std::string> placeholders(const std::string& key, const std::string& url) {
  std::vector<std::string> out;
  for (size_t at = url.find("{{"); at != std::string::npos; at = url.find("{{", at)) {
    const size_t end = url.find("}}", at);
    if (end == std::string::npos) throw ConfigError(key, "a URL whose {{ have their }}", url);
    const std::string name = url.substr(at + 2, end - at - 2);
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    at = end;
  }
  return out;
}

EndpointChoice::Variable find_variable(const std::string& key, const std::string& name,
                                       const TokenPolicy& policy) {
  for (const bool of_audience : {false, true}) {
    const auto& regex = of_audience ? policy.audience_regex : policy.issuer_regex;
    if (regex == nullptr) continue;
    const auto& groups = regex->NamedCapturingGroups();
    if (const auto found = groups.find(name); found != groups.end())
      return {name, of_audience, found->second};
  }
  throw ConfigError(key + ": {{" + name + "}} is no named group of issuer_regex or audience_regex: (?P<" +
                    name + ">...)");
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

bool is_path_part(const std::string& value) {
  return !value.empty() &&
         value.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
             std::string::npos &&
         value.find_first_not_of('.') != std::string::npos;
}

Endpoint read_endpoint_rules(const Host& host, const std::string& prefix) {
  Endpoint out;
  out.refresh = host.config_duration(prefix + "refresh", 1h, 1s, 24h);
  out.min_interval = host.config_duration(prefix + "min_interval", 30s, 1s, 1h);
  out.rules.timeout = host.config_duration(prefix + "timeout", 3s, 100ms, 30s);
  out.rules.ca_file = host.config(prefix + "ca_file", "");
  if (const TrustedPath ca = trusted_file(out.rules.ca_file); !ca.ok() && ca.error == 0)
    throw ConfigError(prefix + "ca_file: " + ca.why);
  const std::string listed = prefix + "allow_networks";
  for (const std::string& rule : host.config_list(listed))
    if (!out.rules.addresses.add(rule, true)) throw ConfigError(listed, net::AddressPolicy::kRuleText, rule);
  return out;
}

// Adds an endpoint for every combination of the listed values.
void add_endpoints(const std::string& key, const std::string& url, const Endpoint& rules,
                   const std::vector<std::vector<std::string>>& values, EndpointChoice& out,
                   Settings& settings) {
  std::vector<std::vector<std::string>> combinations = {{}};
  for (const std::vector<std::string>& of_variable : values) {
    std::vector<std::vector<std::string>> longer;
    for (const auto& combination : combinations)
      for (const std::string& value : of_variable) {
        longer.push_back(combination);
        longer.back().push_back(value);
      }
    combinations = std::move(longer);
    if (combinations.size() > kMaxEndpoints) break;
  }
  if (combinations.size() + settings.endpoints.size() > kMaxEndpoints)
    throw ConfigError(key + ": its values make more than 64 URLs");
  for (const auto& combination : combinations) {
    Endpoint endpoint = rules;
    endpoint.url = url;
    for (size_t i = 0; i < combination.size(); ++i)
      replace_all(endpoint.url, "{{" + out.variables[i].name + "}}", combination[i]);
    try {
      check_url(endpoint.url);
    } catch (const std::invalid_argument& error) {
      throw ConfigError(key + ": " + error.what());
    }
    if (is_plain_http(endpoint.url))
      settings.warnings.push_back(key +
                                  ": keys that come over plain http can be replaced on their way; use https");
    out.endpoints.emplace(combination, settings.endpoints.size());
    settings.endpoints.push_back(std::move(endpoint));
  }
}

void read_published(const Host& host, const std::string& prefix, TokenRules& out, Settings& settings) {
  const std::string key = prefix + "jwks.url";
  const std::string url = host.config(key, "");
  if (url.empty()) return;
  const Endpoint rules = read_endpoint_rules(host, prefix + "jwks.");
  EndpointChoice choice;
  std::vector<std::vector<std::string>> values;
  for (const std::string& name : placeholders(key, url)) {
    choice.variables.push_back(find_variable(key, name, out.policy));
    const std::string list = prefix + "jwks.values." + name;
    values.push_back(host.config_list(list));
    if (values.back().empty()) throw ConfigError(list + ": list every value that {{" + name + "}} may have");
    for (const std::string& value : values.back())
      if (!is_path_part(value)) throw ConfigError(list, "letters, digits, '-', '_' and '.'", value);
  }
  add_endpoints(key, url, rules, values, choice, settings);
  // Who signs with the keys of one set says nothing of the users of another, unless the operator says that it does.
  const std::string users_key = prefix + "jwks.users";
  const std::string users = host.config(users_key, choice.endpoints.size() > 1 ? "" : "shared");
  if (users != "shared" && users != "separate")
    throw ConfigError(
        users_key,
        "\"separate\" (the user 42 of acme is \"acme@42\") or \"shared\" (whoever signs with the keys of "
        "one of the jwks.values may name every user)",
        users);
  choice.separate_users = users == "separate";
  out.published = std::move(choice);
}

TokenRules read_rules(const Host& host, const std::string& prefix, Settings& settings) {
  TokenRules out;
  read_policy(host, prefix, out);
  read_secrets(host, prefix, out, settings);
  read_public_keys(host, prefix, out);
  read_published(host, prefix, out, settings);
  if (out.fixed.empty() && !out.published)
    throw ConfigError(prefix +
                      "hmac_secret_key: no key is set: give it, rsa_public_key, ecdsa_public_key, "
                      "ed25519_public_key or jwks.url");
  return out;
}

}  // namespace

std::vector<std::string> EndpointChoice::values(const Claims& claims, const TokenPolicy& policy) const {
  std::vector<std::string> out(variables.size());
  const auto capture = [&](bool of_audience, const re2::RE2& regex, const std::string& text) {
    std::vector<re2::StringPiece> groups(static_cast<size_t>(regex.NumberOfCapturingGroups()) + 1);
    if (!regex.Match(text, 0, text.size(), re2::RE2::ANCHOR_BOTH, groups.data(),
                     static_cast<int>(groups.size())))
      return;
    for (size_t i = 0; i < variables.size(); ++i)
      if (variables[i].of_audience == of_audience)
        out[i] = groups[static_cast<size_t>(variables[i].group)].as_string();
  };
  if (!variables.empty() && policy.issuer_regex != nullptr)
    capture(false, *policy.issuer_regex, claims.issuer);
  if (!variables.empty() && policy.audience_regex != nullptr)
    for (const std::string& audience : claims.audience) capture(true, *policy.audience_regex, audience);
  return out;
}

std::optional<size_t> EndpointChoice::find(const Claims& claims, const TokenPolicy& policy) const {
  const auto found = endpoints.find(values(claims, policy));
  return found == endpoints.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> EndpointChoice::scope(const Claims& claims, const TokenPolicy& policy) const {
  std::string out;
  if (!separate_users) return out;
  const std::vector<std::string> names = values(claims, policy);
  if (!endpoints.contains(names)) return std::nullopt;
  for (const std::string& name : names) out += name + '@';  // no value has this sign
  return out;
}

Settings read_settings(const Host& host) {
  Settings out;
  out.user_prefix = user_prefix(host);
  out.connection = read_rules(host, "", out);
  out.subscription = host.config_bool("subscription_token.enabled", false)
                         ? read_rules(host, "subscription_token.", out)
                         : out.connection;
  out.defer_unknown = host.config_bool("defer_unknown", false);
  for (const TokenRules* rules : {&out.connection, &out.subscription})
    if (out.defer_unknown && rules->published && rules->policy.issuer.empty() &&
        rules->policy.issuer_regex == nullptr)
      throw ConfigError(
          "defer_unknown: with jwks.url it needs issuer or issuer_regex, so that the tokens of other plugins "
          "are told from those of a key that is not known yet");
  out.refuse_anonymous = host.config_bool("disallow_anonymous_connection_tokens", false);
  out.revocation = host.config_bool("revocation.enabled", true);
  out.revocation_keep = host.config_duration("revocation.keep", 24h * 30, 1min);
  return out;
}

}  // namespace lcg::token
