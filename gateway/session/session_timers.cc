// One timer a session: it serves the earliest of stale, ping, pong, the end of the credentials and of
// subscriptions. Source: client-protocol 1.6, 1.7, 1.9.
#include <algorithm>
#include <initializer_list>

#include "gateway/session/session.h"

namespace lcg::gateway {

namespace {

// Whatever a token says, arithmetic in nanoseconds holds.
constexpr int64_t kMaxLifetimeMs = int64_t{10} * 366 * 24 * 3600 * 1000;
// What the server should refresh but cannot ask anybody about lives on for so long, and is asked about again.
// Client-protocol 3.
constexpr Millis kAskAgain{60'000};

bool has_expired(const Error& error) {
  return error.code == error_code::kTokenExpired || error.code == error_code::kExpired;
}

}  // namespace

// At a change of state.
void Session::start_timers() {
  const MonoTime now = context_.lane.now();
  const SessionOptions& options = context_.options;
  beat_at_ = {};
  if (state_ != SessionState::kOpen) {
    beat_at_ = now + options.stale_timeout;
  } else if (options.ping_interval.count() > 0) {
    // The first at random in [interval / 2, interval], so that those who came together are not pinged
    // together.
    const Millis half = options.ping_interval / 2;
    const uint64_t more = context_.lane.random().below(static_cast<uint64_t>(half.count()) + 1);
    beat_at_ = now + half + Millis(static_cast<int64_t>(more));
  }
  arm();
}

MonoTime Session::next_deadline() const {
  MonoTime next;
  MonoTime asked_until;
  if (asked_) {
    const std::optional<Asked>& asked = extras_->asked;
    if (asked) asked_until = asked->due;
  }
  for (const MonoTime at : {beat_at_, pong_due_, expire_at_, subscription_expires_at_, asked_until}) {
    if (at.ns != 0 && (next.ns == 0 || at < next)) next = at;
  }
  return next;
}

// A timer that is due earlier than needed is left alone: it looks again when it comes.
void Session::arm() {
  const MonoTime next = next_deadline();
  if (next.ns == 0 || (timer_ != 0 && timer_at_ <= next)) return;
  context_.lane.cancel_timer(timer_);
  timer_at_ = next;
  const Nanos delay = std::max(next - context_.lane.now(), Nanos(0));
  timer_ = context_.lane.start_timer(std::chrono::ceil<Millis>(delay),
                                     [&sessions = context_.sessions, handle = handle_] {
                                       if (Session* session = sessions.find(handle)) session->on_timer();
                                     });
}

void Session::on_timer() {
  timer_ = 0;
  if (state_ == SessionState::kDraining) return;
  const MonoTime now = context_.lane.now();
  const auto due = [now](MonoTime at) { return at.ns != 0 && at <= now; };

  if (due(beat_at_) && state_ != SessionState::kOpen) {
    // Not 3502, which is for good: the connect of a client on a bad network is still on its way.
    if (state_ != SessionState::kConnecting)
      return close({disconnect_code::kConnectionClosed, "no connect command in time"});
    beat_at_ = {};  // the broker's own deadline ends a connect; a refusal starts it anew
  }
  if (asked_) {
    const std::optional<Asked>& asked = extras_->asked;
    if (asked && due(asked->due)) {
      // What waits unread behind a command may be the answer.
      if (held_ == nullptr) return close(Disconnect(asked->disconnect));
      heard();
    }
  }
  if (due(expire_at_)) credentials_ended(now);
  if (state_ == SessionState::kDraining) return;
  if (due(pong_due_)) {
    // What waits behind a command may be the pong.
    if (held_ == nullptr) {
      ++context_.stats.no_pongs;
      return close(disconnect_code::kNoPong);
    }
    pong_due_ = now + context_.options.pong_timeout;
  }
  if (due(subscription_expires_at_)) {
    expire_subscriptions(now);
    if (state_ == SessionState::kDraining) return;
  }
  if (due(beat_at_)) ping(now);
  arm();
}

void Session::ping(MonoTime now) {
  beat_at_ = now + context_.options.ping_interval;
  if (frame_ping_) {
    pong_due_ = now + context_.options.pong_timeout;
    return transport_.send_ping({});
  }
  if (!variant_.unidirectional) pong_due_ = now + context_.options.pong_timeout;
  send([](const protocol::Encoder& encoder, std::string& out) { encoder.ping(out); });
}

void Session::close_unless_heard(const Disconnect& disconnect, Millis patience) {
  if (state_ == SessionState::kDraining || asked_) return;
  const MonoTime now = context_.lane.now();
  asked_ = true;
  extras().asked = Asked{now + patience, disconnect};
  if (is_websocket(kind_)) {
    transport_.send_ping({});
  } else if (!variant_.unidirectional && state_ == SessionState::kOpen && beat_at_.ns != 0 &&
             pong_due_.ns == 0) {
    ping(now);
  }
  arm();
}

// A second pong for one ping, or one without a ping, is a bad request.
void Session::pong() {
  if (pong_due_.ns == 0 || frame_ping_) return close(disconnect_code::kBadRequest);
  pong_due_ = {};
}

// A pong that nobody asked for is allowed (RFC 6455 5.5.3).
void Session::on_pong(std::string_view) {
  heard();
  if (frame_ping_) pong_due_ = {};
}

// A wall-clock time as a deadline; at most kMaxLifetimeMs away.
MonoTime Session::deadline(int64_t at_ms) const {
  const int64_t left_ms = at_ms - context_.lane.clock().wall_ms();
  return context_.lane.now() + Millis(std::clamp(left_ms, int64_t{0}, kMaxLifetimeMs));
}

uint32_t Session::set_expiry(int64_t expire_at_ms) {
  if (expire_at_ms == 0) {
    expire_at_ = {};
    return 0;
  }
  const MonoTime end = deadline(expire_at_ms);
  expire_at_ = server_refresh_ ? end : end + context_.options.expired_grace;
  arm();
  if (server_refresh_) return 0;
  const auto left = std::chrono::floor<std::chrono::seconds>(end - context_.lane.now());
  return static_cast<uint32_t>(std::max<int64_t>(left.count(), 1));
}

void Session::credentials_ended(MonoTime now) {
  if (!server_refresh_) return close(disconnect_code::kExpired);
  expire_at_ = now + kAskAgain;
  RefreshRequest request{peer_, {}, true};
  ask(Target::any(), std::move(request), [](Session& asker, const RefreshResponse& answer) {
    if (answer.disconnect) return asker.close(answer.disconnect);
    if (has_expired(answer.error)) return asker.close(disconnect_code::kExpired);
    if (answer.error || !asker.refreshed(answer)) return;
    asker.set_expiry(answer.expire_at_ms);
  });
}

void Session::expire_subscriptions(MonoTime now) {
  std::vector<std::string> to_ask;
  for (size_t i = subscriptions_.size(); i > 0; --i) {
    Subscription& subscription = *subscriptions_[i - 1];
    if (subscription.expires_at.ns == 0 || subscription.expires_at > now) continue;
    if (subscription.server_refresh) {
      subscription.expires_at = now + kAskAgain;
      to_ask.push_back(subscription.channel->name);
      continue;
    }
    if (subscription.server_side) return close(disconnect_code::kSubscriptionExpired);
    end(subscription, unsubscribe_code::kExpired, "subscription expired");
  }
  subscription_expires_at_ = {};
  for (const auto& subscription : subscriptions_) {
    const MonoTime at = subscription->expires_at;
    if (at.ns != 0 && (subscription_expires_at_.ns == 0 || at < subscription_expires_at_))
      subscription_expires_at_ = at;
  }
  for (const std::string& channel : to_ask) {  // an answer may come at once, and close the session
    if (state_ == SessionState::kDraining) return;
    if (Subscription* subscription = find_subscription(channel)) ask_sub_refresh(*subscription, now);
  }
}

void Session::ask_sub_refresh(Subscription& subscription, MonoTime now) {
  const std::string channel = subscription.channel->name;
  SubRefreshRequest request{channel, peer_, {}, true};
  ask(context_.routes.channel(channel), std::move(request),
      [channel, asked_for = now + kAskAgain](Session& asker, const SubRefreshResponse& answer) {
        if (answer.disconnect) return asker.close(answer.disconnect);
        Subscription* found = asker.find_subscription(channel);
        if (found == nullptr || found->expires_at != asked_for) return;  // another one of that name
        const int64_t now_ms = asker.context_.lane.clock().wall_ms();
        const bool past = answer.ok() && answer.expire_at_ms != 0 && answer.expire_at_ms <= now_ms;
        if (past || has_expired(answer.error)) {
          if (found->server_side) return asker.close(disconnect_code::kSubscriptionExpired);
          return asker.end(*found, unsubscribe_code::kExpired, "subscription expired");
        }
        if (answer.ok()) asker.set_expiry(*found, answer.expire_at_ms, true);
      });
}

}  // namespace lcg::gateway
