#include "gateway/api/keys.h"

#include <openssl/crypto.h>

#include <algorithm>

namespace lcg::gateway::api {
namespace {

constexpr std::string_view kScheme = "apikey ";

bool lists(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string forbidden_channel(const KeyConfig& key, std::string_view method, std::string_view channel) {
  const std::string_view space = namespace_of(channel);
  std::string what = space.empty() ? "channels without a namespace" : "namespace " + in_quotes(space);
  return std::string(method) + ": channel " + in_quotes(channel) + ": key " + in_quotes(key.name) +
         " has no access to " + what;
}

}  // namespace

std::string key_of(const net::HttpRequest& request) {
  if (const std::string_view key = request.header("X-API-Key"); !key.empty()) return std::string(key);
  const std::string_view authorization = request.header("Authorization");
  if (authorization.size() > kScheme.size() &&
      net::equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme))
    return std::string(authorization.substr(kScheme.size()));
  return request.query_value("api_key").value_or("");
}

Keys::Keys(const ApiConfig& config) : config_(config) {
  buckets_.reserve(config.keys.size());
  for (const KeyConfig& key : config.keys) buckets_.emplace_back(key.rate, key.burst);
}

Keys::Found Keys::find(std::string_view presented) const {
  if (config_.insecure) return {.known = true};
  Found found;
  if (presented.empty() || presented.size() > kMaxKeyBytes) return found;
  const KeyDigest digest = digest_of(presented);
  for (size_t i = 0; i < config_.keys.size(); ++i) {
    const KeyDigest& known = config_.keys[i].digest;
    if (CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0) found = {true, i, &config_.keys[i]};
  }
  return found;
}

std::string Keys::forbids(const KeyConfig* key, const Command& command) {
  if (key == nullptr || command.method == nullptr) return {};
  const Method& method = *command.method;
  const std::string name(method.name);
  const bool listed = lists(key->methods, method.name);
  if (!key->methods.empty() && !listed)
    return name + ": key " + in_quotes(key->name) + " may not call this method, it is not among its methods";
  if (key->namespaces.empty()) return {};
  if (method.reach == Reach::kWide) {
    if (listed) return {};
    return name + ": key " + in_quotes(key->name) +
           " is limited to namespaces: this method reaches further, and must be among its methods";
  }
  const Params& params = command.params;
  const auto sees = [key](std::string_view channel) { return lists(key->namespaces, namespace_of(channel)); };
  for (const std::string& channel : params.channels) {
    if (!sees(channel)) return forbidden_channel(*key, method.name, channel);
  }
  const bool one = std::any_of(method.params.begin(), method.params.end(),
                               [](const Param& param) { return param.field == &field::kChannel; });
  if (one && params.channel.empty() && !command.error)
    return name + ": key " + in_quotes(key->name) + " is limited to namespaces: a channel must be given";
  return one && !params.channel.empty() && !sees(params.channel)
             ? forbidden_channel(*key, method.name, params.channel)
             : std::string();
}

std::optional<Millis> Keys::over_rate(const Found& key, const std::vector<Command>& commands, MonoTime now) {
  if (key.config == nullptr) return std::nullopt;
  double cost = 0;
  for (const Command& command : commands)
    cost += static_cast<double>(std::max<size_t>(command.params.channels.size(), 1));
  // One that could never be paid at once is admitted when the bucket is full, and paid off.
  TokenBucket& bucket = buckets_[key.index];
  const double now_due = std::min(cost, key.config->burst);
  if (!bucket.try_take(now, now_due)) return bucket.wait(now, now_due);
  bucket.take(now, cost - now_due);
  return std::nullopt;
}

}  // namespace lcg::gateway::api
