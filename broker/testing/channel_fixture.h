// ChannelFixture: the namespace "c" with the options a test wants, alice and bob, and a plugin that says yes.
#pragma once
#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broker/testing/lane_rig.h"

namespace lcg::broker {

class ChannelFixture : public testing::Test {
 protected:
  // Everybody may do everything; a history of 10, presence, join and leave.
  static ChannelOptions open_options() {
    ChannelOptions options;
    options.name = "c";
    options.history_size = 10;
    options.history_ttl = Millis(60'000);
    options.history_meta_ttl = Millis(600'000);
    options.presence = options.join_leave = true;
    for (Permission* permission :
         {&options.subscribe, &options.publish, &options.presence_read, &options.history_read})
      permission->for_client = true;
    return options;
  }
  // A test that wants other options calls it first.
  LaneRig& start(ChannelOptions options = open_options()) {
    BrokerConfig config;
    config.namespaces = {std::move(options)};
    rig_ = std::make_unique<LaneRig>(std::move(config));
    return *rig_;
  }
  LaneRig& rig() { return rig_ == nullptr ? start() : *rig_; }

  SubscribeRequest request(PeerPtr peer) {
    SubscribeRequest out;
    out.channel = "c:a";
    out.peer = std::move(peer);
    return out;
  }
  SubscribeResponse subscribe(PeerPtr peer) { return rig().get(request(std::move(peer))); }
  void unsubscribe(PeerPtr peer) { rig().get(UnsubscribeRequest{"c:a", std::move(peer)}); }
  PublishResponse publish(std::string_view data = "{}") {
    return rig().get(PublishRequest{"c:a", alice_, SharedBytes(data)});
  }
  PublishResponse server_publish(std::string_view data, PublishOptions options = {}) {
    ServerPublish out{"c:a", {}, false};
    out.publication.data = SharedBytes(data);
    out.options = std::move(options);
    return rig().get(std::move(out));
  }
  std::vector<DeliverPublication> delivered() { return rig().delivered<DeliverPublication>(); }
  PresenceResponse presence() { return rig().get(PresenceRequest{"c:a", nullptr}); }
  HistoryResponse history() {
    HistoryRequest out{"c:a", nullptr, false, false, {}, -1};
    return rig().get(std::move(out));
  }

  // The plugins that want `kinds` (bits of LCG_REQ_*) answer with it.
  void plugins_answer(host::ChainResult result, uint32_t kinds = 0) {
    rig().host.wanted = kinds;
    rig().host.on_chain = [result](host::ChainRequest, host::ChainFn done) { done(result); };
  }
  static host::ChainResult yes(std::string_view options = {}) {
    host::ChainResult result;
    result.status = LCG_OK;
    result.options = SharedBytes(options);
    return result;
  }
  int64_t now_ms() { return rig().world.clock().wall_ms(); }

  PeerPtr alice_ = LaneRig::peer("alice", "s-alice"), bob_ = LaneRig::peer("bob", "s-bob");

 private:
  std::unique_ptr<LaneRig> rig_;
};

}  // namespace lcg::broker
