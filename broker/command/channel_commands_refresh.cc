// A subscription's credentials that end, and their refresh: by the client with a new token, or by the server, which
// asks the plugins. Source: client-protocol 1.8, 1.9, 3 sub_refresh.
#include "broker/command/channel_commands.h"
#include "broker/error_table.h"
#include "broker/plugin_json.h"

namespace lcg::broker {
namespace {

// A back end that cannot be asked costs nobody his subscription: it is asked again after this.
constexpr Millis kAskAgainAfter{60'000};

bool nobody_could_say(const host::ChainResult& result) {
  switch (result.status) {
    case LCG_E_TIMEOUT:
    case LCG_E_UNAVAILABLE:
    case LCG_E_BUSY:
    case LCG_E_INTERNAL:
    case LCG_E_CANCELLED:
    case LCG_E_FENCED:
      return result.disconnect_code == 0 && result.error_code == 0;
    default:
      return result.temporary() || result.error_code == error_code::kInternal;
  }
}

SubRefreshResponse closed(uint32_t code) {
  SubRefreshResponse out;
  out.disconnect = make_disconnect(code);
  return out;
}

}  // namespace

void ChannelCommands::sub_refresh(SubRefreshRequest request, UniqueFunction<void(SubRefreshResponse)> done) {
  const Found found = find(request.channel);
  if (found.error != 0) return done(failed<SubRefreshResponse>(found.error));
  const Member* member =
      found.channel == nullptr ? nullptr : found.channel->members().find(request.peer->session);
  // Its gateway has the subscription and the owner of the slot has not, yet or any more: nothing of the client's doing.
  if (member == nullptr || !member->in) return done(failed<SubRefreshResponse>(error_code::kInternal));
  if (!request.server) {
    if (member->as.server_refresh) return done(closed(disconnect_code::kBadRequest));
    if (request.token.empty()) return done(failed<SubRefreshResponse>(error_code::kBadRequest));
  }

  host::ChainRequest question;
  question.kind = LCG_REQ_SUB_REFRESH;
  question.peer = request.peer;
  question.name = request.channel;
  if (request.server)
    question.route = found.options->sub_refresh_route;
  else
    question.credential = request.token;
  auto answer = [this, channel = found.channel, request = std::move(request),
                 done = std::move(done)](host::ChainResult result) mutable {
    refreshed(channel, request, std::move(result), std::move(done));
  };
  context_.host.run_chain(std::move(question), context_.config.chain_timeout, std::move(answer));
}

void ChannelCommands::refreshed(const std::shared_ptr<Channel>& channel, const SubRefreshRequest& request,
                                host::ChainResult result, UniqueFunction<void(SubRefreshResponse)> done) {
  const int64_t now_ms = context_.lane.clock().wall_ms();
  SubRefreshResponse answer;
  if (request.server && nobody_could_say(result)) {
    answer.expire_at_ms = now_ms + kAskAgainAfter.count();
    return done(std::move(answer));
  }
  // A token nobody knows.
  if (result.status == LCG_DEFER && !request.server) return done(closed(disconnect_code::kInvalidToken));
  // A subscription nobody is there to extend, or that the back end says is over.
  const bool denied = result.status == LCG_DEFER || (result.status == LCG_E_DENIED && result.error_code == 0);
  if (request.server && denied && result.disconnect_code == 0)
    return done(failed<SubRefreshResponse>(error_code::kExpired));
  // Not 109, with which an SDK would leave the channel: with 110, which is temporary, it comes with its next token.
  if (result.error_code == error_code::kTokenExpired && result.disconnect_code == 0)
    return done(failed<SubRefreshResponse>(error_code::kExpired));
  Outcome refused = outcome_of_chain(result, error_code::kUnknownChannel);
  if (!refused.ok()) return done(failed<SubRefreshResponse>(std::move(refused)));
  if (result.expired() || (result.expire_at_ms != 0 && result.expire_at_ms <= now_ms))
    return done(failed<SubRefreshResponse>(error_code::kExpired));
  Member* member = channel->members().find(request.peer->session);
  if (member == nullptr || !member->in) return done(failed<SubRefreshResponse>(error_code::kInternal));
  if (std::optional<SharedBytes> info = one_json_line(std::move(result.info)); info && !info->empty())
    member->as.chan_info = std::move(*info);
  answer.expire_at_ms = result.expire_at_ms;
  done(std::move(answer));
}

}  // namespace lcg::broker
