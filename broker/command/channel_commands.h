// The commands on channels, for the slots of one lane: who may (channel/access.h, the plugins), then the
// channel. Source: client-protocol 1.8, 1.9, 1.12, 2 and 4. Every `done` runs once, on this lane.
//
// In four files: subscribing in channel_commands.cc, publishing in channel_commands_publish.cc, looking in
// channel_commands_read.cc, credentials that end in channel_commands_refresh.cc.
#pragma once
#include "base/steps.h"
#include "broker/channel/channel_table.h"
#include "broker/channel/idempotency.h"
#include "broker/command/lane_context.h"
#include "broker/command/publication_sweep.h"

namespace lcg::broker {

inline constexpr uint32_t kMaxListedChannels = 10'000;  // in one answer of one lane, whatever was asked

class ChannelCommands {
 public:
  explicit ChannelCommands(LaneContext& context);

  void subscribe(SubscribeRequest request, SubscribeFn done);
  void sub_refresh(SubRefreshRequest request, UniqueFunction<void(SubRefreshResponse)> done);
  void unsubscribe(UnsubscribeRequest request, UniqueFunction<void(UnsubscribeResponse)> done);
  void publish(PublishRequest request, PublishFn done);
  void history(HistoryRequest request, HistoryFn done);
  void presence(PresenceRequest request, UniqueFunction<void(PresenceResponse)> done);
  void server_publish(ServerPublish publish, PublishFn done);

  UnsubscribeSessionsResponse unsubscribe_sessions(const UnsubscribeSessions& request);
  void peer_changed(const PeerChanged& request);
  void remove_history(const HistoryRemove& request, HistoryRemoveFn done);
  // Those with a subscriber, in no particular order. A walk over the table, in steps.
  void list(ListChannels request, Steps& steps, UniqueFunction<void(ListChannelsResponse)> done) const;

  const ChannelTable& table() const { return table_; }
  // For NodeInfo.
  const ChannelCounts& counts() const { return channel_context_.counts; }

 private:
  // The namespace's options and the channel if it is there, or the error of one that cannot be served here.
  struct Found {
    const ChannelOptions* options = nullptr;
    std::shared_ptr<Channel> channel;
    uint32_t error = 0;
  };
  Found find(std::string_view channel);
  void ask_to_subscribe(SubscribeRequest request, Found found, bool then_options, SubscribeFn done);
  void answered_to_subscribe(std::shared_ptr<Channel> channel, SubscribeRequest request, uint64_t ticket,
                             bool then_options, MonoTime deadline, host::ChainResult result,
                             SubscribeFn done);
  void open(std::shared_ptr<Channel> channel, SubscribeRequest request, uint64_t ticket,
            SubscribeGrantPtr grant, Millis time_left, SubscribeFn done);
  void refreshed(const std::shared_ptr<Channel>& channel, const SubRefreshRequest& request,
                 host::ChainResult result, UniqueFunction<void(SubRefreshResponse)> done);
  void ask_to_publish(PublishRequest request, const ChannelOptions& options, bool allowed, PublishFn done);
  void send(PublishRequest request, PublishOptions publish, const ChannelOptions& options, PublishFn done);
  void send_as_server(ServerPublish publish, const Found& found, PublishFn done);
  // True: the key was used before, and `done` has its result. Else `done` is made to remember it.
  bool was_published(const std::string& channel, const std::string& key, PublishFn& done);
  // May the client, subscribed or not? Not for what a provider guards.
  bool may(const Permission& permission, const Found& found, std::string_view channel,
           const Peer& peer) const;

  LaneContext& context_;
  ChannelContext channel_context_;
  ChannelTable table_;
  PublicationSweep sweep_;
  Idempotency idempotency_;
};

}  // namespace lcg::broker
