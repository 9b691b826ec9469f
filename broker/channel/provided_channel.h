// ProvidedChannel: a plugin (the service "channel:<provider>") authorises, keeps and orders the publications.
//
// Subscribe: the session's gateway listens first, then the provider is asked; what it publishes meanwhile
// reaches the gateway before or after the answer and is merged there by offset, so nothing is lost between
// the position in the answer and the first delivery. A subscription here is always positioned and
// recoverable: the log is durable. Publications come from the provider as ServerPublish with its own
// positions, and leave in offset order; one that skips the history passes by at no position (who types, who has read).
#pragma once
#include "broker/channel/channel.h"

namespace lcg::broker {

class ProvidedChannel final : public Channel {
 public:
  ProvidedChannel(ChannelContext& context, std::string name, const ChannelOptions& options);

  void publish(PublishRequest request, PublishOptions options, PublishFn done) override;
  void history(HistoryRequest request, HistoryFn done) override;
  void server_publish(ServerPublish publish, PublishFn done) override;
  void remove_history(HistoryRemoveFn done) override;
  std::optional<MonoTime> maintain(MonoTime now) override;
  void retire(MonoTime) override {}
  StreamPosition position() const override { return last_; }

  static constexpr Millis kCallTimeout{
      4'500};  // under the bus's own, so that the provider's word is the answer

 protected:
  void attach(const SubscribeRequest& request, const SubscribeGrant& grant, Millis time_left,
              SubscribeFn done) override;

 private:
  void call(std::string method, std::string data, Millis timeout, host::CallFn done);

  StreamPosition last_;  // of the newest publication fanned out by this object
};

}  // namespace lcg::broker
