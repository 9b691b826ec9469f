#include "broker/command/refresh.h"

#include <gmock/gmock.h>

#include "broker/testing/lane_rig.h"

namespace lcg::broker {
namespace {

using testing::ElementsAre;

class Refresh : public testing::Test {
 protected:
  explicit Refresh(BrokerConfig config = {}) : rig_(std::move(config)) {
    who_.status = LCG_OK;
    auto peer = std::make_shared<Peer>(*LaneRig::peer("u", "s"));
    peer->conn_info = SharedBytes("1");
    peer->meta = SharedBytes("{}");
    peer_ = peer;
  }
  RefreshResponse by_client() { return ask({peer_, "token"}); }
  RefreshResponse by_server() { return ask({peer_, "", true}); }
  RefreshResponse ask(RefreshRequest request) {
    rig_.host.on_chain = [this](host::ChainRequest, host::ChainFn done) { done(who_); };
    return rig_.get(std::move(request));
  }
  void error(lcg_status status, uint32_t code = 0) {
    who_ = {};
    who_.status = status;
    who_.error_code = code;
  }
  LaneRig rig_;
  PeerPtr peer_;
  host::ChainResult who_;
};

TEST_F(Refresh, TheServerAsksWithoutACredential) {
  who_.expire_at_ms = 1'900'000'000'000;

  EXPECT_EQ(by_server().expire_at_ms, 1'900'000'000'000);
  EXPECT_EQ(rig_.host.chains.at(0).kind, uint32_t{LCG_REQ_REFRESH});
  EXPECT_EQ(rig_.host.chains.at(0).credential, "");
}

TEST_F(Refresh, WhatAPluginSaysIsOverIsOver) {
  who_.flags = LCG_RESULT_EXPIRED;

  EXPECT_EQ(by_server().disconnect.code, disconnect_code::kExpired);
  EXPECT_EQ(by_client().disconnect.code, disconnect_code::kExpired);
}

TEST_F(Refresh, ThatNoPluginWantsToAnswerIsOver) {
  who_.status = LCG_DEFER;

  EXPECT_EQ(by_server().disconnect.code, disconnect_code::kExpired);
  EXPECT_EQ(by_client().disconnect.code, disconnect_code::kInvalidToken);
}

TEST_F(Refresh, AnEndInThePastIsOver) {
  who_.expire_at_ms = 1;
  EXPECT_EQ(by_server().disconnect.code, disconnect_code::kExpired);
}

TEST_F(Refresh, DeniedWithoutACode) {
  error(LCG_E_DENIED);
  EXPECT_EQ(by_server().disconnect.code, disconnect_code::kExpired);
  EXPECT_EQ(by_client().disconnect.code, disconnect_code::kInvalidToken);
}

// What the host says of a plugin that is late or down.
TEST_F(Refresh, APluginThatCannotBeAskedIsAskedAgain) {
  error(LCG_E_DENIED, error_code::kInternal);
  for (const RefreshResponse& answer : {by_server(), by_client()}) {
    EXPECT_FALSE(answer.disconnect);
    EXPECT_EQ(answer.error.code, error_code::kInternal);
    EXPECT_TRUE(answer.error.temporary);
  }
}

TEST_F(Refresh, AnyErrorOfABackEndIsAskedAgainByTheServer) {
  error(LCG_E_NOT_FOUND, 1234);
  EXPECT_EQ(by_server().error.code, error_code::kInternal);
  EXPECT_EQ(by_client().error.code, 1234u);
}

TEST_F(Refresh, APluginMayCloseTheConnection) {
  error(LCG_E_DENIED);
  who_.disconnect_code = 4501;
  EXPECT_EQ(by_server().disconnect.code, 4501u);
}

TEST_F(Refresh, AnotherUserIsAnInvalidToken) {
  who_.user = "somebody else";
  EXPECT_EQ(by_client().disconnect.code, disconnect_code::kInvalidToken);
  EXPECT_EQ(by_server().disconnect.code, disconnect_code::kInvalidToken);
}

TEST_F(Refresh, NothingNewIsTheSamePeer) {
  who_.info = SharedBytes("1");
  EXPECT_EQ(by_server().peer, nullptr);
}

TEST_F(Refresh, NewInfoOrMetaIsANewPeer) {
  who_.info = SharedBytes("2");
  const RefreshResponse with_info = by_server();
  ASSERT_NE(with_info.peer, nullptr);
  EXPECT_EQ(with_info.peer->conn_info.view(), "2");
  EXPECT_EQ(with_info.peer->meta.view(), "{}");
  EXPECT_EQ(with_info.peer->session, "s");

  who_.meta = SharedBytes("[7]");
  EXPECT_EQ(by_client().peer->meta.view(), "[7]");
  EXPECT_EQ(peer_->meta.view(), "{}") << "a peer never changes";
}

TEST_F(Refresh, InfoThatIsNoJsonIsAnInternalError) {
  who_.info = SharedBytes("{");
  EXPECT_EQ(by_server().error.code, error_code::kInternal);
}

TEST_F(Refresh, ATokenWithoutChannelsSaysNothingOfThem) { EXPECT_EQ(by_client().channels, std::nullopt); }

TEST_F(Refresh, TheChannelsOfATokenAreSorted) {
  who_.channels = {"b", "a"};
  who_.options = SharedBytes(R"({"subs":{"c":{},"a":{}}})");

  const RefreshResponse answer = by_client();

  ASSERT_TRUE(answer.channels);
  EXPECT_THAT(*answer.channels, ElementsAre("a", "b", "c"));
}

class RefreshPersonal : public Refresh {
 protected:
  static BrokerConfig make_config() {
    BrokerConfig config;
    config.personal.enabled = true;
    return config;
  }
  RefreshPersonal() : Refresh(make_config()) {}
};

TEST_F(RefreshPersonal, TheChannelThatNoTokenNamesIsOneOfTheSet) {
  EXPECT_EQ(by_client().channels, std::nullopt);
  who_.channels = {"b"};
  EXPECT_THAT(*by_client().channels, ElementsAre("#u", "b"));
}

}  // namespace
}  // namespace lcg::broker
