#include "broker/command/connect.h"

#include "broker/command/connect_data.h"
#include "broker/error_table.h"
#include "broker/plugin_json.h"

namespace lcg::broker {
namespace {

// What is left to do once the plugins have spoken.
struct Connecting {
  ConnectRequest request;
  ConnectFn done;
  ClientInstall install;
  MonoTime since;
};

ConnectResponse closed(uint32_t code) {
  ConnectResponse out;
  out.disconnect = make_disconnect(code);
  return out;
}

std::shared_ptr<Peer> peer_of(const Connecting& connecting, const host::ChainResult& who) {
  const ConnectRequest& request = connecting.request;
  auto peer = std::make_shared<Peer>();
  peer->session = request.session;
  peer->user = who.user;
  peer->auth = who.auth;
  peer->remote = request.remote;
  peer->http = request.http;
  peer->gateway = request.gateway;
  peer->transport = request.transport;
  peer->encoding = request.encoding;
  peer->headers = request.headers;
  peer->conn_info = one_json_line(who.info).value_or(SharedBytes());
  peer->ephemeral_device = connecting.install.device.empty();
  peer->device = peer->ephemeral_device ? request.session : connecting.install.device;
  return peer;
}

ConnectResponse accepted(const PeerPtr& peer, host::ChainResult who) {
  ConnectResponse answer;
  answer.peer = peer;
  answer.expire_at_ms = who.expire_at_ms;
  for (std::string& channel : who.channels) answer.channels.push_back({std::move(channel), nullptr});
  answer.data = connect_reply_data(who.data.view(), {peer->device, peer->device_epoch});
  return answer;
}

void bind(LaneContext& context, std::shared_ptr<Connecting> connecting, host::ChainResult who) {
  std::shared_ptr<Peer> peer = peer_of(*connecting, who);
  if (peer->http) return connecting->done(accepted(peer, std::move(who)));

  BindSession bind{peer, connecting->install.epoch, connecting->request.name, connecting->request.version};
  const Target owner = Target::slot(context.slot_of(peer->user));
  ask(context.bus, context.lane, owner, std::move(bind),
      [&context, connecting, peer, who = std::move(who)](BindSessionResponse bound) mutable {
        if (bound.ok() && context.lane.now() - connecting->since < Bus::kDefaultTimeout)
          return connecting->done(accepted(peer, std::move(who)));
        // Bound or still being bound, and the gateway has given up: nobody else would ever close this
        // session.
        if (bound.ok() || bound.error) {
          SessionClosed late{peer, disconnect_code::kStale};
          ask(context.bus, context.lane, Target::slot(context.slot_of(peer->user)), std::move(late),
              [](SessionClosedResponse) {});
        }
        if (bound.ok()) return connecting->done(failed<ConnectResponse>(error_code::kInternal));
        connecting->done(failed<ConnectResponse>(std::move(bound)));
      });
}

void authenticated(LaneContext& context, std::shared_ptr<Connecting> connecting, host::ChainResult who) {
  const bool has_token = !connecting->request.token.empty();
  if (who.status == LCG_DEFER) {
    if (has_token) return connecting->done(closed(disconnect_code::kInvalidToken));
    if (!context.config.allow_anonymous) return connecting->done(closed(disconnect_code::kBadRequest));
    who = host::ChainResult{};
    who.status = LCG_OK;
  }
  if (who.status == LCG_E_DENIED && who.error_code == 0 && who.disconnect_code == 0)
    who.disconnect_code = disconnect_code::kInvalidToken;
  Outcome refused = outcome_of_chain(who, error_code::kInternal);
  if (!refused.ok()) return connecting->done(failed<ConnectResponse>(std::move(refused)));
  if (who.expire_at_ms != 0 && who.expire_at_ms <= context.lane.clock().wall_ms())
    return connecting->done(failed<ConnectResponse>(error_code::kExpired));
  bind(context, std::move(connecting), std::move(who));
}

}  // namespace

void connect(LaneContext& context, ConnectRequest request, ConnectFn done) {
  const std::optional<ClientInstall> install = parse_install(request.data.view());
  if (!install) return done(closed(disconnect_code::kBadRequest));

  auto connecting = std::make_shared<Connecting>(
      Connecting{std::move(request), std::move(done), *install, context.lane.now()});
  // Known before the plugins speak: who calls from where, but no user yet.
  host::ChainRequest question;
  question.kind = LCG_REQ_CONNECT;
  question.peer = peer_of(*connecting, {});
  question.credential = connecting->request.token;
  question.data = connecting->request.data;
  context.host.run_chain(std::move(question), context.config.chain_timeout,
                         [&context, connecting](host::ChainResult who) mutable {
                           authenticated(context, std::move(connecting), std::move(who));
                         });
}

void refresh(LaneContext& context, RefreshRequest request, RefreshFn done) {
  const auto close = [](RefreshFn& answer, uint32_t code) {
    RefreshResponse out;
    out.disconnect = make_disconnect(code);
    answer(std::move(out));
  };
  if (request.token.empty()) return close(done, disconnect_code::kBadRequest);

  host::ChainRequest question;
  question.kind = LCG_REQ_REFRESH;
  question.peer = request.peer;
  question.credential = std::move(request.token);
  context.host.run_chain(
      std::move(question), context.config.chain_timeout,
      [&context, close, peer = request.peer, done = std::move(done)](host::ChainResult who) mutable {
        if (who.status == LCG_DEFER) return close(done, disconnect_code::kInvalidToken);
        if (who.error_code == error_code::kTokenExpired && who.disconnect_code == 0)
          return close(done, disconnect_code::kExpired);
        if (who.status == LCG_E_DENIED && who.disconnect_code == 0)
          return close(done, disconnect_code::kInvalidToken);
        Outcome refused = outcome_of_chain(who, error_code::kInternal);
        if (!refused.ok()) return done(failed<RefreshResponse>(std::move(refused)));
        if (!who.user.empty() && who.user != peer->user) return close(done, disconnect_code::kInvalidToken);
        if (who.expire_at_ms != 0 && who.expire_at_ms <= context.lane.clock().wall_ms())
          return close(done, disconnect_code::kExpired);
        RefreshResponse answer;
        answer.expire_at_ms = who.expire_at_ms;
        done(std::move(answer));
      });
}

}  // namespace lcg::broker
