// Session: one client's connection as the protocol sees it. Owns its subscriptions, its timers and the order
// of its commands; what a command does is in the file of its name (command_handler.h lists them).
//
// Commands run one at a time, in order: the next begins when the one before has been answered. An answer that
// comes while the command is being handled lets the loop over the frame go on, without a copy; else the rest
// of the frame is put aside (protocol::kHeldPauseBytes, kHeldMaxBytes) and taken up again at the end of the
// lane's turn in which the answer came.
//
// Life: made by GatewayLane for a transport, deleted in on_closed(). After close() it is draining: it takes
// nothing in, and the broker has been told already. Answers that come later do not find it. Lane: the gateway
// lane's.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rate_limit.h"
#include "gateway/protocol/limits.h"
#include "gateway/session/session_context.h"
#include "gateway/session/session_state.h"

namespace lcg::gateway {

class Session final : public ws::TransportHandler, public SubscriptionOwner {
 public:
  Session(SessionContext& context, SessionHandle handle, ws::Transport& transport, protocol::Variant variant);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::string_view id() const { return {id_.data(), id_.size()}; }
  SessionState state() const { return state_; }
  // Null until connect was answered.
  const PeerPtr& peer() const { return peer_; }
  SessionContext& context() { return context_; }
  SessionHandle handle() const { return handle_; }

  // Ends it: leaves its channels, tells the broker, sends what is queued and then the close frame; with 3008
  // what is queued is dropped.
  void close(const Disconnect& disconnect);
  void close(uint32_t code) { close(make_disconnect(code)); }

  // By the broker. Not subscribed: no effect.
  void end_subscription(std::string_view channel, uint32_t code, std::string_view reason);

  // ---- TransportHandler
  void on_message(std::string_view payload, ws::MessageKind kind) override;
  void on_writable_low() override;
  void on_closed(const ws::CloseInfo& info) override;

  // ---- SubscriptionOwner
  void on_position_lost(Subscription& subscription) override;
  void on_unsubscribed(Subscription& subscription, uint32_t code, std::string_view reason) override;

  // ---- For the command handlers

  // Asks the broker; `then(Session&, Answer)` runs if the session still is there and not draining. It may run
  // at once: the views of the command are not to be used after this.
  template <class R, class Fn>
  void ask(Target target, R request, Fn then) {
    lcg::ask(context_.bus, context_.lane, target, std::move(request),
             [&sessions = context_.sessions, handle = handle_, then = std::move(then)](auto answer) mutable {
               Session* session = sessions.find(handle);
               if (session != nullptr && session->state_ != SessionState::kDraining)
                 then(*session, std::move(answer));
             });
  }
  // Sends the reply that `encode(const Encoder&, std::string& out)` writes, and lets the next command begin.
  template <class Encode>
  void answer(Encode&& encode) {
    send(std::forward<Encode>(encode));
    finish();
  }
  void fail(uint32_t id, const Error& error);
  void fail(uint32_t id, uint32_t code) { fail(id, make_error(code)); }
  // An outcome that is not ok: the error reply, or the disconnect. False: it is ok.
  bool refuse(uint32_t id, const Outcome& outcome);

  // connect: what comes of it.
  void connecting() { state_ = SessionState::kConnecting; }
  void identify(PeerPtr peer) { peer_ = std::move(peer); }
  void opened();
  // Error reply; the connection cannot be used any more. The broker forgets the peer.
  void refused(uint32_t id, const Error& error);
  bool opening() const { return state_ == SessionState::kConnecting; }

  // When the credentials end (Unix ms, 0: never); seconds left for the client to refresh them, 0: never.
  uint32_t set_expiry(int64_t expire_at_ms);
  bool expires() const { return expire_at_.ns != 0; }

  std::string remote() const { return transport_.remote_address(); }
  size_t subscription_count() const { return subscriptions_.size(); }
  Subscription* find_subscription(std::string_view channel) const;
  // Pending in the hub from now on.
  Subscription& add_subscription(std::string_view channel, bool server_side);
  // After the reply: deliveries flow. `answer` is ok.
  void activate_subscription(Subscription& subscription, const SubscribeResponse& answer);
  // With `tell_broker` the broker forgets it too, or is told in case it does not know.
  void remove_subscription(Subscription& subscription, bool tell_broker);

 private:
  // Frames, or what is left of one, that wait for the command before them.
  struct Held {
    struct Frame {
      std::string bytes;
      uint32_t commands;  // of the same frame, before these bytes
    };
    std::vector<Frame> frames;
    size_t next = 0;   // frame
    size_t bytes = 0;  // of all, with what each costs
    bool paused = false;
  };

  bool run(protocol::CommandReader& reader);
  void dispatch(const protocol::Command& command);
  void hold(std::string_view rest, uint32_t commands);
  void resume();
  void finish();
  void pong();
  template <class Encode>
  void send(Encode&& encode) {
    context_.out.clear();
    encode(encoder_, context_.out);
    transport_.send_message(context_.out, encoder_.message_kind());
    if (context_.out.capacity() > protocol::kKeptBufferBytes) context_.out = std::string();
  }
  void end(Subscription& subscription, uint32_t code, std::string_view reason);
  void leave(uint32_t code);

  // ---- session_timers.cc
  void start_timers();
  void arm();
  void on_timer();
  MonoTime next_deadline() const;
  void expire_subscriptions(MonoTime now);
  MonoTime deadline(int64_t at_ms) const;

  SessionContext& context_;
  ws::Transport& transport_;
  const protocol::Encoder& encoder_;
  PeerPtr peer_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
  std::unique_ptr<Held> held_;
  TokenBucket commands_;

  // Points in time, 0: none. One timer serves the earliest.
  MonoTime stale_at_, ping_at_, pong_due_, expire_at_, subscription_expires_at_;
  MonoTime timer_at_;
  TimerId timer_ = 0;

  const SessionHandle handle_;
  const SessionId id_;
  const protocol::Variant variant_;
  SessionState state_ = SessionState::kFresh;
  bool busy_ = false;     // a command runs
  bool running_ = false;  // in run(): finish() need not plan to resume
  bool resume_planned_ = false;
};

}  // namespace lcg::gateway
