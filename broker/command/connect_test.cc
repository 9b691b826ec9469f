// connect: what becomes of a plugin's answer, and who is let in. The rest of it: broker_lane_test.cc.
#include "broker/command/connect.h"

#include <gmock/gmock.h>

#include "broker/testing/lane_rig.h"

namespace lcg::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

BrokerConfig with_personal_channel(std::string name_space) {
  BrokerConfig config;
  if (!name_space.empty()) config.namespaces.emplace_back().name = name_space;
  config.personal = {true, std::move(name_space)};
  return config;
}

class ConnectAnswer : public testing::Test {
 protected:
  explicit ConnectAnswer(BrokerConfig config = {}) : rig_(std::move(config)) { who_.status = LCG_OK; }
  // The plugins say who_.
  ConnectResponse connect(std::string token = "t") {
    rig_.host.on_chain = [this](host::ChainRequest, host::ChainFn done) { done(who_); };
    ConnectRequest request;
    request.session = "s" + std::to_string(++sessions_);
    request.token = std::move(token);
    request.name = "js";
    request.version = "5";
    request.channels = {"a", "b"};
    return rig_.get(std::move(request));
  }
  static std::vector<std::string> names(const ConnectResponse& answer) {
    std::vector<std::string> out;
    for (const ServerSub& sub : answer.channels) out.push_back(sub.channel);
    return out;
  }
  LaneRig rig_;
  host::ChainResult who_;
  int sessions_ = 0;
};

TEST_F(ConnectAnswer, ThePluginsAreToldWhatTheClientSaysItIsAndNames) {
  connect();

  const host::ChainRequest& asked = rig_.host.chains.at(0);
  EXPECT_EQ(asked.client_name, "js");
  EXPECT_EQ(asked.client_version, "5");
  EXPECT_EQ(asked.channels.view(), R"(["a","b"])");
}

TEST_F(ConnectAnswer, MetaIsThePeersAndTheServerRefreshes) {
  who_.user = "u";
  who_.meta = SharedBytes("{\n\"m\":1}");
  who_.expire_at_ms = 1'900'000'000'000;
  who_.flags = LCG_RESULT_SERVER_REFRESH;

  const ConnectResponse answer = connect();

  EXPECT_EQ(answer.peer->meta.view(), "{\"m\":1}");
  EXPECT_TRUE(answer.server_refresh);
}

TEST_F(ConnectAnswer, MetaThatIsNoJsonIsAnInternalError) {
  who_.meta = SharedBytes("no json");

  EXPECT_EQ(connect().error.code, error_code::kInternal);
  EXPECT_THAT(rig_.get(Inspect{Inspect::What::kSessions, "", 10}).rows, IsEmpty());
}

TEST_F(ConnectAnswer, SubscriptionsWithGrantsComeBeforeBareOnes) {
  who_.channels = {"plain", "both"};
  who_.options = SharedBytes(R"({"subs":{"both":{"info":1},"granted":{}}})");

  const ConnectResponse answer = connect();

  EXPECT_THAT(names(answer), ElementsAre("both", "granted", "plain"));
  ASSERT_NE(answer.channels[0].grant, nullptr);
  EXPECT_EQ(answer.channels[0].grant->info.view(), "1");
  EXPECT_EQ(answer.channels[2].grant, nullptr);
}

TEST_F(ConnectAnswer, OptionsThatAreWrongAreAnInternalError) {
  who_.options = SharedBytes(R"({"subs":[]})");

  EXPECT_EQ(connect().error.code, error_code::kInternal);
}

TEST_F(ConnectAnswer, AnErrorMayBeTemporary) {
  who_.status = LCG_E_DENIED;
  who_.error_code = 1000;
  EXPECT_FALSE(connect().error.temporary);

  who_.flags = LCG_RESULT_TEMPORARY;
  EXPECT_TRUE(connect().error.temporary);
}

TEST_F(ConnectAnswer, ATokenWithoutAUserIsAnonymous) { EXPECT_TRUE(connect().ok()); }

// An empty result of a back end that meant something else.
TEST_F(ConnectAnswer, NoUserAndNoTokenIsNobodyWhereThatIsNotAllowed) {
  EXPECT_EQ(connect("").disconnect.code, disconnect_code::kBadRequest);
}

class ConnectNoAnonymousTokens : public ConnectAnswer {
 protected:
  static BrokerConfig make_config() {
    BrokerConfig config;
    config.disallow_anonymous_connection_tokens = true;
    config.allow_anonymous = true;
    return config;
  }
  ConnectNoAnonymousTokens() : ConnectAnswer(make_config()) {}
};

TEST_F(ConnectNoAnonymousTokens, IsPermissionDenied) {
  EXPECT_EQ(connect().disconnect.code, disconnect_code::kPermissionDenied);
}

TEST_F(ConnectNoAnonymousTokens, ButNoTokenIsAnonymous) { EXPECT_TRUE(connect("").ok()); }

class ConnectInsecure : public ConnectAnswer {
 protected:
  static BrokerConfig make_config() {
    BrokerConfig config;
    config.insecure = true;
    return config;
  }
  ConnectInsecure() : ConnectAnswer(make_config()) {}
};

TEST_F(ConnectInsecure, NobodyNeedsATokenAndNoneExpires) {
  who_.status = LCG_DEFER;
  EXPECT_TRUE(connect("").ok());
  who_.status = LCG_OK;
  who_.expire_at_ms = 1;
  EXPECT_EQ(connect().expire_at_ms, 0);
}

class ConnectPersonal : public ConnectAnswer {
 protected:
  ConnectPersonal() : ConnectAnswer(with_personal_channel("")) {}
};

TEST_F(ConnectPersonal, EveryUserHasOne) {
  who_.user = "42";
  EXPECT_THAT(names(connect()), ElementsAre("#42"));
}

// Of an id that is admitted, the channel may be none: the user comes in all the same.
TEST_F(ConnectPersonal, AnIdThatIsTooLongForAChannelHasNoneAndIsLetIn) {
  for (const auto& [user, count] : std::vector<std::pair<std::string, size_t>>{{std::string(254, 'a'), 1},
                                                                               {std::string(255, 'a'), 0},
                                                                               {std::string(84, ','), 1},
                                                                               {std::string(85, ','), 0}}) {
    who_.user = user;
    const ConnectResponse answer = connect();
    EXPECT_TRUE(answer.ok()) << user;
    EXPECT_EQ(answer.channels.size(), count) << user;
  }
}

TEST_F(ConnectPersonal, NobodyHasNone) { EXPECT_THAT(names(connect()), IsEmpty()); }

TEST_F(ConnectPersonal, AGrantOfTheSameChannelStays) {
  who_.user = "42";
  who_.options = SharedBytes(R"({"subs":{"#42":{"info":1}}})");

  const ConnectResponse answer = connect();

  EXPECT_THAT(names(answer), ElementsAre("#42"));
  EXPECT_NE(answer.channels[0].grant, nullptr);
}

class ConnectPersonalOfNamespace : public ConnectAnswer {
 protected:
  ConnectPersonalOfNamespace() : ConnectAnswer(with_personal_channel("ns")) {}
};

TEST_F(ConnectPersonalOfNamespace, IsThere) {
  who_.user = "42";
  EXPECT_THAT(names(connect()), ElementsAre("ns:#42"));
}

// The plugins keep the first connect waiting, and the client comes again meanwhile.
TEST_F(ConnectAnswer, AConnectThatWasKeptWaitingDoesNotCloseTheOneThatCameAfter) {
  std::vector<host::ChainFn> waiting;
  rig_.host.on_chain = [&](host::ChainRequest, host::ChainFn done) { waiting.push_back(std::move(done)); };
  const auto ask = [&](std::string session, int64_t accepted_ns) {
    ConnectRequest request;
    request.accepted = MonoTime{accepted_ns};
    request.session = std::move(session);
    request.token = "t";
    request.data = SharedBytes(R"({"device":"phone"})");
    auto answer = rig_.begin(std::move(request));
    rig_.world.run_for(Millis(10));
    return answer;
  };
  const auto first = ask("first", 1), second = ask("second", 2);
  who_.user = "u";
  for (const size_t index : {1u, 0u}) {
    rig_.world.on(rig_.world.lane(0), [&] { waiting.at(index)(who_); });
    rig_.world.run_until_idle();
  }

  EXPECT_TRUE((*second)->ok());
  EXPECT_EQ((*first)->disconnect.code, disconnect_code::kForceReconnect);
  EXPECT_THAT(rig_.delivered<DeliverDisconnect>(), IsEmpty()) << "the live one stays";
}

}  // namespace
}  // namespace lcg::broker
