// subscribe. Source: client-protocol 1.8, 1.15, 2.
#include "gateway/session/command_handler.h"

namespace lcg::gateway {

protocol::SubscribeReply subscribe_reply(const SubscribeResponse& answer) {
  return {.position = answer.position,
          .publications = answer.publications,
          .data = answer.data.view(),
          .recoverable = answer.recoverable,
          .positioned = answer.positioned,
          .recovered = answer.recovered,
          .was_recovering = answer.was_recovering};
}

Error check_answer(const SubscribeResponse& answer, int64_t now_ms) {
  if (answer.expire_at_ms != 0 && answer.expire_at_ms <= now_ms) return make_error(error_code::kExpired);
  if (!answer_is_dense(answer)) return make_error(error_code::kInternal);
  return {};
}

namespace {

// Nothing: the command may be asked. Source of the order: client-protocol 1.8 step 1, 1.15.
Error check(const Session& session, const SessionOptions& options,
            const protocol::SubscribeCommand& subscribe) {
  // Maps and shared polls; a server that answers so stays compatible.
  if (subscribe.type != 0) return make_error(error_code::kNotAvailable);
  // No namespace allows filters by tags.
  if (subscribe.filter != nullptr) return make_error(error_code::kBadRequest);
  if (session.find_subscription(subscribe.channel) != nullptr)
    return make_error(error_code::kAlreadySubscribed);
  if (session.subscription_count() >= options.channel_limit) return make_error(error_code::kLimitExceeded);
  return {};
}

void answered(Session& session, uint32_t id, bool reject_unrecovered, Subscription& subscription,
              const SubscribeResponse& answer) {
  if (!answer.ok()) {
    // After a time-out the broker may still have done it.
    session.remove_subscription(subscription, answer.error.code == error_code::kInternal);
    session.refuse(id, answer);
    return;
  }
  Error error = check_answer(answer, session.context().lane.clock().wall_ms());
  if (!error && reject_unrecovered && answer.was_recovering && !answer.recovered) {
    error = make_error(error_code::kUnrecoverablePosition);
  }
  if (error) {
    session.remove_subscription(subscription, true);
    return session.fail(id, error);
  }
  session.answer([&](const protocol::Encoder& encoder, std::string& out) {
    encoder.subscribe(out, id, subscribe_reply(answer));
  });
  session.activate_subscription(subscription, answer);
}

}  // namespace

void handle_subscribe(Session& session, const protocol::Command& command) {
  SessionContext& context = session.context();
  const protocol::SubscribeCommand& subscribe = command.subscribe;
  if (!check_channel(session, command.id, subscribe.channel)) return;
  // A delta that is known may be left ungranted; one that is not known is a client we do not understand.
  if (!subscribe.delta.empty() && subscribe.delta != "fossil")
    return session.close(disconnect_code::kBadRequest);
  if (const Error error = check(session, context.options, subscribe)) return session.fail(command.id, error);

  Subscription& subscription = session.add_subscription(subscribe.channel, false);
  SubscribeRequest request{.channel = std::string(subscribe.channel),
                           .peer = session.peer(),
                           .token = std::string(subscribe.token),
                           .data = protocol::payload_bytes(subscribe.data),
                           .recover = subscribe.recover,
                           .positioned = subscribe.positioned,
                           .recoverable = subscribe.recoverable,
                           .join_leave = subscribe.join_leave,
                           .since = {subscribe.offset, std::string(subscribe.epoch)}};
  const bool reject_unrecovered = (subscribe.flag & protocol::kFlagRejectUnrecovered) != 0;
  const Target target = context.routes.channel(request.channel);
  session.ask(target, std::move(request),
              [id = command.id, reject_unrecovered, &subscription](Session& asker, SubscribeResponse answer) {
                answered(asker, id, reject_unrecovered, subscription, answer);
              });
}

}  // namespace lcg::gateway
