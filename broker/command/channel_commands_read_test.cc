// Recovery, history, presence and lists. Source: client-protocol 1.8, 1.9, 2, 4.
#include "broker/testing/channel_fixture.h"

namespace lcg::broker {
namespace {

using testing::SizeIs;
using testing::UnorderedElementsAre;

// ---- Recovery, section 2 rule by rule.

class RecoveryRuleTest : public ChannelFixture {
 protected:
  void begin(RecoveryMode mode = RecoveryMode::kStream, bool automatic = false, uint32_t history = 10) {
    ChannelOptions options = open_options();
    options.force_recovery = true;
    options.recovery_mode = mode;
    options.auto_cache_recover = automatic;
    options.history_size = history;
    start(options);
    epoch_ = subscribe(bob_).position.epoch;
  }
  void publish_many(int count) {
    for (int i = 0; i < count; ++i) publish(std::to_string(i));
  }
  SubscribeResponse recover(uint64_t offset, std::string epoch) {
    SubscribeRequest wish = request(alice_);
    wish.recover = true;
    wish.since = {offset, std::move(epoch)};
    return rig().get(std::move(wish));
  }
  static void expect_lost(const SubscribeResponse& answer, uint64_t top) {
    EXPECT_TRUE(answer.ok() && answer.was_recovering);
    EXPECT_FALSE(answer.recovered);
    EXPECT_THAT(answer.publications, SizeIs(0));
    EXPECT_EQ(answer.position.offset, top);
  }
  std::string epoch_;
};

TEST_F(RecoveryRuleTest, AllThatWasMissedFromTheOffsetAskedFor) {
  begin();
  publish_many(5);

  const SubscribeResponse answer = recover(2, epoch_);

  EXPECT_TRUE(answer.recovered && answer.was_recovering);
  EXPECT_EQ(answer.position, (StreamPosition{2, epoch_}));
  ASSERT_THAT(answer.publications, SizeIs(3));
  EXPECT_EQ(answer.publications.front()->offset, 3u);
}

TEST_F(RecoveryRuleTest, NothingMissedIsRecoveredAtTheTop) {
  begin();
  publish_many(5);

  const SubscribeResponse answer = recover(5, epoch_);

  EXPECT_TRUE(answer.recovered);
  EXPECT_THAT(answer.publications, SizeIs(0));
  EXPECT_EQ(answer.position.offset, 5u);
}

TEST_F(RecoveryRuleTest, AnotherEpochIsNot) {
  begin();
  publish_many(5);

  expect_lost(recover(2, "otherone"), 5);
}

TEST_F(RecoveryRuleTest, NoEpochMatchesAny) {
  begin();
  publish_many(5);

  EXPECT_TRUE(recover(2, "").recovered);
}

TEST_F(RecoveryRuleTest, MoreThanTheHistoryHoldsIsNot) {
  begin(RecoveryMode::kStream, false, 3);
  publish_many(5);

  EXPECT_TRUE(recover(2, epoch_).recovered);
  expect_lost(recover(1, epoch_), 5);
}

TEST_F(RecoveryRuleTest, MoreThanThreeHundredIsNot) {
  begin(RecoveryMode::kStream, false, 1000);
  publish_many(301);

  EXPECT_TRUE(recover(1, epoch_).recovered);
  expect_lost(recover(0, epoch_), 301);
}

TEST_F(RecoveryRuleTest, AnOffsetThatNeverWasIsNot) {
  begin();
  publish_many(5);

  expect_lost(recover(6, epoch_), 5);
}

TEST_F(RecoveryRuleTest, ExpiredContentsAreNotUnlessNothingWasMissed) {
  begin();
  publish_many(5);
  rig().world.run_for(Millis(60'001));

  expect_lost(recover(4, epoch_), 5);
  EXPECT_TRUE(recover(5, epoch_).recovered);
}

TEST_F(RecoveryRuleTest, RemovedContentsAreNot) {
  begin();
  publish_many(5);
  ASSERT_TRUE(rig().get(HistoryRemove{"c:a"}).ok());

  expect_lost(recover(4, epoch_), 5);
}

TEST_F(RecoveryRuleTest, WhoMayNotRecoverSubscribesAllTheSame) {
  ChannelOptions options = open_options();
  options.history_read = {};
  start(options);
  publish_many(3);

  const SubscribeResponse answer = recover(1, "");

  EXPECT_TRUE(answer.ok() && answer.was_recovering);
  EXPECT_FALSE(answer.recoverable || answer.recovered);
}

TEST_F(RecoveryRuleTest, AReadOfAnUnknownChannelMakesItsEpoch) {
  ChannelOptions options = open_options();
  options.force_recovery = true;
  start(options);

  const SubscribeResponse answer = subscribe(alice_);

  EXPECT_EQ(answer.position.offset, 0u);
  EXPECT_THAT(answer.position.epoch, SizeIs(8));
}

TEST_F(RecoveryRuleTest, CacheModeSendsTheLatestAlone) {
  begin(RecoveryMode::kCache);
  publish_many(5);

  const SubscribeResponse answer = recover(1, "otherone");

  EXPECT_TRUE(answer.recovered);
  ASSERT_THAT(answer.publications, SizeIs(1));
  EXPECT_EQ(answer.publications[0]->offset, 5u);
  EXPECT_EQ(answer.position, (StreamPosition{4, epoch_})) << "the one it continues from";
}

TEST_F(RecoveryRuleTest, CacheModeSendsNothingToWhoHasTheLatest) {
  begin(RecoveryMode::kCache);
  publish_many(5);

  const SubscribeResponse answer = recover(5, epoch_);

  EXPECT_TRUE(answer.recovered);
  EXPECT_THAT(answer.publications, SizeIs(0));
  EXPECT_EQ(answer.position.offset, 5u);
}

TEST_F(RecoveryRuleTest, CacheModeWithoutALatestRecoversWhoIsAtTheTop) {
  begin(RecoveryMode::kCache);
  publish_many(5);
  rig().world.run_for(Millis(60'001));

  EXPECT_TRUE(recover(5, epoch_).recovered);
  expect_lost(recover(4, epoch_), 5);
}

TEST_F(RecoveryRuleTest, CacheModeWaitsToBeAsked) {
  begin(RecoveryMode::kCache);
  publish_many(2);

  EXPECT_THAT(subscribe(alice_).publications, SizeIs(0));
}

TEST_F(RecoveryRuleTest, AutoCacheRecoverDoesNot) {
  begin(RecoveryMode::kCache, true);
  publish_many(2);

  const SubscribeResponse answer = subscribe(alice_);

  EXPECT_TRUE(answer.recovered);
  EXPECT_FALSE(answer.was_recovering);
  EXPECT_THAT(answer.publications, SizeIs(1));
}

TEST_F(RecoveryRuleTest, AGrantMayAskForTheLatest) {
  begin();
  publish_many(2);
  SubscribeGrant grant;
  grant.cache_recover = true;
  SubscribeRequest wish = request(alice_);
  wish.server_side = true;
  wish.grant = std::make_shared<const SubscribeGrant>(grant);

  EXPECT_THAT(rig().get(wish).publications, SizeIs(1));
}

// ---- History.

using HistoryTest = ChannelFixture;

TEST_F(HistoryTest, TheServerNeedsNoPermission) {
  ChannelOptions options = open_options();
  options.history_read = {};
  start(options);
  publish();

  EXPECT_THAT(history().publications, SizeIs(1));
  EXPECT_EQ(rig().get(HistoryRequest{"c:a", alice_}).error.code, error_code::kPermissionDenied);
}

TEST_F(HistoryTest, AnotherEpochIsUnrecoverable) {
  publish();
  HistoryRequest wish{"c:a", nullptr, true, false, {0, "otherone"}, 10};

  EXPECT_EQ(rig().get(wish).error.code, error_code::kUnrecoverablePosition);
}

TEST_F(HistoryTest, BackwardsFromAnOffset) {
  for (int i = 0; i < 5; ++i) publish();
  HistoryRequest wish{"c:a", nullptr, true, true, {4, ""}, 2};

  const HistoryResponse answer = rig().get(wish);

  ASSERT_THAT(answer.publications, SizeIs(2));
  EXPECT_EQ(answer.publications[0]->offset, 3u);
  EXPECT_EQ(answer.publications[1]->offset, 2u);
}

TEST_F(HistoryTest, RemovedContentsLeaveThePosition) {
  publish();
  ASSERT_TRUE(rig().get(HistoryRemove{"c:a"}).ok());

  const HistoryResponse answer = history();
  EXPECT_THAT(answer.publications, SizeIs(0));
  EXPECT_EQ(answer.position.offset, 1u);
}

TEST_F(HistoryTest, OnlyAHistoryCanBeRemoved) {
  EXPECT_TRUE(rig().get(HistoryRemove{"c:nothing_there"}).ok());
  EXPECT_EQ(rig().get(HistoryRemove{"plain"}).error.code, error_code::kNotAvailable);
  EXPECT_EQ(rig().get(HistoryRemove{"nowhere:a"}).error.code, error_code::kUnknownChannel);
}

// ---- Presence and lists.

using PresenceTest = ChannelFixture;

TEST_F(PresenceTest, TheServerNeedsNoPermission) {
  ChannelOptions options = open_options();
  options.presence_read = {};
  start(options);
  subscribe(alice_);

  EXPECT_THAT(presence().clients, SizeIs(1));
  EXPECT_EQ(rig().get(PresenceRequest{"c:a", alice_}).error.code, error_code::kPermissionDenied);
}

TEST_F(PresenceTest, StatisticsNameNobody) {
  subscribe(alice_);
  subscribe(bob_);

  const PresenceResponse answer = rig().get(PresenceRequest{"c:a", nullptr, true});

  EXPECT_EQ(answer.num_clients, 2u);
  EXPECT_EQ(answer.num_users, 2u);
  EXPECT_THAT(answer.clients, SizeIs(0));
}

class ListTest : public ChannelFixture {
 protected:
  void SetUp() override {
    for (const char* channel : {"c:a", "c:b", "c:room"}) {
      SubscribeRequest wish = request(alice_);
      wish.channel = channel;
      rig().get(std::move(wish));
    }
    subscribe(bob_);
    PublishRequest unheard{"c:unheard", alice_, SharedBytes(std::string_view("1"))};
    rig().get(std::move(unheard));
  }
  std::vector<std::string> names(std::string pattern) {
    std::vector<std::string> out;
    for (const auto& [name, sessions] : rig().get(ListChannels{std::move(pattern)}).channels)
      out.push_back(name);
    return out;
  }
};

TEST_F(ListTest, ChannelsWithSubscribers) {
  EXPECT_THAT(rig().get(ListChannels{"c:a"}).channels,
              UnorderedElementsAre(std::pair(std::string("c:a"), 2u)));
  EXPECT_THAT(names(""), UnorderedElementsAre("c:a", "c:b", "c:room"));
}

TEST_F(ListTest, AreMatched) {
  EXPECT_THAT(names("c:?"), UnorderedElementsAre("c:a", "c:b"));
  EXPECT_THAT(names("*r*m"), UnorderedElementsAre("c:room"));
}

TEST_F(ListTest, AreBounded) {
  const ListChannelsResponse two = rig().get(ListChannels{"", 2});
  EXPECT_THAT(two.channels, SizeIs(2));
  EXPECT_TRUE(two.more);
  EXPECT_FALSE(rig().get(ListChannels{"", 3}).more);
}

TEST_F(ListTest, AreCounted) {
  BrokerConfig config;
  config.namespaces = {open_options()};
  LaneRig lane(config);
  const LaneContext context{lane.world.lane(0), lane.bus,   lane.host, lane.config,
                            lane.namespaces,    lane.slots, 0};
  LaneContext mine = context;
  ChannelCommands commands(mine);
  lane.world.on(lane.world.lane(0), [&] {
    commands.subscribe(request(alice_), [](SubscribeResponse) {});
    commands.subscribe(request(alice_), [](SubscribeResponse) {});
    commands.subscribe(request(bob_), [](SubscribeResponse) {});
  });
  EXPECT_EQ(commands.counts().occupied, 1u);
  EXPECT_EQ(commands.counts().subscriptions, 2u);

  lane.world.on(lane.world.lane(0), [&] {
    for (const PeerPtr& peer : {alice_, alice_, bob_})
      commands.unsubscribe({"c:a", peer}, [](UnsubscribeResponse) {});
  });
  EXPECT_EQ(commands.counts().occupied, 0u);
  EXPECT_EQ(commands.counts().subscriptions, 0u);
}

}  // namespace
}  // namespace lcg::broker
