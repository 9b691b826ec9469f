// The slot of a user: events of connections, the server API about users, blocks, who is online.
#include "broker/command/user_commands.h"

#include <gmock/gmock.h>

#include "broker/testing/lane_rig.h"

namespace lcg::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr uint32_t kBoth = 1u << LCG_EVENT_CONNECT | 1u << LCG_EVENT_DISCONNECT;

class UserCommandsTest : public testing::Test {
 protected:
  explicit UserCommandsTest(BrokerConfig config = {}) : rig_(std::move(config)) {}
  static BindSession request(std::string user, std::string device, std::string session,
                             int64_t accepted_ns = 0) {
    auto peer = std::make_shared<Peer>();
    peer->user = std::move(user);
    peer->device = std::move(device);
    peer->session = std::move(session);
    return {peer, 0, "js", "5", {}, MonoTime{accepted_ns}};
  }
  BindSessionResponse bind(BindSession what) { return rig_.get(std::move(what)); }
  std::vector<std::string> events() const {
    std::vector<std::string> out;
    for (const host::EventRequest& event : rig_.host.events) {
      const std::string what = event.kind == LCG_EVENT_CONNECT ? "+" : "-";
      out.push_back(what + event.peer->session + (event.code != 0 ? " " + std::to_string(event.code) : ""));
    }
    return out;
  }
  std::vector<std::string> closed() const {
    std::vector<std::string> out;
    for (const DeliverDisconnect& d : rig_.delivered<DeliverDisconnect>())
      out.push_back(d.session + " " + std::to_string(d.disconnect.code));
    return out;
  }
  int64_t now_ms() { return rig_.world.lane(0).clock().wall_ms(); }
  LaneRig rig_;
};

// --- events --------------------------------------------------------------------------------------

TEST_F(UserCommandsTest, AConnectIsToldBeforeItIsAnsweredAndADisconnectAfter) {
  rig_.host.events_wanted = kBoth;
  const BindSession session = request("u", "d", "s1");
  bind(session);
  rig_.get(SessionClosed{session.peer, 3001});

  EXPECT_THAT(events(), ElementsAre("+s1", "-s1 3001"));
  EXPECT_EQ(rig_.host.events[0].client_name, "js");
  EXPECT_EQ(rig_.host.events[0].slot, slot_of_key("u", 16));
  EXPECT_EQ(rig_.host.events[1].reason, "shutdown");
}

TEST_F(UserCommandsTest, AConnectWaitsForThePlugins) {
  rig_.host.events_wanted = kBoth;
  host::EventFn answer;
  rig_.host.on_event = [&](host::EventRequest, host::EventFn done) { answer = std::move(done); };
  const auto bound = rig_.begin(request("u", "d", "s1"));
  rig_.world.run_for(Millis(100));
  EXPECT_FALSE(bound->has_value());

  rig_.world.on(rig_.world.lane(0), [&] { answer(true); });
  rig_.world.run_until_idle();

  EXPECT_TRUE((*bound)->ok());
}

TEST_F(UserCommandsTest, AConnectThatIsNotTakenFailsAndItsEndIsTold) {
  rig_.host.events_wanted = kBoth;
  rig_.host.on_event = [](host::EventRequest event, host::EventFn done) {
    done(event.kind != LCG_EVENT_CONNECT);
  };
  const BindSession session = request("u", "d", "s1");

  EXPECT_EQ(bind(session).error.code, error_code::kInternal);
  rig_.get(SessionClosed{session.peer, 3502});

  EXPECT_THAT(events(), ElementsAre("+s1", "-s1 3004")) << "once";
  EXPECT_THAT(rig_.get(ListSessions{"u"}).sessions, IsEmpty());
}

TEST_F(UserCommandsTest, ASessionThatEndsWhileItsConnectIsToldDoesNotComeIn) {
  rig_.host.events_wanted = kBoth;
  host::EventFn answer;
  rig_.host.on_event = [&](host::EventRequest event, host::EventFn done) {
    event.kind == LCG_EVENT_CONNECT ? static_cast<void>(answer = std::move(done)) : done(true);
  };
  const BindSession session = request("u", "d", "s1");
  const auto bound = rig_.begin(session);
  rig_.world.run_for(Millis(100));
  rig_.get(SessionClosed{session.peer, 3000});
  rig_.world.on(rig_.world.lane(0), [&] { answer(true); });
  rig_.world.run_until_idle();

  EXPECT_FALSE((*bound)->ok());
  EXPECT_THAT(events(), ElementsAre("+s1", "-s1 3000"));
}

TEST_F(UserCommandsTest, OneThatIsReplacedEndsWhenItsGatewaySaysSo) {
  rig_.host.events_wanted = kBoth;
  const BindSession first = request("u", "d", "s1");
  bind(first);
  bind(request("u", "d", "s2"));
  rig_.get(SessionClosed{first.peer, 3011});
  rig_.get(SessionClosed{first.peer, 3011});

  EXPECT_THAT(events(), ElementsAre("+s1", "+s2", "-s1 3011"));
}

TEST_F(UserCommandsTest, OneThatNeverCameInHasNoEnd) {
  rig_.host.events_wanted = kBoth;
  rig_.get(SessionClosed{request("u", "d", "s1").peer, 3000});

  EXPECT_THAT(events(), IsEmpty());
}

// --- which of two connections of a device stays --------------------------------------------------

TEST_F(UserCommandsTest, TheConnectionThatWasAcceptedLaterStaysWhicheverBindComesFirst) {
  ASSERT_TRUE(bind(request("u", "d", "late", 2000)).ok());

  EXPECT_EQ(bind(request("u", "d", "early", 1000)).disconnect.code, disconnect_code::kForceReconnect);
  EXPECT_THAT(closed(), IsEmpty());
}

TEST_F(UserCommandsTest, AnEarlierOneIssuesNoEpoch) {
  ASSERT_EQ(bind(request("u", "d", "late", 2000)).device_epoch, 1u);
  bind(request("u", "d", "early", 1000));
  BindSession next = request("u", "d", "next", 3000);
  next.claimed_epoch = 1;

  EXPECT_EQ(bind(next).device_epoch, 1u);
}

TEST_F(UserCommandsTest, ClocksOfTwoNodesAreNotCompared) {
  ASSERT_TRUE(bind(request("u", "d", "s1", 2000)).ok());
  BindSession other = request("u", "d", "s2", 1000);
  other.peer->gateway.node = 1;

  EXPECT_TRUE(bind(other).ok()) << "the order of the binds decides";
}

TEST_F(UserCommandsTest, AnEarlierOneIsRefusedWhileTheLaterIsUnderWay) {
  rig_.host.hold_calls = true;
  auto late = rig_.begin(request("u", "d", "late", 2000));
  auto early = rig_.begin(request("u", "d", "early", 1000));
  rig_.world.run_for(Millis(10));
  rig_.host.hold_calls = false;
  rig_.world.on(rig_.world.lane(0), [&] {
    ASSERT_EQ(rig_.host.held.size(), 2u);
    rig_.host.held[1]();
    rig_.host.held[0]();
  });
  rig_.world.run_until_idle();

  EXPECT_TRUE((*late)->ok());
  EXPECT_EQ((*late)->device_epoch, 1u);
  EXPECT_EQ((*early)->disconnect.code, disconnect_code::kForceReconnect);
}

// --- one connection a user -----------------------------------------------------------------------

class SingleConnection : public UserCommandsTest {
 protected:
  static BrokerConfig make_config() {
    BrokerConfig config;
    config.personal.enabled = true;
    config.registry.single_connection = true;
    config.registry.sessions_per_user = 1;
    return config;
  }
  SingleConnection() : UserCommandsTest(make_config()) {}
};

TEST_F(SingleConnection, TheNewOneClosesTheOthersOfTheUser) {
  bind(request("u", "a", "s1", 1));
  bind(request("v", "a", "s2", 2));
  EXPECT_TRUE(bind(request("u", "b", "s3", 3)).ok());

  EXPECT_THAT(closed(), ElementsAre("s1 3504"));
}

TEST_F(SingleConnection, AnOlderOneThatComesLateIsRefused) {
  bind(request("u", "a", "s2", 2));
  EXPECT_EQ(bind(request("u", "b", "s1", 1)).disconnect.code, disconnect_code::kConnectionLimit);
  EXPECT_THAT(closed(), IsEmpty());
}

TEST_F(SingleConnection, AnonymousOnesAreNobodys) {
  bind(request("", "a", "a", 1));
  bind(request("", "b", "b", 2));
  EXPECT_THAT(closed(), IsEmpty());
}

// --- the server API ------------------------------------------------------------------------------

TEST_F(UserCommandsTest, SubscribeGoesToEverySessionOfTheUser) {
  bind(request("u", "a", "s1"));
  bind(request("u", "b", "s2"));
  bind(request("v", "a", "s3"));
  SubscribeUser what{"u", "", "news", std::make_shared<SubscribeGrant>(), true, {7, "e"}};

  EXPECT_EQ(rig_.get(what).sessions, 2u);

  const auto told = rig_.delivered<DeliverSubscribe>();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].channel, "news");
  EXPECT_EQ(told[0].grant, what.grant);
  EXPECT_TRUE(told[0].recover);
  EXPECT_EQ(told[0].since, (StreamPosition{7, "e"}));
}

TEST_F(UserCommandsTest, OneSessionMayBeNamed) {
  bind(request("u", "a", "s1"));
  bind(request("u", "b", "s2"));

  EXPECT_EQ(rig_.get(UnsubscribeUser{"u", "s2", 2000, "bye"}).sessions, 1u);
  EXPECT_EQ(rig_.get(UnsubscribeUser{"u", "s9", 2000, ""}).sessions, 0u);

  const auto told = rig_.delivered<DeliverUnsubscribe>();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].session, "s2");
  EXPECT_EQ(told[0].channel, "");
  EXPECT_EQ(told[0].reason, "bye");
}

TEST_F(UserCommandsTest, RefreshGoesToTheGateway) {
  bind(request("u", "a", "s1"));

  EXPECT_EQ(rig_.get(RefreshUser{"u", "", true, 0, SharedBytes("1")}).sessions, 1u);

  const auto told = rig_.delivered<DeliverRefresh>();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_TRUE(told[0].expired);
  EXPECT_EQ(told[0].info.view(), "1");
}

TEST_F(UserCommandsTest, ASessionIsFoundByItsNameAlone) {
  bind(request("u", "a", "s1"));
  bind(request("u", "b", "s2"));

  EXPECT_EQ(rig_.get(RefreshUser{"", "s2", true, 0, {}}).sessions, 1u);
  EXPECT_EQ(rig_.get(UnsubscribeUser{"", "gone", 2000, ""}).sessions, 0u);

  const auto told = rig_.delivered<DeliverRefresh>();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].session, "s2");
}

TEST_F(UserCommandsTest, NobodyIsABadRequest) {
  EXPECT_EQ(rig_.get(RefreshUser{}).error.code, error_code::kBadRequest);
  EXPECT_EQ(rig_.get(UnsubscribeUser{}).error.code, error_code::kBadRequest);
  EXPECT_EQ(rig_.get(SubscribeUser{}).error.code, error_code::kBadRequest);
  SubscribeUser nowhere;
  nowhere.user = "u";
  nowhere.channel = "nowhere:a";
  EXPECT_EQ(rig_.get(nowhere).error.code, error_code::kUnknownChannel);
  EXPECT_EQ(rig_.get(BlockUser{}).error.code, error_code::kBadRequest);
  EXPECT_EQ(rig_.get(UserStatus{}).error.code, error_code::kBadRequest);
  EXPECT_EQ(rig_.get(ListSessions{}).error.code, error_code::kBadRequest);
}

TEST_F(UserCommandsTest, DisconnectSparesTheExceptions) {
  bind(request("u", "a", "s1"));
  bind(request("u", "b", "s2"));
  DisconnectSessions what;
  what.user = "u";
  what.disconnect = make_disconnect(disconnect_code::kForceDisconnect);
  what.except = {"s2"};

  EXPECT_EQ(rig_.get(what).closed, 1u);
  EXPECT_THAT(closed(), ElementsAre("s1 3503"));
}

TEST_F(UserCommandsTest, SessionsAreListedWithWhatTheyAre) {
  bind(request("u", "a", "s1"));
  bind(request("u", "b", "s2"));

  const ListSessionsResponse list = rig_.get(ListSessions{"u"});

  ASSERT_THAT(list.sessions, SizeIs(2));
  EXPECT_EQ(list.sessions[0].name, "js");
  EXPECT_EQ(list.sessions[0].version, "5");
  EXPECT_GT(list.sessions[0].connected_ms, 0);
  EXPECT_THAT((std::vector{list.sessions[0].peer->session, list.sessions[1].peer->session}),
              UnorderedElementsAre("s1", "s2"));
}

TEST_F(UserCommandsTest, TheNodeCountsAnonymousSessionsAsOneUser) {
  bind(request("u", "a", "s1"));
  bind(request("u", "b", "s2"));
  bind(request("", "x", "x"));
  const BindSession last = request("", "y", "y");
  bind(last);
  NodeInfoResponse info = rig_.get(NodeInfo{});
  EXPECT_EQ(info.clients, 4u);
  EXPECT_EQ(info.users, 2u);

  rig_.get(SessionClosed{last.peer, 3000});
  info = rig_.get(NodeInfo{});

  EXPECT_EQ(info.clients, 3u);
  EXPECT_EQ(info.users, 2u);
}

// --- status --------------------------------------------------------------------------------------

TEST_F(UserCommandsTest, AUserIsOnlineUntilHisLastSessionEnds) {
  EXPECT_EQ(rig_.get(UserStatus{"u"}).last_seen_ms, 0);
  const BindSession a = request("u", "a", "s1"), b = request("u", "b", "s2");
  bind(a);
  bind(b);
  rig_.get(SessionClosed{a.peer, 3000});
  EXPECT_TRUE(rig_.get(UserStatus{"u"}).online);
  rig_.world.run_for(Millis(5000));
  const int64_t left = now_ms();
  rig_.get(SessionClosed{b.peer, 3000});
  rig_.world.run_for(Millis(60'000));

  const UserStatusResponse status = rig_.get(UserStatus{"u"});

  EXPECT_FALSE(status.online);
  EXPECT_GE(status.last_seen_ms, left);
  EXPECT_LT(status.last_seen_ms, left + 1000);
}

TEST_F(UserCommandsTest, WhenAUserWasSeenSurvivesARestart) {
  const BindSession session = request("u", "a", "s1");
  bind(session);
  rig_.get(SessionClosed{session.peer, 3000});
  LaneRig after;
  after.store.rows = rig_.store.rows;

  EXPECT_GT(after.get(UserStatus{"u"}).last_seen_ms, 0);
}

// --- blocks --------------------------------------------------------------------------------------

TEST_F(UserCommandsTest, ABlockClosesWhoIsThereAndKeepsThemOut) {
  bind(request("u", "a", "s1"));
  bind(request("v", "a", "s2"));

  EXPECT_EQ(rig_.get(BlockUser{"u", INT64_MAX}).sessions, 1u);

  EXPECT_THAT(closed(), ElementsAre("s1 3507"));
  EXPECT_EQ(bind(request("u", "b", "s3")).disconnect.code, disconnect_code::kPermissionDenied);
  EXPECT_TRUE(bind(request("v", "b", "s4")).ok());
  EXPECT_EQ(rig_.get(UserStatus{"u"}).blocked_until_ms, INT64_MAX);
}

TEST_F(UserCommandsTest, ABlockHoldsForSessionsWithoutADevice) {
  rig_.get(BlockUser{"u", INT64_MAX});
  BindSession ephemeral = request("u", "s1", "s1");
  ephemeral.peer->ephemeral_device = true;

  EXPECT_EQ(bind(ephemeral).disconnect.code, disconnect_code::kPermissionDenied);
}

TEST_F(UserCommandsTest, ABlockEndsAtItsTime) {
  rig_.get(BlockUser{"u", now_ms() + 60'000});
  EXPECT_FALSE(bind(request("u", "a", "s1")).ok());
  rig_.world.run_for(Millis(60'001));

  EXPECT_TRUE(bind(request("u", "a", "s2")).ok());
  EXPECT_EQ(rig_.get(UserStatus{"u"}).blocked_until_ms, 0);
}

TEST_F(UserCommandsTest, ABlockIsLifted) {
  rig_.get(BlockUser{"u", INT64_MAX});
  EXPECT_TRUE(rig_.get(BlockUser{"u", 0}).ok());

  EXPECT_TRUE(bind(request("u", "a", "s1")).ok());
}

TEST_F(UserCommandsTest, ABlockSurvivesARestart) {
  rig_.get(BlockUser{"u", INT64_MAX});
  LaneRig after;
  after.store.rows = rig_.store.rows;

  EXPECT_EQ(after.get(request("u", "a", "s1")).disconnect.code, disconnect_code::kPermissionDenied);
}

// The connection has been found not to be blocked, and waits for the store, when the block is written.
TEST_F(UserCommandsTest, WhoIsOnTheWayWhenTheBlockIsWrittenIsRefused) {
  rig_.host.hold_calls = true;
  const auto bound = rig_.begin(request("u", "a", "s1"));
  const auto run_held = [&](size_t index) {
    rig_.world.run_for(Millis(1));
    rig_.world.on(rig_.world.lane(0), [&] { rig_.host.held.at(index)(); });
    rig_.world.run_for(Millis(1));
  };
  run_held(0);  // reads the block: none
  const auto block = rig_.begin(BlockUser{"u", INT64_MAX});
  rig_.world.run_for(Millis(1));
  run_held(2);  // writes the block
  run_held(1);  // reads the device's epoch
  ASSERT_TRUE(block->has_value());
  rig_.host.hold_calls = false;
  rig_.world.run_until_idle();

  ASSERT_TRUE(bound->has_value());
  EXPECT_EQ((*bound)->disconnect.code, disconnect_code::kPermissionDenied);
  EXPECT_THAT(rig_.get(ListSessions{"u"}).sessions, IsEmpty());
}

TEST_F(UserCommandsTest, WithoutTheStoreNobodyComesInAndNobodyIsBlocked) {
  rig_.store.down = true;

  EXPECT_EQ(bind(request("u", "a", "s1")).error.code, error_code::kInternal);
  EXPECT_EQ(rig_.get(BlockUser{"u", INT64_MAX}).error.code, error_code::kInternal);
}

}  // namespace
}  // namespace lcg::broker
