#include "broker/channel/channel.h"

#include "broker/channel/access.h"

namespace lcg::broker {

Channel::Channel(ChannelContext& context, std::string name, const ChannelOptions& options)
    : context_(context), name_(std::move(name)), options_(options), members_(options.presence) {}

void Channel::open(SubscribeRequest request, uint64_t ticket, Grant grant, SubscribeFn done) {
  Member* member = members_.find(request.peer->session);
  if (member == nullptr || member->ticket != ticket) {
    SubscribeResponse gone;
    gone.error = make_error(error_code::kInternal);
    return done(std::move(gone));
  }
  members_.listen(*member);
  auto shared = std::make_shared<const SubscribeRequest>(std::move(request));
  const SubscribeRequest& borrowed = *shared;
  const Millis time_left = grant.time_left;
  attach(borrowed, time_left,
         [self = shared_from_this(), shared = std::move(shared), ticket, grant = std::move(grant),
          done = std::move(done)](SubscribeResponse answer) mutable {
           self->settle(*shared, ticket, std::move(grant), std::move(answer), std::move(done));
         });
}

void Channel::settle(const SubscribeRequest& request, uint64_t ticket, Grant grant, SubscribeResponse answer,
                     SubscribeFn done) {
  Member* member = members_.find(request.peer->session);
  if (member == nullptr || member->ticket != ticket) {
    // Unsubscribed, or asked again, while the answer was on its way.
    SubscribeResponse gone;
    gone.error = make_error(error_code::kInternal);
    return done(std::move(gone));
  }
  if (!answer.ok()) {
    members_.remove(request.peer->session);
    return done(std::move(answer));
  }
  members_.admit(*member, std::move(grant.chan_info));
  answer.push_join_leave = pushes_join_leave(options_, request);
  answer.data = std::move(grant.data);
  answer.expire_at_ms = grant.expire_at_ms;
  const Member joined = *member;
  done(std::move(answer));
  if (options_.join_leave) announce(joined, true);
}

void Channel::unsubscribe(std::string_view session) {
  const Member was = members_.remove(session);
  if (was.in && options_.join_leave) announce(was, false);
}

uint32_t Channel::unsubscribe_sessions(const UnsubscribeSessions& request) {
  const std::vector<Member> removed = members_.remove_matching(request.session, request.user);
  uint32_t ended = 0;
  for (const Member& was : removed) {
    if (!was.in) continue;  // its answer, still to come, says that it failed
    ++ended;
    context_.bus.deliver(context_.lane, was.peer->gateway,
                         DeliverUnsubscribe{name_, was.peer->session, request.code, request.reason});
    if (options_.join_leave) announce(was, false);
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
          member != nullptr && member->in ? member->chan_info : SharedBytes()};
}

}  // namespace lcg::broker
