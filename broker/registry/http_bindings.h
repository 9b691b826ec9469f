// HttpBindings: who was let in by a bearer token of HTTP and is remembered by a gateway lane (gateway/session/
// token_cache.h): what a disconnect has to reach beside the sessions.
//
// One stays from its bind until its gateway says that it has forgotten it (SessionClosed), so there are never more
// than the gateways' caches hold and calls are under way. Lane: the registry's.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/registry/session_ends.h"

namespace lcg::broker {

class HttpBindings {
 public:
  void add(PeerPtr peer);
  // False: it is not here.
  bool remove(const Peer& peer);
  std::vector<PeerPtr> matching(const DisconnectSessions& what) const;
  size_t size() const { return by_session_.size(); }

 private:
  std::unordered_map<std::string, PeerPtr> by_session_;
  std::unordered_map<std::string, std::vector<PeerPtr>> by_user_;  // anonymous ones are in none
};

}  // namespace lcg::broker
