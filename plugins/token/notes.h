// SPDX-License-Identifier: Apache-2.0
// notes: what is open under a token that the host does not know it by: sessions that refreshed with it, and
// subscriptions. In memory. The notes of a session end with it, so there are as many as sessions keep open.
//
// Single-threaded. Each operation: logarithmic in the notes, and linear in those of one session and channel.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace lcg::token {

struct Note {
  std::string token_id, session;
  std::string channel;   // "": the session itself
  int64_t until_ns = 0;  // when it ends by itself, on Host::now_ns; 0: never
};

class Notes {
 public:
  // Twice what the setting clients.channels may be.
  static constexpr size_t kPerSession = 8192;
  // How long a session is remembered that has ended: longer than what it asked for can be under way.
  static constexpr int64_t kRememberGoneNs = 60'000'000'000;

  explicit Notes(size_t per_session = kPerSession) : per_session_(per_session) {}
  Notes(const Notes&) = delete;
  Notes& operator=(const Notes&) = delete;

  // The token is being checked, to open or prolong what the note names. False: the session has ended. `pushed_out`: the
  // session's oldest note, where it has too many; it may be open.
  bool ask(Note note, int64_t now_ns, std::vector<Note>& pushed_out);
  // The end of it. admitted: the token takes the place of those that the same was opened by before. False: it is not
  // noted any more, and must not be let in.
  bool admitted(const Note& note);
  void refused(const Note& note);
  // The session has ended, and all that was open in it.
  void gone(const std::string& session, int64_t now_ns);

  std::vector<Note> of(std::string_view token_id) const;
  size_t size() const { return by_token_.size(); }
  size_t remembered() const { return gone_.size(); }

 private:
  struct Kept {
    Note note;
    uint64_t order = 0;   // of the last ask
    uint32_t asking = 0;  // checks under way
    bool open = false;    // one check was passed
    std::list<Kept>::iterator self;
  };
  using Key = std::tuple<std::string_view, std::string_view, std::string_view>;
  static Key by_token(const Note& n) { return {n.token_id, n.session, n.channel}; }
  static Key by_place(const Note& n) { return {n.session, n.channel, n.token_id}; }
  template <Key (*kKey)(const Note&)>
  struct Order {
    using is_transparent = void;
    bool operator()(const Kept* a, const Kept* b) const { return kKey(a->note) < kKey(b->note); }
    bool operator()(const Kept* a, const Key& b) const { return kKey(a->note) < b; }
    bool operator()(const Key& a, const Kept* b) const { return a < kKey(b->note); }
  };

  Kept* find(const Note& note) const;
  void set_end(Kept& kept, int64_t until_ns);
  void drop_ended(int64_t now_ns);
  void forget_gone(int64_t now_ns);
  Note take(Kept& kept);

  const size_t per_session_;
  uint64_t orders_ = 0;
  std::unordered_map<std::string, std::list<Kept>> sessions_;  // the oldest first; none without notes
  std::set<Kept*, Order<by_token>> by_token_;
  std::set<Kept*, Order<by_place>> by_place_;
  std::set<std::pair<int64_t, Kept*>> endings_;  // of those that end
  std::unordered_set<size_t> gone_;              // hashes of session ids
  std::deque<std::pair<int64_t, size_t>> gone_order_;
};

}  // namespace lcg::token
