// disconnect, refresh, sessions, user_status, block_user, unblock_user. Source: client-protocol 4.
#include "gateway/api/users.h"

#include "base/json_writer.h"
#include "gateway/api/answer_json.h"

namespace lcg::gateway::api {
namespace {

constexpr uint32_t kLowestCode = 3000, kHighestCode = 4999;  // client-protocol 1.11

struct Statuses {
  CallPtr call;
  std::vector<UserStatusResponse> answers;
};

// `online` is when the user was last seen, now for one who is; `connected` tells which.
void answer_statuses(Statuses& statuses) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("statuses").begin_array();
  for (size_t i = 0; i < statuses.answers.size(); ++i) {
    const UserStatusResponse& answer = statuses.answers[i];
    const std::string& user = statuses.call->params.users[i];
    if (!answer.ok()) return statuses.call->refuse(answer);
    json.begin_object().field("user", user);
    if (answer.last_seen_ms > 0) json.field("online", answer.last_seen_ms / 1000);
    json.field("connected", answer.online);
    if (answer.blocked_until_ms != 0) json.field("blocked", true);
    if (answer.blocked_until_ms != 0 && answer.blocked_until_ms != INT64_MAX)
      json.field("blocked_until", seconds_of(answer.blocked_until_ms));
    json.end_object();
  }
  json.end_array().end_object();
  statuses.call->succeed(std::move(out));
}

void write_session(JsonWriter& json, const SessionInfo& session) {
  const Peer& peer = *session.peer;
  json.key_escaped(peer.session).begin_object();
  if (!session.name.empty()) json.field("app_name", session.name);
  if (!session.version.empty()) json.field("app_version", session.version);
  json.field("transport", transport_name(peer.transport)).field("protocol", encoding_name(peer.encoding));
  json.field("user", peer.user).field("device", peer.device);
  if (!peer.auth.empty()) json.field("auth", peer.auth);
  json.field("remote", peer.remote).field("connected_at", session.connected_ms / 1000);
  json.end_object();
}

void set_block(CallPtr call, int64_t until_ms) {
  BlockUser request{call->params.user, until_ms};
  ask_owners(std::move(call), std::move(request));
}

}  // namespace

bool names_sessions(Call& call) {
  Params& params = call.params;
  if (params.client.empty()) params.client = params.session;
  if (!params.session.empty() && params.session != params.client) {
    call.succeed();
    return false;
  }
  if (!params.user.empty() || !params.client.empty()) return true;
  call.fail(error_code::kBadRequest, "user", "must be given, or client for an anonymous session");
  return false;
}

std::vector<Target> owners_of(const Call& call) {
  if (call.params.user.empty()) return every_lane(call.context.bus);
  return {call.context.routes.user(call.params.user)};
}

void disconnect(CallPtr call) {
  if (!names_sessions(*call)) return;
  Params& params = call->params;
  Disconnect how = make_disconnect(disconnect_code::kForceDisconnect);
  if (params.disconnect.code != 0) {
    how = std::move(params.disconnect);
    if (how.code < kLowestCode || how.code > kHighestCode) {
      return call->fail(error_code::kBadRequest, "disconnect.code",
                        "expected 3000 to 4999 (from 3500 to 3999 and from 4500 clients stay away)");
    }
    if (how.reason.empty()) how.reason = disconnect_text(how.code);
  }
  DisconnectSessions request;
  request.session = params.client;
  request.user = params.user;
  request.disconnect = std::move(how);
  request.except = std::move(params.whitelist);
  ask_owners(std::move(call), std::move(request));
}

void refresh(CallPtr call) {
  if (!names_sessions(*call)) return;
  const Params& params = call->params;
  const int64_t expire_at_ms = ms_of(params.expire_at);
  // One that is past already ends the sessions, as its end would.
  const bool past = params.expire_at != 0 && expire_at_ms <= call->context.lane.clock().wall_ms();
  RefreshUser request{params.user, params.client, params.expired || past, expire_at_ms, params.info};
  ask_owners(std::move(call), std::move(request));
}

void sessions(CallPtr call) {
  if (!call->params.expression.empty())
    return call->fail(error_code::kNotAvailable, "expression", "sessions cannot be filtered by expressions");
  Context& context = call->context;
  const Target target = context.routes.user(call->params.user);
  ListSessions request{call->params.user};
  ask(context.bus, context.lane, target, std::move(request),
      [call = std::move(call)](ListSessionsResponse answer) {
        if (!answer.ok()) return call->refuse(answer);
        std::string out;
        JsonWriter json(out);
        json.begin_object().key("connections").begin_object();
        for (const SessionInfo& session : answer.sessions) write_session(json, session);
        json.end_object().end_object();
        call->succeed(std::move(out));
      });
}

void user_status(CallPtr call) {
  const size_t count = call->params.users.size();
  for (size_t i = 0; i < count; ++i) {
    if (call->params.users[i].empty())
      return call->fail(error_code::kBadRequest, "users[" + std::to_string(i) + "]", "must not be empty");
  }
  auto state = std::make_shared<Statuses>();
  state->answers.resize(count);
  state->call = std::move(call);
  Bounded::run(
      count, kBatchWidth,
      [state](size_t index, LaneTask next) {
        Context& context = state->call->context;
        const std::string& user = state->call->params.users[index];
        ask(context.bus, context.lane, context.routes.user(user), UserStatus{user},
            [&answer = state->answers[index], next = std::move(next)](UserStatusResponse got) mutable {
              answer = std::move(got);
              next();
            });
      },
      [state] { answer_statuses(*state); });
}

void block_user(CallPtr call) {
  const int64_t until = call->params.expire_at;
  const int64_t until_ms = until == 0 ? INT64_MAX : ms_of(until);
  if (until_ms <= call->context.lane.clock().wall_ms()) {
    return call->fail(error_code::kBadRequest, "expire_at",
                      "is in the past (Unix seconds; leave it out for a block without end)");
  }
  set_block(std::move(call), until_ms);
}

void unblock_user(CallPtr call) { set_block(std::move(call), 0); }

}  // namespace lcg::gateway::api
