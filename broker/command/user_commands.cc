#include "broker/command/user_commands.h"

#include <utility>

namespace lcg::broker {
namespace {

// The API's word for a user that can be nobody's.
template <class Answer>
Answer nobody() {
  return failed<Answer>(error_code::kBadRequest);
}

}  // namespace

void UserCommands::bind(BindSession request, Registry::BindFn done) {
  if (request.peer->http || !context_.host.wants_event(LCG_EVENT_CONNECT))
    return registry_.bind(std::move(request), std::move(done));
  host::EventRequest event;
  event.kind = LCG_EVENT_CONNECT;
  event.slot = context_.slot_of(request.peer->user);
  event.client_name = request.client_name;
  event.client_version = request.client_version;
  event.peer = request.peer;
  registry_.bind(std::move(request),
                 [this, event = std::move(event), done = std::move(done)](BindSessionResponse bound) mutable {
                   if (!bound.ok()) return done(std::move(bound));
                   const PeerPtr peer = event.peer;
                   context_.host.event(std::move(event), [this, peer, bound = std::move(bound),
                                                          done = std::move(done)](bool taken) mutable {
                     connect_told(peer, taken, std::move(bound), done);
                   });
                 });
}

void UserCommands::connect_told(const PeerPtr& peer, bool taken, BindSessionResponse bound,
                                Registry::BindFn& done) {
  if (taken && registry_.holds(peer->session)) return done(std::move(bound));
  // Some plugin may have taken it all the same. Whoever ended the session meanwhile has told its end.
  if (registry_.unbind(*peer)) tell_disconnect(peer, disconnect_code::kInternal, {});
  done(failed<BindSessionResponse>(error_code::kInternal));
}

void UserCommands::closed(const SessionClosed& request) {
  const bool was_bound = registry_.unbind(*request.peer);
  if (request.peer->http || (request.again && !was_bound)) return;
  context_.host.disconnected(request.peer, request.code);
  if (was_bound) tell_disconnect(request.peer, request.code, request.reason);
}

void UserCommands::tell_disconnect(const PeerPtr& peer, uint32_t code, std::string reason) {
  if (!context_.host.wants_event(LCG_EVENT_DISCONNECT)) return;
  host::EventRequest event;
  event.kind = LCG_EVENT_DISCONNECT;
  event.slot = context_.slot_of(peer->user);
  event.peer = peer;
  event.code = code;
  event.reason = reason.empty() ? std::string(disconnect_text(code)) : std::move(reason);
  context_.host.event(std::move(event), [](bool) {});
}

UserAnswer UserCommands::subscribe(const SubscribeUser& request) {
  if ((request.user.empty() && request.session.empty()) || request.channel.empty())
    return nobody<UserAnswer>();
  if (const uint32_t error = context_.namespaces.find(request.channel).error; error != 0)
    return failed<UserAnswer>(error);
  UserAnswer answer;
  answer.sessions =
      registry_.deliver(request.user, request.session, [&request](const std::string& session) -> Delivery {
        return DeliverSubscribe{session, request.channel, request.grant, request.recover, request.since};
      });
  return answer;
}

UserAnswer UserCommands::unsubscribe(const UnsubscribeUser& request) {
  if (request.user.empty() && request.session.empty()) return nobody<UserAnswer>();
  UserAnswer answer;
  answer.sessions =
      registry_.deliver(request.user, request.session, [&request](const std::string& session) -> Delivery {
        return DeliverUnsubscribe{"", session, request.code, request.reason};
      });
  return answer;
}

UserAnswer UserCommands::refresh(const RefreshUser& request) {
  if (request.user.empty() && request.session.empty()) return nobody<UserAnswer>();
  UserAnswer answer;
  answer.sessions =
      registry_.deliver(request.user, request.session, [&request](const std::string& session) -> Delivery {
        return DeliverRefresh{session, request.expired, request.expire_at_ms, request.info};
      });
  return answer;
}

void UserCommands::block(BlockUser request, UniqueFunction<void(UserAnswer)> done) {
  if (request.user.empty()) return done(nobody<UserAnswer>());
  registry_.block(std::move(request.user), request.until_ms, std::move(done));
}

void UserCommands::status(UserStatus request, UniqueFunction<void(UserStatusResponse)> done) {
  if (request.user.empty()) return done(nobody<UserStatusResponse>());
  const std::string& user = request.user;
  registry_.records().read_block(
      user, [this, user, done = std::move(done)](Outcome read, int64_t until_ms) mutable {
        if (!read.ok()) return done(failed<UserStatusResponse>(std::move(read)));
        const int64_t now_ms = context_.lane.clock().wall_ms();
        UserStatusResponse answer;
        answer.blocked_until_ms = until_ms > now_ms ? until_ms : 0;
        answer.online = !registry_.sessions_of(user).empty();
        answer.last_seen_ms = now_ms;
        if (answer.online) return done(std::move(answer));
        registry_.records().read_seen(
            user, [answer = std::move(answer), done = std::move(done)](Outcome seen, int64_t at_ms) mutable {
              if (!seen.ok()) return done(failed<UserStatusResponse>(std::move(seen)));
              answer.last_seen_ms = at_ms;
              done(std::move(answer));
            });
      });
}

ListSessionsResponse UserCommands::list(const ListSessions& request) const {
  if (request.user.empty()) return nobody<ListSessionsResponse>();
  ListSessionsResponse answer;
  for (Registry::Session& session : registry_.sessions_of(request.user)) {
    answer.sessions.push_back({std::move(session.peer), std::move(session.client_name),
                               std::move(session.client_version), session.connected_ms});
  }
  return answer;
}

}  // namespace lcg::broker
