// The commands on channels, for the slots of one lane: who may (channel/access.h, the plugins), then the
// channel. Source: client-protocol 1.8, 1.9 and 1.12. Every `done` runs once, on this lane.
#pragma once
#include "broker/channel/channel_table.h"
#include "broker/command/lane_context.h"

namespace lcg::broker {

class ChannelCommands {
 public:
  explicit ChannelCommands(LaneContext& context);

  void subscribe(SubscribeRequest request, SubscribeFn done);
  void unsubscribe(UnsubscribeRequest request, UniqueFunction<void(UnsubscribeResponse)> done);
  void publish(PublishRequest request, PublishFn done);
  void history(HistoryRequest request, HistoryFn done);
  void presence(PresenceRequest request, UniqueFunction<void(PresenceResponse)> done);
  void server_publish(ServerPublish publish, PublishFn done);

  UnsubscribeSessionsResponse unsubscribe_sessions(const UnsubscribeSessions& request);

  const ChannelTable& table() const { return table_; }

 private:
  // The namespace's options, or the error of a channel that cannot be served here.
  struct Found {
    const ChannelOptions* options = nullptr;
    uint32_t error = 0;
  };
  Found find(std::string_view channel) const;
  void ask_to_subscribe(SubscribeRequest request, bool then_options, SubscribeFn done);
  void open(std::shared_ptr<Channel> channel, SubscribeRequest request, uint64_t ticket, Grant grant,
            SubscribeFn done);
  void ask_to_publish(PublishRequest request, const ChannelOptions& options, bool allowed, PublishFn done);
  void send(PublishRequest request, const ChannelOptions& options, PublishFn done);
  // Is the session subscribed? A provided channel is its provider's to guard.
  bool may(const Permission& permission, const ChannelOptions& options, std::string_view channel,
           const Peer& peer) const;

  LaneContext& context_;
  ChannelContext channel_context_;
  ChannelTable table_;
};

}  // namespace lcg::broker
