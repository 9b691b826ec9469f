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
  // A publication came that cannot be written in its encoding: bytes that are no JSON.
  virtual void on_inappropriate(Subscription& subscription) = 0;

 protected:
  ~SubscriptionOwner() = default;
};

using MembershipPtr = std::shared_ptr<const DeliverJoinLeave>;
using TagFilterPtr = std::shared_ptr<const protocol::TagFilter>;

// What is needed until the answer has come.
struct PendingSubscription {
  // What was delivered meanwhile; of each at most protocol::kMaxHeldEvents.
  std::vector<PublicationPtr> publications;
  std::vector<MembershipPtr> memberships;
  bool overflowed = false;  // some were dropped
  Disconnect ended;         // the session's: the broker ended it
};

struct Subscription {
  Subscription(SubscriptionOwner& owner_in, ws::Transport& transport_in, protocol::Variant variant_in)
      : owner(owner_in), transport(transport_in), variant(variant_in) {}
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  PendingSubscription& while_pending() {
    if (pending == nullptr) pending = std::make_unique<PendingSubscription>();
    return *pending;
  }

  SubscriptionOwner& owner;
  ws::Transport& transport;
  HubChannel* channel = nullptr;  // the hub's
  std::unique_ptr<PendingSubscription> pending;
  SubscribeGrantPtr grant{};     // the session's, server-side: what the server gave it; null: nothing special
  MonoTime expires_at{};         // the session's: when it ends, or is refreshed by the server; 0: never
  uint32_t index = 0;            // the hub's: place in the channel's dense list
  protocol::Variant variant;     // the session's, until it is activated
  bool active : 1 = false;       // the hub's
  bool server_side : 1 = false;  // not asked for by a subscribe command
  bool by_client : 1 = false;    // server-side, and named by a unidirectional client, by its own right
  bool of_connect : 1 = false;   // server-side, and part of the connect reply
  bool client_refresh : 1 = false;  // the client was told when it ends
  bool server_refresh : 1 = false;  // the server is asked when it ends
};

}  // namespace lcg::gateway
