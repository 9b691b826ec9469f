// What the server does to a session on its own account: subscriptions while it is connected, their end, and its
// credentials. Source: client-protocol 1.5, 1.8, 4.
#include <algorithm>

#include "base/channel_name.h"
#include "gateway/session/command_handler.h"

namespace lcg::gateway {

void Session::end_subscription(std::string_view channel, uint32_t code, std::string_view reason) {
  if (!channel.empty()) {
    context_.hub.flush(channel);
    if (Subscription* subscription = find_subscription(channel)) on_unsubscribed(*subscription, code, reason);
    return;
  }
  if (extras_ != nullptr) extras_->subscribes.clear();
  // From the back: what is moved into a freed place was looked at already.
  for (size_t i = subscriptions_.size(); i > 0; --i) {
    context_.hub.flush(subscriptions_[i - 1]->channel->name);
    if (state_ == SessionState::kDraining) return;  // one had lost its position
    if (i <= subscriptions_.size()) on_unsubscribed(*subscriptions_[i - 1], code, reason);
  }
}

void Session::server_subscribe(DeliverSubscribe subscribe, bool anew) {
  if (state_ == SessionState::kConnecting) {
    std::vector<DeliverSubscribe>& waiting = extras().subscribes;
    if (waiting.size() < context_.options.channel_limit) waiting.push_back(std::move(subscribe));
    return;
  }
  if (state_ != SessionState::kOpen || find_subscription(subscribe.channel) != nullptr ||
      subscriptions_.size() >= context_.options.channel_limit)
    return;
  add_subscription(subscribe.channel, true).grant = subscribe.grant;
  const Target target = context_.routes.channel(subscribe.channel);
  SubscribeRequest request{.channel = std::move(subscribe.channel),
                           .peer = peer_,
                           .token = {},
                           .data = {},
                           .recover = subscribe.recover,
                           .positioned = true,
                           .recoverable = true,
                           .server_side = true,
                           .since = std::move(subscribe.since),
                           .grant = std::move(subscribe.grant)};
  std::string channel = request.channel;
  ask(target, std::move(request),
      [channel = std::move(channel), anew](Session& asker, SubscribeResponse answer) {
        Subscription* subscription = asker.find_subscription(channel);
        // The client may have left it, and even come back by itself, before the server's word came through.
        if (subscription != nullptr && subscription->server_side && !subscription->active)
          asker.subscribed_by_server(*subscription, std::move(answer), anew);
      });
}

// The server has been told that it is done: what goes wrong here is only noticed by its absence.
void Session::subscribed_by_server(Subscription& subscription, SubscribeResponse answer, bool anew) {
  if (answer.disconnect) return close(answer.disconnect);
  const Error error = answer.error ? answer.error : check_answer(answer, context_.lane.clock().wall_ms());
  if (anew && error.temporary) return close(disconnect_code::kInsufficientState);
  if (error) return remove_subscription(subscription, !answer.error || error.code == error_code::kInternal);
  if (!can_be_sent(answer.publications)) leave_out_publications(answer);
  set_expiry(subscription, answer.expire_at_ms, answer.server_refresh);
  send([&](const protocol::Encoder& encoder, std::string& out) {
    encoder.push_subscribe(out, subscription.channel->name, subscribe_reply(answer));
  });
  // The push has a position and no publications (client-protocol 1.5): those that were recovered follow it.
  const std::span<const PublicationPtr> recovered(answer.publications);
  const size_t at_once = context_.options.messages_per_frame;
  for (size_t begin = 0; begin < recovered.size(); begin += at_once) {
    send([&](const protocol::Encoder& encoder, std::string& out) {
      for (const PublicationPtr& one : recovered.subspan(begin, std::min(at_once, recovered.size() - begin)))
        encoder.push_publication(out, {subscription.channel->name}, *one, protocol::DeltaForm::kNone);
    });
  }
  activate_subscription(subscription, answer);
}

void Session::server_refresh(DeliverRefresh refresh) {
  if (state_ == SessionState::kConnecting) {
    extras().refresh = std::move(refresh);
    return;
  }
  if (state_ != SessionState::kOpen) return;
  const int64_t now_ms = context_.lane.clock().wall_ms();
  if (refresh.expired || (refresh.expire_at_ms != 0 && refresh.expire_at_ms <= now_ms))
    return close(disconnect_code::kExpired);
  if (!refresh.info.empty()) {
    auto changed = std::make_shared<Peer>(*peer_);
    changed->conn_info = std::move(refresh.info);
    change(std::move(changed));
  }
  const uint32_t ttl = set_expiry(refresh.expire_at_ms);
  send([&](const protocol::Encoder& encoder, std::string& out) { encoder.push_refresh(out, {ttl}); });
}

void Session::change(PeerPtr peer) {
  peer_ = std::move(peer);
  for (const auto& subscription : subscriptions_) {
    const std::string& channel = subscription->channel->name;
    context_.tell(context_.routes.channel(channel), PeerChanged{channel, peer_});
  }
}

void Session::catch_up() {
  if (extras_ == nullptr) return;
  for (DeliverSubscribe& subscribe : std::exchange(extras_->subscribes, {}))
    server_subscribe(std::move(subscribe));
  if (std::optional<DeliverRefresh> refresh = std::exchange(extras_->refresh, std::nullopt))
    server_refresh(std::move(*refresh));
}

// Does the set of server-side channels that `channels` (sorted) is said to be equal the one the connection began with?
// The user's own channel is in no token.
bool Session::has_channels_of_connect(const std::vector<std::string>& channels) const {
  const auto personal = [&](std::string_view channel) {
    const size_t hash = channel.rfind('#');
    return hash != std::string_view::npos && (hash == 0 || channel[hash - 1] == ':') &&
           is_user_in_channel(channel.substr(hash + 1), peer_->user);
  };
  std::vector<std::string_view> have, want;
  for (const auto& subscription : subscriptions_) {
    const std::string& name = subscription->channel->name;
    if (subscription->of_connect && !personal(name)) have.push_back(name);
  }
  for (const std::string& channel : channels) {
    if (!personal(channel)) want.push_back(channel);
  }
  std::sort(have.begin(), have.end());
  return have == want;
}

bool Session::refreshed(const RefreshResponse& answer) {
  const int64_t now_ms = context_.lane.clock().wall_ms();
  if (answer.expire_at_ms != 0 && answer.expire_at_ms <= now_ms) {
    close(disconnect_code::kExpired);
    return false;
  }
  if (answer.channels && !has_channels_of_connect(*answer.channels)) {
    close(disconnect_code::kInsufficientState);
    return false;
  }
  if (answer.peer != nullptr) change(answer.peer);
  return true;
}

}  // namespace lcg::gateway
