// Commands in order.
#include "gateway/session/session.h"

#include <algorithm>
#include <array>

#include "gateway/session/command_handler.h"

namespace lcg::gateway {

namespace {

void bad_request(Session& session, const protocol::Command&) { session.close(disconnect_code::kBadRequest); }
bool may_answer_much(protocol::Method method) {
  using protocol::Method;
  return method == Method::kSubscribe || method == Method::kPresence || method == Method::kHistory ||
         method == Method::kRpc;
}

// Nobody takes what is sent without an answer (client-protocol 1.3 rule 8).
void not_taken(Session& session, const protocol::Command&) { session.close(disconnect_code::kNotAvailable); }

// By protocol::Method.
constexpr std::array<CommandHandler, kMethods> kHandlers = {
    bad_request,    handle_connect,  bad_request /* ping */, handle_subscribe, handle_unsubscribe,
    handle_publish, handle_presence, handle_presence_stats,  handle_history,   handle_rpc,
    not_taken,      handle_refresh,  handle_sub_refresh};

}  // namespace

void Session::on_message(std::string_view payload, ws::MessageKind) {
  if (state_ == SessionState::kDraining) return;
  heard();
  if (frame_ping_) pong_due_ = {};  // whatever comes is a sign of life
  if (variant_.unidirectional) return run_unidirectional(payload);
  if (busy_ || held_ != nullptr) return hold(payload, 0);
  protocol::CommandReader& reader = *context_.readers[static_cast<size_t>(variant_.encoding)];
  reader.open(payload);
  if (!run(reader)) hold(reader.rest(), reader.commands());
}

void Session::run_unidirectional(std::string_view request) {
  if (state_ != SessionState::kFresh) return;
  protocol::CommandReader& reader = *context_.readers[static_cast<size_t>(variant_.encoding)];
  if (!reader.open_connect(request)) return close(disconnect_code::kBadRequest);
  dispatch(reader.command());
}

bool Session::may_run() const {
  return !busy_ && state_ != SessionState::kDraining && ran_ < protocol::kCommandsPerTurn &&
         !transport_.congested();
}

// False: reader.rest() waits for the answer to a command, for its turn, or for the client to read.
bool Session::run(protocol::CommandReader& reader) {
  running_ = true;
  bool more = true;
  while (more && may_run()) {
    switch (reader.next()) {
      case protocol::Next::kCommand:
        spend_share(1);
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
  return !more || state_ == SessionState::kDraining;
}

// A lane does not tell when a turn begins. So half a share asks for the next one, which most sessions never do, and the
// end of it asks again: others have their turn before. What is held then is taken up when it begins.
void Session::spend_share(size_t commands) {
  constexpr size_t kAll = protocol::kCommandsPerTurn, kHalf = kAll / 2;
  const size_t before = ran_, now = std::min(before + commands, kAll);
  ran_ = static_cast<uint8_t>(now);
  if ((before < kHalf && now >= kHalf) || (before < kAll && now == kAll)) renew_share_later();
}

void Session::renew_share_later() {
  context_.lane.cancel_timer(share_timer_);
  const auto renew = [&sessions = context_.sessions, handle = handle_] {
    Session* session = sessions.find(handle);
    if (session == nullptr) return;
    session->share_timer_ = 0;
    session->ran_ = 0;
    if (session->held_ != nullptr && !session->busy_ && !session->resume_planned_) session->resume();
  };
  share_timer_ = context_.lane.start_timer(protocol::kTurnDelay, renew);
}

void Session::dispatch(const protocol::Command& command) {
  using protocol::Method;
  ++context_.stats.commands;
  const bool is_pong = command.id == 0 && command.method != Method::kSend && !variant_.unidirectional;
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
  if (!within_limits(command)) {
    ++context_.stats.rate_limited;
    const Error error = make_error(error_code::kTooManyRequests);
    if (input == Input::kConnect) return refused(command.id, error);
    if (command.id != 0) return fail(command.id, error);
  }
  if (command.fault != nullptr && input != Input::kCommand) return close(disconnect_code::kBadRequest);
  if (command.fault != nullptr && command.id != 0) return refuse_faulty(command);
  kHandlers[static_cast<size_t>(command.method)](*this, command);
}

// A command that can be read, with something wrong inside a field of its.
void Session::refuse_faulty(const protocol::Command& command) {
  fail(command.id, {error_code::kBadRequest,
                    "bad request: " + std::string(command.fault_field) + ": " + command.fault, false});
}

bool Session::within_limits(const protocol::Command& command) {
  const protocol::Method method = command.method;
  const MonoTime now = context_.lane.now();
  if (answers_ != 0 && may_answer_much(method) && context_.answer_rule.in_debt(answers_, now)) return false;
  const RateRules& own = context_.connection_rules;
  if (own.numbers() == 1) {
    if (!own.take(method, std::span(&commands_, 1), now)) return false;
  } else if (own.numbers() > 1) {
    Extras& more = extras();
    if (more.rates.empty()) more.rates.resize(own.numbers());
    if (!own.take(method, std::span(more.rates), now)) return false;
  }
  if (extras_ == nullptr) return true;
  const Extras& more = *extras_;
  if (more.address_rates != nullptr &&
      !context_.rates.address_rules().take(method, std::span(*more.address_rates), now))
    return false;
  return more.user_rates == nullptr ||
         context_.rates.user_rules().take(method, std::span(*more.user_rates), now);
}

void Session::hold(std::string_view rest, uint32_t commands) {
  if (rest.empty() && commands > 0) return;  // the end of a frame that began with a command
  if (held_ == nullptr) held_ = std::make_unique<Held>();
  held_->bytes += rest.size() + sizeof(Held::Frame);
  if (held_->bytes > context_.options.held_bytes()) return close(disconnect_code::kSlow);
  held_->frames.push_back({std::string(rest), 0, commands});
  if (held_->bytes > protocol::kHeldPauseBytes && !held_->paused) {
    held_->paused = true;
    transport_.pause_reading(true);
  }
}

void Session::finish() {
  busy_ = false;
  if (running_) return;
  if (held_ != nullptr)
    resume_at_turn_end();
  else if (peer_closing_)
    transport_.accept_close();
}

// Whoever asks, closes and reads on is answered first.
bool Session::on_peer_close() {
  peer_closing_ = state_ != SessionState::kDraining && (busy_ || held_ != nullptr);
  return !peer_closing_;
}

void Session::resume_at_turn_end() {
  if (resume_planned_) return;
  // Not now: whoever brought the answer may be in the middle of another session's frame.
  resume_planned_ = true;
  context_.lane.at_turn_end([&sessions = context_.sessions, handle = handle_] {
    if (Session* session = sessions.find(handle)) session->resume();
  });
}

// What stops it again goes on by itself: a command that waits by finish(), a share that is used up by its timer, a queue
// by on_writable_low().
void Session::resume() {
  resume_planned_ = false;
  protocol::CommandReader& reader = *context_.readers[static_cast<size_t>(variant_.encoding)];
  while (!busy_ && state_ != SessionState::kDraining && !held_->frames.empty()) {
    Held::Frame& frame = held_->frames.front();
    reader.open(std::string_view(frame.bytes).substr(frame.used), frame.commands);
    // What has begun and has nothing left is over; an empty message has not begun, and is refused when it does.
    if (!run(reader) && (!reader.rest().empty() || reader.commands() == 0)) {
      frame.used = frame.bytes.size() - reader.rest().size();
      frame.commands = reader.commands();
      return;
    }
    held_->bytes -= frame.bytes.size() + sizeof(Held::Frame);
    held_->frames.pop_front();
  }
  if (state_ == SessionState::kDraining || !held_->frames.empty()) return;
  const bool paused = held_->paused;
  held_.reset();
  if (peer_closing_ && !busy_) return transport_.accept_close();
  if (paused) transport_.pause_reading(false);
}

namespace {

// Where there are no replies. As the reference does with the end of credentials; the others by their meaning, so that
// whoever may come again does.
uint32_t disconnect_of(const Error& error) {
  switch (error.code) {
    case error_code::kTokenExpired:
    case error_code::kExpired:
      return disconnect_code::kExpired;
    case error_code::kTooManyRequests:
      return disconnect_code::kTooManyRequests;
    case error_code::kUnknownChannel:
    case error_code::kPermissionDenied:
      return disconnect_code::kPermissionDenied;
    case error_code::kLimitExceeded:  // what may be room later is a limit of the user's, not of the request's
      return error.temporary ? disconnect_code::kTooManyRequests : disconnect_code::kChannelLimit;
    case error_code::kBadRequest:
      return disconnect_code::kBadRequest;
    case error_code::kNotAvailable:
      return disconnect_code::kNotAvailable;
    default:
      return disconnect_code::kInternal;
  }
}

}  // namespace

void Session::fail(uint32_t id, const Error& error) {
  ++context_.stats.errors;
  if (variant_.unidirectional) return close(disconnect_of(error));
  // What may be better at the next try is not the client's fault, but for its own haste.
  const bool own_fault = !error.temporary || error.code == error_code::kTooManyRequests;
  if (own_fault && !context_.error_rule.take(extras().errors, context_.lane.now())) {
    // Haste passes.
    return close(error.temporary ? disconnect_code::kTooManyRequests : disconnect_code::kTooManyErrors);
  }
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

void Session::charge_answer(size_t bytes) {
  context_.answer_rule.charge(answers_, context_.lane.now(), bytes);
  spend_share(bytes / protocol::kAnswerBytesPerCommand);
}

bool Session::can_be_sent(std::span<const PublicationPtr> publications) const {
  const auto binary = [](const PublicationPtr& publication) { return publication->binary; };
  return variant_.encoding != Encoding::kJson ||
         std::none_of(publications.begin(), publications.end(), binary);
}

SharedBytes Session::payload(std::string_view data) const {
  return variant_.encoding == Encoding::kJson ? protocol::payload_bytes(data) : SharedBytes(data);
}

}  // namespace lcg::gateway
