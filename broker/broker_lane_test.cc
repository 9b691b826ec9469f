#include "broker/broker_lane.h"

#include <gmock/gmock.h>

#include "broker/command/connect_data.h"
#include "broker/testing/lane_rig.h"

namespace lcg::broker {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// uaa in three lines: token "alice" is alice.
void accept_users(host::ChainRequest request, host::ChainFn done) {
  host::ChainResult result;
  if (request.credential == "expired") {
    result.status = LCG_E_DENIED;
    result.error_code = error_code::kTokenExpired;
  } else if (request.credential == "bad") {
    result.status = LCG_E_DENIED;
  } else if (!request.credential.empty()) {
    result.status = LCG_OK;
    result.user = request.credential;
    result.auth = "login-1";
    result.data = SharedBytes(R"({"greeting":"hi"})");
    result.channels = {"#alice"};
    result.expire_at_ms = 1'900'000'000'000;
  }
  done(std::move(result));
}

class ConnectTest : public testing::Test {
 protected:
  ConnectTest() { rig_.host.on_chain = accept_users; }
  ConnectResponse connect(std::string token, std::string_view data = "", bool http = false) {
    ConnectRequest request;
    request.session = "s" + std::to_string(++sessions_);
    request.token = std::move(token);
    request.name = "js";
    request.version = "5";
    request.remote = "192.0.2.1:5555";
    request.data = SharedBytes(data);
    request.http = http;
    return rig_.get(std::move(request));
  }
  RefreshResponse refresh(std::string token) {
    return rig_.get(RefreshRequest{LaneRig::peer("alice", "s"), std::move(token)});
  }
  LaneRig rig_;
  int sessions_ = 0;
};

TEST_F(ConnectTest, AcceptedIsBoundAndToldItsEpoch) {
  const ConnectResponse answer = connect("alice", R"({"device":"phone","epoch":0})");

  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.peer->user, "alice");
  EXPECT_EQ(answer.peer->device, "phone");
  EXPECT_EQ(answer.peer->device_epoch, 1u);
  EXPECT_EQ(answer.peer->auth, "login-1");
  ASSERT_EQ(answer.channels.size(), 1u);
  EXPECT_EQ(answer.channels[0].channel, "#alice");
  EXPECT_EQ(answer.expire_at_ms, 1'900'000'000'000);
  EXPECT_EQ(answer.data.view(), R"({"device":"phone","epoch":1,"greeting":"hi"})");
  EXPECT_THAT(rig_.get(Inspect{Inspect::What::kSessions, "alice", 10}).rows, SizeIs(1));
}

TEST_F(ConnectTest, WithoutADeviceTheSessionIsOne) {
  const ConnectResponse answer = connect("alice");

  EXPECT_TRUE(answer.peer->ephemeral_device);
  EXPECT_EQ(answer.peer->device, answer.peer->session);
}

TEST_F(ConnectTest, HttpIsVerifiedAndNotRegistered) {
  const ConnectResponse answer = connect("alice", "", true);

  EXPECT_TRUE(answer.ok() && answer.peer->http);
  EXPECT_THAT(rig_.get(Inspect{Inspect::What::kSessions, "", 10}).rows, SizeIs(0));
}

TEST_F(ConnectTest, Refusals) {
  EXPECT_EQ(connect("bad").disconnect.code, disconnect_code::kInvalidToken);
  EXPECT_EQ(connect("expired").error.code, error_code::kTokenExpired);
  EXPECT_EQ(connect("").disconnect.code, disconnect_code::kBadRequest) << "no token, no anonymous";
}

TEST_F(ConnectTest, ATokenNobodyTakesIsInvalidEvenWhereAnonymousIsAllowed) {
  BrokerConfig config;
  config.allow_anonymous = true;
  LaneRig open(config);
  ConnectRequest request;
  request.session = "s";
  request.token = "x";
  EXPECT_EQ(open.get(request).disconnect.code, disconnect_code::kInvalidToken);

  request.token = "";
  const ConnectResponse answer = open.get(request);

  EXPECT_TRUE(answer.ok());
  EXPECT_EQ(answer.peer->user, "");
}

TEST_F(ConnectTest, APluginThatIsDownIsATemporaryError) {
  rig_.host.on_chain = [](host::ChainRequest, host::ChainFn done) {
    host::ChainResult result;
    result.status = LCG_E_TIMEOUT;
    done(std::move(result));
  };

  const ConnectResponse answer = connect("alice");

  EXPECT_EQ(answer.error.code, error_code::kInternal);
  EXPECT_TRUE(answer.error.temporary);
}

TEST_F(ConnectTest, CredentialsExpiredAlreadyAre110) {
  rig_.host.on_chain = [](host::ChainRequest, host::ChainFn done) {
    host::ChainResult result;
    result.status = LCG_OK;
    result.user = "alice";
    result.expire_at_ms = 1;
    done(std::move(result));
  };

  EXPECT_EQ(connect("alice").error.code, error_code::kExpired);
}

TEST_F(ConnectTest, ABindThatTheGatewayNoLongerWaitsForIsTakenBack) {
  rig_.host.hold_calls = true;
  ConnectRequest request;
  request.session = "s";
  request.token = "alice";
  request.data = SharedBytes(R"({"device":"phone"})");
  auto answer = rig_.begin(std::move(request));
  rig_.world.run_for(Bus::kDefaultTimeout + Millis(100));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->error.code, error_code::kInternal);

  rig_.host.hold_calls = false;
  rig_.world.on(rig_.world.lane(0), [&] { rig_.host.held.at(0)(); });
  rig_.world.run_until_idle();

  EXPECT_THAT(rig_.get(Inspect{Inspect::What::kSessions, "alice", 10}).rows, SizeIs(0));
}

TEST_F(ConnectTest, Refresh) {
  EXPECT_EQ(refresh("alice").expire_at_ms, 1'900'000'000'000);
  EXPECT_EQ(refresh("").disconnect.code, disconnect_code::kBadRequest);
  EXPECT_EQ(refresh("bad").disconnect.code, disconnect_code::kInvalidToken);
  EXPECT_EQ(refresh("expired").disconnect.code, disconnect_code::kExpired);
  EXPECT_EQ(refresh("bob").disconnect.code, disconnect_code::kInvalidToken) << "another user's token";
}

struct InstallCase {
  std::optional<std::string> device, epoch;  // headers
  const char* data;
  const char* named;
  std::optional<uint64_t> claimed;
  bool in_data;
};
class InstallTest : public testing::TestWithParam<InstallCase> {};

TEST_P(InstallTest, Follows) {
  ConnectRequest request;
  request.device = GetParam().device;
  request.device_epoch = GetParam().epoch;
  request.data = SharedBytes(GetParam().data);

  const ClientInstall got = install_of(request);

  EXPECT_EQ(got.device, GetParam().named);
  EXPECT_EQ(got.epoch, GetParam().claimed);
  EXPECT_EQ(got.in_data, GetParam().in_data);
}

const std::string kLongest(kMaxDeviceBytes, 'd');
constexpr std::nullopt_t kNone = std::nullopt;
INSTANTIATE_TEST_SUITE_P(
    Headers, InstallTest,
    testing::Values(InstallCase{"a", kNone, R"({"device":"b","epoch":7})", "a", kNone, false},
                    InstallCase{"a", "7", "", "a", 7, false}, InstallCase{"a", "0", "\xff", "a", 0, false},
                    InstallCase{kLongest, kNone, "", kLongest.c_str(), kNone, false},
                    InstallCase{kLongest + "d", kNone, R"({"device":"b"})", "", kNone, false},
                    InstallCase{"", kNone, R"({"device":"b"})", "", kNone, false},
                    InstallCase{"a\tb", kNone, "", "", kNone, false},
                    InstallCase{"a", "x", "", "", kNone, false}, InstallCase{"a", "", "", "", kNone, false},
                    InstallCase{"a", "-1", "", "", kNone, false},
                    InstallCase{"a", "7 ", "", "", kNone, false},
                    InstallCase{"a", "18446744073709551616", "", "", kNone, false},
                    InstallCase{kNone, "7", R"({"device":"b"})", "b", kNone, true}));
INSTANTIATE_TEST_SUITE_P(
    Data, InstallTest,
    testing::Values(InstallCase{kNone, kNone, R"({"device":"a","epoch":7,"x":[{}]})", "a", 7, true},
                    InstallCase{kNone, kNone, R"({"device":"a"})", "a", kNone, true},
                    InstallCase{kNone, kNone, R"({"device":"a","epoch":null})", "a", kNone, true},
                    InstallCase{kNone, kNone, R"({"device":"a","epoch":0})", "a", 0, true}));
class NoInstallTest : public testing::TestWithParam<const char*> {};
TEST_P(NoInstallTest, IsTheApplications) {
  ConnectRequest request;
  request.data = SharedBytes(GetParam());

  EXPECT_EQ(install_of(request).device, "");
  EXPECT_FALSE(install_of(request).in_data);
}
INSTANTIATE_TEST_SUITE_P(
    Table, NoInstallTest,
    testing::Values("", "{}", "[1]", "\"hi\"", "\xff\x01", "{", R"({"device":5})", R"({"device":{"os":"x"}})",
                    R"({"epoch":"abc"})", R"({"device":null,"epoch":null})", R"({"device":""})",
                    R"({"device":"a","epoch":"abc"})", R"({"device":"a","epoch":-1})", R"({"device":"a"}})",
                    R"({"device":"a\u0000"})", R"({"device":"a","text":"\ud83d"})",
                    R"({"device":"12345678901234567890123456789012345678901234567890123456789012345"})"));

TEST(ConnectReplyData, HasTheDeviceWhereThereIsRoomForIt) {
  const auto with = [](const char* plugin) {
    return std::string(data_with_install(SharedBytes(plugin), "d", 2).view());
  };

  EXPECT_EQ(with(""), R"({"device":"d","epoch":2})");
  EXPECT_EQ(with(R"({"greeting":"hi"})"), R"({"device":"d","epoch":2,"greeting":"hi"})");
  for (const char* own :
       {"[1]", "\"hi\"", "\xff", R"({"device":"camera"})", R"({"a":1,"epoch":"stone age"})"})
    EXPECT_EQ(with(own), own);
}

TEST_F(ConnectTest, TheReplysDataIsThePluginsWhereTheDeviceIsNotNamedInData) {
  for (const char* data : {"", "{}", R"({"device":5})"})
    EXPECT_EQ(connect("alice", data).data.view(), R"({"greeting":"hi"})") << data;
  rig_.host.devices = false;

  EXPECT_EQ(connect("alice", R"({"device":"phone"})").data.view(), R"({"greeting":"hi"})");
}

TEST_F(ConnectTest, WhereNobodyNumbersMessagesNobodyIsADevice) {
  rig_.host.devices = false;

  const ConnectResponse answer = connect("alice", R"({"device":"phone","epoch":1})");

  EXPECT_TRUE(answer.peer->ephemeral_device);
  EXPECT_TRUE(rig_.store.rows.empty());
}

class DispatchTest : public testing::Test {
 protected:
  void chain_answers(host::ChainResult result) {
    rig_.host.on_chain = [result](host::ChainRequest, host::ChainFn done) { done(result); };
  }
  static host::ChainResult result(lcg_status status, std::string_view data = "") {
    host::ChainResult out;
    out.status = status;
    out.data = SharedBytes(data);
    return out;
  }
  RpcResponse rpc() { return rig_.get(RpcRequest{"m", LaneRig::peer("u", "s"), SharedBytes("{}")}); }
  LaneRig rig_;
};

TEST_F(DispatchTest, ARpcThatNoPluginWantsIsNoMethod) {
  EXPECT_EQ(rpc().error.code, error_code::kMethodNotFound);
}

TEST_F(DispatchTest, Rpc) {
  rig_.host.wanted = 1u << LCG_REQ_RPC;
  EXPECT_EQ(rpc().error.code, error_code::kMethodNotFound) << "all deferred";
  chain_answers(result(LCG_OK, "{\n}"));
  EXPECT_EQ(rpc().data.view().find('\n'), std::string_view::npos);
  chain_answers(result(LCG_OK, "no json"));
  EXPECT_EQ(rpc().error.code, error_code::kInternal);
  chain_answers(result(LCG_E_DENIED));
  EXPECT_EQ(rpc().error.code, error_code::kPermissionDenied);
}

TEST_F(DispatchTest, Http) {
  HttpRequest request{"POST /oauth/token", "Bearer x", "192.0.2.1:1", SharedBytes("a=b")};
  EXPECT_EQ(rig_.get(request).status, 404u);
  chain_answers(result(LCG_OK, "{}"));
  EXPECT_EQ(rig_.get(request).status, 200u);
  EXPECT_EQ(rig_.host.chains.back().name, "POST /oauth/token");
  EXPECT_EQ(rig_.host.chains.back().credential, "Bearer x");
  EXPECT_TRUE(rig_.host.chains.back().peer->http);
}

TEST_F(DispatchTest, ServiceCallIsServedWithSlotAndTerm) {
  rig_.slots.set_term(3, 17);
  EXPECT_EQ(rig_.get(ServiceCall{"storage", "get", "@3", "", "uaa", 0}).status, LCG_OK);

  ASSERT_THAT(rig_.host.served, SizeIs(1));
  EXPECT_EQ(rig_.host.served[0].slot, 3u);
  EXPECT_EQ(rig_.host.served[0].term, 17u);
}

TEST_F(DispatchTest, InspectListsSlotsUpToItsLimit) {
  rig_.slots.set_term(0, 5);
  const InspectResponse all = rig_.get(Inspect{Inspect::What::kSlots, "", 1000});
  EXPECT_THAT(all.rows, SizeIs(16));
  EXPECT_FALSE(all.more);
  EXPECT_EQ(all.rows[0], R"({"slot":0,"lane":0,"term":5,"node":"lcg"})");

  const InspectResponse some = rig_.get(Inspect{Inspect::What::kSlots, "", 2});
  EXPECT_THAT(some.rows, SizeIs(2));
  EXPECT_TRUE(some.more);
}

TEST_F(DispatchTest, InspectFiltersChannelsByPrefix) {
  BrokerConfig config;
  config.without_namespace.subscribe.for_client = true;
  LaneRig rig(config);
  for (const char* channel : {"news", "newer", "old"})
    rig.get(SubscribeRequest{channel, LaneRig::peer("u", "s"), {}, {}});

  const auto rows = rig.get(Inspect{Inspect::What::kChannels, "new", 10}).rows;

  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_THAT(rows[0], HasSubstr(R"("sessions":1)"));
}

}  // namespace
}  // namespace lcg::broker
