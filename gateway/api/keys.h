// Keys: who may call the server API, and what each may do. Threats: reliability A2 "Publish API".
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rate_limit.h"
#include "gateway/api/batch.h"
#include "gateway/net/http_message.h"

namespace lcg::gateway::api {

// The key a request brings, in the first of these it has: X-API-Key, Authorization: apikey <key>, ?api_key=.
std::string key_of(const net::HttpRequest& request);

// Lane: its own; each has its own account of the rates.
class Keys {
 public:
  // `config` is borrowed.
  explicit Keys(const ApiConfig& config);

  struct Found {
    bool known = false;
    size_t index = 0;
    const KeyConfig* config = nullptr;  // null with `known`: no key is asked for
  };
  // Looks at every key for as long as at every other: the time tells nothing about them (digests are compared).
  Found find(std::string_view presented) const;

  // Empty: the command may be done. Else what is not allowed: "key 'orders' may not ...".
  static std::string forbids(const KeyConfig* key, const Command& command);

  // Takes one for each command, and one for each channel of a broadcast; at most its burst at a time counts. How
  // long to wait, if they are not there.
  std::optional<Millis> over_rate(const Found& key, const std::vector<Command>& commands, MonoTime now);

 private:
  const ApiConfig& config_;
  std::vector<TokenBucket> buckets_;  // by index
};

}  // namespace lcg::gateway::api
