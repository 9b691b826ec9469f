#include "broker/command/channel_commands.h"

#include <gmock/gmock.h>

#include "broker/testing/lane_rig.h"
#include "lcg/services/channel_provider.hpp"

namespace lcg::broker {
namespace {

using testing::SizeIs;

BrokerConfig make_config() {
  BrokerConfig config;
  ChannelOptions& plain = config.without_namespace;
  plain.subscribe.for_client = plain.publish.for_subscriber = true;
  ChannelOptions kept;
  kept.name = "kept";
  kept.history_size = 10;
  kept.history_ttl = Millis(60'000);
  kept.history_meta_ttl = Millis(600'000);
  kept.presence = kept.join_leave = kept.force_recovery = true;
  kept.subscribe.for_client = kept.publish.for_client = true;
  kept.history_read.for_subscriber = kept.presence_read.for_subscriber = true;
  kept.subscribe.for_anonymous = true;
  ChannelOptions dialog;
  dialog.name = dialog.provider = "dialog";
  config.namespaces = {kept, dialog};
  return config;
}

class ChannelCommandsTest : public testing::Test {
 protected:
  SubscribeResponse subscribe(std::string channel, PeerPtr peer) {
    return rig_.get(SubscribeRequest{std::move(channel), std::move(peer), {}, {}});
  }
  PublishResponse publish(std::string channel, PeerPtr peer, std::string_view data = "{}") {
    return rig_.get(PublishRequest{std::move(channel), std::move(peer), SharedBytes(data)});
  }
  HistoryResponse history(int32_t limit, std::optional<StreamPosition> since = {}, bool reverse = false) {
    HistoryRequest request{"kept:a", alice_, since.has_value(), reverse, {}, limit};
    if (since) request.since = *since;
    return rig_.get(std::move(request));
  }
  size_t channels() { return rig_.get(Inspect{Inspect::What::kChannels, "", 100}).rows.size(); }

  LaneRig rig_{make_config()};
  PeerPtr alice_ = LaneRig::peer("alice", "s-alice"), bob_ = LaneRig::peer("bob", "s-bob");
};

TEST_F(ChannelCommandsTest, ANewPeerIsShownInPresenceAndAtTheLeave) {
  subscribe("kept:a", alice_);
  auto changed = std::make_shared<Peer>(*alice_);
  changed->conn_info = SharedBytes("\"new\"");
  rig_.get(PeerChanged{"kept:a", changed});

  EXPECT_EQ(rig_.get(PresenceRequest{"kept:a", alice_, false}).clients.at(0).conn_info.view(), "\"new\"");
  subscribe("kept:a", bob_);
  rig_.get(UnsubscribeRequest{"kept:a", changed});
  rig_.get(UnsubscribeRequest{"kept:a", bob_});
  EXPECT_FALSE(rig_.delivered<DeliverJoinLeave>().back().joined);
  EXPECT_EQ(rig_.delivered<DeliverJoinLeave>().back().info.conn_info.view(), "\"new\"");
  EXPECT_EQ(channels(), 0u);
}

TEST_F(ChannelCommandsTest, ANewPeerOfNobodyHereChangesNothing) {
  rig_.get(PeerChanged{"kept:a", alice_});

  EXPECT_EQ(channels(), 0u);
}

TEST_F(ChannelCommandsTest, NamesArePrintableAscii) {
  for (const char* name : {"kept:two words", "kept:!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "kept:a#b"})
    EXPECT_TRUE(subscribe(name, alice_).ok()) << name;
  for (const char* name : {"kept:", "kept:a\n", "kept:\x7f", "kept:\xc3\xa9"})
    EXPECT_EQ(subscribe(name, alice_).error.code, error_code::kBadRequest) << name;
}

TEST_F(ChannelCommandsTest, NobodyIsTakenOutOfWhatIsNoChannel) {
  EXPECT_EQ(rig_.get(UnsubscribeSessions{"nowhere:a", {}, "alice", 2000, {}}).error.code,
            error_code::kUnknownChannel);
  EXPECT_EQ(rig_.get(UnsubscribeSessions{"kept:", {}, "alice", 2000, {}}).error.code,
            error_code::kBadRequest);
}

TEST_F(ChannelCommandsTest, OneDeliveryAGatewayHoweverManySubscribe) {
  subscribe("news", alice_);
  subscribe("news", bob_);

  ASSERT_TRUE(publish("news", alice_, "{\"a\":1}").ok());

  const auto got = rig_.delivered<DeliverPublication>();
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].channel, "news");
  EXPECT_EQ(got[0].publication->data.view(), "{\"a\":1}");
  EXPECT_EQ(got[0].publication->info.user, "alice");
  EXPECT_EQ(got[0].publication->offset, 0u);
}

TEST_F(ChannelCommandsTest, NobodyIsSentAnythingAfterTheLastUnsubscribe) {
  subscribe("news", alice_);
  subscribe("news", bob_);
  rig_.get(UnsubscribeRequest{"news", alice_});
  rig_.get(UnsubscribeRequest{"news", bob_});

  EXPECT_EQ(publish("news", alice_).error.code, error_code::kPermissionDenied) << "not a subscriber any more";
  EXPECT_THAT(rig_.delivered<DeliverPublication>(), SizeIs(0));
  EXPECT_EQ(channels(), 0u);
}

TEST_F(ChannelCommandsTest, UnsubscribeIsIdempotent) {
  EXPECT_TRUE(rig_.get(UnsubscribeRequest{"news", alice_}).ok());
  EXPECT_TRUE(rig_.get(UnsubscribeRequest{"", alice_}).ok());
}

TEST_F(ChannelCommandsTest, SubscribingTwiceCountsOnce) {
  subscribe("news", alice_);
  subscribe("news", alice_);
  rig_.get(UnsubscribeRequest{"news", alice_});

  EXPECT_EQ(channels(), 0u);
}

TEST_F(ChannelCommandsTest, UnknownNamespaceAndBadName) {
  EXPECT_EQ(subscribe("nowhere:a", alice_).error.code, error_code::kUnknownChannel);
  EXPECT_EQ(subscribe(std::string(256, 'a'), alice_).error.code, error_code::kBadRequest);
  EXPECT_EQ(publish("nowhere:a", alice_).error.code, error_code::kUnknownChannel);
}

TEST_F(ChannelCommandsTest, EmptyDataIsABadRequest) {
  EXPECT_EQ(publish("kept:a", alice_, "").error.code, error_code::kBadRequest);
}

TEST_F(ChannelCommandsTest, PrivateChannelAsksThePluginsAboutItsToken) {
  rig_.host.on_chain = [](host::ChainRequest request, host::ChainFn done) {
    host::ChainResult result;
    if (request.kind == LCG_REQ_SUBSCRIBE && request.credential == "good") result.status = LCG_OK;
    result.info = SharedBytes("{\"role\":\"x\"}");
    done(std::move(result));
  };
  SubscribeRequest request{"$kept:a", alice_, "good", {}};

  EXPECT_TRUE(rig_.get(request).ok());
  request.peer = bob_;
  request.token = "bad";
  EXPECT_EQ(rig_.get(request).error.code, error_code::kPermissionDenied);
  request.token = "";
  EXPECT_EQ(rig_.get(request).error.code, error_code::kPermissionDenied);
}

TEST_F(ChannelCommandsTest, UnsubscribeOvertakesASlowPlugin) {
  std::vector<host::ChainFn> held;
  rig_.host.on_chain = [&](host::ChainRequest, host::ChainFn done) { held.push_back(std::move(done)); };
  auto answer = rig_.begin(SubscribeRequest{"news", alice_, "token", {}});
  rig_.world.run_until_idle();
  rig_.get(UnsubscribeRequest{"news", alice_});

  host::ChainResult yes;
  yes.status = LCG_OK;
  rig_.world.on(rig_.world.lane(0), [&] { held.at(0)(std::move(yes)); });
  rig_.world.run_until_idle();

  ASSERT_TRUE(answer->has_value());
  EXPECT_FALSE((*answer)->ok());
  EXPECT_EQ(channels(), 0u);
}

TEST_F(ChannelCommandsTest, AUserIsUnsubscribedWithAllHisSessions) {
  const PeerPtr tablet = LaneRig::peer("alice", "s-tablet");
  for (const PeerPtr& peer : {alice_, tablet, bob_}) subscribe("kept:a", peer);
  rig_.deliveries.clear();

  EXPECT_EQ(rig_.get(UnsubscribeSessions{"kept:a", {}, "alice", 2000, "removed"}).ended, 2u);

  const auto got = rig_.delivered<DeliverUnsubscribe>();
  ASSERT_THAT(got, SizeIs(2));
  EXPECT_THAT((std::vector{got[0].session, got[1].session}),
              testing::UnorderedElementsAre("s-alice", "s-tablet"));
  EXPECT_EQ(got[0].channel, "kept:a");
  EXPECT_EQ(got[0].code, 2000u);
  EXPECT_EQ(got[0].reason, "removed");
  const auto leaves = rig_.delivered<DeliverJoinLeave>();
  ASSERT_THAT(leaves, SizeIs(2));
  EXPECT_FALSE(leaves[0].joined);
  const PresenceResponse present = rig_.get(PresenceRequest{"kept:a", bob_, true});
  EXPECT_EQ(present.num_clients, 1u);
  EXPECT_EQ(present.num_users, 1u);
}

TEST_F(ChannelCommandsTest, OneSessionIsUnsubscribed) {
  const PeerPtr tablet = LaneRig::peer("alice", "s-tablet");
  for (const PeerPtr& peer : {alice_, tablet}) subscribe("kept:a", peer);

  EXPECT_EQ(rig_.get(UnsubscribeSessions{"kept:a", "s-tablet", {}, 2000, {}}).ended, 1u);
  EXPECT_EQ(rig_.get(UnsubscribeSessions{"kept:a", "s-alice", "bob", 2000, {}}).ended, 0u) << "not his";

  ASSERT_THAT(rig_.delivered<DeliverUnsubscribe>(), SizeIs(1));
  EXPECT_EQ(rig_.delivered<DeliverUnsubscribe>()[0].session, "s-tablet");
}

TEST_F(ChannelCommandsTest, WhatIsPublishedAfterAnUnsubscribeIsNotDelivered) {
  subscribe("news", alice_);
  rig_.get(UnsubscribeSessions{"news", {}, "alice", 2000, {}});

  rig_.get(ServerPublish{"news", {0, {}, SharedBytes("1"), {}, false}});

  EXPECT_THAT(rig_.delivered<DeliverPublication>(), SizeIs(0));
  EXPECT_EQ(channels(), 0u) << "the last one out closes it";
}

TEST_F(ChannelCommandsTest, AnUnsubscribedUserWhoIsStillBeingAnsweredIsToldToAskAgain) {
  std::vector<host::ChainFn> held;
  rig_.host.on_chain = [&](host::ChainRequest, host::ChainFn done) { held.push_back(std::move(done)); };
  auto answer = rig_.begin(SubscribeRequest{"news", alice_, "token", {}});
  rig_.world.run_until_idle();

  EXPECT_EQ(rig_.get(UnsubscribeSessions{"news", {}, "alice", 2000, {}}).ended, 0u);
  host::ChainResult yes;
  yes.status = LCG_OK;
  rig_.world.on(rig_.world.lane(0), [&] { held.at(0)(std::move(yes)); });
  rig_.world.run_until_idle();

  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->error.code, error_code::kInternal);
  EXPECT_TRUE((*answer)->error.temporary);
  EXPECT_THAT(rig_.delivered<DeliverUnsubscribe>(), SizeIs(0));
}

TEST_F(ChannelCommandsTest, UnsubscribingFromWhatIsNotThereIsNoError) {
  EXPECT_EQ(rig_.get(UnsubscribeSessions{"news", {}, "alice", 2000, {}}).ended, 0u);
}

TEST_F(ChannelCommandsTest, PublishPluginMayChangeTheData) {
  rig_.host.wanted = 1u << LCG_REQ_PUBLISH;
  rig_.host.on_chain = [](host::ChainRequest, host::ChainFn done) {
    host::ChainResult result;
    result.status = LCG_OK;
    result.data = SharedBytes("\"clean\"");
    done(std::move(result));
  };
  subscribe("news", alice_);

  ASSERT_TRUE(publish("news", alice_, "\"dirty\"").ok());

  EXPECT_EQ(rig_.delivered<DeliverPublication>().at(0).publication->data.view(), "\"clean\"");
}

TEST_F(ChannelCommandsTest, PublishPluginMayRefuse) {
  rig_.host.wanted = 1u << LCG_REQ_PUBLISH;
  rig_.host.on_chain = [](host::ChainRequest, host::ChainFn done) {
    host::ChainResult result;
    result.status = LCG_E_DENIED;
    result.error_code = 450;
    result.message = "no shouting";
    done(std::move(result));
  };

  const PublishResponse answer = publish("kept:a", alice_);

  EXPECT_EQ(answer.error.code, 450u);
  EXPECT_EQ(answer.error.message, "no shouting");
  EXPECT_FALSE(answer.error.temporary);
}

TEST_F(ChannelCommandsTest, HistoryPositionOnlyAndPages) {
  subscribe("kept:a", alice_);
  for (int i = 0; i < 5; ++i) publish("kept:a", alice_);

  EXPECT_THAT(history(0).publications, SizeIs(0));
  EXPECT_EQ(history(0).position.offset, 5u);
  EXPECT_THAT(history(-1).publications, SizeIs(5));
  EXPECT_THAT(history(2).publications, SizeIs(2));
  EXPECT_EQ(history(-1, StreamPosition{3, ""}).publications.at(0)->offset, 4u);
  EXPECT_EQ(history(1, std::nullopt, true).publications.at(0)->offset, 5u);
}

TEST_F(ChannelCommandsTest, HistoryRefusals) {
  EXPECT_EQ(history(0).error.code, error_code::kPermissionDenied) << "for subscribers only";
  subscribe("kept:a", alice_);
  EXPECT_EQ(history(1, StreamPosition{0, ""}, true).error.code, error_code::kBadRequest);
  EXPECT_EQ(history(1, StreamPosition{0, "otherone"}).error.code, error_code::kUnrecoverablePosition);
  EXPECT_EQ(rig_.get(HistoryRequest{"news", alice_}).error.code, error_code::kNotAvailable);
}

TEST_F(ChannelCommandsTest, RecoveredAnswersTheOffsetAskedFor) {
  const StreamPosition start = subscribe("kept:a", alice_).position;
  rig_.get(UnsubscribeRequest{"kept:a", alice_});
  for (int i = 0; i < 3; ++i) publish("kept:a", bob_);
  SubscribeRequest request{"kept:a", alice_, {}, {}};
  request.recover = true;
  request.since = {1, start.epoch};

  const SubscribeResponse answer = rig_.get(request);

  EXPECT_TRUE(answer.recovered && answer.was_recovering && answer.recoverable && answer.positioned);
  EXPECT_EQ(answer.position, (StreamPosition{1, start.epoch}));
  EXPECT_THAT(answer.publications, SizeIs(2));
}

TEST_F(ChannelCommandsTest, NotRecoveredAnswersTheTop) {
  subscribe("kept:a", bob_);
  publish("kept:a", bob_);
  SubscribeRequest request{"kept:a", alice_, {}, {}};
  request.recover = true;
  request.since = {0, "otherone"};

  const SubscribeResponse answer = rig_.get(request);

  EXPECT_FALSE(answer.recovered);
  EXPECT_TRUE(answer.was_recovering);
  EXPECT_EQ(answer.position.offset, 1u);
  EXPECT_THAT(answer.publications, SizeIs(0));
}

TEST_F(ChannelCommandsTest, ARestartHasANewEpoch) {
  const std::string before = subscribe("kept:a", alice_).position.epoch;
  LaneRig after(make_config());
  after.world.lane(0).random().u64();

  EXPECT_NE(after.get(SubscribeRequest{"kept:a", alice_, {}, {}}).position.epoch, before);
}

TEST_F(ChannelCommandsTest, ContentsThenChannelThenPositionExpire) {
  subscribe("kept:a", alice_);
  publish("kept:a", alice_);
  const StreamPosition top = history(0).position;

  rig_.world.run_for(Millis(61'000));
  EXPECT_THAT(history(-1).publications, SizeIs(0));
  EXPECT_EQ(history(0).position, top);
  rig_.get(UnsubscribeRequest{"kept:a", alice_});
  EXPECT_EQ(channels(), 0u);
  rig_.world.run_for(Millis(500'000));
  EXPECT_EQ(subscribe("kept:a", alice_).position, top);
  rig_.get(UnsubscribeRequest{"kept:a", alice_});
  rig_.world.run_for(Millis(601'000));

  EXPECT_NE(subscribe("kept:a", alice_).position.epoch, top.epoch);
}

TEST_F(ChannelCommandsTest, PresenceCountsClientsAndUsers) {
  subscribe("kept:a", alice_);
  subscribe("kept:a", bob_);
  subscribe("kept:a", LaneRig::peer("bob", "s-bob-2"));

  const PresenceResponse stats = rig_.get(PresenceRequest{"kept:a", alice_, true});
  EXPECT_EQ(stats.num_clients, 3u);
  EXPECT_EQ(stats.num_users, 2u);
  EXPECT_THAT(rig_.get(PresenceRequest{"kept:a", alice_}).clients, SizeIs(3));
}

TEST_F(ChannelCommandsTest, PresenceRefusals) {
  EXPECT_EQ(rig_.get(PresenceRequest{"news", alice_}).error.code, error_code::kNotAvailable);
  EXPECT_EQ(rig_.get(PresenceRequest{"kept:a", alice_}).error.code, error_code::kPermissionDenied);
}

TEST_F(ChannelCommandsTest, JoinAndLeaveAreAnnounced) {
  subscribe("kept:a", alice_);
  subscribe("kept:a", bob_);
  rig_.get(UnsubscribeRequest{"kept:a", bob_});

  const auto got = rig_.delivered<DeliverJoinLeave>();
  ASSERT_THAT(got, SizeIs(3));
  EXPECT_EQ(got[0].info.user, "alice");
  EXPECT_TRUE(got[1].joined);
  EXPECT_EQ(got[2].info.client, "s-bob");
  EXPECT_FALSE(got[2].joined);
}

TEST_F(ChannelCommandsTest, OwnJoinComesAfterTheAnswer) {
  auto answer = rig_.begin(SubscribeRequest{"kept:a", alice_, {}, {}});

  bool answered_before = false;
  rig_.before_delivery = [&] { answered_before = answer->has_value(); };

  rig_.world.run_until_idle();

  EXPECT_THAT(rig_.delivered<DeliverJoinLeave>(), SizeIs(1));
  EXPECT_TRUE(answered_before);
}

TEST_F(ChannelCommandsTest, ServerPublishKeepsHistoryUnlessToldNotTo) {
  ServerPublish publish{"kept:a", {}, false};
  publish.publication.data = SharedBytes("1");
  EXPECT_EQ(rig_.get(publish).position.offset, 1u);
  publish.options.skip_history = true;
  EXPECT_EQ(rig_.get(publish).position.offset, 0u);
}

TEST_F(ChannelCommandsTest, ServerPublishOfNoJsonIsRefused) {
  ServerPublish publish{"kept:a", {}, false};
  publish.publication.data = SharedBytes("{\"a\":");

  EXPECT_EQ(rig_.get(publish).error.code, error_code::kBadRequest);
}

TEST_F(ChannelCommandsTest, ServerPublishLeavesInOneLine) {
  subscribe("news", alice_);
  ServerPublish publish{"news", {}, false};
  publish.publication.data = SharedBytes("{\n\"a\":1}");

  ASSERT_TRUE(rig_.get(publish).ok());

  EXPECT_EQ(rig_.delivered<DeliverPublication>().at(0).publication->data.view().find('\n'),
            std::string_view::npos);
}

TEST_F(ChannelCommandsTest, PositionsAreTheBrokersInAMemoryChannel) {
  subscribe("kept:a", alice_);
  ServerPublish publish{"kept:a", {}, true};
  publish.publication.data = SharedBytes("1");
  publish.publication.offset = 9;

  EXPECT_EQ(rig_.get(publish).error.code, error_code::kBadRequest);
}

}  // namespace
}  // namespace lcg::broker
