#include "broker/presence/members.h"

#include <algorithm>
#include <optional>
#include <utility>

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
  Member& member = by_session_.try_emplace(session).first->value;
  member.peer = std::move(peer);
  member.ticket = ++last_ticket_;
  return member;
}

Member* Members::find(std::string_view session) {
  auto* found = by_session_.find(session);
  return found == nullptr ? nullptr : &found->value;
}

void Members::change(PeerPtr peer) {
  std::optional<Member> member = by_session_.take(peer->session);
  if (!member) return;
  member->peer = std::move(peer);
  const std::string_view session = member->peer->session;
  by_session_.try_emplace(session, *std::move(member));
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
  ++users_.try_emplace(member.peer->user).first->value;
}

void Members::retire(Member& member) {
  if (!member.in) return;
  member.in = false;
  --in_;
  if (member.as.takes_delta) --deltas_;
  if (!member.as.present) return;
  --present_;
  auto* user = users_.find(member.peer->user);
  if (user != nullptr && --user->value == 0) users_.erase(member.peer->user);
}

Member Members::remove(std::string_view session) {
  Member* member = find(session);
  if (member == nullptr) return {};
  Member was = *member;
  retire(*member);
  if (was.listening) interest_.remove(was.peer->gateway);
  by_session_.erase(session);
  return was;
}

std::vector<PeerPtr> Members::matching(std::string_view session, std::string_view user) {
  std::vector<PeerPtr> out;
  if (!session.empty()) {
    const Member* member = find(session);
    if (member != nullptr && (user.empty() || member->peer->user == user)) out.push_back(member->peer);
    return out;
  }
  by_session_.for_each([&](const auto& entry) {
    if (entry.value.peer->user == user) out.push_back(entry.value.peer);
  });
  return out;
}

std::vector<ClientInfo> Members::list() const {
  std::vector<ClientInfo> out;
  out.reserve(present_);
  by_session_.for_each([&](const auto& entry) {
    if (entry.value.in && entry.value.as.present) out.push_back(info_of(entry.value));
  });
  return out;
}

ClientInfo info_of(const Member& member) {
  return {member.peer->user, member.peer->session, member.peer->conn_info, member.as.chan_info};
}

}  // namespace lcg::broker
