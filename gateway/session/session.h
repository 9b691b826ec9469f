// Session: one client's connection as the protocol sees it. Owns its subscriptions, its timers and the order
// of its commands; what a command does is in the file of its name (command_handler.h lists them).
//
// Commands run one at a time, in order: the next begins when the one before has been answered. An answer that
// comes while the command is being handled lets the loop over the frame go on, without a copy; else the rest
// of the frame is put aside (protocol::kHeldPauseBytes, kHeldMaxBytes) and taken up again at the end of the
// lane's turn in which the answer came. The rest waits as well when the connection has run its share of them,
// kCommandsPerTurn, so that others get their turn, and while so much is queued for the client that it must read before
// it is heard. A share lasts kTurnDelay at least and one timer begins the next, so a turn in which it does may see two.
//
// A unidirectional session (client-protocol 1.14) has one command, its connect, which it names by its first message
// alone; what it sends later is ignored. What would be an error is a disconnect.
//
// Life: made by GatewayLane for a transport, deleted in on_closed(). After close() it is draining: it takes
// nothing in, and the broker has been told already. Answers that come later do not find it. Lane: the gateway
// lane's.
//
// session.cc: commands in order. session_life.cc: beginning and end. session_subscriptions.cc, session_timers.cc,
// session_server.cc (what the broker does to it on its own account): as they say.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/protocol/limits.h"
#include "gateway/session/client_headers.h"
#include "gateway/session/open_options.h"
#include "gateway/session/session_context.h"
#include "gateway/session/session_state.h"

namespace lcg::gateway {

class Session final : public ws::TransportHandler, public SubscriptionOwner {
 public:
  Session(SessionContext& context, SessionHandle handle, ws::Transport& transport,
          const OpenOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::string_view id() const { return {id_.data(), id_.size()}; }
  SessionState state() const { return state_; }
  // Null until connect was answered.
  const PeerPtr& peer() const { return peer_; }
  SessionContext& context() { return context_; }
  SessionHandle handle() const { return handle_; }
  // Of an emulated session, else "".
  std::string_view secret() const { return extras_ == nullptr ? std::string_view() : extras_->secret; }

  // Ends it: leaves its channels, tells the broker, sends what is queued and then the close frame, or what the
  // transport has in its place; with 3008 what is queued is dropped.
  void close(const Disconnect& disconnect);
  void close(uint32_t code) { close(make_disconnect(code)); }

  // ---- By the broker
  // Asks the client for a sign of life, and closes it so if none comes in time. One that cannot be asked (no way back, or
  // no WebSocket and no pings) is not heard from. Asked already: no effect.
  void close_unless_heard(const Disconnect& disconnect, Millis patience);
  // Not subscribed: no effect. "": every subscription.
  void end_subscription(std::string_view channel, uint32_t code, std::string_view reason);
  // `anew`: after a gap. What cannot be had again for now then ends the connection (3010), not silently the subscription.
  void server_subscribe(DeliverSubscribe subscribe, bool anew = false);
  void server_refresh(DeliverRefresh refresh);

  // ---- TransportHandler
  void on_message(std::string_view payload, ws::MessageKind kind) override;
  void on_pong(std::string_view payload) override;
  void on_writable_low() override;
  bool on_peer_close() override;
  void on_closed(const ws::CloseInfo& info) override;

  // ---- SubscriptionOwner
  void on_position_lost(Subscription& subscription) override;
  void on_unsubscribed(Subscription& subscription, uint32_t code, std::string_view reason) override;
  void on_inappropriate(Subscription& subscription) override;

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
  // The same for a reply that has a secret in it, or credentials: it is never compressed.
  template <class Encode>
  void answer_secret(Encode&& encode) {
    write(std::forward<Encode>(encode));
    transport_.send_secret(context_.out, encoder_.message_kind());
    finish();
  }
  void fail(uint32_t id, const Error& error);
  void fail(uint32_t id, uint32_t code) { fail(id, make_error(code)); }
  // An outcome that is not ok: the error reply, or the disconnect. False: it is ok.
  bool refuse(uint32_t id, const Outcome& outcome);
  // An answer of so many bytes was made, or what would have been one: it counts against `clients.answer_burst`.
  void charge_answer(size_t bytes);
  // False: one of them is not JSON, and this is a JSON connection.
  bool can_be_sent(std::span<const PublicationPtr> publications) const;
  // A payload as the broker wants it.
  SharedBytes payload(std::string_view data) const;

  const protocol::Variant& variant() const { return variant_; }
  TransportKind transport() const { return kind_; }
  bool frame_ping() const { return frame_ping_; }
  // When the server took the client's socket for it: its upgrade, or the request that opened its stream.
  MonoTime accepted() const { return accepted_; }

  // connect: what comes of it.
  void connecting() { state_ = SessionState::kConnecting; }
  bool opening() const { return state_ == SessionState::kConnecting; }
  void identify(PeerPtr peer);
  // A refresh has changed it: its channels are told.
  void change(PeerPtr peer);
  // Over a limit of the user's: false.
  bool user_may_connect();
  // Before the reply.
  void opened();
  // After the reply: what the broker wanted meanwhile.
  void catch_up();
  // Error reply; the connection cannot be used any more. The broker forgets the peer.
  void refused(uint32_t id, const Error& error);
  const ClientHeaders& headers() const;
  const ClientHeaders& device_headers() const;
  ClientAddress remote() const { return transport_.remote_address(); }
  // Frames that wait for the command before them, and the bytes they own.
  size_t held_frames() const { return held_ == nullptr ? 0 : held_->frames.size(); }
  size_t held_bytes() const { return held_ == nullptr ? 0 : held_->bytes; }

  // When the credentials end (Unix ms, 0: never); seconds left for the client to refresh them, 0: never, or the
  // server does it.
  uint32_t set_expiry(int64_t expire_at_ms);
  // What a refresh, by whomever, has brought. Closes what has expired (3005) or changed too much (3010); false: that
  // was it.
  bool refreshed(const RefreshResponse& answer);
  void refreshed_by_server() { server_refresh_ = true; }
  // Is it for the client to refresh its credentials?
  bool client_refreshes() const { return expire_at_.ns != 0 && !server_refresh_; }

  size_t subscription_count() const { return subscriptions_.size(); }
  Subscription* find_subscription(std::string_view channel) const;
  // Pending in the hub from now on.
  Subscription& add_subscription(std::string_view channel, bool server_side);
  // The answer is ok. Before the reply: what it says of the subscription's end; seconds left for the client to refresh
  // it, 0: it need not.
  uint32_t set_expiry(Subscription& subscription, int64_t expire_at_ms, bool server_refresh);
  // After the reply: deliveries flow.
  void activate_subscription(Subscription& subscription, const SubscribeResponse& answer,
                             TagFilterPtr filter = nullptr);
  // With `tell_broker` the broker forgets it too, or is told in case it does not know.
  void remove_subscription(Subscription& subscription, bool tell_broker);

 private:
  // Frames, or what is left of one, that wait for the command before them.
  struct Held {
    struct Frame {
      std::string bytes;
      size_t used;        // of them
      uint32_t commands;  // of the same frame, before what is left
    };
    std::deque<Frame> frames;  // one that is used up goes at once
    size_t bytes = 0;          // what they own, used or not, and what each costs
    bool paused = false;
  };
  // Its end, unless the client is heard from.
  struct Asked {
    MonoTime due;
    Disconnect disconnect;
  };
  // What most sessions do not have, or not for long.
  struct Extras {
    std::string secret;
    ClientHeaders headers;       // until connect
    ClientHeaders device;        // the same: headers that name the device
    std::vector<int64_t> rates;  // where single operations are limited
    int64_t errors = 0;          // of Gcra
    SharedNumbersPtr user_rates, address_rates;
    std::vector<DeliverSubscribe> subscribes;  // came before the connect reply
    std::optional<DeliverRefresh> refresh;
    std::optional<Asked> asked;  // set as long as asked_ is
  };

  Extras& extras() {
    if (extras_ == nullptr) extras_ = std::make_unique<Extras>();
    return *extras_;
  }
  bool run(protocol::CommandReader& reader);
  void dispatch(const protocol::Command& command);
  void run_unidirectional(std::string_view request);
  bool may_run() const;
  bool within_limits(const protocol::Command& command);
  void refuse_faulty(const protocol::Command& command);
  void hold(std::string_view rest, uint32_t commands);
  void resume();
  void resume_at_turn_end();
  void spend_share(size_t commands);
  void renew_share_later();
  void finish();
  void pong();
  void heard() {
    if (!asked_) return;
    asked_ = false;
    extras_->asked.reset();
  }
  template <class Encode>
  void write(Encode&& encode) {
    if (context_.out.capacity() > protocol::kKeptBufferBytes) context_.out = std::string();
    context_.out.clear();
    encode(encoder_, context_.out);
    if (context_.out.size() > protocol::kShortAnswerBytes) charge_answer(context_.out.size());
  }
  template <class Encode>
  void send(Encode&& encode) {
    write(std::forward<Encode>(encode));
    transport_.send_message(context_.out, encoder_.message_kind());
  }
  void end(Subscription& subscription, uint32_t code, std::string_view reason);
  void subscribed_by_server(Subscription& subscription, SubscribeResponse answer, bool anew);
  bool has_channels_of_connect(const std::vector<std::string>& channels) const;
  void leave(uint32_t code, std::string reason = {});

  // ---- session_timers.cc
  void start_timers();
  void arm();
  void on_timer();
  void ping(MonoTime now);
  MonoTime next_deadline() const;
  void credentials_ended(MonoTime now);
  void expire_subscriptions(MonoTime now);
  void ask_sub_refresh(Subscription& subscription, MonoTime now);
  MonoTime deadline(int64_t at_ms) const;

  SessionContext& context_;
  ws::Transport& transport_;
  const protocol::Encoder& encoder_;
  PeerPtr peer_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
  std::unique_ptr<Held> held_;
  std::unique_ptr<Extras> extras_;
  int64_t commands_ = 0;  // of Gcra: every command
  int64_t answers_ = 0;   // of Gcra: bytes of answers

  // Points in time, 0: none. One timer serves the earliest. The beat is the next ping, or, before the connection is
  // open, the moment it becomes stale.
  MonoTime beat_at_, pong_due_, expire_at_, subscription_expires_at_;
  MonoTime timer_at_;
  const MonoTime accepted_;
  TimerId timer_ = 0;
  TimerId share_timer_ = 0;  // begins the next share

  const SessionHandle handle_;
  const SessionId id_;
  const protocol::Variant variant_;
  const TransportKind kind_;
  uint8_t ran_ = 0;  // commands, and what counts as such, of this share; at most kCommandsPerTurn
  SessionState state_ = SessionState::kFresh;
  const bool frame_ping_ : 1;
  bool server_refresh_ : 1 = false;
  bool busy_ : 1 = false;     // a command runs
  bool running_ : 1 = false;  // in run(): finish() need not plan to resume
  bool resume_planned_ : 1 = false;
  bool asked_ : 1 = false;         // for a sign of life
  bool peer_closing_ : 1 = false;  // its close frame came behind what is not answered yet
};

}  // namespace lcg::gateway
