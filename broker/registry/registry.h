// Registry: who is connected. (user, device) -> session, its gateway, device epoch and what the client said
// of itself.
//
// Lives on the lane of the user's slot, which is the single writer of a user's entries.
//
// Device epoch (chat-semantics 3.2): names one life of the client's own storage. It is a durable document,
// collection "device", partition user, key device. A client that claims the stored epoch keeps it; one that
// claims none, or another one, has lost its storage and is issued the next. Sessions without a device of
// their own (ephemeral, or anonymous) have epoch 1 and no document.
//
// One session a device (F6): the newest one to ask holds it and the older is closed. With 3503, which ends a
// client for good: the usual older connection is half-open, and its SDK has left that socket and never hears
// of it; what does hear is a second live client that uses the same device id, and with a code that reconnects
// the two would throw each other out for ever. Newest is who asked its gateway last, where both gateways read one
// clock (they are of one node), else whose bind came last: a connect that the plugins kept waiting must not close
// the one that came after it. A bind that is no longer the newest of its device issues no epoch: the client has
// the newest one's, and would be told at its next connect that it lost its storage.
//
// A blocked user (UserRecords) does not come in: 3507. What is on its way when the block is written, or when something
// is disconnected, is refused as well, and both are answered when the gateways have closed what they are about
// (SessionEnds).
//
// A bearer token of HTTP (Peer::http) is bound too, for as long as its gateway remembers it (HttpBindings). It is no
// session: it counts in no limit, has no device and is in no list.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/lane.h"
#include "broker/api/bus.h"
#include "broker/host/plugin_host.h"
#include "broker/registry/devices.h"
#include "broker/registry/http_bindings.h"
#include "broker/registry/session_ends.h"
#include "broker/registry/user_records.h"

namespace lcg::broker {

struct RegistryLimits {
  // Connections of one user at a time, over it 3504; anonymous ones do not count.
  uint32_t sessions_per_user = 64;
  // A user's new connection closes his others with 3504; sessions_per_user then means nothing.
  bool single_connection = false;
};

class Registry {
 public:
  // When a session asked to come in.
  struct Order {
    uint32_t node = 0;  // whose clock `asked` is of
    MonoTime asked;
    uint64_t arrival = 0;  // of the binds on this lane
    bool after(const Order& other) const {
      const bool comparable = node == other.node && asked.ns != 0 && other.asked.ns != 0;
      if (comparable && asked != other.asked) return asked > other.asked;
      return arrival > other.arrival;
    }
  };
  struct Session {
    PeerPtr peer;
    std::string client_name, client_version;
    int64_t connected_ms = 0;  // wall clock
    Order order;
  };
  using BindFn = UniqueFunction<void(BindSessionResponse)>;
  using DisconnectFn = UniqueFunction<void(DisconnectSessionsResponse)>;

  Registry(Lane& lane, Bus& bus, host::PluginHost& host, RegistryLimits limits);

  // Answers 3504 over the limit, 3503 when a newer session of the device asked, 3507 for a blocked user, error 100
  // when the store does not answer. On success the request's peer carries its epoch and must not change any more.
  void bind(BindSession request, BindFn done);
  // True once for a session that was bound, also if another has taken its place since. False: it never was; a bind
  // of it that is still under way will be refused.
  bool unbind(const Peer& peer);
  bool holds(std::string_view session) const { return by_session_.contains(session); }

  // Closes the sessions that match every non-empty field but those of `except`, has the gateways forget the bearer
  // tokens that match, and refuses the binds that were asked for before. Answers how many sessions, once they are
  // closed; error 100: a gateway has not said so in SessionEnds::kPatience. A walk over all sessions when neither
  // user nor session is given.
  void disconnect(const DisconnectSessions& what, DisconnectFn done);
  // Blocks or unblocks (0) a user; closes the user's sessions with 3507, as disconnect() does. Error 100: the store
  // does not answer, and whether the user is blocked is unknown; or as of disconnect().
  void block(std::string user, int64_t until_ms, UniqueFunction<void(UserAnswer)> done);
  // Sends what `make(session id)` returns to the sessions of the user, or to one of them, or without a user to the
  // session of that name; returns how many.
  template <class Make>
  uint32_t deliver(std::string_view user, std::string_view session, Make&& make) {
    if (user.empty()) {
      const auto one = by_session_.find(session);
      if (one == by_session_.end()) return 0;
      const Peer& peer = *one->second->peer;
      bus_.deliver(lane_, peer.gateway, make(peer.session));
      return 1;
    }
    uint32_t told = 0;
    const auto found = by_user_.find(user);
    if (found == by_user_.end()) return 0;
    for (const auto& entry : found->second) {
      const Peer& peer = *entry->peer;
      if (!session.empty() && session != peer.session) continue;
      bus_.deliver(lane_, peer.gateway, make(peer.session));
      ++told;
    }
    return told;
  }

  // The sessions of one user; empty when there are none.
  std::vector<Session> sessions_of(std::string_view user) const;
  UserRecords& records() { return records_; }
  size_t size() const { return by_session_.size(); }
  // Anonymous sessions count as one user together.
  size_t users() const { return by_user_.size() - anonymous_ + (anonymous_ > 0 ? 1 : 0); }
  template <class Fn>
  void for_each(Fn&& visit) const {
    for (const auto& [id, session] : by_session_)
      if (!visit(*session)) return;
  }

  static constexpr Millis kStoreTimeout{3'000};
  static constexpr uint32_t kMaxAttempts = 4;  // conflicts with a bind of the same device under way

 private:
  struct Bind;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Sessions = std::vector<std::unique_ptr<Session>>;

  void check_block(std::shared_ptr<Bind> bind);
  void read_epoch(std::shared_ptr<Bind> bind);
  void write_epoch(std::shared_ptr<Bind> bind, std::string current, uint64_t epoch);
  void put_epoch(std::shared_ptr<Bind> bind, std::string current, uint64_t epoch, std::string evicted);
  void refuse(Bind& bind, Outcome why);
  Outcome refusal(const Bind& bind);
  bool remove(const Peer& peer);
  void ended(const Bind& bind);
  bool superseded(const Bind& bind) const;
  void finish(Bind& bind, uint64_t epoch);
  void make_room(Sessions& sessions, const Peer& peer);
  void close(const Session& session, Disconnect disconnect);
  void erase(Sessions& sessions, const Session* session);
  bool over_limit(const Peer& peer) const;

  Lane& lane_;
  Bus& bus_;
  host::PluginHost& host_;
  const RegistryLimits limits_;
  UserRecords records_;
  Devices devices_;
  uint64_t arrivals_ = 0;
  size_t anonymous_ = 0;
  std::unordered_map<std::string, Sessions, Hash, std::equal_to<>>
      by_user_;                                                // an anonymous session is its own
  std::unordered_map<std::string_view, Session*> by_session_;  // the key lives in the session's peer
  std::unordered_map<std::string_view, Bind*> binding_;        // those that wait for the store, likewise
  std::unordered_map<std::string, Order> newest_;              // user and device -> of those that wait
  std::unordered_map<std::string, PeerPtr> replaced_;  // sessions closed here that have not been unbound
  HttpBindings http_;
  SessionEnds ends_;
};

}  // namespace lcg::broker
