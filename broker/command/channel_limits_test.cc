// Names used once: what stays of a channel that nobody is in, and whom a full table refuses.
#include <gmock/gmock.h>

#include <set>

#include "broker/command/channel_commands.h"
#include "broker/testing/channel_fixture.h"

namespace lcg::broker {
namespace {

class ChannelLimitsTest : public ChannelFixture {
 protected:
  static BrokerConfig make_config(size_t of_namespace, size_t of_client) {
    BrokerConfig config;
    ChannelOptions chat = open_options();
    chat.name = "chat";
    chat.force_recovery = true;
    chat.history_meta_ttl = std::chrono::hours(720);
    for (Permission* permission : {&chat.subscribe, &chat.publish, &chat.history_read})
      permission->for_anonymous = true;
    ChannelOptions news = chat;
    news.name = "news";
    config.namespaces = {chat, news};
    config.channels = {of_namespace, of_client};
    config.positions_per_lane = 10;
    return config;
  }
  static PeerPtr nobody(std::string session, std::string remote) {
    auto peer = std::make_shared<Peer>(*LaneRig::peer("", std::move(session)));
    peer->remote = std::move(remote);
    return peer;
  }

  SubscribeResponse come(const std::string& channel, const PeerPtr& peer) {
    return rig_.get(SubscribeRequest{channel, peer, {}, {}});
  }
  void go(const std::string& channel, const PeerPtr& peer) { rig_.get(UnsubscribeRequest{channel, peer}); }
  PublishResponse say(const std::string& channel, const PeerPtr& peer) {
    return rig_.get(PublishRequest{channel, peer, SharedBytes("{}")});
  }
  const ChannelTable& table() { return rig_.broker.channels(); }
  uint64_t held(uint32_t space) { return table().channels_of(space); }
  uint64_t remembered(uint32_t space) { return table().positions_of(space); }
  static std::string name(const char* space, int n) { return std::string(space) + ":n" + std::to_string(n); }

  LaneRig rig_{make_config(100, 20)};
  static constexpr uint32_t kChat = 1, kNews = 2;
};

TEST_F(ChannelLimitsTest, ANameThatWasOnlySubscribedToLeavesNothing) {
  for (int n = 0; n < 1000; ++n) {
    ASSERT_TRUE(come(name("chat", n), alice_).ok()) << n;
    go(name("chat", n), alice_);
  }

  EXPECT_EQ(table().size(), 0u);
  EXPECT_EQ(held(kChat), 0u);
  EXPECT_EQ(remembered(kChat), 0u);
}

TEST_F(ChannelLimitsTest, WhoComesBackToAnUntouchedNameFindsItsEpoch) {
  const StreamPosition first = come("chat:a", alice_).position;
  go("chat:a", alice_);
  SubscribeRequest again{"chat:a", alice_, {}, {}};
  again.recover = true;
  again.since = first;

  const SubscribeResponse answer = rig_.get(again);

  EXPECT_TRUE(answer.recovered);
  EXPECT_EQ(answer.position, first);
}

TEST_F(ChannelLimitsTest, ReadingTheHistoryOfANameMakesNoChannel) {
  HistoryRequest request{"chat:a", alice_, false, false, {}, -1};

  EXPECT_TRUE(rig_.get(std::move(request)).ok());

  EXPECT_EQ(table().size(), 0u);
}

TEST_F(ChannelLimitsTest, AnExpiredHistoryLeavesItsPositionAlone) {
  come("chat:a", alice_);
  const StreamPosition top = (say("chat:a", alice_), come("chat:a", bob_).position);
  go("chat:a", alice_);
  go("chat:a", bob_);
  EXPECT_EQ(held(kChat), 1u) << "the publication is kept";

  rig_.world.run_for(Millis(61'000));

  EXPECT_EQ(held(kChat), 0u);
  EXPECT_EQ(remembered(kChat), 1u);
  EXPECT_EQ(come("chat:a", alice_).position, top);
}

TEST_F(ChannelLimitsTest, APositionThatIsTakenUpAgainIsNotCountedAsRemembered) {
  say("chat:a", alice_);
  rig_.world.run_for(Millis(62'000));
  ASSERT_EQ(remembered(kChat), 1u);

  come("chat:a", alice_);

  EXPECT_EQ(remembered(kChat), 0u);
}

// More names than may be remembered: an epoch never comes back with a smaller offset.
TEST_F(ChannelLimitsTest, AForgottenPositionHasANewEpoch) {
  come("chat:a", alice_);
  say("chat:a", alice_);
  SubscribeRequest back{"chat:a", alice_, {}, {}};
  back.recover = true;
  back.since = come("chat:a", bob_).position;
  go("chat:a", alice_);
  go("chat:a", bob_);
  for (int n = 0; n < 10; ++n) say(name("chat", n), alice_);
  rig_.world.run_for(Millis(62'000));
  EXPECT_EQ(remembered(kChat), 10u);

  const SubscribeResponse answer = rig_.get(back);

  EXPECT_FALSE(answer.recovered);
  EXPECT_NE(answer.position.epoch, back.since.epoch);
}

TEST_F(ChannelLimitsTest, AClientFillsItsOwnShareAlone) {
  for (int n = 0; n < 20; ++n) ASSERT_TRUE(come(name("chat", n), alice_).ok());

  const SubscribeResponse refused = come("chat:one-more", alice_);

  EXPECT_EQ(refused.error.code, error_code::kTooManyRequests);
  EXPECT_THAT(refused.error.message, testing::HasSubstr("broker.channels_per_client"));
  EXPECT_EQ(say("news:one-more", LaneRig::peer("alice", "another")).error.code, error_code::kTooManyRequests)
      << "it is the user that counts";
  EXPECT_TRUE(come(name("chat", 0), LaneRig::peer("alice", "third")).ok()) << "what is there is open to her";
  EXPECT_TRUE(come("chat:one-more", bob_).ok());
}

// A token's channels, the personal channel: a client that brought all it may still connects.
TEST_F(ChannelLimitsTest, WhatTheServerSubscribesToIsNotTheClients) {
  for (int n = 0; n < 20; ++n) ASSERT_TRUE(come(name("chat", n), alice_).ok());
  SubscribeRequest by_server{"chat:hers", alice_, {}, {}};
  by_server.server_side = true;

  EXPECT_TRUE(rig_.get(by_server).ok());

  go("chat:hers", alice_);
  go(name("chat", 0), alice_);
  EXPECT_TRUE(come("chat:one-more", alice_).ok());
  EXPECT_FALSE(come("chat:two-more", alice_).ok()) << "what the server brought gave nothing back";
}

TEST_F(ChannelLimitsTest, AClientsShareComesBackWithItsChannels) {
  for (int n = 0; n < 20; ++n) come(name("chat", n), alice_);
  go(name("chat", 7), alice_);

  EXPECT_TRUE(come("chat:one-more", alice_).ok());
}

TEST_F(ChannelLimitsTest, WithoutAUserTheAddressCounts) {
  const PeerPtr first = nobody("s1", "192.0.2.1:1"), second = nobody("s2", "192.0.2.1:2");
  for (int n = 0; n < 10; ++n) {
    come(name("chat", n), first);
    come(name("news", n), second);
  }

  EXPECT_EQ(come("chat:x", second).error.code, error_code::kTooManyRequests);
  EXPECT_TRUE(come("chat:x", nobody("s3", "192.0.2.2:1")).ok());
}

TEST_F(ChannelLimitsTest, AnIPv6HostIsItsNetwork) {
  int n = 0;
  for (const char* remote : {"[2001:db8::1]:5", "[2001:db8::2]:6", "2001:db8::3", "[2001:db8:0:0::4]:7"})
    for (int i = 0; i < 5; ++i, ++n) come(name("chat", n), nobody("s" + std::to_string(n), remote));

  EXPECT_FALSE(come("chat:x", nobody("x", "[2001:db8::5]:8")).ok());
  EXPECT_TRUE(come("chat:x", nobody("x", "[2001:db8:0:1::1]:8")).ok());
}

TEST_F(ChannelLimitsTest, AFullNamespaceRefusesNothingInAnother) {
  for (int n = 0; n < 100; ++n) {
    ASSERT_TRUE(come(name("chat", n), LaneRig::peer("u" + std::to_string(n / 20), "s")).ok());
  }

  const SubscribeResponse refused = come("chat:one-more", bob_);

  EXPECT_EQ(refused.error.code, error_code::kTooManyRequests);
  EXPECT_TRUE(refused.error.temporary);
  EXPECT_THAT(refused.error.message, testing::HasSubstr("broker.channels_per_lane"));
  EXPECT_TRUE(come("news:one-more", bob_).ok());
  EXPECT_EQ(held(kChat), 100u);
  EXPECT_EQ(held(kNews), 1u);
}

// The list is made a piece a turn: what is seen of it while it is under way is neither lost nor twice.
TEST_F(ChannelLimitsTest, AListIsMadeInStepsWhileChannelsComeAndGo) {
  LaneRig big(make_config(100'000, 100'000));
  for (int n = 0; n < 5000; ++n) big.begin(SubscribeRequest{name("chat", n), alice_, {}, {}});
  big.world.run_until_idle();

  const auto list = big.begin(ListChannels{"", 10'000});
  const auto behind = big.begin(PresenceRequest{"chat:n1", nullptr, true});
  for (int n = 0; n < 200; ++n) {
    big.begin(SubscribeRequest{name("news", n), alice_, {}, {}});
    big.begin(UnsubscribeRequest{name("news", n), alice_});
  }
  big.world.run_until([&] { return behind->has_value(); });
  EXPECT_FALSE(list->has_value()) << "what comes behind it does not wait for it";
  big.world.run_until([&] { return list->has_value(); });

  std::set<std::string> chat;
  for (const auto& [channel, sessions] : (*list)->channels)
    if (channel.starts_with("chat:")) {
      EXPECT_TRUE(chat.insert(channel).second) << channel;
    }
  EXPECT_EQ(chat.size(), 5000u);
}

// Each name is compared with the pattern a hundred times over: fewer of them make a step.
TEST_F(ChannelLimitsTest, ACostlyPatternMakesMoreSteps) {
  LaneRig big(make_config(100'000, 100'000));
  for (int n = 0; n < 300; ++n) {
    const std::string channel = "chat:" + std::string(150, 'a') + std::to_string(n);
    big.begin(SubscribeRequest{channel, alice_, {}, {}});
  }
  big.world.run_until_idle();
  const auto cheap = big.begin(ListChannels{"chat:*", 10'000});
  const auto behind_cheap = big.begin(PresenceRequest{"chat:n1", nullptr, true});
  big.world.run_until([&] { return behind_cheap->has_value(); });
  EXPECT_TRUE(cheap->has_value()) << "one step";

  const auto costly =
      big.begin(ListChannels{"*" + std::string(70, 'a') + "*" + std::string(70, 'a') + "b", 10'000});
  const auto behind = big.begin(PresenceRequest{"chat:n1", nullptr, true});
  big.world.run_until([&] { return behind->has_value(); });

  EXPECT_FALSE(costly->has_value());
  big.world.run_until([&] { return costly->has_value(); });
  EXPECT_TRUE((*costly)->ok());
}

TEST_F(ChannelLimitsTest, AWalkWhoseTimeIsOverSaysSo) {
  BrokerConfig config = make_config(100, 20);
  config.walk_time = Millis(0);
  LaneRig late(config);

  const ListChannelsResponse listed = late.get(ListChannels{"", 10});
  const InspectResponse inspected = late.get(Inspect{Inspect::What::kChannels, "", 10});

  EXPECT_TRUE(listed.error.temporary);
  EXPECT_THAT(listed.error.message, testing::HasSubstr("in time"));
  EXPECT_THAT(inspected.error.message, testing::HasSubstr("in time"));
}

}  // namespace
}  // namespace lcg::broker
