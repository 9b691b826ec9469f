#include "broker/testing/registry_rig.h"

namespace lcg::broker {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

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

TEST_F(RegistryTest, ADeviceThatSaysNothingKeepsItsEpochWithoutAWrite) {
  bind(request("u", "d", "s1", 0));
  bind(request("u", "d", "s2", 0));
  bool wrote = false;
  rig_.store.before_commit = [&](const ServiceCall&) { wrote = true; };

  EXPECT_EQ(bind(request("u", "d", "s3")).device_epoch, 2u);
  EXPECT_FALSE(wrote);
}

TEST_F(RegistryTest, OneThatStartsOverGetsTheNextEpoch) {
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

TEST_F(RegistryTest, TheNewerSessionOfADeviceClosesTheOlder) {
  bind(request("u", "d", "s1"));
  bind(request("u", "d", "s2", 1));

  EXPECT_THAT(closed(), testing::ElementsAre("s1 3011"));
  EXPECT_THAT(sessions("u"), SizeIs(1));
}

// Two tabs with one device: each comes back as soon as it is closed.
TEST_F(RegistryTest, TwoLiveClientsOfOneDeviceDoNotTakeTurnsForEver) {
  for (const char* session : {"a1", "b1", "a2", "b2"}) ASSERT_TRUE(bind(request("u", "d", session, 1)).ok());

  const BindSessionResponse waits = bind(request("u", "d", "a3", 1));

  EXPECT_EQ(waits.error.code, error_code::kTooManyRequests);
  EXPECT_TRUE(waits.error.temporary);
  EXPECT_THAT(closed(), testing::ElementsAre("a1 3011", "b1 3011", "a2 3011"));
}

TEST_F(RegistryTest, TheOneThatWaitsComesInWhenTheOtherHasGone) {
  BindSession last;
  for (const char* session : {"a1", "b1", "a2", "b2"}) bind(last = request("u", "d", session, 1));
  rig_.get(SessionClosed{last.peer, 3000});

  EXPECT_TRUE(bind(request("u", "d", "a3", 1)).ok());
}

// One client whose network eats its connections: none of those it left gives a sign of life, or an end.
TEST_F(RegistryTest, OneClientWhoseOldConnectionsAreDeadIsNeverToldToWait) {
  rig_.silent = true;

  for (int i = 0; i < 12; ++i) {
    EXPECT_TRUE(bind(request("u", "d", "s" + std::to_string(i), 1)).ok()) << i;
    rig_.world.run_for(Millis(2'500));
  }
}

TEST_F(RegistryTest, AHolderThatDiesInItsTurnGivesWayToTheNextThatAsks) {
  for (const char* session : {"a1", "b1", "a2", "b2"}) bind(request("u", "d", session, 1));
  ASSERT_FALSE(bind(request("u", "d", "a3", 1)).ok());
  rig_.silent = true;

  EXPECT_TRUE(bind(request("u", "d", "a4", 1)).ok());
  EXPECT_THAT(sessions("u"), SizeIs(1));
}

TEST_F(RegistryTest, AHolderIsAskedOnceForAllThatWait) {
  for (const char* session : {"a1", "b1", "a2", "b2"}) bind(request("u", "d", session, 1));
  const size_t before = rig_.deliveries.size();

  const auto older = rig_.begin(request("u", "d", "a3", 1));
  const BindSessionResponse newer = bind(request("u", "d", "a4", 1));

  EXPECT_EQ((*older)->disconnect.code, disconnect_code::kForceReconnect);
  EXPECT_EQ(newer.error.code, error_code::kTooManyRequests);
  EXPECT_EQ(rig_.deliveries.size(), before + 1);
}

TEST_F(RegistryTest, ADeviceThatIsContendedForIsHadAMinute) {
  for (const char* session : {"a1", "b1", "a2", "b2"}) bind(request("u", "d", session, 1));
  rig_.world.run_for(std::chrono::duration_cast<Millis>(Registry::kTurn));

  EXPECT_TRUE(bind(request("u", "d", "a3", 1)).ok());
  EXPECT_FALSE(bind(request("u", "d", "b3", 1)).ok()) << "it is known by now";
}

TEST_F(RegistryTest, ADeviceThatComesBackNowAndThenIsNeverToldToWait) {
  for (int i = 0; i < 9; ++i) {
    EXPECT_TRUE(bind(request("u", "d", "s" + std::to_string(i), 1)).ok()) << i;
    rig_.world.run_for(std::chrono::duration_cast<Millis>(Registry::kInARow));
  }
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
  EXPECT_EQ((*older)->disconnect.code, disconnect_code::kForceReconnect);
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

  EXPECT_EQ(bind(request("u", "d", "s1", 0)).device_epoch, 6u);
}

TEST_F(RegistryTest, OverTheLimitOfAUserIsTemporary) {
  for (const char* device : {"a", "b", "c"}) bind(request("u", device, std::string("s-") + device));

  const BindSessionResponse over = bind(request("u", "d", "s-d"));
  EXPECT_EQ(over.error.code, error_code::kLimitExceeded);
  EXPECT_TRUE(over.error.temporary);
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

}  // namespace
}  // namespace lcg::broker
