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
// the two would throw each other out for ever. A bind that is no longer the newest of its device issues no epoch:
// the client has the newest one's, and would be told at its next connect that it lost its storage.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/lane.h"
#include "broker/api/bus.h"
#include "broker/host/plugin_host.h"

namespace lcg::broker {

struct RegistryLimits {
  uint32_t sessions_per_user =
      64;  // connections of one user at a time, over it 3504; anonymous ones do not count
};

class Registry {
 public:
  struct Session {
    PeerPtr peer;
    std::string client_name, client_version;
    int64_t connected_ms = 0;  // wall clock
    uint64_t ask = 0;          // order of the binds on this lane
  };
  using BindFn = UniqueFunction<void(BindSessionResponse)>;

  Registry(Lane& lane, Bus& bus, host::PluginHost& host, RegistryLimits limits);

  // Answers 3504 over the limit, 3503 when a newer session of the device asked meanwhile, error 100 when the
  // store does not answer. On success the request's peer carries its epoch and must not change any more.
  void bind(BindSession request, BindFn done);
  // False: not bound. A bind of the session that is still under way will be refused.
  bool unbind(const Peer& peer);

  // Sends a disconnect to the sessions that match every non-empty field; returns how many. A walk over all
  // sessions when neither user nor session is given.
  uint32_t disconnect(const DisconnectSessions& what);

  // The sessions of one user; empty when there are none.
  std::vector<Session> sessions_of(std::string_view user) const;
  size_t size() const { return by_session_.size(); }
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

  void read_epoch(std::shared_ptr<Bind> bind);
  void write_epoch(std::shared_ptr<Bind> bind, std::string current, uint64_t epoch);
  void refuse(Bind& bind, Outcome why);
  void ended(const Bind& bind);
  bool superseded(const Bind& bind) const;
  void finish(Bind& bind, uint64_t epoch);
  void close(const Session& session, Disconnect disconnect);
  void erase(Sessions& sessions, const Session* session);
  bool over_limit(const Peer& peer) const;

  Lane& lane_;
  Bus& bus_;
  host::PluginHost& host_;
  const RegistryLimits limits_;
  uint64_t asks_ = 0;
  std::unordered_map<std::string, Sessions, Hash, std::equal_to<>>
      by_user_;                                                // an anonymous session is its own
  std::unordered_map<std::string_view, Session*> by_session_;  // the key lives in the session's peer
  std::unordered_map<std::string_view, Bind*> binding_;        // those that wait for the store, likewise
  std::unordered_map<std::string, uint64_t> newest_;           // user and device -> `ask`, of those that wait
};

}  // namespace lcg::broker
