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
    known->answered = false;
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

void Members::admit(Member& member, Admission as) {
  retire(member);
  member.as = std::move(as);
  member.in = true;
  ++in_;
  if (member.as.takes_delta) ++deltas_;
  if (!member.as.present) return;
  ++present_;
  ++users_[member.peer->user];
}

void Members::retire(Member& member) {
  if (!member.in) return;
  member.in = false;
  --in_;
  if (member.as.takes_delta) --deltas_;
  if (!member.as.present) return;
  --present_;
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

std::vector<PeerPtr> Members::matching(std::string_view session, std::string_view user) {
  std::vector<PeerPtr> out;
  if (!session.empty()) {
    const Member* member = find(session);
    if (member != nullptr && (user.empty() || member->peer->user == user)) out.push_back(member->peer);
    return out;
  }
  for (const auto& [key, member] : by_session_)
    if (member.peer->user == user) out.push_back(member.peer);
  return out;
}

std::vector<ClientInfo> Members::list() const {
  std::vector<ClientInfo> out;
  out.reserve(present_);
  for (const auto& [session, member] : by_session_)
    if (member.in && member.as.present) out.push_back(info_of(member));
  return out;
}

ClientInfo info_of(const Member& member) {
  return {member.peer->user, member.peer->session, member.peer->conn_info, member.as.chan_info};
}

}  // namespace lcg::broker
