#include "broker/registry/open_sessions.h"

#include <utility>

namespace lcg::broker {

OpenSessions::Entry* OpenSessions::add(BoundSession session) {
  const std::string_view id = session.peer->session;
  const auto [place, fresh] = by_session_.try_emplace(id);
  if (!fresh) return nullptr;
  place->value = std::make_unique<Entry>();
  Entry& entry = *place->value;
  entry.session = std::move(session);
  for (const By by : {By::kUser, By::kLogin}) link(entry, by);
  return &entry;
}

void OpenSessions::set(Entry& entry, State state) {
  if (entry.is_session()) count(entry, false);
  entry.state = state;
  if (entry.is_session()) count(entry, true);
}

void OpenSessions::remove(Entry& entry) {
  if (entry.is_session()) count(entry, false);
  for (const By by : {By::kUser, By::kLogin}) unlink(entry, by);
  by_session_.erase(std::string_view(entry.session.peer->session));
}

void OpenSessions::count(const Entry& entry, bool in) {
  const auto add = [in](size_t& number) { in ? ++number : --number; };
  add(sessions_);
  if (entry.session.peer->user.empty()) add(anonymous_);
  for (const Entry::Link& at : entry.links) {
    if (at.group == nullptr) continue;
    add(at.group->sessions);
    const bool first_or_last = at.group->sessions == (in ? 1 : 0);
    if (&at == &entry.links[index(By::kUser)] && first_or_last) add(users_);
  }
}

void OpenSessions::link(Entry& entry, By by) {
  const std::string& name = name_of(entry, by);
  if (name.empty()) return;
  Group& group = groups_[index(by)].try_emplace(name).first->value;
  entry.links[index(by)] = {&group, group.last, nullptr};
  (group.last == nullptr ? group.first : group.last->links[index(by)].next) = &entry;
  group.last = &entry;
  ++group.size;
}

void OpenSessions::unlink(Entry& entry, By by) {
  const auto [group, before, next] = entry.links[index(by)];
  if (group == nullptr) return;
  (before == nullptr ? group->first : before->links[index(by)].next) = next;
  (next == nullptr ? group->last : next->links[index(by)].before) = before;
  if (--group->size == 0) groups_[index(by)].erase(name_of(entry, by));
}

}  // namespace lcg::broker
