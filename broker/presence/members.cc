#include "broker/presence/members.h"

#include <algorithm>

namespace lcg::broker {

void Interest::add(GatewayAddress gateway) {
  for (Entry& entry : entries_) {
    if (entry.gateway != gateway) continue;
    ++entry.sessions;
    return;
  }
  entries_.push_back({gateway, 1});
}

void Interest::remove(GatewayAddress gateway) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [gateway](const Entry& e) { return e.gateway == gateway; });
  if (entry == entries_.end() || --entry->sessions > 0) return;
  *entry = entries_.back();
  entries_.pop_back();
}

Member& Members::ask(PeerPtr peer) {
  const std::string_view session = peer->session;
  if (Member* known = find(session)) {
    retire(*known);
    known->ticket = ++last_ticket_;
    return *known;
  }
  Member& member = by_session_[session];
  member.peer = std::move(peer);
  member.ticket = ++last_ticket_;
  return member;
}

Member* Members::find(std::string_view session) {
  const auto found = by_session_.find(session);
  return found == by_session_.end() ? nullptr : &found->second;
}

void Members::listen(Member& member) {
  if (member.listening) return;
  member.listening = true;
  interest_.add(member.peer->gateway);
}

void Members::admit(Member& member, SharedBytes chan_info) {
  member.chan_info = std::move(chan_info);
  if (member.in) return;
  member.in = true;
  ++in_;
  if (count_users_) ++users_[member.peer->user];
}

void Members::retire(Member& member) {
  if (!member.in) return;
  member.in = false;
  --in_;
  if (!count_users_) return;
  const auto user = users_.find(member.peer->user);
  if (user != users_.end() && --user->second == 0) users_.erase(user);
}

Member Members::remove(std::string_view session) {
  const auto found = by_session_.find(session);
  if (found == by_session_.end()) return {};
  Member was = found->second;
  retire(found->second);
  if (was.listening) interest_.remove(was.peer->gateway);
  by_session_.erase(found);
  return was;
}

std::vector<Member> Members::remove_matching(std::string_view session, std::string_view user) {
  std::vector<PeerPtr> matching;
  if (!session.empty()) {
    const Member* member = find(session);
    if (member != nullptr && (user.empty() || member->peer->user == user)) matching.push_back(member->peer);
  } else {
    for (const auto& [key, member] : by_session_)
      if (member.peer->user == user) matching.push_back(member.peer);
  }
  std::vector<Member> out;
  out.reserve(matching.size());
  for (const PeerPtr& peer : matching) out.push_back(remove(peer->session));
  return out;
}

std::vector<ClientInfo> Members::list() const {
  std::vector<ClientInfo> out;
  out.reserve(in_);
  for (const auto& [session, member] : by_session_)
    if (member.in) out.push_back(info_of(member));
  return out;
}

ClientInfo info_of(const Member& member) {
  return {member.peer->user, member.peer->session, member.peer->conn_info, member.chan_info};
}

}  // namespace lcg::broker
