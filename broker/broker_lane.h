// BrokerLane: one lane's share of the broker: the channels, users and plugin instances of its slots. It hands
// each request to the part that answers it and has no logic of its own.
//
// Owned by Broker. Lane: its own, for everything but construction and destruction, which happen while lanes
// stand still.
#pragma once
#include "base/steps.h"
#include "broker/api/bus.h"
#include "broker/command/channel_commands.h"
#include "broker/command/lane_context.h"
#include "broker/command/user_commands.h"
#include "broker/registry/registry.h"

namespace lcg::broker {

class BrokerLane final : public RequestHandler {
 public:
  // All outlive it.
  explicit BrokerLane(LaneContext context);

  void on_request(Request request, ResponseFn done) override;

  LaneContext& context() { return context_; }
  // Its counts may be read by any thread.
  const ChannelTable& channels() const { return channels_.table(); }

 private:
  void handle(ConnectRequest&& request, ResponseFn done);
  void handle(RefreshRequest&& request, ResponseFn done);
  void handle(SubscribeRequest&& request, ResponseFn done);
  void handle(UnsubscribeRequest&& request, ResponseFn done);
  void handle(PublishRequest&& request, ResponseFn done);
  void handle(HistoryRequest&& request, ResponseFn done);
  void handle(PresenceRequest&& request, ResponseFn done);
  void handle(RpcRequest&& request, ResponseFn done);
  void handle(HttpRequest&& request, ResponseFn done);
  void handle(SessionClosed&& request, ResponseFn done);
  void handle(BindSession&& request, ResponseFn done);
  void handle(ServiceCall&& call, ResponseFn done);
  void handle(ServerPublish&& publish, ResponseFn done);
  void handle(Inspect&& request, ResponseFn done);
  void handle(DisconnectSessions&& request, ResponseFn done);
  void handle(UnsubscribeSessions&& request, ResponseFn done);
  void handle(SubscribeUser&& request, ResponseFn done);
  void handle(UnsubscribeUser&& request, ResponseFn done);
  void handle(RefreshUser&& request, ResponseFn done);
  void handle(BlockUser&& request, ResponseFn done);
  void handle(UserStatus&& request, ResponseFn done);
  void handle(ListSessions&& request, ResponseFn done);
  void handle(NodeInfo&& request, ResponseFn done);
  void handle(SubRefreshRequest&& request, ResponseFn done);
  void handle(HistoryRemove&& request, ResponseFn done);
  void handle(PeerChanged&& request, ResponseFn done);
  void handle(ListChannels&& request, ResponseFn done);
  template <class R>
  void handle(R&&, ResponseFn done) {
    typename std::decay_t<R>::Answer answer;
    if constexpr (std::is_base_of_v<Outcome, decltype(answer)>)
      answer.error = make_error(error_code::kNotAvailable);
    done(std::move(answer));
  }

  LaneContext context_;
  Registry registry_;
  UserCommands users_;
  ChannelCommands channels_;
  Steps steps_;  // the walks over what is above
};

}  // namespace lcg::broker
