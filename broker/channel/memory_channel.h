// MemoryChannel: publications are kept in a ring of this process, or not at all. A restart gives a new epoch.
//
// Deltas: a publication is made a patch of from the one before it, once, if the publisher or the namespace wants
// that and a subscriber takes it. A publication without a position becomes the base of who gets it, so the one
// after it is sent whole.
#pragma once
#include <memory>
#include <string>

#include "broker/channel/channel.h"
#include "broker/channel/stream.h"

namespace lcg::broker {

class MemoryChannel final : public Channel {
 public:
  MemoryChannel(ChannelContext& context, std::string name, const ChannelOptions& options);

  void publish(PublishRequest request, PublishOptions options, PublishFn done) override;
  void history(HistoryRequest request, HistoryFn done) override;
  PublishResponse server_publish(ServerPublish publish) override;
  HistoryRemoveResponse remove_history() override;
  std::optional<MonoTime> maintain(MonoTime now) override;
  void retire(MonoTime now) override;
  StreamPosition position() const override;

 protected:
  void attach(const SubscribeRequest& request, const SubscribeGrant& grant, Millis time_left,
              SubscribeFn done) override;

 private:
  struct Version {
    uint64_t number = 0;
    std::string epoch;
  };
  // Made at the first use of a namespace that keeps a stream, from where it was; every use renews its life.
  Stream& stream();
  StreamPosition send(std::shared_ptr<Publication> publication, PublishOptions options);
  bool is_stale(PublishOptions& options);
  void make_patch(Publication& publication);
  void recover(const SubscribeRequest& request, const SubscribeGrant& grant, SubscribeResponse& answer);

  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Version> version_;  // of the newest publication that had one; lives as the stream does
  MonoTime last_use_;
  bool base_moved_ = false;  // a publication without a position was sent after the newest in the stream
};

}  // namespace lcg::broker
