// SPDX-License-Identifier: Apache-2.0
// notes: what is open under a token that the host does not know it by: sessions that refreshed with it, and
// subscriptions. In memory, bounded, and never forgotten in silence: add() gives back what has to make room, and the
// caller ends it. Who has most notes makes room, so that one who fills them fills them for oneself.
//
// Single-threaded. Each operation: logarithmic in the notes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lcg::token {

struct Note {
  std::string token_id, session;
  std::string channel;   // "": the session itself
  int64_t until_ms = 0;  // when it ends by itself, Unix ms; 0: never
};

struct NoteLimits {
  size_t all = 100'000;
  size_t per_owner = 1'000;
};

class Notes {
 public:
  explicit Notes(NoteLimits limits = {}) : limits_(limits) {}
  Notes(const Notes&) = delete;
  Notes& operator=(const Notes&) = delete;

  // The same token, session and channel again is the same note. Returns what is not noted any more although it has not
  // ended: the oldest of `owner`, when the owner has per_owner of them, or of whoever has most.
  std::vector<Note> add(std::string owner, Note note, int64_t now_ms);
  bool has(std::string_view token_id, std::string_view session, std::string_view channel) const;
  std::vector<Note> of(std::string_view token_id) const;
  size_t size() const { return places_.size(); }

 private:
  struct Owner;
  struct Kept {
    Note note;
    Owner* owner;
    std::list<Kept>::iterator self;
  };
  struct Owner {
    std::string name;
    std::list<Kept> notes;  // the oldest first
  };
  using Place = std::tuple<std::string_view, std::string_view, std::string_view>;
  static Place place_of(const Kept* kept) {
    return {kept->note.token_id, kept->note.session, kept->note.channel};
  }
  struct ByPlace {
    using is_transparent = void;
    bool operator()(const Kept* a, const Kept* b) const { return place_of(a) < place_of(b); }
    bool operator()(const Kept* a, const Place& b) const { return place_of(a) < b; }
    bool operator()(const Place& a, const Kept* b) const { return a < place_of(b); }
  };

  void refresh(Kept& kept, int64_t until_ms);
  void drop_ended(int64_t now_ms);
  Note take(Kept& kept);

  const NoteLimits limits_;
  std::unordered_map<std::string, Owner> owners_;  // none without notes
  std::set<Kept*, ByPlace> places_;
  std::set<std::pair<int64_t, Kept*>> endings_;  // of those that end
  std::set<std::pair<size_t, Owner*>> weights_;  // how many notes whose
};

}  // namespace lcg::token
