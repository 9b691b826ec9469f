#include "broker/command/connect.h"

#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "broker/command/connect_data.h"
#include "broker/error_table.h"
#include "broker/plugin_json.h"
#include "broker/plugin_options.h"

namespace lcg::broker {
namespace {

// What is left to do once the plugins have spoken.
struct Connecting {
  ConnectRequest request;
  ConnectFn done;
  ClientInstall install;
  MonoTime since;
  std::vector<ServerSub> subs;
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
  peer->transport = request.http ? TransportKind::kHttp : request.transport;
  peer->encoding = request.encoding;
  peer->headers = request.headers;
  peer->meta = who.meta;
  peer->conn_info = one_json_line(who.info).value_or(SharedBytes());
  peer->ephemeral_device = connecting.install.device.empty();
  peer->device = peer->ephemeral_device ? request.session : connecting.install.device;
  return peer;
}

ConnectResponse accepted(const PeerPtr& peer, Connecting& connecting, const host::ChainResult& who) {
  ConnectResponse answer;
  answer.peer = peer;
  answer.expire_at_ms = who.expire_at_ms;
  answer.server_refresh = who.server_refresh();
  answer.channels = std::move(connecting.subs);
  answer.data =
      connecting.install.in_data ? data_with_install(who.data, peer->device, peer->device_epoch) : who.data;
  return answer;
}

void bind(LaneContext& context, std::shared_ptr<Connecting> connecting, host::ChainResult who) {
  std::shared_ptr<Peer> peer = peer_of(*connecting, who);
  const ConnectRequest& request = connecting->request;
  BindSession bind{peer,
                   connecting->install.epoch,
                   request.name,
                   request.version,
                   request.asked.ns != 0 ? request.asked : connecting->since,
                   request.accepted};
  const Target owner = Target::slot(context.slot_of(peer->user));
  ask(context.bus, context.lane, owner, std::move(bind),
      [&context, connecting, peer, who = std::move(who)](BindSessionResponse bound) mutable {
        if (bound.ok() && context.lane.now() - connecting->since < Bus::kDefaultTimeout)
          return connecting->done(accepted(peer, *connecting, who));
        // Bound or still being bound, and the gateway has given up: nobody else would ever close this
        // session.
        if (bound.ok() || bound.error) {
          context.bus.tell(context.lane, Target::slot(context.slot_of(peer->user)),
                           SessionClosed{peer, disconnect_code::kStale});
        }
        if (bound.ok()) return connecting->done(failed<ConnectResponse>(error_code::kInternal));
        connecting->done(failed<ConnectResponse>(std::move(bound)));
      });
}

void authenticated(LaneContext& context, std::shared_ptr<Connecting> connecting, host::ChainResult who) {
  const BrokerConfig& config = context.config;
  const bool has_token = !connecting->request.token.empty();
  if (who.status == LCG_DEFER) {
    if (has_token) return connecting->done(closed(disconnect_code::kInvalidToken));
    who = host::ChainResult{};
    who.status = LCG_OK;
  }
  if (who.status == LCG_E_DENIED && who.error_code == 0 && who.disconnect_code == 0)
    who.disconnect_code = disconnect_code::kInvalidToken;
  Outcome refused = outcome_of_chain(who, error_code::kInternal);
  if (!refused.ok()) return connecting->done(failed<ConnectResponse>(std::move(refused)));
  if (has_token && who.user.empty() && config.disallow_anonymous_connection_tokens)
    return connecting->done(closed(disconnect_code::kPermissionDenied));
  // Whether nobody vouches for it, or somebody who names no user.
  if (!has_token && who.user.empty() && !config.allow_anonymous && !config.insecure)
    return connecting->done(closed(disconnect_code::kBadRequest));
  if (config.insecure) who.expire_at_ms = 0;
  if (who.expire_at_ms != 0 && who.expire_at_ms <= context.lane.clock().wall_ms())
    return connecting->done(failed<ConnectResponse>(error_code::kExpired));
  std::optional<SharedBytes> meta = one_json_line(std::move(who.meta));
  if (!meta) log::error("a plugin answered a connect with meta that is no JSON", {{"user", who.user}});
  std::optional<std::vector<ServerSub>> subs = server_subs(context, who, who.user);
  if (!meta || !subs) return connecting->done(failed<ConnectResponse>(error_code::kInternal));
  const ConnectRequest& request = connecting->request;
  if (request.encoding == Encoding::kJson && !request.http) {  // else it is bytes, or told to nobody
    std::optional<SharedBytes> data = one_json_line(std::move(who.data));
    if (!data) {
      log::error("a plugin answered a connect of a JSON client with data that is no JSON",
                 {{"user", who.user}});
      return connecting->done(failed<ConnectResponse>(error_code::kInternal));
    }
    who.data = std::move(*data);
  }
  who.meta = std::move(*meta);
  connecting->subs = std::move(*subs);
  bind(context, std::move(connecting), std::move(who));
}

}  // namespace

std::optional<std::vector<ServerSub>> server_subs(const LaneContext& context, const host::ChainResult& who,
                                                  const std::string& user) {
  std::optional<std::vector<ServerSub>> subs = read_connect_options(who.options.view());
  if (!subs) {
    log::error("a plugin's options of a connection are not those of docs/plugins.md", {{"user", user}});
    return std::nullopt;
  }
  for (const std::string& channel : who.channels) subs->push_back({channel, nullptr});
  const PersonalChannel& personal = context.config.personal;
  if (personal.enabled && !user.empty()) {
    std::string channel = personal.of(user);
    // An id may be longer, or written otherwise, than channels of the namespace may be: that keeps nobody out.
    if (context.namespaces.find(channel).options != nullptr) {
      subs->push_back({std::move(channel), nullptr});
    } else {
      log::warn("a user has no personal channel: its name is too long, or not one of the namespace",
                {{"user", user}});
    }
  }
  std::unordered_set<std::string_view> seen;
  std::vector<ServerSub> once;
  once.reserve(subs->size());
  for (const ServerSub& sub : *subs)
    if (seen.insert(sub.channel).second) once.push_back(sub);
  return once;
}

void connect(LaneContext& context, ConnectRequest request, ConnectFn done) {
  ClientInstall install;
  if (context.host.uses_devices()) install = install_of(request);
  auto connecting = std::make_shared<Connecting>(
      Connecting{std::move(request), std::move(done), std::move(install), context.lane.now(), {}});
  // Known before the plugins speak: who calls from where, but no user yet.
  host::ChainRequest question;
  question.kind = LCG_REQ_CONNECT;
  question.peer = peer_of(*connecting, {});
  question.credential = connecting->request.token;
  question.data = connecting->request.data;
  question.client_name = connecting->request.name;
  question.client_version = connecting->request.version;
  if (!connecting->request.channels.empty())
    question.channels = SharedBytes(channels_json(connecting->request.channels));
  context.host.run_chain(std::move(question), context.config.chain_timeout,
                         [&context, connecting](host::ChainResult who) mutable {
                           authenticated(context, std::move(connecting), std::move(who));
                         });
}

}  // namespace lcg::broker
