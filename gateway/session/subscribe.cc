// subscribe. Source: client-protocol 1.8, 1.15, 2.
#include <algorithm>

#include "gateway/session/command_handler.h"

namespace lcg::gateway {

using protocol::DeltaForm;

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

// What the answer is made of besides what the broker says.
struct Wish {
  uint32_t id = 0;
  bool reject_unrecovered = false, compaction = false;
  TagFilterPtr filter;
};

// Nothing: the command may be asked. Source of the order: client-protocol 1.8 step 1, 1.15.
Error check(const Session& session, const SessionOptions& options,
            const protocol::SubscribeCommand& subscribe) {
  // Maps and shared polls; a server that answers so stays compatible.
  if (subscribe.type != 0) return make_error(error_code::kNotAvailable);
  if (subscribe.filter != nullptr) {
    // What a filter left out would be missing as the base of a delta.
    if (!subscribe.filter->invalid().empty() || !subscribe.delta.empty())
      return make_error(error_code::kBadRequest);
  }
  if (session.find_subscription(subscribe.channel) != nullptr)
    return make_error(error_code::kAlreadySubscribed);
  // Until the client leaves another one: a limit that passes.
  if (session.subscription_count() >= options.channel_limit) {
    return {error_code::kLimitExceeded,
            "limit exceeded: " + std::to_string(options.channel_limit) + " subscriptions a connection", true};
  }
  return {};
}

size_t bytes_of(std::span<const PublicationPtr> publications) {
  size_t bytes = 0;
  for (const PublicationPtr& one : publications) bytes += sizeof(Publication) + one->data.size();
  return bytes;
}

void reply(Session& session, const Wish& wish, Subscription& subscription, const SubscribeResponse& answer) {
  protocol::SubscribeReply reply = subscribe_reply(answer);
  std::vector<PublicationPtr> passed;
  if (wish.filter != nullptr) {
    std::copy_if(answer.publications.begin(), answer.publications.end(), std::back_inserter(passed),
                 [&](const PublicationPtr& one) { return wish.filter->matches(one->tags); });
    reply.publications = passed;
    // Looking at what is left out is work as well.
    session.charge_answer(bytes_of(answer.publications) - bytes_of(passed));
  }
  if (!session.can_be_sent(reply.publications)) {
    session.remove_subscription(subscription, true);
    return session.fail(wish.id, not_json());
  }
  reply.ttl_seconds = session.set_expiry(subscription, answer.expire_at_ms, answer.server_refresh);
  if (wish.compaction && answer.compaction) {
    subscription.variant.compact = true;
    reply.id = subscription.channel->id;
  }
  if (answer.delta) {
    reply.delta = true;
    // The last of the recovered is the base of what comes next.
    subscription.variant.delta = answer.publications.empty() ? DeltaForm::kFull : DeltaForm::kPatch;
  }
  session.answer(
      [&](const protocol::Encoder& encoder, std::string& out) { encoder.subscribe(out, wish.id, reply); });
  session.activate_subscription(subscription, answer, wish.filter);
}

void answered(Session& session, const Wish& wish, Subscription& subscription,
              const SubscribeResponse& answer) {
  if (!answer.ok()) {
    // After a time-out the broker may still have done it.
    session.remove_subscription(subscription, answer.error.code == error_code::kInternal);
    session.refuse(wish.id, answer);
    return;
  }
  Error error = check_answer(answer, session.context().lane.clock().wall_ms());
  if (!error && wish.reject_unrecovered && answer.was_recovering && !answer.recovered) {
    error = make_error(error_code::kUnrecoverablePosition);
  }
  if (error) {
    session.remove_subscription(subscription, true);
    return session.fail(wish.id, error);
  }
  reply(session, wish, subscription, answer);
}

}  // namespace

void handle_subscribe(Session& session, const protocol::Command& command) {
  SessionContext& context = session.context();
  const protocol::SubscribeCommand& subscribe = command.subscribe;
  if (!check_channel(session, command.id, subscribe.channel)) return;
  // A delta that is known may be left ungranted; one that is not known is a client we do not understand.
  if (!subscribe.delta.empty() && subscribe.delta != "fossil")
    return session.close(disconnect_code::kBadRequest);
  if (subscribe.token.size() > protocol::kMaxTokenBytes) return session.close(disconnect_code::kInvalidToken);
  if (const Error error = check(session, context.options, subscribe)) return session.fail(command.id, error);

  Subscription& subscription = session.add_subscription(subscribe.channel, false);
  Wish wish{.id = command.id,
            .reject_unrecovered = (subscribe.flag & protocol::kFlagRejectUnrecovered) != 0,
            .compaction = (subscribe.flag & protocol::kFlagCompaction) != 0,
            .filter = nullptr};
  if (subscribe.filter != nullptr)
    wish.filter = std::make_shared<const protocol::TagFilter>(*subscribe.filter);
  SubscribeRequest request{.channel = std::string(subscribe.channel),
                           .peer = session.peer(),
                           .token = std::string(subscribe.token),
                           .data = session.payload(subscribe.data),
                           .recover = subscribe.recover,
                           .positioned = subscribe.positioned,
                           .recoverable = subscribe.recoverable,
                           .join_leave = subscribe.join_leave,
                           .since = {subscribe.offset, std::string(subscribe.epoch)},
                           .delta = !subscribe.delta.empty(),
                           .filtered = subscribe.filter != nullptr};
  const Target target = context.routes.channel(request.channel);
  session.ask(target, std::move(request),
              [wish = std::move(wish), &subscription](Session& asker, const SubscribeResponse& answer) {
                answered(asker, wish, subscription, answer);
              });
}

}  // namespace lcg::gateway
