#include "gateway/session/http_rpc.h"

#include <algorithm>
#include <utility>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/visible.h"
#include "gateway/protocol/limits.h"

namespace lcg::gateway {

namespace {

uint32_t status_of(const Error& error) {
  switch (error.code) {
    case error_code::kUnauthorized:
    case error_code::kTokenExpired:
    case error_code::kExpired:
      return 401;
    case error_code::kPermissionDenied:
      return 403;
    case error_code::kUnknownChannel:
    case error_code::kMethodNotFound:
    case error_code::kNotAvailable:
      return 404;
    case error_code::kUnrecoverablePosition:
      return 409;
    case error_code::kLimitExceeded:
    case error_code::kTooManyRequests:
      return 429;
    case error_code::kBadRequest:
      return 400;
    default:
      break;
  }
  if (error.code >= 400) return error.temporary ? 503 : 400;  // an application's own
  return error.temporary ? 503 : 500;
}

// What would have closed a connection, as an error.
HttpRpcAnswer refusal(uint32_t status, const Error& error) {
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("error").begin_object();
  json.field("code", error.code).field("message", visible(error.message));
  if (error.temporary) json.field("temporary", true);
  json.end_object().end_object();
  return {status, SharedBytes(body)};
}

HttpRpcAnswer refusal(const Outcome& outcome) {
  if (outcome.error) return refusal(status_of(outcome.error), outcome.error);
  const Disconnect& disconnect = outcome.disconnect;
  const Error error{disconnect.code, disconnect.reason, false};
  switch (disconnect.code) {
    case disconnect_code::kInvalidToken:
    case disconnect_code::kStateInvalidated:
    case disconnect_code::kExpired:
    case disconnect_code::kBadRequest:  // a connect without credentials
      return refusal(401, error);
    case disconnect_code::kPermissionDenied:
    case disconnect_code::kForceDisconnect:
      return refusal(403, error);
    case disconnect_code::kTooManyRequests:
    case disconnect_code::kConnectionLimit:
      return refusal(429, error);
    default:
      return refusal(503, {error.code, error.message, true});
  }
}

}  // namespace

HttpRpc::HttpRpc(SessionContext& context)
    : context_(context),
      known_(context.options.token_cache_entries, [this](const PeerPtr& peer) { forget(peer); }) {}

void HttpRpc::call(std::string_view method, std::string_view bearer, const ClientAddress& remote,
                   std::string_view body, HttpRpcDone done) {
  if (bearer.empty()) return done(refusal(401, make_error(error_code::kUnauthorized)));
  if (bearer.size() > protocol::kMaxTokenBytes) {
    return done(refusal(401, {disconnect_code::kInvalidToken, "invalid token", false}));
  }
  // As on the socket: what is too much for a method is the method's to say.
  const size_t most = context_.options.max_message_bytes;
  if (body.size() > most) return done(refusal(413, make_error(error_code::kBadRequest)));
  const JsonLimits limits{.max_bytes = most, .max_depth = protocol::kMaxJsonDepth};
  if (method.empty() || method.size() > protocol::kMaxMethodBytes)
    return done(refusal(400, make_error(error_code::kBadRequest)));
  if (JsonReader json(body, limits); !body.empty() && !json.finish())
    return done(refusal(400, {error_code::kBadRequest, "bad request: data: " + json.error_text(), false}));
  // The limits of an address and of a user are the same here as on the socket.
  const SharedNumbersPtr address = context_.rates.address(remote, context_.lane.now());
  if (!may(context_.rates.address_rules(), address, protocol::Method::kRpc))
    return done(refusal(429, make_error(error_code::kTooManyRequests)));
  std::string token(bearer);
  if (PeerPtr peer = known_.find(token, context_.lane.now())) {
    return call_as(std::move(peer), std::string(method), protocol::payload_bytes(body), std::move(done));
  }
  if (!may(context_.rates.address_rules(), address, protocol::Method::kConnect))
    return done(refusal(429, make_error(error_code::kTooManyRequests)));
  const SessionId id = make_session_id(context_.lane.random());
  ConnectRequest request{.session = std::string(id.data(), id.size()),
                         .token = token,
                         .name = {},
                         .version = {},
                         .remote = remote.text(),
                         .data = {},
                         .gateway = context_.gateway,
                         .http = true,
                         .asked = context_.lane.now()};
  verifying_.try_emplace(request.session);
  ask(context_.bus, context_.lane, Target::any(), std::move(request),
      [this, session = std::string(id.data(), id.size()), token = std::move(token),
       method = std::string(method), body = protocol::payload_bytes(body),
       done = std::move(done)](ConnectResponse answer) mutable {
        const Disconnect ended = verifying_.take(session).value_or(Disconnect{});
        if (!answer.ok()) return done(refusal(answer));
        if (answer.peer == nullptr) return done(refusal(401, make_error(error_code::kUnauthorized)));
        if (ended) {
          forget(answer.peer);
          return done(refusal({{}, ended}));
        }
        verified(std::move(token), std::move(answer), std::move(method), std::move(body), std::move(done));
      });
}

void HttpRpc::verified(std::string token, ConnectResponse answer, std::string method, SharedBytes body,
                       HttpRpcDone done) {
  const int64_t end = answer.expire_at_ms;
  if (end != 0 && end <= context_.lane.clock().wall_ms()) {
    forget(answer.peer);
    return done(refusal(401, make_error(error_code::kExpired)));
  }
  remember(std::move(token), answer);
  call_as(std::move(answer.peer), std::move(method), std::move(body), std::move(done));
}

bool HttpRpc::disconnect(const DeliverDisconnect& what) {
  if (known_.remove(what.session)) return true;
  auto* found = verifying_.find(what.session);
  if (found == nullptr) return false;
  found->value = what.disconnect;
  return true;
}

bool HttpRpc::may(const RateRules& rules, const SharedNumbersPtr& numbers, protocol::Method method) const {
  return numbers == nullptr || rules.take(method, std::span(*numbers), context_.lane.now());
}

void HttpRpc::call_as(PeerPtr peer, std::string method, SharedBytes body, HttpRpcDone done) {
  const SharedNumbersPtr user = context_.rates.user(peer->user, context_.lane.now());
  if (!may(context_.rates.user_rules(), user, protocol::Method::kRpc))
    return done(refusal(429, make_error(error_code::kTooManyRequests)));
  ask(context_.bus, context_.lane, Target::any(),
      RpcRequest{std::move(method), std::move(peer), std::move(body)},
      [done = std::move(done)](RpcResponse answer) mutable {
        if (!answer.ok()) return done(refusal(answer));
        done({200, answer.data.empty() ? SharedBytes("null") : std::move(answer.data)});
      });
}

void HttpRpc::remember(std::string token, const ConnectResponse& answer) {
  Millis ttl = context_.options.token_cache_ttl;
  if (answer.expire_at_ms != 0) {
    ttl = std::min(ttl, Millis(answer.expire_at_ms - context_.lane.clock().wall_ms()));
  }
  known_.add(std::move(token), answer.peer, context_.lane.now() + ttl);
}

// The broker bound it for as long as it is known here.
void HttpRpc::forget(const PeerPtr& peer) {
  context_.tell(context_.routes.user(peer->user), SessionClosed{peer, disconnect_code::kConnectionClosed});
}

}  // namespace lcg::gateway
