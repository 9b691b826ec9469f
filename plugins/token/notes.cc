// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/notes.h"

#include <algorithm>
#include <functional>
#include <iterator>

namespace lcg::token {

bool Notes::ask(Note note, int64_t now_ns, std::vector<Note>& pushed_out) {
  drop_ended(now_ns);
  forget_gone(now_ns);
  if (gone_.contains(std::hash<std::string>()(note.session))) return false;
  Kept* kept = find(note);
  std::list<Kept>& notes = sessions_[note.session];
  if (kept != nullptr) {
    notes.splice(notes.end(), notes, kept->self);
    // A token that lived longer at first is not noted for less.
    const int64_t until = kept->note.until_ns;
    set_end(*kept, until == 0 || note.until_ns == 0 ? 0 : std::max(until, note.until_ns));
  } else {
    kept = &notes.emplace_back(Kept{.note = std::move(note), .self = {}});
    kept->self = std::prev(notes.end());
    by_token_.insert(kept);
    by_place_.insert(kept);
    set_end(*kept, kept->note.until_ns);
    if (notes.size() > per_session_) pushed_out.push_back(take(notes.front()));
  }
  kept->order = ++orders_;
  ++kept->asking;
  return true;
}

bool Notes::admitted(const Note& note) {
  Kept* const kept = find(note);
  if (kept == nullptr) return false;
  if (kept->asking > 0) --kept->asking;
  kept->open = true;
  int64_t until = kept->note.until_ns;
  for (auto at = by_place_.lower_bound(Key{note.session, note.channel, ""}); at != by_place_.end();) {
    Kept& other = **at++;
    if (other.note.session != note.session || other.note.channel != note.channel) break;
    if (&other == kept || other.asking > 0 || other.order > kept->order) continue;
    // Whether the answer is taken is not known here: what the other opened may last as long as it allowed.
    until = until == 0 || other.note.until_ns == 0 ? 0 : std::max(until, other.note.until_ns);
    take(other);
  }
  set_end(*kept, until);
  return true;
}

void Notes::refused(const Note& note) {
  Kept* const kept = find(note);
  if (kept == nullptr) return;
  if (kept->asking > 0) --kept->asking;
  if (kept->asking == 0 && !kept->open) take(*kept);
}

void Notes::gone(const std::string& session, int64_t now_ns) {
  forget_gone(now_ns);
  const size_t hash = std::hash<std::string>()(session);
  if (gone_.insert(hash).second) gone_order_.emplace_back(now_ns, hash);
  while (true) {
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return;
    take(found->second.front());
  }
}

std::vector<Note> Notes::of(std::string_view token_id) const {
  std::vector<Note> out;
  for (auto at = by_token_.lower_bound(Key{token_id, "", ""});
       at != by_token_.end() && (*at)->note.token_id == token_id; ++at)
    out.push_back((*at)->note);
  return out;
}

Notes::Kept* Notes::find(const Note& note) const {
  const auto found = by_token_.find(by_token(note));
  return found == by_token_.end() ? nullptr : *found;
}

void Notes::set_end(Kept& kept, int64_t until_ns) {
  endings_.erase({kept.note.until_ns, &kept});
  kept.note.until_ns = until_ns;
  if (until_ns != 0) endings_.insert({until_ns, &kept});
}

void Notes::drop_ended(int64_t now_ns) {
  while (!endings_.empty() && endings_.begin()->first <= now_ns) take(*endings_.begin()->second);
}

void Notes::forget_gone(int64_t now_ns) {
  while (!gone_order_.empty() && now_ns - gone_order_.front().first >= kRememberGoneNs) {
    gone_.erase(gone_order_.front().second);
    gone_order_.pop_front();
  }
}

Note Notes::take(Kept& kept) {
  by_token_.erase(&kept);
  by_place_.erase(&kept);
  endings_.erase({kept.note.until_ns, &kept});
  Note out = std::move(kept.note);
  const auto home = sessions_.find(out.session);
  home->second.erase(kept.self);
  if (home->second.empty()) sessions_.erase(home);
  return out;
}

}  // namespace lcg::token
