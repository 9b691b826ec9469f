// MemoryChannel: publications are kept in a ring of this process, or not at all. A restart gives a new epoch.
#pragma once
#include <memory>
#include <string>

#include "broker/channel/stream_channel.h"

namespace lcg::broker {

class MemoryChannel final : public StreamChannel {
 public:
  MemoryChannel(ChannelContext& context, std::string name, const ChannelOptions& options);

  void publish(PublishRequest request, PublishOptions options, PublishFn done) override;
  void history(HistoryRequest request, HistoryFn done) override;
  void server_publish(ServerPublish publish, PublishFn done) override;
  void remove_history(HistoryRemoveFn done) override;
  std::optional<MonoTime> maintain(MonoTime now) override;
  void retire(MonoTime now) override;

 protected:
  void attach(const SubscribeRequest& request, const SubscribeGrant& grant, Millis time_left,
              SubscribeFn done) override;

 private:
  // Made at the first use of a namespace that keeps a stream, from where it was; every use renews its life.
  void use_stream();
  StreamPosition send(const std::shared_ptr<Publication>& publication, const PublishOptions& options);

  MonoTime last_use_;
};

}  // namespace lcg::broker
