#include "broker/channel/channel.h"

#include <utility>

#include "broker/channel/access.h"

namespace lcg::broker {

namespace {

const SubscribeGrant kNothingSpecial;

const SubscribeGrant& granted(const SubscribeGrantPtr& grant) {
  return grant == nullptr ? kNothingSpecial : *grant;
}

// Unsubscribed, or asked again, while the answer was on its way; or a plugin did not take the event.
SubscribeResponse try_again() {
  SubscribeResponse answer;
  answer.error = make_error(error_code::kInternal);
  return answer;
}

}  // namespace

Channel::Channel(ChannelContext& context, std::string name, const ChannelOptions& options)
    : context_(context), name_(std::move(name)), options_(options), events_(context.host, members_) {}

uint32_t Channel::slot() const {
  return slot_of_key(key_of_channel(name_, options_.provided()), context_.bus.slot_count());
}

Member* Channel::member_of(const Opening& opening) {
  Member* member = members_.find(opening.request.peer->session);
  return member != nullptr && member->ticket == opening.ticket ? member : nullptr;
}

void Channel::open(SubscribeRequest request, uint64_t ticket, SubscribeGrantPtr grant, Millis time_left,
                   SubscribeFn done) {
  auto opening =
      std::make_shared<Opening>(Opening{std::move(request), ticket, std::move(grant), std::move(done)});
  Member* member = member_of(*opening);
  if (member == nullptr) return opening->done(try_again());
  members_.listen(*member);
  const Opening& borrowed = *opening;
  attach(borrowed.request, granted(borrowed.grant), time_left,
         [self = shared_from_this(), opening = std::move(opening)](SubscribeResponse answer) {
           self->settle(*opening, std::move(answer));
         });
}

void Channel::settle(Opening& opening, SubscribeResponse answer) {
  Member* member = member_of(opening);
  if (member == nullptr) return opening.done(try_again());
  if (!answer.ok()) {
    unsubscribe(opening.request.peer->session);
    return opening.done(std::move(answer));
  }
  admit(opening, *member, answer);
  if (!events_.wanted()) return finish(opening, std::move(answer));
  auto waiting =
      std::make_shared<std::pair<Opening, SubscribeResponse>>(std::move(opening), std::move(answer));
  const PeerPtr peer = waiting->first.request.peer;
  const uint64_t ticket = waiting->first.ticket;
  events_.subscribed(shared_from_this(), name_, slot(), peer, ticket,
                     [this, waiting = std::move(waiting)](bool taken) {
                       auto& [opened, ready] = *waiting;
                       if (taken && member_of(opened) != nullptr) return finish(opened, std::move(ready));
                       if (member_of(opened) != nullptr) unsubscribe(opened.request.peer->session);
                       opened.done(try_again());
                     });
}

void Channel::admit(const Opening& opening, Member& member, SubscribeResponse& answer) {
  const SubscribeGrant& grant = granted(opening.grant);
  const SubscriberOptions own = subscriber_options(options_, grant.override_options);
  members_.admit(member, {grant.info, own.presence, answer.delta, grant.server_refresh});
  count();
  answer.push_join_leave = pushes_join_leave(options_, own, opening.request);
  answer.data = grant.data;
  answer.expire_at_ms = grant.expire_at_ms;
  answer.server_refresh = grant.server_refresh;
  answer.compaction = options_.compaction;
  answer.batch_delay = options_.batch_delay;
}

void Channel::finish(Opening& opening, SubscribeResponse answer) {
  Member* member = member_of(opening);
  const SubscribeGrant& grant = granted(opening.grant);
  const bool announces = subscriber_options(options_, grant.override_options).join_leave;
  member->answered = true;
  if (!announces) return opening.done(std::move(answer));
  member->announced = true;
  const Member joined = *member;
  opening.done(std::move(answer));
  announce(joined, true);
}

void Channel::left(const Member& was, uint32_t code, const std::string& reason) {
  count();
  if (was.announced) announce(was, false);
  if (events_.wanted()) events_.left(name_, slot(), was, code, reason);
}

void Channel::count() {
  const uint32_t now = members_.in_count();
  context_.counts.subscriptions += uint64_t{now} - counted_;
  context_.counts.occupied += uint64_t{now > 0} - uint64_t{counted_ > 0};
  counted_ = now;
}

void Channel::unsubscribe(std::string_view session) {
  const Member was = members_.remove(session);
  if (was.peer != nullptr) left(was, 0, {});
}

uint32_t Channel::unsubscribe_sessions(const UnsubscribeSessions& request) {
  uint32_t ended = 0;
  for (const PeerPtr& peer : members_.matching(request.session, request.user)) {
    const Member was = members_.remove(peer->session);
    // It is told first, or it would see itself leave. One that is not answered yet will hear that it failed.
    if (was.answered) {
      ++ended;
      context_.bus.deliver(context_.lane, peer->gateway,
                           DeliverUnsubscribe{name_, peer->session, request.code, request.reason});
    }
    left(was, request.code, request.reason);
  }
  return ended;
}

void Channel::announce(const Member& member, bool joined) {
  const ClientInfo info = info_of(member);
  members_.interest().for_each([&](GatewayAddress gateway) {
    context_.bus.deliver(context_.lane, gateway, DeliverJoinLeave{name_, info, joined});
  });
}

void Channel::fan_out(const PublicationPtr& publication) {
  members_.interest().for_each([&](GatewayAddress gateway) {
    context_.bus.deliver(context_.lane, gateway, DeliverPublication{name_, publication});
  });
}

ClientInfo Channel::publisher_info(const Peer& peer) {
  const Member* member = members_.find(peer.session);
  return {peer.user, peer.session, peer.conn_info,
          member != nullptr && member->in ? member->as.chan_info : SharedBytes()};
}

}  // namespace lcg::broker
