#include "broker/registry/http_bindings.h"

namespace lcg::broker {

void HttpBindings::add(PeerPtr peer) {
  if (!peer->user.empty()) by_user_[peer->user].push_back(peer);
  by_session_[peer->session] = std::move(peer);
}

bool HttpBindings::remove(const Peer& peer) {
  const auto found = by_session_.find(peer.session);
  if (found == by_session_.end()) return false;
  if (const auto user = by_user_.find(found->second->user); user != by_user_.end()) {
    std::erase(user->second, found->second);
    if (user->second.empty()) by_user_.erase(user);
  }
  by_session_.erase(found);
  return true;
}

std::vector<PeerPtr> HttpBindings::matching(const DisconnectSessions& what) const {
  std::vector<PeerPtr> out;
  const auto consider = [&](const PeerPtr& peer) {
    if (matches(*peer, what)) out.push_back(peer);
  };
  if (!what.session.empty()) {
    const auto found = by_session_.find(what.session);
    if (found != by_session_.end()) consider(found->second);
  } else if (!what.user.empty()) {
    const auto found = by_user_.find(what.user);
    if (found == by_user_.end()) return out;
    for (const PeerPtr& peer : found->second) consider(peer);
  } else {
    for (const auto& [session, peer] : by_session_) consider(peer);
  }
  return out;
}

}  // namespace lcg::broker
