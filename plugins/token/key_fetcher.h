// SPDX-License-Identifier: Apache-2.0
// key_fetcher: fetches published keys for every instance. The owner of an endpoint's slot does it for all lanes, so
// there is one request at a time and a flood of unknown kids, on however many lanes, makes one each min_interval.
//
// Keys stay until a set that came later takes their place; an endpoint that fails is asked again after 5 s, 10 s, ...
// up to min_interval. Lane: the instance's; the request itself is on the blocking pool.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lcg/host.hpp"
#include "lcg/sync.hpp"
#include "plugins/token/settings.h"

namespace lcg::token {

// What an instance asks the owner (method "keys" of the service "token", key keys_slot_key) and is told.
struct KeysAsk {
  size_t endpoint = 0;
  uint64_t known_version = 0;  // 0: none
  bool unknown_kid = false;    // a token names a kid that version does not have
};
struct KeysAnswer {
  uint64_t version = 0;   // 0: no set was ever fetched
  bool current = false;   // the set was fetched after the asking
  uint64_t retry_ms = 0;  // no unknown kid makes a request before
  bool changed = false;   // version differs from the known one, and keys are given
  std::vector<Jwk> keys;
};
std::string keys_slot_key(size_t endpoint);
std::string encode(const KeysAsk& ask);
bool decode(std::string_view data, KeysAsk& out);
std::string encode(const KeysAnswer& answer);
bool decode(std::string_view data, KeysAnswer& out);

class KeyFetcher {
 public:
  KeyFetcher(Host host, std::vector<Endpoint> endpoints);

  Task<Reply> answer(ServiceCall call);
  // In on_stopping: ends a request that is under way.
  void stop() { *stop_ = true; }

 private:
  struct State {
    Endpoint endpoint;
    AsyncLock fetching;
    uint64_t version = 0;
    std::vector<Jwk> keys;
    int64_t tried_ns = -1, fetched_ns = -1;  // when the last request began; when the last good one ended
    uint32_t failures = 0;                   // in a row
  };
  int64_t due_ns(const State& state, bool unknown_kid) const;
  Task<> fetch_one(State* state);
  void keep(State& state, JwkSet set);

  const Host host_;
  const std::shared_ptr<std::atomic<bool>> stop_ = std::make_shared<std::atomic<bool>>(false);
  std::vector<std::unique_ptr<State>> states_;
};

}  // namespace lcg::token
