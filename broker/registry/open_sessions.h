// OpenSessions: everything of a lane's users that is open or on its way in, and who it belongs to: what a disconnect
// has to reach.
//
// One entry from the bind on until its gateway says that it is gone: while it waits for the store, as a session, as a
// session that a newer one has replaced and whose gateway has not closed it yet, or as a bearer token of HTTP that a
// gateway remembers (gateway/session/token_cache.h), of which there are never more than the gateways' caches hold. They
// are found by session, user and login without a walk. Lane: the registry's.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/growing_map.h"
#include "broker/api/bus.h"

namespace lcg::broker {

// Which of two connections is the newer one: the one whose socket its server took later, where both servers read one
// clock, else the one whose bind was given the later number here.
struct SessionOrder {
  uint32_t node = 0;     // whose clock the times are of
  MonoTime asked;        // its connect
  MonoTime accepted;     // its socket; 0: nobody said
  uint64_t arrival = 0;  // issued by the registry, bind by bind
  bool after(const SessionOrder& other) const {
    const bool comparable = node == other.node && accepted.ns != 0 && other.accepted.ns != 0;
    if (comparable && accepted != other.accepted) return accepted > other.accepted;
    return arrival > other.arrival;
  }
};

struct BoundSession {
  PeerPtr peer;
  std::string client_name, client_version;
  int64_t connected_ms = 0;  // wall clock
  SessionOrder order;
};

class OpenSessions {
 public:
  enum class State : uint8_t { kBinding, kSession, kReplaced, kHttp };
  struct Group;
  struct Entry {
    BoundSession session;
    State state = State::kBinding;
    Outcome cancelled{};  // kBinding; not ok: what it will be refused with
    // It took the place of another session of its device then, as the so many-th in a row; 0: of none.
    MonoTime taken_at{};
    uint32_t takeovers = 0;

    bool is_session() const { return state == State::kSession; }

   private:
    friend class OpenSessions;
    struct Link {
      Group* group = nullptr;
      Entry *before = nullptr, *next = nullptr;
    };
    Link links[2];
  };
  // Of one user, or one login.
  struct Group {
    size_t size = 0, sessions = 0;  // entries; those that are sessions
    Entry *first = nullptr, *last = nullptr;
  };
  enum class By : uint8_t { kUser, kLogin };

  // As it comes; null: its session is here already.
  Entry* add(BoundSession session);
  void set(Entry& entry, State state);
  void remove(Entry& entry);

  Entry* find(std::string_view session) const {
    const auto* found = by_session_.find(session);
    return found == nullptr ? nullptr : found->value.get();
  }
  // Null: there is none. "" is nobody's.
  const Group* group(By by, std::string_view name) const {
    const auto* found = groups_[index(by)].find(name);
    return found == nullptr ? nullptr : &found->value;
  }
  // In the order in which they came. `visit` gets an Entry& and may set its state, not remove it.
  template <class Fn>
  void for_each(By by, std::string_view name, Fn&& visit) const {
    const Group* members = group(by, name);
    for (Entry* entry = members == nullptr ? nullptr : members->first; entry != nullptr;
         entry = entry->links[index(by)].next)
      visit(*entry);
  }
  // All, in steps: GrowingMap::walk. `visit` gets an Entry&.
  template <class Fn>
  uint64_t walk(uint64_t cursor, size_t steps, Fn&& visit) const {
    return by_session_.walk(cursor, steps, [&](const auto& entry) { visit(*entry.value); });
  }

  size_t sessions() const { return sessions_; }
  // Of sessions; anonymous ones count as one user together.
  size_t users() const { return users_ + (anonymous_ > 0 ? 1 : 0); }

 private:
  static size_t index(By by) { return static_cast<size_t>(by); }
  static const std::string& name_of(const Entry& entry, By by) {
    return by == By::kUser ? entry.session.peer->user : entry.session.peer->auth;
  }
  void link(Entry& entry, By by);
  void unlink(Entry& entry, By by);
  void count(const Entry& entry, bool in);

  size_t sessions_ = 0, users_ = 0, anonymous_ = 0;
  GrowingMap<std::string, Group> groups_[2];
  GrowingMap<std::string_view, std::unique_ptr<Entry>> by_session_;  // the key lives in the session's peer
};

}  // namespace lcg::broker
