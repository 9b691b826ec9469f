// subscribe, unsubscribe: of sessions that are online, by the server. Source: client-protocol 4.
#include "gateway/api/answer_json.h"
#include "gateway/api/users.h"

namespace lcg::gateway::api {
namespace {

// JSON that clients are shown, as it is or in base64. False: the call was refused.
bool take_json(Call& call, SharedBytes plain, const std::string& base64, std::string_view field,
               SharedBytes& out) {
  out = std::move(plain);
  if (base64.empty()) return true;
  const std::optional<std::string> bytes = decode_base64(base64);
  if (!bytes) {
    call.fail(error_code::kBadRequest, field, "is not base64 (RFC 4648 section 4, with padding)");
    return false;
  }
  if (!validate_json(*bytes, {.max_bytes = bytes->size(), .max_depth = kMaxJsonDepth})) {
    call.fail(error_code::kBadRequest, field, "holds no JSON: a JSON client could not be shown it");
    return false;
  }
  std::string scratch;
  out = SharedBytes(compact_newlines(*bytes, scratch));
  return true;
}

}  // namespace

void subscribe(CallPtr call) {
  if (!names_sessions(*call)) return;
  Params& params = call->params;
  auto grant = std::make_shared<SubscribeGrant>();
  if (!take_json(*call, params.info, params.b64info, "b64info", grant->info)) return;
  if (!take_json(*call, params.data, params.b64data, "b64data", grant->data)) return;
  grant->expire_at_ms = ms_of(params.expire_at);
  if (params.expire_at != 0 && grant->expire_at_ms <= call->context.lane.clock().wall_ms())
    return call->fail(error_code::kBadRequest, "expire_at", "is in the past (Unix seconds)");
  grant->override_options = params.override_options;
  SubscribeUser request;
  request.user = params.user;
  request.session = params.client;
  request.channel = params.channel;
  request.grant = std::move(grant);
  request.recover = params.recover_since.has_value();
  if (request.recover) request.since = *params.recover_since;
  ask_owners(std::move(call), std::move(request));
}

void unsubscribe(CallPtr call) {
  if (!names_sessions(*call)) return;
  const Params& params = call->params;
  const std::string reason = "server unsubscribe";
  if (params.channel.empty()) {
    UnsubscribeUser all{params.user, params.client, unsubscribe_code::kServer, reason};
    return ask_owners(std::move(call), std::move(all));
  }
  UnsubscribeSessions one{params.channel, params.client, params.user, unsubscribe_code::kServer, reason};
  Context& context = call->context;
  const Target target = context.routes.channel(params.channel);
  ask(context.bus, context.lane, target, std::move(one),
      [call = std::move(call)](UnsubscribeSessionsResponse answer) {
        if (!answer.ok()) return call->refuse(answer);
        call->succeed();
      });
}

}  // namespace lcg::gateway::api
