// Subscription: one session's interest in one channel, as the session and the lane's Hub both know it.
//
// Owned by the session; the hub keeps a pointer until Hub::remove(). Pending from Hub::subscribe() to
// Hub::activate(): the answer of the broker is under way and what is delivered meanwhile is held. Lane: the
// gateway lane's.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "broker/api/delivery.h"
#include "gateway/protocol/codec.h"
#include "gateway/ws/transport.h"

namespace lcg::gateway {

struct HubChannel;
struct Subscription;

// What the hub has to tell the session behind a subscription. Called outside the hub's loops: the owner may
// remove any subscription of its own, this one included, and use its transport.
class SubscriptionOwner {
 public:
  // A publication is missing or the stream began anew: what the client holds can no longer be continued.
  virtual void on_position_lost(Subscription& subscription) = 0;
  // The broker ended it.
  virtual void on_unsubscribed(Subscription& subscription, uint32_t code, std::string_view reason) = 0;

 protected:
  ~SubscriptionOwner() = default;
};

using MembershipPtr = std::shared_ptr<const DeliverJoinLeave>;

// What was delivered while a subscription was pending; at most protocol::kMaxHeldEvents.
struct HeldEvents {
  std::vector<PublicationPtr> publications;
  std::vector<MembershipPtr> memberships;
  bool overflowed = false;  // some were dropped
};

struct Subscription {
  Subscription(SubscriptionOwner& owner_in, ws::Transport& transport_in, protocol::Variant variant_in)
      : owner(owner_in), transport(transport_in), variant(variant_in) {}
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  SubscriptionOwner& owner;
  ws::Transport& transport;
  HubChannel* channel = nullptr;  // the hub's
  uint32_t index = 0;             // the hub's: place in the channel's dense list
  protocol::Variant variant;
  bool active = false;                // the hub's
  bool server_side = false;           // not asked for by the client: a lost position costs it the connection
  MonoTime expires_at{};              // the session's; 0: never
  std::unique_ptr<HeldEvents> held;   // the hub's; while pending
  std::unique_ptr<Disconnect> ended;  // the session's; the broker ended it while pending
};

}  // namespace lcg::gateway
