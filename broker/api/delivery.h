// What the broker sends to a gateway lane on its own account. At most once; a publication carries its
// position, so a lost one is a gap that the gateway notices.
#pragma once
#include <string>
#include <variant>

#include "broker/api/codes.h"
#include "broker/api/types.h"

namespace lcg {

// For every session of this gateway lane that is subscribed to channel.
struct DeliverPublication {
  std::string channel;
  PublicationPtr publication;
};
struct DeliverJoinLeave {
  std::string channel;
  ClientInfo info;
  bool joined = true;
};
// For one session, or with session "" for every subscriber here.
struct DeliverUnsubscribe {
  std::string channel, session;
  uint32_t code = 0;
  std::string reason;
};
struct DeliverDisconnect {
  std::string session;
  Disconnect disconnect;
};

using Delivery = std::variant<DeliverPublication, DeliverJoinLeave, DeliverUnsubscribe, DeliverDisconnect>;

}  // namespace lcg
