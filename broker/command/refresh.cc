#include "broker/command/refresh.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/command/connect.h"
#include "broker/error_table.h"
#include "broker/plugin_json.h"

namespace lcg::broker {
namespace {

RefreshResponse closed(uint32_t code) {
  RefreshResponse out;
  out.disconnect = make_disconnect(code);
  return out;
}

// Why the credentials are not extended; ok: they are.
Outcome refusal(const host::ChainResult& who, const PeerPtr& peer, bool by_server, int64_t now_ms) {
  const auto close = [](uint32_t code) { return Outcome{{}, make_disconnect(code)}; };
  const uint32_t denied = by_server ? disconnect_code::kExpired : disconnect_code::kInvalidToken;
  if (who.disconnect_code != 0) return outcome_of_chain(who, error_code::kInternal);
  if (who.status == LCG_DEFER) return close(denied);
  if (who.expired() || who.error_code == error_code::kTokenExpired || who.error_code == error_code::kExpired)
    return close(disconnect_code::kExpired);
  if (who.status == LCG_E_DENIED && who.error_code == 0) return close(denied);
  if (who.status != LCG_OK) {
    // The gateway asks again; what else a plugin says about it is not for the client, who asked nothing.
    if (by_server) return {make_error(error_code::kInternal), {}};
    return outcome_of_chain(who, error_code::kInternal);
  }
  if (!who.user.empty() && who.user != peer->user) return close(disconnect_code::kInvalidToken);
  if (who.expire_at_ms != 0 && who.expire_at_ms <= now_ms) return close(disconnect_code::kExpired);
  return {};
}

// Null: the answer changes nothing. Nothing: it is no JSON.
std::optional<PeerPtr> changed_peer(const PeerPtr& peer, const host::ChainResult& who) {
  const std::optional<SharedBytes> info = one_json_line(who.info);
  const std::optional<SharedBytes> meta = one_json_line(who.meta);
  if (!info || !meta) return std::nullopt;
  const bool new_info = !info->empty() && info->view() != peer->conn_info.view();
  const bool new_meta = !meta->empty() && meta->view() != peer->meta.view();
  if (!new_info && !new_meta) return PeerPtr();
  auto changed = std::make_shared<Peer>(*peer);
  if (new_info) changed->conn_info = *info;
  if (new_meta) changed->meta = *meta;
  return PeerPtr(std::move(changed));
}

RefreshResponse extended(const LaneContext& context, const PeerPtr& peer, const host::ChainResult& who) {
  RefreshResponse answer;
  answer.expire_at_ms = who.expire_at_ms;
  std::optional<PeerPtr> changed = changed_peer(peer, who);
  if (!changed) {
    log::error("a plugin answered a refresh with info or meta that is no JSON", {{"user", peer->user}});
    return failed<RefreshResponse>(error_code::kInternal);
  }
  answer.peer = std::move(*changed);
  // Without the personal channel, which no token names.
  const std::optional<std::vector<ServerSub>> subs = server_subs(context, who, "");
  if (!subs) return failed<RefreshResponse>(error_code::kInternal);
  if (subs->empty()) return answer;
  std::vector<std::string> channels;
  for (const ServerSub& sub : *subs) channels.push_back(sub.channel);
  if (context.config.personal.enabled && !peer->user.empty())
    channels.push_back(context.config.personal.of(peer->user));
  std::sort(channels.begin(), channels.end());
  channels.erase(std::unique(channels.begin(), channels.end()), channels.end());
  answer.channels = std::move(channels);
  return answer;
}

}  // namespace

void refresh(LaneContext& context, RefreshRequest request, RefreshFn done) {
  if (request.token.empty() && !request.server) return done(closed(disconnect_code::kBadRequest));
  host::ChainRequest question;
  question.kind = LCG_REQ_REFRESH;
  question.peer = request.peer;
  if (!request.server) question.credential = std::move(request.token);
  context.host.run_chain(std::move(question), context.config.chain_timeout,
                         [&context, peer = request.peer, by_server = request.server,
                          done = std::move(done)](const host::ChainResult& who) mutable {
                           Outcome why = refusal(who, peer, by_server, context.lane.clock().wall_ms());
                           if (!why.ok()) return done(failed<RefreshResponse>(std::move(why)));
                           done(extended(context, peer, who));
                         });
}

}  // namespace lcg::broker
