// Registry: who is connected. (user, device) -> session, its gateway, device epoch and what the client said
// of itself.
//
// Lives on the lane of the user's slot, which is the single writer of a user's entries.
//
// Device epoch (chat-semantics 3.2): names one life of the client's own storage. It is a durable document,
// collection "device", partition user, key device. A client that claims the stored epoch, or none at all, keeps it; one
// that claims 0 starts over, one that claims another has lost its storage, and both are issued the next. So whoever
// names a device and says no more keeps its numbers over every reconnect. Sessions without a device of
// their own (ephemeral, or anonymous) have epoch 1 and no document.
//
// One session a device (F6): the newest one holds it, and the older is closed with 3011. Newest is whose socket was
// taken last, where both gateways read one clock (they are of one node), else whose bind came last: neither a connect
// that the plugins kept waiting nor one that was long on its way closes the one that came after it. A bind that is not
// the newest of its device is refused with 3011 and issues no epoch: the client has the newest one's, and would be told
// at its next connect that it lost its storage. No end of the two is final: whichever client lives comes back, and
// takes the place, or waits for it. Of two that live and use one device (two tabs with one name) each would throw the
// other out as often as it can come back, so the last of kMaxTakeovers in a row has the place for kTurn, and the other
// is told error 111 meanwhile, with which its SDK waits longer and longer. The holder must live for that: at each
// challenge its gateway asks its client for a sign of life, and closes it if none comes in kSilence. So one client whose
// old connections are dead, which the registry cannot tell from two that live, is let in.
//
// A blocked user (UserRecords) does not come in: 3507. What is on its way when the block is written, or when something
// is disconnected, is refused as well, and both are answered when the gateways have closed what they are about
// (SessionEnds).
//
// A bearer token of HTTP (Peer::http) is bound too, for as long as its gateway remembers it. It is no session: it counts
// in no limit, has no device and is in no list.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/growing_map.h"
#include "base/lane.h"
#include "base/steps.h"
#include "broker/api/bus.h"
#include "broker/host/plugin_host.h"
#include "broker/registry/devices.h"
#include "broker/registry/open_sessions.h"
#include "broker/registry/session_ends.h"
#include "broker/registry/user_records.h"

namespace lcg::broker {

struct RegistryLimits {
  // Connections of one user at a time, over it error 106, temporary; anonymous ones do not count.
  uint32_t sessions_per_user = 64;
  // A user's new connection closes his others with 3504; sessions_per_user then means nothing.
  bool single_connection = false;
  // There is a store. Without one every device is new each time, and nobody can be blocked.
  bool stored = true;
};

class Registry {
 public:
  using Session = BoundSession;
  using BindFn = UniqueFunction<void(BindSessionResponse)>;
  using DisconnectFn = UniqueFunction<void(DisconnectSessionsResponse)>;

  Registry(Lane& lane, Bus& bus, host::PluginHost& host, RegistryLimits limits);

  // Answers error 106 over the limit, 3011 when there is a newer session of the device, 3507 for a blocked user, error
  // 100 when the store does not answer. On success the request's peer carries its epoch and must not change any more.
  void bind(BindSession request, BindFn done);
  // True once for a session that was bound, also if another has taken its place since. False: it never was; a bind
  // of it that is still under way will be refused.
  bool unbind(const Peer& peer);
  bool holds(std::string_view session) const {
    const Entry* entry = open_.find(session);
    return entry != nullptr && entry->is_session();
  }

  // Closes the sessions that match every non-empty field but those of `except`, has the gateways forget the bearer
  // tokens that match, and refuses the binds that were asked for before. Answers how many sessions, once they are
  // closed; error 100: a gateway has not said so in SessionEnds::kPatience. More than kAtOnce candidates, or when
  // neither user nor session nor login is given: in steps, over all there are.
  void disconnect(DisconnectSessions what, DisconnectFn done);
  // Blocks or unblocks (0) a user; closes the user's sessions with 3507, as disconnect() does. Error 100: the store
  // does not answer, and whether the user is blocked is unknown; or as of disconnect().
  void block(std::string user, int64_t until_ms, UniqueFunction<void(UserAnswer)> done);
  // Sends what `make(session id)` returns to the sessions of the user, or to one of them, or without a user to the
  // session of that name; returns how many.
  template <class Make>
  uint32_t deliver(std::string_view user, std::string_view session, Make&& make) {
    uint32_t told = 0;
    const auto tell = [&](const Entry& entry) {
      const Peer& peer = *entry.session.peer;
      if (!entry.is_session() || (!session.empty() && session != peer.session)) return;
      bus_.deliver(lane_, peer.gateway, make(peer.session));
      ++told;
    };
    if (!user.empty())
      open_.for_each(OpenSessions::By::kUser, user, tell);
    else if (const Entry* one = open_.find(session))
      tell(*one);
    return told;
  }

  // The sessions of one user; empty when there are none.
  std::vector<Session> sessions_of(std::string_view user) const;
  UserRecords& records() { return records_; }
  size_t size() const { return open_.sessions(); }
  // Anonymous sessions count as one user together.
  size_t users() const { return open_.users(); }
  size_t sessions_of_user(std::string_view user) const {
    const OpenSessions::Group* group = open_.group(OpenSessions::By::kUser, user);
    return group == nullptr ? 0 : group->sessions;
  }
  // All sessions, in steps: GrowingMap::walk. `visit` gets a const Session&.
  template <class Fn>
  uint64_t walk(uint64_t cursor, size_t steps, Fn&& visit) const {
    return open_.walk(cursor, steps, [&](const Entry& entry) {
      if (entry.is_session()) visit(entry.session);
    });
  }

  static constexpr Millis kStoreTimeout{3'000};
  static constexpr uint32_t kMaxAttempts = 4;   // conflicts with a bind of the same device under way
  static constexpr size_t kAtOnce = 500;        // entries that a turn looks at for one disconnect
  static constexpr uint32_t kMaxTakeovers = 3;  // of one device, each within kInARow of the one before
  static constexpr Nanos kInARow = std::chrono::seconds(10);
  static constexpr Nanos kTurn = std::chrono::seconds(60);
  // How long a holder has for a sign of life, and how long a challenger waits for what comes of it: with the store's
  // time less than Bus::kDefaultTimeout.
  static constexpr Millis kSilence{1'500};
  static constexpr Millis kChallenge{2'500};

 private:
  using Entry = OpenSessions::Entry;
  struct Bind;
  struct Ending;

  void check_block(std::shared_ptr<Bind> bind);
  void read_epoch(std::shared_ptr<Bind> bind);
  void write_epoch(std::shared_ptr<Bind> bind, std::string current, uint64_t epoch);
  void written(std::shared_ptr<Bind> bind, ServiceCallResponse answer, uint64_t epoch);
  void refuse(Bind& bind, Outcome why);
  Outcome refusal(const Bind& bind);
  bool remove(const Peer& peer);
  void not_newest(const Bind& bind);
  bool superseded(const Bind& bind) const;
  void finish(Bind& bind, uint64_t epoch);
  Entry* contended(const Peer& peer) const;
  void challenge(std::shared_ptr<Bind> bind);
  void challenge_ends(const std::string& holder);
  void go_on(std::shared_ptr<Bind> bind);
  void make_room(Entry& entry);
  void close(const Session& session, Disconnect disconnect);
  void end(Entry& entry, Ending& ending);
  bool over_limit(const Peer& peer) const;
  // Visits the sessions of the user.
  template <class Fn>
  void each_session(std::string_view user, Fn&& visit) const {
    open_.for_each(OpenSessions::By::kUser, user, [&](Entry& entry) {
      if (entry.is_session()) visit(entry);
    });
  }

  Lane& lane_;
  Bus& bus_;
  host::PluginHost& host_;
  const RegistryLimits limits_;
  UserRecords records_;
  Devices devices_;
  uint64_t arrivals_ = 0;
  OpenSessions open_;
  GrowingMap<std::string, SessionOrder> newest_;  // user and device -> of those that wait for the store
  // Session of a holder that is asked for a sign of life -> the binds that wait for it.
  GrowingMap<std::string, std::vector<std::shared_ptr<Bind>>> challenged_;
  SessionEnds ends_;
  Steps steps_;  // of disconnects
};

}  // namespace lcg::broker
