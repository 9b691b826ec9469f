#include "broker/broker_lane.h"

#include "broker/command/ask_plugins.h"
#include "broker/command/connect.h"
#include "broker/command/inspect.h"
#include "broker/command/refresh.h"

namespace lcg::broker {
namespace {

// The bus's continuation, for a command that answers with one type.
template <class Answer>
UniqueFunction<void(Answer)> as(ResponseFn done) {
  return [done = std::move(done)](Answer answer) mutable { done(std::move(answer)); };
}

}  // namespace

BrokerLane::BrokerLane(LaneContext context)
    : context_(context),
      registry_(context.lane, context.bus, context.host, context.config.registry),
      users_(context_, registry_),
      channels_(context_),
      steps_(context.lane) {}

void BrokerLane::on_request(Request request, ResponseFn done) {
  std::visit([&](auto&& which) { handle(std::forward<decltype(which)>(which), std::move(done)); },
             std::move(request));
}

void BrokerLane::handle(ConnectRequest&& request, ResponseFn done) {
  connect(context_, std::move(request), as<ConnectResponse>(std::move(done)));
}
void BrokerLane::handle(RefreshRequest&& request, ResponseFn done) {
  refresh(context_, std::move(request), as<RefreshResponse>(std::move(done)));
}
void BrokerLane::handle(RpcRequest&& request, ResponseFn done) {
  rpc(context_, std::move(request), as<RpcResponse>(std::move(done)));
}
void BrokerLane::handle(HttpRequest&& request, ResponseFn done) {
  http(context_, std::move(request), as<HttpResponse>(std::move(done)));
}

void BrokerLane::handle(SubscribeRequest&& request, ResponseFn done) {
  channels_.subscribe(std::move(request), as<SubscribeResponse>(std::move(done)));
}
void BrokerLane::handle(UnsubscribeRequest&& request, ResponseFn done) {
  channels_.unsubscribe(std::move(request), as<UnsubscribeResponse>(std::move(done)));
}
void BrokerLane::handle(PublishRequest&& request, ResponseFn done) {
  channels_.publish(std::move(request), as<PublishResponse>(std::move(done)));
}
void BrokerLane::handle(HistoryRequest&& request, ResponseFn done) {
  channels_.history(std::move(request), as<HistoryResponse>(std::move(done)));
}
void BrokerLane::handle(PresenceRequest&& request, ResponseFn done) {
  channels_.presence(std::move(request), as<PresenceResponse>(std::move(done)));
}
void BrokerLane::handle(ServerPublish&& publish, ResponseFn done) {
  channels_.server_publish(std::move(publish), as<PublishResponse>(std::move(done)));
}

void BrokerLane::handle(UnsubscribeSessions&& request, ResponseFn done) {
  done(channels_.unsubscribe_sessions(request));
}

void BrokerLane::handle(SubRefreshRequest&& request, ResponseFn done) {
  channels_.sub_refresh(std::move(request), as<SubRefreshResponse>(std::move(done)));
}
void BrokerLane::handle(HistoryRemove&& request, ResponseFn done) {
  channels_.remove_history(request, as<HistoryRemoveResponse>(std::move(done)));
}
void BrokerLane::handle(PeerChanged&& request, ResponseFn done) {
  channels_.peer_changed(request);
  done(PeerChangedResponse{});
}
void BrokerLane::handle(ListChannels&& request, ResponseFn done) {
  channels_.list(std::move(request), steps_, as<ListChannelsResponse>(std::move(done)));
}

void BrokerLane::handle(BindSession&& request, ResponseFn done) {
  users_.bind(std::move(request), as<BindSessionResponse>(std::move(done)));
}
void BrokerLane::handle(SessionClosed&& request, ResponseFn done) {
  users_.closed(request);
  done(SessionClosedResponse{});
}
void BrokerLane::handle(DisconnectSessions&& request, ResponseFn done) {
  registry_.disconnect(std::move(request), as<DisconnectSessionsResponse>(std::move(done)));
}

void BrokerLane::handle(SubscribeUser&& request, ResponseFn done) { done(users_.subscribe(request)); }
void BrokerLane::handle(UnsubscribeUser&& request, ResponseFn done) { done(users_.unsubscribe(request)); }
void BrokerLane::handle(RefreshUser&& request, ResponseFn done) { done(users_.refresh(request)); }
void BrokerLane::handle(BlockUser&& request, ResponseFn done) {
  users_.block(std::move(request), as<UserAnswer>(std::move(done)));
}
void BrokerLane::handle(UserStatus&& request, ResponseFn done) {
  users_.status(std::move(request), as<UserStatusResponse>(std::move(done)));
}
void BrokerLane::handle(ListSessions&& request, ResponseFn done) { done(users_.list(request)); }

void BrokerLane::handle(ServiceCall&& call, ResponseFn done) {
  // Without a key any instance will do, and no slot is meant.
  const uint32_t slot = call.key.empty() ? 0 : context_.slot_of(call.key);
  const uint64_t term = call.key.empty() ? 0 : context_.slots.term(slot);
  context_.host.serve(std::move(call), slot, term, as<ServiceCallResponse>(std::move(done)));
}

void BrokerLane::handle(Inspect&& request, ResponseFn done) {
  inspect(context_, registry_, channels_.table(), std::move(request), steps_,
          as<InspectResponse>(std::move(done)));
}
void BrokerLane::handle(NodeInfo&&, ResponseFn done) { done(node_info(registry_, channels_.counts())); }

}  // namespace lcg::broker
