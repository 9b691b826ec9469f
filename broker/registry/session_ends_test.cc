// Sessions that are ended on request: when that is answered, and what of those who come meanwhile.
#include <set>

#include "broker/testing/registry_rig.h"

namespace lcg::broker {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

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
