// Who is let in, as what and for how long: routes, grants, overrides, refreshes. Source: client-protocol 1.8, 1.9,
// 1.12, 3.
#include "broker/testing/channel_fixture.h"

namespace lcg::broker {
namespace {

using testing::SizeIs;

class GrantTest : public ChannelFixture {
 protected:
  // What a subscription comes to that a plugin authorised with these options.
  SubscribeResponse subscribe_with(std::string_view options) {
    plugins_answer(yes(options));
    SubscribeRequest wish = request(alice_);
    wish.token = "t";
    return rig().get(std::move(wish));
  }
  SubscribeResponse subscribe_as_server(SubscribeGrant grant) {
    SubscribeRequest wish = request(alice_);
    wish.server_side = true;
    wish.grant = std::make_shared<const SubscribeGrant>(std::move(grant));
    return rig().get(std::move(wish));
  }
};

TEST_F(GrantTest, TheRouteGoesWithTheQuestion) {
  ChannelOptions options = open_options();
  options.subscribe_route = "billing";
  start(options);
  plugins_answer(yes());

  EXPECT_TRUE(subscribe(alice_).ok());

  ASSERT_THAT(rig().host.chains, SizeIs(1));
  EXPECT_EQ(rig().host.chains[0].route, "billing");
}

TEST_F(GrantTest, ARouteNobodyAnswersIsADenial) {
  ChannelOptions options = open_options();
  options.subscribe_route = "billing";
  start(options);

  EXPECT_EQ(subscribe(alice_).error.code, error_code::kPermissionDenied);
}

TEST_F(GrantTest, InfoDataAndExpiryAreGranted) {
  host::ChainResult result = yes();
  result.info = SharedBytes(std::string_view("{\"role\":1}"));
  result.data = SharedBytes(std::string_view("[1]"));
  result.expire_at_ms = now_ms() + 5'000;
  plugins_answer(result);
  SubscribeRequest wish = request(alice_);
  wish.token = "t";

  const SubscribeResponse answer = rig().get(wish);

  EXPECT_EQ(answer.data.view(), "[1]");
  EXPECT_EQ(answer.expire_at_ms, result.expire_at_ms);
  EXPECT_FALSE(answer.server_refresh);
  EXPECT_EQ(presence().clients.at(0).chan_info.view(), "{\"role\":1}");
}

TEST_F(GrantTest, WhatHasEndedIsExpired) {
  host::ChainResult result = yes();
  result.expire_at_ms = now_ms();
  plugins_answer(result);
  SubscribeRequest wish = request(alice_);
  wish.token = "t";

  EXPECT_EQ(rig().get(wish).error.code, error_code::kExpired);
  SubscribeGrant ended;
  ended.expire_at_ms = now_ms();
  EXPECT_EQ(subscribe_as_server(ended).error.code, error_code::kExpired);
}

TEST_F(GrantTest, OptionsThatAreNoneAreAnInternalError) {
  EXPECT_EQ(subscribe_with(R"({"override":{"presence":{"value":"yes"}}})").error.code, error_code::kInternal);
  EXPECT_THAT(presence().clients, SizeIs(0));
}

TEST_F(GrantTest, PresenceMayBeWithheldFromOne) {
  subscribe_with(R"({"override":{"presence":{"value":false}}})");
  subscribe(bob_);

  const PresenceResponse present = presence();

  EXPECT_EQ(present.num_clients, 1u);
  EXPECT_EQ(present.num_users, 1u);
  ASSERT_THAT(present.clients, SizeIs(1));
  EXPECT_EQ(present.clients[0].user, "bob");
}

TEST_F(GrantTest, OneMayComeAndGoUnannounced) {
  subscribe(bob_);
  rig().deliveries.clear();
  subscribe_with(R"({"override":{"join_leave":{"value":false}}})");
  unsubscribe(alice_);

  EXPECT_THAT(rig().delivered<DeliverJoinLeave>(), SizeIs(0));
}

TEST_F(GrantTest, OneMayBeAnnouncedWhereOthersAreNot) {
  ChannelOptions options = open_options();
  options.join_leave = false;
  start(options);
  subscribe(bob_);
  subscribe_with(R"({"override":{"join_leave":{"value":true}}})");
  unsubscribe(alice_);

  EXPECT_THAT(rig().delivered<DeliverJoinLeave>(), SizeIs(2));
}

TEST_F(GrantTest, JoinAndLeaveMayBePushedToOne) {
  EXPECT_TRUE(subscribe_with(R"({"override":{"force_push_join_leave":{"value":true}}})").push_join_leave);
  EXPECT_FALSE(subscribe(bob_).push_join_leave);
}

TEST_F(GrantTest, RecoveryAndPositioningMayBeForcedForOne) {
  EXPECT_TRUE(subscribe_with(R"({"override":{"force_recovery":{"value":true}}})").recoverable);
  EXPECT_TRUE(subscribe_with(R"({"override":{"force_positioning":{"value":true}}})").positioned);
  const SubscribeResponse plain = subscribe(bob_);
  EXPECT_FALSE(plain.recoverable || plain.positioned);
}

TEST_F(GrantTest, RecoveryMayBeTakenFromOne) {
  ChannelOptions options = open_options();
  options.force_recovery = true;
  start(options);

  EXPECT_FALSE(subscribe_with(R"({"override":{"force_recovery":{"value":false}}})").recoverable);
}

TEST_F(GrantTest, AServerSideSubscriptionBringsItsGrant) {
  SubscribeGrant grant;
  grant.info = SharedBytes(std::string_view("1"));
  grant.data = SharedBytes(std::string_view("2"));
  grant.expire_at_ms = now_ms() + 1'000;
  grant.server_refresh = true;
  grant.override_options.force_recovery = true;

  const SubscribeResponse answer = subscribe_as_server(grant);

  EXPECT_EQ(answer.data.view(), "2");
  EXPECT_TRUE(answer.recoverable && answer.server_refresh);
  EXPECT_EQ(presence().clients.at(0).chan_info.view(), "1");
}

TEST_F(GrantTest, AClientsOwnGrantIsNotLookedAt) {
  ChannelOptions options = open_options();
  options.subscribe.for_client = false;
  start(options);
  SubscribeRequest wish = request(alice_);
  wish.grant = std::make_shared<const SubscribeGrant>();

  EXPECT_EQ(rig().get(wish).error.code, error_code::kPermissionDenied);
}

TEST_F(GrantTest, AFilterMustBeAllowed) {
  SubscribeRequest wish = request(alice_);
  wish.filtered = true;
  EXPECT_EQ(rig().get(wish).error.code, error_code::kBadRequest);

  ChannelOptions options = open_options();
  options.allow_tags_filter = true;
  start(options);
  EXPECT_TRUE(rig().get(wish).ok());
}

TEST_F(GrantTest, CompactionAndBatchingAreTheNamespaces) {
  EXPECT_FALSE(subscribe(alice_).compaction);
  ChannelOptions options = open_options();
  options.compaction = true;
  options.batch_delay = Millis(20);
  start(options);

  const SubscribeResponse answer = subscribe(alice_);

  EXPECT_TRUE(answer.compaction);
  EXPECT_EQ(answer.batch_delay, Millis(20));
}

TEST_F(GrantTest, InsecureLetsAnybodyDoAnything) {
  ChannelOptions options;
  options.name = "c";
  options.insecure = true;
  start(options);
  alice_ = LaneRig::peer("", "s-nobody");

  EXPECT_TRUE(subscribe(alice_).ok());
  EXPECT_TRUE(publish().ok());
}

// ---- Refresh.

class SubRefreshTest : public GrantTest {
 protected:
  SubRefreshResponse refresh(std::string token, bool server = false) {
    return rig().get(SubRefreshRequest{"c:a", alice_, std::move(token), server});
  }
  host::ChainResult until(int64_t expire_at_ms) {
    host::ChainResult result = yes();
    result.expire_at_ms = expire_at_ms;
    return result;
  }
  static host::ChainResult no(lcg_status status) {
    host::ChainResult result;
    result.status = status;
    return result;
  }
  void begin(bool server_refresh) {
    ChannelOptions options = open_options();
    if (server_refresh) options.sub_refresh_route = "billing";
    start(options);
    plugins_answer(until(now_ms() + 1'000));
    SubscribeRequest wish = request(alice_);
    wish.token = "t";
    EXPECT_EQ(rig().get(wish).server_refresh, server_refresh);
    rig().host.chains.clear();
  }
};

TEST_F(SubRefreshTest, ATokenExtends) {
  begin(false);
  plugins_answer(until(now_ms() + 9'000));

  EXPECT_EQ(refresh("new").expire_at_ms, now_ms() + 9'000);

  EXPECT_EQ(rig().host.chains.at(0).kind, uint32_t{LCG_REQ_SUB_REFRESH});
  EXPECT_EQ(rig().host.chains.at(0).credential, "new");
  EXPECT_EQ(rig().host.chains.at(0).name, "c:a");
}

// The gateway has it, or it would not ask.
TEST_F(SubRefreshTest, OneThatTheOwnerDoesNotHaveIsToldToComeAgain) {
  EXPECT_TRUE(refresh("new").error.temporary);
}

TEST_F(SubRefreshTest, NoTokenIsABadRequest) {
  begin(false);

  EXPECT_EQ(refresh("").error.code, error_code::kBadRequest);
}

TEST_F(SubRefreshTest, WhereTheServerRefreshesAClientMayNot) {
  begin(true);

  EXPECT_EQ(refresh("new").disconnect.code, disconnect_code::kBadRequest);
}

TEST_F(SubRefreshTest, ATokenOfSomebodyElseCloses) {
  begin(false);
  host::ChainResult mismatch = no(LCG_E_DENIED);
  mismatch.disconnect_code = disconnect_code::kInvalidToken;
  plugins_answer(mismatch);

  EXPECT_EQ(refresh("other").disconnect.code, disconnect_code::kInvalidToken);
}

TEST_F(SubRefreshTest, ATokenNobodyKnowsCloses) {
  begin(false);
  plugins_answer(no(LCG_DEFER));

  EXPECT_EQ(refresh("unknown").disconnect.code, disconnect_code::kInvalidToken);
}

TEST_F(SubRefreshTest, AnEndedTokenIsExpired) {
  begin(false);
  plugins_answer(until(now_ms()));

  EXPECT_EQ(refresh("old").error.code, error_code::kExpired);
  EXPECT_TRUE(refresh("old").error.temporary)
      << "else an SDK leaves the channel, although its next token is good";
}

TEST_F(SubRefreshTest, ATokenThatAPluginCallsExpiredIsTheSame) {
  begin(false);
  host::ChainResult result = no(LCG_E_DENIED);
  result.error_code = error_code::kTokenExpired;
  plugins_answer(result);

  EXPECT_EQ(refresh("old").error.code, error_code::kExpired);
  EXPECT_TRUE(refresh("old").error.temporary);
}

TEST_F(SubRefreshTest, TheServerAsksTheNamespacesBackEnd) {
  begin(true);
  host::ChainResult result = until(now_ms() + 9'000);
  result.info = SharedBytes(std::string_view("\"new\""));
  plugins_answer(result);

  EXPECT_EQ(refresh("", true).expire_at_ms, now_ms() + 9'000);

  EXPECT_EQ(rig().host.chains.at(0).route, "billing");
  EXPECT_EQ(rig().host.chains.at(0).credential, "");
  EXPECT_EQ(presence().clients.at(0).chan_info.view(), "\"new\"");
}

TEST_F(SubRefreshTest, ABackEndMaySayItIsOver) {
  begin(true);
  host::ChainResult result = yes();
  result.flags = LCG_RESULT_EXPIRED;
  plugins_answer(result);

  EXPECT_EQ(refresh("", true).error.code, error_code::kExpired);
}

TEST_F(SubRefreshTest, ABackEndThatIsAwayCostsAMinuteNotTheSubscription) {
  begin(true);
  for (const lcg_status status : {LCG_E_TIMEOUT, LCG_E_UNAVAILABLE, LCG_E_BUSY, LCG_E_INTERNAL}) {
    plugins_answer(no(status));

    EXPECT_EQ(refresh("", true).expire_at_ms, now_ms() + 60'000) << status;
  }
}

TEST_F(SubRefreshTest, ADenialByTheBackEndEndsIt) {
  begin(true);
  plugins_answer(no(LCG_E_DENIED));

  EXPECT_EQ(refresh("", true).error.code, error_code::kExpired);
}

TEST_F(SubRefreshTest, NobodyWhoCouldExtendEndsIt) {
  begin(true);
  plugins_answer(no(LCG_DEFER));

  EXPECT_EQ(refresh("", true).error.code, error_code::kExpired);
}

}  // namespace
}  // namespace lcg::broker
