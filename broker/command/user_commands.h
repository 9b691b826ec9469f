// What is asked of the slot of a user: sessions that come and go, and what the server API does to them.
//
// Plugins that want events hear of a connect before the client does, and of the disconnect of every session whose
// connect they were told, once, in that order. Owned by BrokerLane; lane: its own.
#pragma once
#include "broker/command/lane_context.h"
#include "broker/registry/registry.h"

namespace lcg::broker {

class UserCommands {
 public:
  UserCommands(LaneContext& context, Registry& registry) : context_(context), registry_(registry) {}

  // Registry::bind, then the event "connect". A plugin that does not take the event: error 100, and the session is
  // unbound again.
  void bind(BindSession request, Registry::BindFn done);
  void closed(const SessionClosed& request);

  UserAnswer subscribe(const SubscribeUser& request);
  UserAnswer unsubscribe(const UnsubscribeUser& request);
  UserAnswer refresh(const RefreshUser& request);
  void block(BlockUser request, UniqueFunction<void(UserAnswer)> done);
  void status(UserStatus request, UniqueFunction<void(UserStatusResponse)> done);
  ListSessionsResponse list(const ListSessions& request) const;

 private:
  void connect_told(const PeerPtr& peer, bool taken, BindSessionResponse bound, Registry::BindFn& done);
  void tell_disconnect(const PeerPtr& peer, uint32_t code, std::string reason);

  LaneContext& context_;
  Registry& registry_;
};

}  // namespace lcg::broker
