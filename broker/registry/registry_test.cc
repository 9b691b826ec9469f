#include "broker/registry/registry.h"

#include <gmock/gmock.h>

#include <set>

#include "broker/testing/lane_rig.h"

namespace lcg::broker {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class RegistryTest : public testing::Test {
 protected:
  static BrokerConfig make_config() {
    BrokerConfig config;
    config.registry.sessions_per_user = 3;
    return config;
  }
  static BindSession request(std::string user, std::string device, std::string session,
                             uint64_t claimed = 0) {
    auto peer = std::make_shared<Peer>();
    peer->user = std::move(user);
    peer->device = std::move(device);
    peer->session = std::move(session);
    peer->auth = "login-of-" + peer->device;
    return {peer, claimed, "js", "5.5.3", {}};
  }
  BindSessionResponse bind(BindSession what) { return rig_.get(std::move(what)); }
  std::vector<std::string> closed() {
    std::vector<std::string> out;
    for (const DeliverDisconnect& d : rig_.delivered<DeliverDisconnect>())
      out.push_back(d.session + " " + std::to_string(d.disconnect.code));
    return out;
  }
  std::vector<std::string> sessions(std::string user) {
    return rig_.get(Inspect{Inspect::What::kSessions, std::move(user), 100}).rows;
  }

  LaneRig rig_{make_config()};
};

TEST_F(RegistryTest, FirstBindOfADeviceHasEpochOne) {
  BindSession what = request("u", "d", "s1");

  EXPECT_EQ(bind(what).device_epoch, 1u);
  EXPECT_EQ(what.peer->device_epoch, 1u);
}

TEST_F(RegistryTest, TheEpochClaimedRightlyIsKeptWithoutAWrite) {
  bind(request("u", "d", "s1"));
  bool wrote = false;
  rig_.store.before_commit = [&](const ServiceCall&) { wrote = true; };

  EXPECT_EQ(bind(request("u", "d", "s2", 1)).device_epoch, 1u);
  EXPECT_FALSE(wrote);
}

TEST_F(RegistryTest, AClientThatLostItsStorageGetsTheNextEpoch) {
  bind(request("u", "d", "s1"));

  EXPECT_EQ(bind(request("u", "d", "s2", 0)).device_epoch, 2u);
  EXPECT_EQ(bind(request("u", "d", "s3", 2)).device_epoch, 2u);
}

TEST_F(RegistryTest, AWrongClaimGetsTheNextEpoch) {
  bind(request("u", "d", "s1"));

  EXPECT_EQ(bind(request("u", "d", "s2", 77)).device_epoch, 2u);
}

TEST_F(RegistryTest, DevicesOfTwoUsersAreTwo) {
  bind(request("u", "d", "s1"));
  bind(request("u", "d", "s2"));

  EXPECT_EQ(bind(request("v", "d", "s3")).device_epoch, 1u);
}

TEST_F(RegistryTest, EpochSurvivesARestart) {
  bind(request("u", "d", "s1"));
  LaneRig after(make_config());
  after.store.rows = rig_.store.rows;

  EXPECT_EQ(after.get(request("u", "d", "s2", 1)).device_epoch, 1u);
  EXPECT_EQ(after.get(request("u", "d", "s3", 0)).device_epoch, 2u);
}

TEST_F(RegistryTest, EphemeralAndAnonymousAreNotStored) {
  BindSession ephemeral = request("u", "s1", "s1");
  ephemeral.peer->ephemeral_device = true;

  EXPECT_EQ(bind(ephemeral).device_epoch, 1u);
  EXPECT_EQ(bind(request("", "d", "s2")).device_epoch, 1u);
  EXPECT_TRUE(rig_.store.rows.empty());
}

TEST_F(RegistryTest, TheNewerSessionOfADeviceClosesTheOlderForGood) {
  bind(request("u", "d", "s1"));
  bind(request("u", "d", "s2", 1));

  EXPECT_THAT(closed(), testing::ElementsAre("s1 3503"));
  EXPECT_THAT(sessions("u"), SizeIs(1));
}

TEST_F(RegistryTest, ClosingTheOlderDoesNotUnbindTheNewer) {
  BindSession first = request("u", "d", "s1");
  bind(first);
  bind(request("u", "d", "s2", 1));
  rig_.get(SessionClosed{first.peer, 3503});

  EXPECT_THAT(sessions("u"), SizeIs(1));
}

TEST_F(RegistryTest, AnOlderBindThatTheStoreAnswersLateIsRefused) {
  rig_.host.hold_calls = true;
  auto older = rig_.begin(request("u", "d", "s1"));
  rig_.world.run_until_idle();
  rig_.host.hold_calls = false;
  ASSERT_TRUE(bind(request("u", "d", "s2")).ok());

  rig_.world.on(rig_.world.lane(0), [&] { rig_.host.held.at(0)(); });
  rig_.world.run_until_idle();

  ASSERT_TRUE(older->has_value());
  EXPECT_EQ((*older)->disconnect.code, disconnect_code::kForceDisconnect);
  EXPECT_THAT(closed(), IsEmpty()) << "the newer one stays";
}

// The device came back before its first connect was answered, and the store answers the second one first.
TEST_F(RegistryTest, AnOlderBindThatTheStoreAnswersLateIssuesNoEpoch) {
  rig_.host.hold_calls = true;
  auto older = rig_.begin(request("u", "d", "s1"));
  rig_.world.run_until_idle();
  rig_.host.hold_calls = false;
  EXPECT_EQ(bind(request("u", "d", "s2")).device_epoch, 1u);

  rig_.world.on(rig_.world.lane(0), [&] { rig_.host.held.at(0)(); });
  rig_.world.run_until_idle();

  EXPECT_EQ(bind(request("u", "d", "s3", 1)).device_epoch, 1u);
}

TEST_F(RegistryTest, ALostRaceForTheEpochIsReadAgain) {
  bool raced = false;
  rig_.store.before_commit = [&](const ServiceCall&) {
    if (!std::exchange(raced, true))
      rig_.store.rows[{"u", "device", "d"}] = wire::Writer().u64(5).u64(0).take();
  };

  EXPECT_EQ(bind(request("u", "d", "s1")).device_epoch, 6u);
}

TEST_F(RegistryTest, OverTheLimitOfAUserIs3504) {
  for (const char* device : {"a", "b", "c"}) bind(request("u", device, std::string("s-") + device));

  EXPECT_EQ(bind(request("u", "d", "s-d")).disconnect.code, disconnect_code::kConnectionLimit);
  EXPECT_TRUE(bind(request("u", "a", "s-a2", 1)).ok()) << "takes the place of its own older session";
  EXPECT_TRUE(bind(request("v", "a", "s-v")).ok());
}

TEST_F(RegistryTest, AnonymousSessionsHaveNoLimit) {
  for (int i = 0; i < 10; ++i) {
    const std::string id = std::to_string(i);
    EXPECT_TRUE(bind(request("", id, id)).ok());
  }
}

TEST_F(RegistryTest, AStoreThatIsDownIsATemporaryError) {
  rig_.store.down = true;

  const BindSessionResponse answer = bind(request("u", "d", "s1"));

  EXPECT_EQ(answer.error.code, error_code::kInternal);
  EXPECT_TRUE(answer.error.temporary);
  EXPECT_THAT(sessions("u"), IsEmpty());
}

TEST_F(RegistryTest, ADocumentItCannotReadIsNotOverwritten) {
  rig_.store.rows[{"u", "device", "d"}] = std::string(1, '\0');

  EXPECT_FALSE(bind(request("u", "d", "s1")).ok());
  EXPECT_EQ((rig_.store.rows[{"u", "device", "d"}]), std::string(1, '\0'));
}

TEST_F(RegistryTest, ClosedSessionsAreForgottenAndThePluginsTold) {
  BindSession what = request("u", "d", "s1");
  bind(what);
  rig_.get(SessionClosed{what.peer, 3001});

  EXPECT_THAT(sessions("u"), IsEmpty());
  EXPECT_THAT(rig_.host.gone, testing::ElementsAre(testing::Pair("s1", 3001u)));
}

struct DisconnectCase {
  const char* name;
  DisconnectSessions what;
  std::vector<std::string> closed;
};
class DisconnectTest : public RegistryTest, public testing::WithParamInterface<DisconnectCase> {};

TEST_P(DisconnectTest, MatchesEveryFieldThatIsSet) {
  bind(request("u", "a", "s1"));
  bind(request("u", "b", "s2"));
  bind(request("v", "a", "s3"));
  DisconnectSessions what = GetParam().what;
  what.disconnect = make_disconnect(disconnect_code::kForceDisconnect);

  EXPECT_EQ(rig_.get(what).closed, GetParam().closed.size());

  EXPECT_THAT(closed(), testing::UnorderedElementsAreArray(GetParam().closed));
}

INSTANTIATE_TEST_SUITE_P(
    Table, DisconnectTest,
    testing::Values(DisconnectCase{"User", {"", "u", "", "", {}}, {"s1 3503", "s2 3503"}},
                    DisconnectCase{"UserAndDevice", {"", "u", "b", "", {}}, {"s2 3503"}},
                    DisconnectCase{"UserAndAuth", {"", "u", "", "login-of-a", {}}, {"s1 3503"}},
                    DisconnectCase{"Session", {"s3", "", "", "", {}}, {"s3 3503"}},
                    DisconnectCase{"SessionOfAnotherUser", {"s3", "u", "", "", {}}, {}},
                    DisconnectCase{"Auth", {"", "", "", "login-of-a", {}}, {"s1 3503", "s3 3503"}},
                    DisconnectCase{"Device", {"", "", "a", "", {}}, {"s1 3503", "s3 3503"}},
                    DisconnectCase{"DeviceAndAuth", {"", "", "b", "login-of-a", {}}, {}},
                    DisconnectCase{"UnknownUser", {"", "w", "", "", {}}, {}},
                    DisconnectCase{"NothingSet", {"", "", "", "", {}}, {}}),
    [](const auto& row) { return std::string(row.param.name); });

class EndTest : public RegistryTest {
 protected:
  static DisconnectSessions login(std::string auth, std::string user = "u") {
    DisconnectSessions what;
    what.user = std::move(user);
    what.auth = std::move(auth);
    what.disconnect = make_disconnect(disconnect_code::kInvalidToken);
    return what;
  }
  // Of a client that asked `ago` before now.
  BindSession asked(std::string user, std::string device, std::string session, Millis ago) {
    BindSession what = request(std::move(user), std::move(device), std::move(session));
    what.asked = MonoTime{rig_.world.clock().mono().ns - Nanos(ago).count()};
    return what;
  }
  BindSession bearer(std::string user, std::string session) {
    BindSession what = request(std::move(user), session, session);
    what.peer->http = what.peer->ephemeral_device = true;
    return what;
  }
};

TEST_F(EndTest, ADisconnectIsAnsweredWhenTheGatewayHasClosed) {
  BindSession what = request("u", "a", "s1");
  bind(what);
  rig_.closes = false;
  const auto answer = rig_.begin(login("login-of-a"));
  rig_.world.run_until_idle();
  ASSERT_THAT(closed(), SizeIs(1));
  EXPECT_FALSE(answer->has_value());

  rig_.get(SessionClosed{what.peer, 3500});

  ASSERT_TRUE(answer->has_value());
  EXPECT_TRUE((*answer)->ok());
  EXPECT_EQ((*answer)->closed, 1u);
}

TEST_F(EndTest, AGatewayThatDoesNotCloseIsAnErrorAfterAWhile) {
  bind(request("u", "a", "s1"));
  rig_.closes = false;

  const DisconnectSessionsResponse answer = rig_.get(login("login-of-a"));

  EXPECT_EQ(answer.error.code, error_code::kInternal);
  EXPECT_EQ(answer.closed, 1u);
}

TEST_F(EndTest, ASessionThatWasReplacedIsWaitedForAsWell) {
  rig_.closes = false;
  BindSession first = request("u", "a", "s1");
  bind(first);
  BindSession second = request("u", "a", "s2", 1);
  bind(second);
  const auto answer = rig_.begin(login("login-of-a"));
  rig_.get(SessionClosed{second.peer, 3500});
  EXPECT_FALSE(answer->has_value());

  rig_.get(SessionClosed{first.peer, 3503});

  ASSERT_TRUE(answer->has_value());
  EXPECT_TRUE((*answer)->ok());
}

TEST_F(EndTest, AnEndThatWasLostIsAskedForAgain) {
  rig_.closes = false;
  BindSession first = request("u", "a", "s1");
  bind(first);
  bind(request("u", "a", "s2", 1));  // s1 is told to close, and its end is lost
  rig_.deliveries.clear();
  const auto answer = rig_.begin(login("login-of-a"));
  rig_.world.run_until_idle();
  ASSERT_THAT(closed(), testing::UnorderedElementsAre("s1 3500", "s2 3500"));

  for (const DeliverDisconnect& d : rig_.delivered<DeliverDisconnect>())
    rig_.get(SessionClosed{d.peer, 3500, {}, true});

  ASSERT_TRUE(answer->has_value());
  EXPECT_TRUE((*answer)->ok());
}

TEST_F(EndTest, AnEndThatIsSaidTwiceIsToldToThePluginsOnce) {
  BindSession what = request("u", "a", "s1");
  bind(what);

  rig_.get(SessionClosed{what.peer, 3000});
  rig_.get(SessionClosed{what.peer, 3500, {}, true});

  EXPECT_THAT(rig_.host.gone, SizeIs(1));
}

// The plugins let it in, then its login was revoked, then it came to the registry.
TEST_F(EndTest, ABindThatWasAskedForBeforeIsRefused) {
  rig_.world.run_for(Millis(1'000));
  rig_.get(login("login-of-a"));

  EXPECT_EQ(bind(asked("u", "a", "s1", Millis(1))).disconnect.code, disconnect_code::kInvalidToken);
  EXPECT_TRUE(rig_.store.rows.empty()) << "it is issued no epoch";
  EXPECT_TRUE(bind(asked("u", "b", "s2", Millis(1))).ok()) << "another login";
}

TEST_F(EndTest, ABindThatWasAskedForAfterIsLetIn) {
  rig_.world.run_for(Millis(1'000));
  rig_.get(login("login-of-a"));
  rig_.world.run_for(Millis(1));

  EXPECT_TRUE(bind(asked("u", "a", "s1", Millis(0))).ok());
}

TEST_F(EndTest, ABindThatWaitsForTheStoreIsRefused) {
  rig_.host.hold_calls = true;
  auto under_way = rig_.begin(request("u", "a", "s1"));
  rig_.world.run_until_idle();
  rig_.get(login("login-of-a"));

  rig_.host.hold_calls = false;
  rig_.world.on(rig_.world.lane(0), [&] { rig_.host.held.at(0)(); });
  rig_.world.run_until_idle();

  ASSERT_TRUE(under_way->has_value());
  EXPECT_EQ((*under_way)->disconnect.code, disconnect_code::kInvalidToken);
}

TEST_F(EndTest, WhatIsForgottenTooEarlyLetsNobodyIn) {
  rig_.world.run_for(Millis(1'000));
  for (size_t i = 0; i <= SessionEnds::kMaxRemembered; ++i) {
    rig_.world.on(rig_.world.lane(1), [&] {
      ask(rig_.bus, rig_.world.lane(1), Target::lane(0), login("l" + std::to_string(i)),
          [](const DisconnectSessionsResponse&) {});
    });
    if (i % 1'000 == 0) rig_.world.run_for(Millis(1));
  }
  rig_.world.run_until_idle();

  EXPECT_EQ(bind(asked("v", "a", "s1", Millis(500))).error.code, error_code::kInternal);
  rig_.world.run_for(Millis(1));
  EXPECT_TRUE(bind(asked("v", "a", "s2", Millis(0))).ok());
}

TEST_F(EndTest, ABearerTokenIsToldAndWaitedFor) {
  BindSession http = bearer("u", "h1");
  bind(http);
  bind(request("u", "a", "s1"));
  DisconnectSessions all;
  all.user = "u";
  all.disconnect = make_disconnect(disconnect_code::kForceDisconnect);

  const DisconnectSessionsResponse answer = rig_.get(all);

  EXPECT_TRUE(answer.ok());
  EXPECT_EQ(answer.closed, 1u) << "it is no session";
  EXPECT_THAT(closed(), testing::UnorderedElementsAre("s1 3503", "h1 3503"));
  EXPECT_THAT(rig_.host.gone, SizeIs(1)) << "no plugin is told of it";
}

TEST_F(EndTest, BearerTokensCountInNoLimitAndNoList) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(bind(bearer("u", "h" + std::to_string(i))).ok());

  EXPECT_TRUE(bind(request("u", "a", "s1")).ok());
  EXPECT_THAT(sessions("u"), SizeIs(1));
}

TEST_F(EndTest, ABearerTokenThatItsGatewayForgotIsNotTold) {
  BindSession http = bearer("u", "h1");
  bind(http);
  rig_.get(SessionClosed{http.peer, 3000});

  rig_.get(login(http.peer->auth));

  EXPECT_THAT(closed(), IsEmpty());
}

TEST_F(EndTest, ABearerTokenOfABlockedUserIsRefused) {
  rig_.get(BlockUser{"u", INT64_MAX});

  EXPECT_EQ(bind(bearer("u", "h1")).disconnect.code, disconnect_code::kPermissionDenied);
}

// More sessions of one login than a turn may look at.
class ManySessionsTest : public EndTest {
 protected:
  static constexpr int kMany = 4 * static_cast<int>(Registry::kAtOnce);
  BindSession anonymous(int n) {
    const std::string id = "n" + std::to_string(n);
    BindSession what = request("", id, id);
    what.peer->auth = "shared";
    return what;
  }
  void bind_many() {
    for (int i = 0; i < kMany; ++i) rig_.begin(anonymous(i));
    rig_.world.run_until_idle();
  }
  DisconnectSessions shared() { return login("shared", ""); }
};

TEST_F(ManySessionsTest, ADisconnectGoesInSteps) {
  bind_many();
  const auto answer = rig_.begin(shared());
  const auto behind = rig_.begin(NodeInfo{});

  rig_.world.run_until([&] { return behind->has_value(); });
  EXPECT_FALSE(answer->has_value()) << "what comes behind it does not wait for it";
  rig_.world.run_until([&] { return answer->has_value(); });

  EXPECT_TRUE((*answer)->ok());
  EXPECT_EQ((*answer)->closed, static_cast<uint32_t>(kMany));
  EXPECT_THAT(closed(), SizeIs(kMany)) << "each once";
}

TEST_F(ManySessionsTest, WhoComesAfterADisconnectThatIsUnderWayStays) {
  bind_many();
  const auto answer = rig_.begin(shared());
  for (int i = kMany; i < kMany + 50; ++i) rig_.begin(anonymous(i));

  rig_.world.run_until_idle();

  EXPECT_EQ((*answer)->closed, static_cast<uint32_t>(kMany));
  EXPECT_EQ(rig_.get(NodeInfo{}).clients, 50u);
}

TEST_F(ManySessionsTest, ALoginIsLookedUpWithoutAWalk) {
  bind_many();
  bool walked = false, looked_up = false;
  rig_.world.on(rig_.world.lane(0), [&] {
    rig_.broker.on_request(DisconnectSessions{"", "", "no-such-device", "", {}},
                           [&](const Response&) { walked = true; });
    rig_.broker.on_request(login("no-such-login", ""), [&](const Response&) { looked_up = true; });
  });

  EXPECT_TRUE(looked_up) << "at once";
  EXPECT_FALSE(walked) << "a device is looked for in steps";
  rig_.world.run_until_idle();
  EXPECT_TRUE(walked);
}

TEST_F(ManySessionsTest, AListGoesInStepsWhileSessionsComeAndGo) {
  bind_many();
  const auto list = rig_.begin(Inspect{Inspect::What::kSessions, "", 10'000});
  const auto behind = rig_.begin(NodeInfo{});
  for (int i = kMany; i < kMany + 100; ++i) {
    const BindSession what = anonymous(i);
    rig_.begin(what);
    rig_.begin(SessionClosed{what.peer, 3000});
  }
  rig_.world.run_until([&] { return behind->has_value(); });
  EXPECT_FALSE(list->has_value());
  rig_.world.run_until([&] { return list->has_value(); });

  std::multiset<std::string> seen;
  for (const std::string& row : (*list)->rows) {
    const size_t at = row.find("\"session\":\"") + 11;
    seen.insert(row.substr(at, row.find('"', at) - at));
  }
  for (int i = 0; i < kMany; ++i)
    EXPECT_EQ(seen.count("n" + std::to_string(i)), 1u) << "who is there all the time is seen once";
}

// A whitelist is remembered with its disconnect.
TEST_F(EndTest, WhatDisconnectsExceptCountsInWhatIsRemembered) {
  rig_.world.run_for(Millis(1'000));
  DisconnectSessions long_one = login("login-of-a");
  for (size_t i = 0; i < 1'000; ++i) long_one.except.push_back("c" + std::to_string(i));
  for (size_t i = 0; i <= SessionEnds::kMaxRemembered / 1'000; ++i) {
    rig_.get(long_one);
    rig_.world.run_for(Millis(1));
  }

  EXPECT_EQ(bind(asked("v", "a", "s1", Millis(900))).error.code, error_code::kInternal)
      << "the first was forgotten early";
}

TEST_F(EndTest, ASessionThatIsExceptedStaysAmongTheOthers) {
  for (const char* device : {"a", "b", "c"}) bind(request("u", device, device));
  DisconnectSessions all;
  all.user = "u";
  all.except = {"z", "b", "a"};
  all.disconnect = make_disconnect(disconnect_code::kForceDisconnect);

  EXPECT_EQ(rig_.get(all).closed, 1u);

  EXPECT_THAT(closed(), testing::ElementsAre("c 3503"));
}

// Whoever waits for a gateway that does not answer is told so; the next who asks waits again.
TEST_F(EndTest, AWaitThatIsOverLeavesNothing) {
  BindSession what = request("u", "a", "s1");
  bind(what);
  rig_.closes = false;
  EXPECT_FALSE(rig_.get(login("login-of-a")).ok());

  const auto again = rig_.begin(login("login-of-a"));
  rig_.get(SessionClosed{what.peer, 3500});

  ASSERT_TRUE(again->has_value());
  EXPECT_TRUE((*again)->ok());
}

}  // namespace
}  // namespace lcg::broker
