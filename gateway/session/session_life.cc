// The beginning and the end of a session.
#include <algorithm>

#include "gateway/session/emulation.h"
#include "gateway/session/session.h"

namespace lcg::gateway {

Session::Session(SessionContext& context, SessionHandle handle, ws::Transport& transport,
                 const OpenOptions& options)
    : context_(context),
      transport_(transport),
      encoder_(protocol::encoder_of(options.variant)),
      accepted_(options.accepted.ns != 0 ? options.accepted : context.lane.now()),
      handle_(handle),
      id_(make_session_id(context.lane.random())),
      variant_(options.variant),
      kind_(options.transport),
      frame_ping_(options.frame_ping || options.transport == TransportKind::kUniWebSocket) {
  ++context_.stats.opened;
  if (is_emulated(kind_)) extras().secret = make_session_secret(context_.lane.random());
  ClientHeaders headers = allowed_headers(context_.options.headers, options.headers);
  if (!headers.empty()) extras().headers = std::move(headers);
  if (ClientHeaders device = gateway::device_headers(options.headers); !device.empty())
    extras().device = std::move(device);
  if (context_.rates.address_rules().numbers() > 0)
    extras().address_rates = context_.rates.address(transport_.remote_address(), context_.lane.now());
  start_timers();
}

Session::~Session() {
  for (const auto& subscription : subscriptions_) context_.hub.remove(*subscription);
  context_.lane.cancel_timer(timer_);
}

const ClientHeaders& Session::headers() const {
  static const ClientHeaders kNone;
  return extras_ == nullptr ? kNone : extras_->headers;
}

const ClientHeaders& Session::device_headers() const {
  static const ClientHeaders kNone;
  return extras_ == nullptr ? kNone : extras_->device;
}

void Session::identify(PeerPtr peer) {
  peer_ = std::move(peer);
  if (SharedNumbersPtr rates = context_.rates.user(peer_->user, context_.lane.now()))
    extras().user_rates = std::move(rates);
}

bool Session::user_may_connect() {
  if (extras_ == nullptr || extras_->user_rates == nullptr) return true;
  const bool may = context_.rates.user_rules().take(protocol::Method::kConnect,
                                                    std::span(*extras_->user_rates), context_.lane.now());
  if (!may) ++context_.stats.rate_limited;
  return may;
}

void Session::opened() {
  state_ = SessionState::kOpen;
  transport_.client_connected();
  ++context_.stats.connected;
  if (extras_ != nullptr) extras_->headers = extras_->device = {};
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

void Session::leave(uint32_t code, std::string reason) {
  state_ = SessionState::kDraining;
  context_.lane.cancel_timer(std::exchange(timer_, 0));
  while (!subscriptions_.empty()) remove_subscription(*subscriptions_.back(), true);
  if (peer_ == nullptr) return;
  context_.tell(context_.routes.user(peer_->user), SessionClosed{peer_, code, std::move(reason)});
}

void Session::close(const Disconnect& disconnect) {
  if (state_ == SessionState::kDraining) return;
  if (disconnect.code == disconnect_code::kBadRequest) ++context_.stats.bad_requests;
  leave(disconnect.code, disconnect.reason);
  if (disconnect.code == disconnect_code::kSlow) return transport_.abort(disconnect.code, disconnect.reason);
  if (!is_websocket(kind_)) {
    send([&](const protocol::Encoder& encoder, std::string& out) {
      encoder.push_disconnect(out, disconnect.code, disconnect.reason);
    });
  }
  transport_.close(disconnect.code, disconnect.reason);
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
