// MemoryChannel: publications are kept in a ring of this process, or not at all. A restart gives a new epoch.
#pragma once
#include <memory>

#include "broker/channel/channel.h"
#include "broker/channel/stream.h"

namespace lcg::broker {

class MemoryChannel final : public Channel {
 public:
  MemoryChannel(ChannelContext& context, std::string name, const ChannelOptions& options);

  void publish(PublishRequest request, PublishFn done) override;
  void history(HistoryRequest request, HistoryFn done) override;
  PublishResponse server_publish(ServerPublish publish) override;
  std::optional<MonoTime> maintain(MonoTime now) override;
  StreamPosition position() const override;

 protected:
  void attach(const SubscribeRequest& request, Millis time_left, SubscribeFn done) override;

 private:
  // Made at the first use of a namespace that keeps history; every use renews its life.
  Stream& stream();
  StreamPosition send(std::shared_ptr<Publication> publication, bool keep);

  std::unique_ptr<Stream> stream_;
  MonoTime last_use_;
};

}  // namespace lcg::broker
