#include "gateway/session/session.h"

#include <algorithm>
#include <array>

#include "gateway/protocol/limits.h"
#include "gateway/session/command_handler.h"

namespace lcg::gateway {

namespace {

void bad_request(Session& session, const protocol::Command&) { session.close(disconnect_code::kBadRequest); }
// Nobody takes what is sent without an answer (client-protocol 1.3 rule 8).
void not_taken(Session& session, const protocol::Command&) { session.close(disconnect_code::kNotAvailable); }

// By protocol::Method.
constexpr std::array<CommandHandler, 13> kHandlers = {
    bad_request,    handle_connect,  bad_request /* ping */, handle_subscribe, handle_unsubscribe,
    handle_publish, handle_presence, handle_presence_stats,  handle_history,   handle_rpc,
    not_taken,      handle_refresh,  handle_sub_refresh};

}  // namespace

Session::Session(SessionContext& context, SessionHandle handle, ws::Transport& transport,
                 protocol::Variant variant)
    : context_(context),
      transport_(transport),
      encoder_(protocol::encoder_of(variant)),
      commands_(context.options.commands_per_second, context.options.command_burst),
      handle_(handle),
      id_(make_session_id(context.lane.random())),
      variant_(variant) {
  ++context_.stats.opened;
  start_timers();
}

Session::~Session() {
  for (const auto& subscription : subscriptions_) context_.hub.remove(*subscription);
  context_.lane.cancel_timer(timer_);
}

// ---- commands in order

void Session::on_message(std::string_view payload, ws::MessageKind) {
  if (state_ == SessionState::kDraining) return;
  if (busy_ || held_ != nullptr) return hold(payload, 0);
  protocol::CommandReader& reader = *context_.readers[static_cast<size_t>(variant_.encoding)];
  reader.open(payload);
  if (!run(reader)) hold(reader.rest(), reader.commands());
}

// False: a command waits for its answer, reader.rest() for it.
bool Session::run(protocol::CommandReader& reader) {
  running_ = true;
  bool more = true;
  while (more && !busy_ && state_ != SessionState::kDraining) {
    switch (reader.next()) {
      case protocol::Next::kCommand:
        dispatch(reader.command());
        break;
      case protocol::Next::kEnd:
        more = false;
        break;
      case protocol::Next::kMalformed:
        close(disconnect_code::kBadRequest);
        break;
    }
  }
  running_ = false;
  return !busy_ || state_ == SessionState::kDraining;
}

void Session::dispatch(const protocol::Command& command) {
  using protocol::Method;
  ++context_.stats.commands;
  const bool is_pong = command.id == 0 && command.method != Method::kSend;
  const Input input = is_pong                              ? Input::kPong
                      : command.method == Method::kConnect ? Input::kConnect
                                                           : Input::kCommand;
  switch (verdict(state_, input)) {
    case Verdict::kDrop:
      return;
    case Verdict::kBadRequest:
      return close(disconnect_code::kBadRequest);
    case Verdict::kRun:
      break;
  }
  if (is_pong) return pong();
  busy_ = true;
  if (input == Input::kCommand && command.id != 0 && !commands_.try_take(context_.lane.now())) {
    ++context_.stats.rate_limited;
    return fail(command.id, error_code::kTooManyRequests);
  }
  kHandlers[static_cast<size_t>(command.method)](*this, command);
}

void Session::hold(std::string_view rest, uint32_t commands) {
  if (rest.empty() && commands > 0) return;  // the end of a frame that began with a command
  if (held_ == nullptr) held_ = std::make_unique<Held>();
  held_->bytes += rest.size() + sizeof(Held::Frame);
  if (held_->bytes > protocol::kHeldMaxBytes) return close(disconnect_code::kSlow);
  held_->frames.push_back({std::string(rest), commands});
  if (held_->bytes > protocol::kHeldPauseBytes && !held_->paused) {
    held_->paused = true;
    transport_.pause_reading(true);
  }
}

void Session::finish() {
  busy_ = false;
  if (running_ || held_ == nullptr || resume_planned_) return;
  // Not now: whoever brought the answer may be in the middle of another session's frame.
  resume_planned_ = true;
  context_.lane.at_turn_end([&sessions = context_.sessions, handle = handle_] {
    if (Session* session = sessions.find(handle)) session->resume();
  });
}

void Session::resume() {
  resume_planned_ = false;
  protocol::CommandReader& reader = *context_.readers[static_cast<size_t>(variant_.encoding)];
  while (!busy_ && state_ != SessionState::kDraining && held_->next < held_->frames.size()) {
    Held::Frame& frame = held_->frames[held_->next];
    reader.open(frame.bytes, frame.commands);
    const bool used_up = run(reader);
    const size_t left = used_up ? 0 : reader.rest().size();
    held_->bytes -= frame.bytes.size() - left;
    if (left > 0) {
      frame.bytes.erase(0, frame.bytes.size() - left);
      frame.commands = reader.commands();
      return;
    }
    held_->bytes -= sizeof(Held::Frame);
    ++held_->next;
  }
  if (state_ == SessionState::kDraining || held_->next < held_->frames.size()) return;
  const bool paused = held_->paused;
  held_.reset();
  if (paused) transport_.pause_reading(false);
}

void Session::fail(uint32_t id, const Error& error) {
  ++context_.stats.errors;
  answer([&](const protocol::Encoder& encoder, std::string& out) { encoder.error(out, id, error); });
}

bool Session::refuse(uint32_t id, const Outcome& outcome) {
  if (outcome.disconnect) {
    close(outcome.disconnect);
    return true;
  }
  if (outcome.error) fail(id, outcome.error);
  return static_cast<bool>(outcome.error);
}

// ---- subscriptions

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

void Session::activate_subscription(Subscription& subscription, const SubscribeResponse& answer) {
  if (answer.expire_at_ms != 0) {
    subscription.expires_at = deadline(answer.expire_at_ms);
    if (subscription_expires_at_.ns == 0 || subscription.expires_at < subscription_expires_at_) {
      subscription_expires_at_ = subscription.expires_at;
      arm();
    }
  }
  if (subscription.ended != nullptr) {
    const Disconnect ended = *subscription.ended;
    return end(subscription, ended.code, ended.reason);
  }
  context_.hub.activate(subscription, {.position = position_after(answer),
                                       .tracked = answer.positioned || answer.recoverable,
                                       .join_leave = answer.push_join_leave});
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

void Session::end_subscription(std::string_view channel, uint32_t code, std::string_view reason) {
  context_.hub.flush(channel);
  if (Subscription* subscription = find_subscription(channel)) on_unsubscribed(*subscription, code, reason);
}

void Session::on_unsubscribed(Subscription& subscription, uint32_t code, std::string_view reason) {
  if (subscription.active) return end(subscription, code, reason);
  // The reply comes first, as for every push.
  subscription.ended = std::make_unique<Disconnect>(Disconnect{code, std::string(reason)});
}

void Session::on_position_lost(Subscription& subscription) {
  if (subscription.server_side) return close(disconnect_code::kInsufficientState);
  end(subscription, unsubscribe_code::kInsufficientState, "insufficient state");
}

void Session::on_writable_low() {
  // Those that are collapsed are client-side ones, so losing them does not close the session. From the back:
  // what is moved into a freed place was looked at already.
  for (size_t i = subscriptions_.size(); i > 0; --i) {
    if (Hub::collapsed(*subscriptions_[i - 1])) on_position_lost(*subscriptions_[i - 1]);
  }
}

// ---- beginning and end

void Session::opened() {
  state_ = SessionState::kOpen;
  ++context_.stats.connected;
  start_timers();
}

void Session::refused(uint32_t id, const Error& error) {
  while (!subscriptions_.empty()) remove_subscription(*subscriptions_.back(), true);
  if (peer_ != nullptr) {
    context_.tell(context_.routes.user(peer_->user),
                  SessionClosed{peer_, disconnect_code::kConnectionClosed});
    peer_.reset();
  }
  state_ = SessionState::kRefused;
  start_timers();
  fail(id, error);
}

void Session::leave(uint32_t code) {
  state_ = SessionState::kDraining;
  context_.lane.cancel_timer(std::exchange(timer_, 0));
  while (!subscriptions_.empty()) remove_subscription(*subscriptions_.back(), true);
  if (peer_ != nullptr) context_.tell(context_.routes.user(peer_->user), SessionClosed{peer_, code});
}

void Session::close(const Disconnect& disconnect) {
  if (state_ == SessionState::kDraining) return;
  if (disconnect.code == disconnect_code::kBadRequest) ++context_.stats.bad_requests;
  leave(disconnect.code);
  if (disconnect.code == disconnect_code::kSlow) {
    transport_.abort(disconnect.code, disconnect.reason);
  } else {
    transport_.close(disconnect.code, disconnect.reason);
  }
}

void Session::on_closed(const ws::CloseInfo& info) {
  if (state_ != SessionState::kDraining) {
    leave(info.by == ws::CloseInfo::By::kProtocol ? info.code : disconnect_code::kConnectionClosed);
  }
  ++context_.stats.closed;
  SessionContext& context = context_;
  context.sessions.erase(handle_);  // deletes this
  if (context.on_gone) context.on_gone();
}

}  // namespace lcg::gateway
