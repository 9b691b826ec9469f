// One timer a session: it serves the earliest of stale, ping, pong, the end of the credentials and of
// subscriptions. Source: client-protocol 1.6, 1.7.
#include <algorithm>
#include <initializer_list>

#include "gateway/session/session.h"

namespace lcg::gateway {

namespace {

// Whatever a token says, arithmetic in nanoseconds holds.
constexpr int64_t kMaxLifetimeMs = int64_t{10} * 366 * 24 * 3600 * 1000;

}  // namespace

// At a change of state.
void Session::start_timers() {
  const MonoTime now = context_.lane.now();
  const SessionOptions& options = context_.options;
  if (state_ == SessionState::kOpen) {
    stale_at_ = {};
    if (options.ping_interval.count() > 0) {
      // The first at random in [interval / 2, interval], so that those who came together are not pinged
      // together.
      const Millis half = options.ping_interval / 2;
      const uint64_t more = context_.lane.random().below(static_cast<uint64_t>(half.count()) + 1);
      ping_at_ = now + half + Millis(static_cast<int64_t>(more));
    }
  } else {
    stale_at_ = now + options.stale_timeout;
  }
  arm();
}

MonoTime Session::next_deadline() const {
  MonoTime next;
  for (const MonoTime at : {stale_at_, ping_at_, pong_due_, expire_at_, subscription_expires_at_}) {
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

  if (due(stale_at_)) {
    if (state_ != SessionState::kConnecting) return close(disconnect_code::kStale);
    stale_at_ = {};  // the broker's own deadline ends a connect; a refusal starts it anew
  }
  if (due(expire_at_)) return close(disconnect_code::kExpired);
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
  if (due(ping_at_)) {
    ping_at_ = now + context_.options.ping_interval;
    pong_due_ = now + context_.options.pong_timeout;
    send([](const protocol::Encoder& encoder, std::string& out) { encoder.ping(out); });
  }
  arm();
}

// A second pong for one ping, or one without a ping, is a bad request.
void Session::pong() {
  if (pong_due_.ns == 0) return close(disconnect_code::kBadRequest);
  pong_due_ = {};
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
  expire_at_ = end + context_.options.expired_grace;
  arm();
  const auto left = std::chrono::floor<std::chrono::seconds>(end - context_.lane.now());
  return static_cast<uint32_t>(std::max<int64_t>(left.count(), 1));
}

void Session::expire_subscriptions(MonoTime now) {
  MonoTime next;
  for (size_t i = subscriptions_.size(); i > 0; --i) {
    Subscription& subscription = *subscriptions_[i - 1];
    const MonoTime at = subscription.expires_at;
    if (at.ns == 0) continue;
    if (at > now) {
      if (next.ns == 0 || at < next) next = at;
      continue;
    }
    if (subscription.server_side) return close(disconnect_code::kSubscriptionExpired);
    end(subscription, unsubscribe_code::kExpired, "subscription expired");
  }
  subscription_expires_at_ = next;
}

}  // namespace lcg::gateway
