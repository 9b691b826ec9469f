#include "broker/channel/provided_channel.h"

#include <gmock/gmock.h>

#include "broker/testing/lane_rig.h"
#include "lcg/services/channel_provider.hpp"

namespace lcg::broker {
namespace {

using testing::SizeIs;

// The service "channel:dialog" as the test drives it.
class ProvidedChannelTest : public testing::Test {
 protected:
  ProvidedChannelTest() {
    rig_.host.on_call = [this](ServiceCall call, host::CallFn done) {
      asked_.emplace_back(std::move(call), std::move(done));
    };
  }
  static BrokerConfig make_config() {
    BrokerConfig config;
    ChannelOptions dialog;
    dialog.name = dialog.provider = "dialog";
    config.namespaces = {dialog};
    return config;
  }
  auto begin_subscribe(bool recover = false, uint64_t since = 0, std::string epoch = "e") {
    SubscribeRequest request{"dialog:42", alice_, {}, {}};
    request.recover = recover;
    request.since = {since, std::move(epoch)};
    auto answer = rig_.begin(std::move(request));
    rig_.world.run_until_idle();
    return answer;
  }
  void reply(size_t index, ServiceCallResponse response) {
    rig_.world.on(rig_.world.lane(0), [&] { asked_.at(index).second(std::move(response)); });
    rig_.world.run_until_idle();
  }
  static ServiceCallResponse page(uint64_t head, std::vector<uint64_t> offsets = {}, bool recovered = false) {
    channel::StreamPage page{head, "e", recovered, {}};
    for (uint64_t offset : offsets)
      page.publications.push_back({offset, std::to_string(offset), "bob", "s-bob"});
    return {LCG_OK, 0, {}, channel::encode(page)};
  }
  PublishResponse provider_publishes(uint64_t offset, std::string epoch = "e") {
    ServerPublish publish{"dialog:42", {}, true};
    publish.publication.offset = offset;
    publish.publication.epoch = std::move(epoch);
    publish.publication.data = SharedBytes(std::to_string(offset));
    return rig_.get(std::move(publish));
  }
  std::vector<uint64_t> delivered() {
    std::vector<uint64_t> out;
    for (const DeliverPublication& d : rig_.delivered<DeliverPublication>())
      out.push_back(d.publication->offset);
    return out;
  }
  size_t channels() { return rig_.get(Inspect{Inspect::What::kChannels, "", 100}).rows.size(); }

  LaneRig rig_{make_config()};
  PeerPtr alice_ = LaneRig::peer("alice", "s-alice");
  std::vector<std::pair<ServiceCall, host::CallFn>> asked_;
};

TEST_F(ProvidedChannelTest, ProviderIsAskedByTheKeyOfTheDialog) {
  begin_subscribe(true, 7);

  ASSERT_THAT(asked_, SizeIs(1));
  const ServiceCall& call = asked_[0].first;
  EXPECT_EQ(call.service, "channel:dialog");
  EXPECT_EQ(call.method, "subscribe");
  EXPECT_EQ(call.key, "42");
  channel::SubscribeRequest request;
  ASSERT_TRUE(channel::decode(call.data, request));
  EXPECT_EQ(request.channel, "dialog:42");
  EXPECT_EQ(request.peer.user_id, "alice");
  EXPECT_TRUE(request.recover);
  EXPECT_EQ(request.offset, 7u);
  EXPECT_EQ(request.limit, kProvidedRecovery);
}

TEST_F(ProvidedChannelTest, SubscriptionIsPositionedAndRecoverable) {
  auto answer = begin_subscribe();
  reply(0, page(9));

  ASSERT_TRUE(answer->has_value() && (*answer)->ok());
  EXPECT_TRUE((*answer)->positioned && (*answer)->recoverable);
  EXPECT_FALSE((*answer)->was_recovering);
  EXPECT_EQ((*answer)->position, (StreamPosition{9, "e"}));
}

TEST_F(ProvidedChannelTest, PublicationDuringAPendingSubscribeIsDeliveredOnce) {
  auto answer = begin_subscribe();
  provider_publishes(10);
  EXPECT_EQ(delivered(), std::vector<uint64_t>{10}) << "the gateway listens before the provider answers";
  reply(0, page(10));

  EXPECT_TRUE((*answer)->ok());
  EXPECT_EQ((*answer)->position.offset, 10u) << "so the gateway drops its 10 as known";
  provider_publishes(11);
  EXPECT_EQ(delivered(), (std::vector<uint64_t>{10, 11}));
}

TEST_F(ProvidedChannelTest, PublicationAfterTheProviderReadItsHeadIsNotLost) {
  auto answer = begin_subscribe();
  // The provider reads head 9 for its answer, then publishes 10, and 10 arrives first.
  provider_publishes(10);
  reply(0, page(9));

  EXPECT_EQ((*answer)->position.offset, 9u);
  EXPECT_EQ(delivered(), std::vector<uint64_t>{10});
}

TEST_F(ProvidedChannelTest, RefusalTakesTheInterestAway) {
  auto answer = begin_subscribe();
  reply(0, {LCG_E_DENIED, 0, "not a member", {}});

  EXPECT_EQ((*answer)->error.code, error_code::kPermissionDenied);
  EXPECT_EQ(channels(), 0u);
  provider_publishes(1);
  EXPECT_THAT(delivered(), SizeIs(0));
}

TEST_F(ProvidedChannelTest, UnknownDialogIsUnknownChannel) {
  auto answer = begin_subscribe();
  reply(0, {LCG_E_NOT_FOUND, 0, {}, {}});

  EXPECT_EQ((*answer)->error.code, error_code::kUnknownChannel);
}

TEST_F(ProvidedChannelTest, ProviderThatIsDownIsATemporaryError) {
  auto answer = begin_subscribe();
  reply(0, {LCG_E_UNAVAILABLE, 0, {}, {}});

  EXPECT_EQ((*answer)->error.code, error_code::kInternal);
  EXPECT_TRUE((*answer)->error.temporary);
}

TEST_F(ProvidedChannelTest, MalformedAnswerIsContained) {
  auto answer = begin_subscribe();
  reply(0, {LCG_OK, 0, {}, "junk"});

  EXPECT_EQ((*answer)->error.code, error_code::kInternal);
  EXPECT_EQ(channels(), 0u);
}

TEST_F(ProvidedChannelTest, UnsubscribeOvertakesTheProvider) {
  auto answer = begin_subscribe();
  rig_.get(UnsubscribeRequest{"dialog:42", alice_});
  reply(0, page(9));

  EXPECT_FALSE((*answer)->ok());
  EXPECT_EQ(channels(), 0u);
}

TEST_F(ProvidedChannelTest, AnswerToAnOlderSubscribeDoesNotLetTheNewerOneIn) {
  auto first = begin_subscribe();
  rig_.get(UnsubscribeRequest{"dialog:42", alice_});
  auto second = begin_subscribe();
  reply(0, page(9));

  EXPECT_FALSE((*first)->ok());
  EXPECT_FALSE(second->has_value());
  reply(1, {LCG_E_DENIED, 0, {}, {}});
  EXPECT_EQ((*second)->error.code, error_code::kPermissionDenied);
}

TEST_F(ProvidedChannelTest, RecoveredPageIsHandedOn) {
  auto answer = begin_subscribe(true, 7);
  reply(0, page(9, {8, 9}, true));

  EXPECT_TRUE((*answer)->recovered && (*answer)->was_recovering);
  EXPECT_EQ((*answer)->position, (StreamPosition{7, "e"}));
  ASSERT_THAT((*answer)->publications, SizeIs(2));
  EXPECT_EQ((*answer)->publications[0]->info.user, "bob");
}

TEST_F(ProvidedChannelTest, APageWithAHoleIsNotRecovered) {
  auto answer = begin_subscribe(true, 6);
  reply(0, page(9, {8, 9}, true));

  EXPECT_FALSE((*answer)->recovered);
  EXPECT_TRUE((*answer)->was_recovering);
  EXPECT_EQ((*answer)->position.offset, 9u);
  EXPECT_THAT((*answer)->publications, SizeIs(0));
}

TEST_F(ProvidedChannelTest, AnotherEpochIsNotRecovered) {
  auto answer = begin_subscribe(true, 7, "old");
  reply(0, page(9, {8, 9}, true));

  EXPECT_FALSE((*answer)->recovered);
}

TEST_F(ProvidedChannelTest, RepeatsAreDroppedAndGapsPassed) {
  begin_subscribe();
  reply(0, page(0));
  provider_publishes(1);
  provider_publishes(2);
  provider_publishes(2);
  provider_publishes(1);
  provider_publishes(4);

  EXPECT_EQ(delivered(), (std::vector<uint64_t>{1, 2, 4}));
}

TEST_F(ProvidedChannelTest, WhatSkipsTheHistoryPassesAtNoPosition) {
  begin_subscribe();
  reply(0, page(4));
  ServerPublish typing{"dialog:42", {}, false};
  typing.options.skip_history = true;
  typing.publication.data = SharedBytes("1");

  EXPECT_EQ(rig_.get(std::move(typing)).error.code, 0u);
  provider_publishes(5);

  EXPECT_EQ(delivered(), (std::vector<uint64_t>{0, 5}));
}

TEST_F(ProvidedChannelTest, WhatPassesWhileNobodyListensIsNoError) {
  ServerPublish typing{"dialog:42", {}, false};
  typing.options.skip_history = true;
  typing.publication.data = SharedBytes("1");

  EXPECT_EQ(rig_.get(std::move(typing)).error.code, 0u);
}

TEST_F(ProvidedChannelTest, OnlyTheProviderPublishesDirectly) {
  begin_subscribe();
  reply(0, page(0));
  ServerPublish publish{"dialog:42", {}, false};
  publish.publication.data = SharedBytes("1");

  EXPECT_EQ(rig_.get(publish).error.code, error_code::kBadRequest);
}

TEST_F(ProvidedChannelTest, PublishIsTheProvidersSend) {
  auto answer = rig_.begin(PublishRequest{"dialog:42", alice_, SharedBytes("\"hi\"")});
  rig_.world.run_until_idle();
  ASSERT_THAT(asked_, SizeIs(1));
  EXPECT_EQ(asked_[0].first.method, "publish");
  EXPECT_FALSE(answer->has_value()) << "answered when it is durable";
  reply(0, {LCG_OK, 0, {}, {}});

  EXPECT_TRUE((*answer)->ok());
}

TEST_F(ProvidedChannelTest, HistoryLimitIsOurs) {
  HistoryRequest request{"dialog:42", alice_};
  request.limit = -1;
  auto answer = rig_.begin(request);
  rig_.world.run_until_idle();
  channel::HistoryRequest asked;
  ASSERT_TRUE(channel::decode(asked_.at(0).first.data, asked));
  EXPECT_EQ(asked.limit, 300);
  reply(0, page(2, {1, 2}));

  EXPECT_THAT((*answer)->publications, SizeIs(2));
  EXPECT_EQ((*answer)->position, (StreamPosition{2, "e"}));
}

TEST_F(ProvidedChannelTest, TheLastNumberThereIsHasNothingAfterIt) {
  HistoryRequest request{"dialog:42", alice_, true};
  request.since = {UINT64_MAX, "e"};
  request.limit = -1;
  auto answer = rig_.begin(request);
  rig_.world.run_until_idle();
  channel::HistoryRequest asked;
  ASSERT_TRUE(channel::decode(asked_.at(0).first.data, asked));

  EXPECT_EQ(asked.limit, 0) << "the position alone";
}

TEST_F(ProvidedChannelTest, ARecoveryAboveTheHeadIsNone) {
  for (const uint64_t since : {uint64_t{3}, uint64_t{1} << 63, UINT64_MAX}) {
    asked_.clear();
    auto answer = begin_subscribe(true, since);
    reply(0, page(2, {}, true));

    EXPECT_FALSE((*answer)->recovered) << since;
    rig_.get(UnsubscribeRequest{"dialog:42", alice_});
  }
}

TEST_F(ProvidedChannelTest, HistoryOfAnotherEpochIsUnrecoverable) {
  HistoryRequest request{"dialog:42", alice_, true};
  request.since = {1, "old"};
  request.limit = 10;
  auto answer = rig_.begin(request);
  rig_.world.run_until_idle();
  reply(0, page(2, {2}));

  EXPECT_EQ((*answer)->error.code, error_code::kUnrecoverablePosition);
}

}  // namespace
}  // namespace lcg::broker
