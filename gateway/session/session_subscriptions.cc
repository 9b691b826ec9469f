// A session's subscriptions, whoever asked for them.
#include <algorithm>

#include "gateway/session/session.h"

namespace lcg::gateway {

Subscription* Session::find_subscription(std::string_view channel) const {
  const HubChannel* in_hub = context_.hub.find(channel);
  if (in_hub == nullptr) return nullptr;
  for (const auto& subscription : subscriptions_) {
    if (subscription->channel == in_hub) return subscription.get();
  }
  return nullptr;
}

Subscription& Session::add_subscription(std::string_view channel, bool server_side) {
  subscriptions_.push_back(std::make_unique<Subscription>(*this, transport_, variant_));
  Subscription& subscription = *subscriptions_.back();
  subscription.server_side = server_side;
  context_.hub.subscribe(channel, context_.routes.provided(channel), subscription);
  return subscription;
}

uint32_t Session::set_expiry(Subscription& subscription, int64_t expire_at_ms, bool server_refresh) {
  subscription.server_refresh = server_refresh && expire_at_ms != 0;
  subscription.client_refresh = !server_refresh && expire_at_ms != 0 && !subscription.server_side;
  subscription.expires_at = {};
  if (expire_at_ms == 0) return 0;
  const MonoTime end = deadline(expire_at_ms);
  subscription.expires_at = subscription.client_refresh ? end + context_.options.expired_grace : end;
  if (subscription_expires_at_.ns == 0 || subscription.expires_at < subscription_expires_at_) {
    subscription_expires_at_ = subscription.expires_at;
    arm();
  }
  if (!subscription.client_refresh) return 0;
  const auto left = std::chrono::floor<std::chrono::seconds>(end - context_.lane.now());
  return static_cast<uint32_t>(std::max<int64_t>(left.count(), 1));
}

void Session::activate_subscription(Subscription& subscription, const SubscribeResponse& answer,
                                    TagFilterPtr filter) {
  if (subscription.pending != nullptr && subscription.pending->ended) {
    const Disconnect ended = subscription.pending->ended;
    return end(subscription, ended.code, ended.reason);
  }
  const bool tracked = answer.positioned || answer.recoverable;
  if (tracked) context_.watch_positions();
  context_.hub.activate(subscription, {.position = position_after(answer),
                                       .tracked = tracked,
                                       .join_leave = answer.push_join_leave,
                                       .filter = std::move(filter),
                                       .batch_delay = answer.batch_delay});
}

void Session::remove_subscription(Subscription& subscription, bool tell_broker) {
  if (tell_broker) {
    const std::string& channel = subscription.channel->name;
    context_.tell(context_.routes.channel(channel), UnsubscribeRequest{channel, peer_});
  }
  context_.hub.remove(subscription);
  const auto it = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                               [&](const auto& one) { return one.get() == &subscription; });
  *it = std::move(subscriptions_.back());
  subscriptions_.pop_back();
}

void Session::end(Subscription& subscription, uint32_t code, std::string_view reason) {
  send([&](const protocol::Encoder& encoder, std::string& out) {
    encoder.push_unsubscribe(out, {subscription.channel->name}, code, reason);
  });
  // Even when the broker ended it: that may have been the session's one before this, which it left meanwhile.
  remove_subscription(subscription, true);
}

void Session::on_unsubscribed(Subscription& subscription, uint32_t code, std::string_view reason) {
  if (subscription.active) return end(subscription, code, reason);
  // The reply comes first, as for every push.
  subscription.while_pending().ended = {code, std::string(reason)};
}

// An SDK comes back by itself to what it has subscribed to. What the server subscribed it to, the server subscribes it to
// again, from where it was; what a unidirectional client may have by its own right, it asks for in a new connect.
void Session::on_position_lost(Subscription& subscription) {
  if (subscription.by_client) return close(disconnect_code::kInsufficientState);
  const bool server_side = subscription.server_side, of_connect = subscription.of_connect;
  DeliverSubscribe again;
  if (server_side) {
    again.channel = subscription.channel->name;
    again.grant = subscription.grant;
    again.recover = true;
    again.since = Hub::position(subscription);
    if (again.grant != nullptr && again.grant->expire_at_ms != 0) {
      // A refresh may have put its end off since it was granted.
      auto grant = std::make_shared<SubscribeGrant>(*again.grant);
      const Millis left = std::chrono::ceil<Millis>(subscription.expires_at - context_.lane.now());
      grant->expire_at_ms =
          subscription.expires_at.ns == 0 ? 0 : context_.lane.clock().wall_ms() + left.count();
      again.grant = std::move(grant);
    }
  }
  end(subscription, unsubscribe_code::kInsufficientState, "insufficient state");
  if (!server_side || state_ != SessionState::kOpen) return;
  const std::string channel = again.channel;
  server_subscribe(std::move(again), true);
  // Unless the answer came already, and was a refusal.
  if (Subscription* made = find_subscription(channel)) made->of_connect = of_connect;
}

// What somebody publishes ends nobody's connection. And the subscription for good: it would meet the same again.
void Session::on_inappropriate(Subscription& subscription) {
  end(subscription, unsubscribe_code::kServer, "inappropriate protocol");
}

void Session::on_writable_low() {
  // Those that are collapsed are client-side ones, so losing them does not close the session. From the back:
  // what is moved into a freed place was looked at already.
  for (size_t i = subscriptions_.size(); i > 0; --i) {
    if (Hub::collapsed(*subscriptions_[i - 1])) on_position_lost(*subscriptions_[i - 1]);
  }
  if (held_ != nullptr && !busy_) resume_at_turn_end();
}

}  // namespace lcg::gateway
