// TokenCache: who the bearer tokens of HTTP speak for, of one gateway lane.
//
// What is in it is bound in the broker's registry (broker/registry/open_sessions.h), which delivers a disconnect of its
// session id as to any session; so nothing here outlives a revocation, a block or a logout. The owner tells the broker
// SessionClosed of every peer that leaves, which is what `left` is for. Lane: the gateway lane's.
#pragma once
#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/growing_map.h"
#include "broker/api/types.h"

namespace lcg::gateway {

class TokenCache {
 public:
  using LeftFn = std::function<void(const PeerPtr&)>;

  // At most `max_entries`, the oldest goes first.
  TokenCache(size_t max_entries, LeftFn left) : max_entries_(max_entries), left_(std::move(left)) {}

  // Null: not known, or no longer.
  PeerPtr find(const std::string& token, MonoTime now);
  void add(std::string token, PeerPtr peer, MonoTime until);
  // By the peer's session id. False: it is not here.
  bool remove(std::string_view session);

 private:
  struct Entry {
    std::string token;
    PeerPtr peer;
    MonoTime until;
  };
  using Place = std::list<Entry>::iterator;
  void drop(Place entry);

  const size_t max_entries_;
  const LeftFn left_;
  std::list<Entry> entries_;                                   // oldest first
  GrowingMap<std::string_view, Place> by_token_, by_session_;  // the views are of the entries' own
};

}  // namespace lcg::gateway
