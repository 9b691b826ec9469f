// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/notes.h"

#include <algorithm>
#include <iterator>

namespace lcg::token {

std::vector<Note> Notes::add(std::string owner, Note note, int64_t now_ms) {
  drop_ended(now_ms);
  const auto same = places_.find(Place{note.token_id, note.session, note.channel});
  if (same != places_.end()) {
    refresh(**same, note.until_ms);
    return {};
  }
  std::vector<Note> pushed_out;
  const auto known = owners_.find(owner);
  if (known != owners_.end() && known->second.notes.size() >= limits_.per_owner)
    pushed_out.push_back(take(known->second.notes.front()));
  else if (size() >= limits_.all)
    pushed_out.push_back(take(weights_.rbegin()->second->notes.front()));

  Owner& home = owners_[owner];
  home.name = std::move(owner);
  Kept& kept = home.notes.emplace_back(Kept{std::move(note), &home, {}});
  kept.self = std::prev(home.notes.end());
  places_.insert(&kept);
  if (kept.note.until_ms != 0) endings_.insert({kept.note.until_ms, &kept});
  weights_.erase({home.notes.size() - 1, &home});
  weights_.insert({home.notes.size(), &home});
  return pushed_out;
}

bool Notes::has(std::string_view token_id, std::string_view session, std::string_view channel) const {
  return places_.find(Place{token_id, session, channel}) != places_.end();
}

std::vector<Note> Notes::of(std::string_view token_id) const {
  std::vector<Note> out;
  for (auto at = places_.lower_bound(Place{token_id, "", ""});
       at != places_.end() && (*at)->note.token_id == token_id; ++at)
    out.push_back((*at)->note);
  return out;
}

// A token that lived longer at first is not noted for less.
void Notes::refresh(Kept& kept, int64_t until_ms) {
  std::list<Kept>& notes = kept.owner->notes;
  notes.splice(notes.end(), notes, kept.self);
  int64_t& until = kept.note.until_ms;
  if (until == 0) return;
  endings_.erase({until, &kept});
  until = until_ms == 0 ? 0 : std::max(until, until_ms);
  if (until != 0) endings_.insert({until, &kept});
}

void Notes::drop_ended(int64_t now_ms) {
  while (!endings_.empty() && endings_.begin()->first <= now_ms) take(*endings_.begin()->second);
}

Note Notes::take(Kept& kept) {
  Owner& home = *kept.owner;
  places_.erase(&kept);
  endings_.erase({kept.note.until_ms, &kept});
  weights_.erase({home.notes.size(), &home});
  Note out = std::move(kept.note);
  home.notes.erase(kept.self);
  if (home.notes.empty()) {
    owners_.erase(owners_.find(home.name));
  } else {
    weights_.insert({home.notes.size(), &home});
  }
  return out;
}

}  // namespace lcg::token
