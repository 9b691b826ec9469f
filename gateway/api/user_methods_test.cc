// subscribe, unsubscribe, disconnect, refresh, sessions, user_status, block_user, unblock_user, revoke, info, rpc.
#include "gateway/api/test_api.h"
#include "lcg/services/token_wire.hpp"

namespace lcg::gateway::api {
namespace {

const Target& target_of(const TestApi& api) { return api.bus.log.at(0).target; }

TEST(ApiSubscribe, TheGrantSaysWhatTheParamsSay) {
  TestApi api;

  EXPECT_EQ(api.call("subscribe", R"({"user":"42","channel":"chat:1","client":"c1","info":{"a":1},"data":[2],
      "expire_at":9000000000,"recover_since":{"offset":4,"epoch":"E"},
      "override":{"presence":{"value":true},"join_leave":{"value":false},"force_recovery":{},
                  "force_positioning":null}})"),
            R"({"result":{}})");

  const SubscribeUser asked = api.bus.only<SubscribeUser>();
  EXPECT_EQ(asked.user, "42");
  EXPECT_EQ(asked.session, "c1");
  EXPECT_EQ(asked.channel, "chat:1");
  EXPECT_TRUE(asked.recover);
  EXPECT_EQ(asked.since, (StreamPosition{4, "E"}));
  EXPECT_EQ(asked.grant->info.view(), R"({"a":1})");
  EXPECT_EQ(asked.grant->data.view(), "[2]");
  EXPECT_EQ(asked.grant->expire_at_ms, 9'000'000'000'000);
  EXPECT_EQ(asked.grant->override_options.presence, true);
  EXPECT_EQ(asked.grant->override_options.join_leave, false);
  EXPECT_EQ(asked.grant->override_options.force_recovery, false);
  EXPECT_FALSE(asked.grant->override_options.force_positioning.has_value());
  EXPECT_EQ(target_of(api).index, slot_of_key("42", 16));
}

TEST(ApiSubscribe, InfoInBase64HoldsJson) {
  TestApi api;

  api.call("subscribe", R"({"user":"42","channel":"a","b64info":"eyJhIjoxfQ=="})");
  EXPECT_EQ(api.bus.only<SubscribeUser>().grant->info.view(), R"({"a":1})");
  EXPECT_EQ(api.call("subscribe", R"({"user":"42","channel":"a","b64info":"AP8="})"),
            error_body(107, "b64info: holds no JSON: a JSON client could not be shown it"));
}

TEST(ApiSubscribe, OneThatHasEndedAlready) {
  TestApi api;

  EXPECT_EQ(api.call("subscribe", R"({"user":"42","channel":"a","expire_at":1})"),
            error_body(107, "expire_at: is in the past (Unix seconds)"));
}

TEST(ApiUsers, SomebodyMustBeNamed) {
  TestApi api;
  for (const char* method : {"unsubscribe", "disconnect", "refresh"}) {
    EXPECT_EQ(api.call(method, R"({"user":""})"),
              error_body(107, "user: must be given, or client for an anonymous session"));
    EXPECT_EQ(api.call(method, R"({"user":"42","client":"c","session":"s"})"), R"({"result":{}})")
        << "nobody is both";
  }
  for (const char* method : {"sessions", "block_user", "unblock_user"}) {
    EXPECT_EQ(api.call(method, "{}"), error_body(107, "user: must be given"));
  }
  EXPECT_TRUE(api.bus.log.empty());
}

TEST(ApiUsers, ASessionIsNamedEitherWay) {
  for (const char* narrowed :
       {R"({"user":"42","session":"c1"})", R"({"user":"42","session":"c1","client":"c1"})"}) {
    TestApi api;
    for (const char* method : {"unsubscribe", "disconnect", "refresh"}) api.call(method, narrowed);
    api.call("subscribe", R"({"channel":"a",)" + std::string(narrowed).substr(1));

    EXPECT_EQ(api.bus.only<UnsubscribeUser>().session, "c1");
    EXPECT_EQ(api.bus.only<DisconnectSessions>().session, "c1");
    EXPECT_EQ(api.bus.only<RefreshUser>().session, "c1");
    EXPECT_EQ(api.bus.only<SubscribeUser>().session, "c1");
  }
}

TEST(ApiUsers, TheNamesOfMembersAreReadWithoutRegardToCase) {
  TestApi api;

  api.call("disconnect", R"({"User":"42","Disconnect":{"Code":4001,"REASON":"bye"}})");

  EXPECT_EQ(api.bus.only<DisconnectSessions>().disconnect.code, 4001u);
  EXPECT_EQ(api.bus.only<DisconnectSessions>().disconnect.reason, "bye");
}

TEST(ApiUsers, AnAnonymousSessionIsLookedForOnEveryLane) {
  TestApi api;

  EXPECT_EQ(api.call("refresh", R"({"client":"c1","expired":true})"), R"({"result":{}})");

  const auto asked = api.bus.asked<RefreshUser>();
  ASSERT_EQ(asked.size(), FakeBus::kLanes);
  EXPECT_EQ(asked[2].session, "c1");
  EXPECT_EQ(api.bus.log.at(2).target.kind, Target::Kind::kLane);
}

TEST(ApiUsers, TheBrokersErrorNamesTheUser) {
  TestApi api;
  api.refuses<RefreshUser>(100);

  EXPECT_EQ(api.call("refresh", R"({"user":"42"})"), error_body(100, "internal server error"));
}

TEST(ApiUnsubscribe, OfOneChannelAsksTheChannel) {
  TestApi api;

  EXPECT_EQ(api.call("unsubscribe", R"({"user":"42","channel":"chat:1","client":"c1"})"), R"({"result":{}})");

  const UnsubscribeSessions asked = api.bus.only<UnsubscribeSessions>();
  EXPECT_EQ(asked.channel, "chat:1");
  EXPECT_EQ(asked.user, "42");
  EXPECT_EQ(asked.session, "c1");
  EXPECT_EQ(asked.code, 2000u);
  EXPECT_EQ(asked.reason, "server unsubscribe");
  EXPECT_EQ(target_of(api).index, slot_of_key("chat:1", 16));
}

TEST(ApiUnsubscribe, OfAllAsksTheUser) {
  TestApi api;

  api.call("unsubscribe", R"({"user":"42","channel":""})");

  EXPECT_EQ(api.bus.only<UnsubscribeUser>().user, "42");
  EXPECT_EQ(api.bus.only<UnsubscribeUser>().code, 2000u);
  EXPECT_EQ(target_of(api).index, slot_of_key("42", 16));
}

TEST(ApiDisconnect, StaysAwayUnlessItSaysOtherwise) {
  TestApi api;

  EXPECT_EQ(api.call("disconnect", R"({"user":"42","whitelist":["c2","c3"]})"), R"({"result":{}})");

  const DisconnectSessions asked = api.bus.only<DisconnectSessions>();
  EXPECT_EQ(asked.user, "42");
  EXPECT_EQ(asked.disconnect.code, 3503u);
  EXPECT_EQ(asked.disconnect.reason, "force disconnect");
  EXPECT_EQ(asked.except, (std::vector<std::string>{"c2", "c3"}));
}

TEST(ApiDisconnect, WithACodeOfItsOwn) {
  TestApi api;

  api.call("disconnect", R"({"user":"42","client":"c1","disconnect":{"code":4000,"reason":"bye"}})");
  api.call("disconnect", R"({"user":"42","disconnect":{"code":0,"reason":""}})");

  EXPECT_EQ(api.bus.asked<DisconnectSessions>().at(0).disconnect.code, 4000u);
  EXPECT_EQ(api.bus.asked<DisconnectSessions>().at(0).disconnect.reason, "bye");
  EXPECT_EQ(api.bus.asked<DisconnectSessions>().at(1).disconnect.code, 3503u);
}

TEST(ApiDisconnect, ACodeThatIsNone) {
  TestApi api;
  for (const char* code : {"1000", "2999", "5000"}) {
    EXPECT_EQ(api.call("disconnect", R"({"user":"42","disconnect":{"code":)" + std::string(code) + "}}"),
              error_body(107,
                         "disconnect.code: expected 3000 to 4999 (from 3500 to 3999 and from "
                         "4500 clients stay away)"));
  }
}

TEST(ApiDisconnect, AnAnswerThatNeverCameIsNoSuccess) {
  TestApi api;
  api.bus.on_request = [](Target, const Request&) { return Response(Outcome{make_error(100), {}}); };

  EXPECT_EQ(api.call("disconnect", R"({"user":"42"})"), error_body(100, "internal server error"));
}

TEST(ApiRefresh, TellsSecondsAsMilliseconds) {
  TestApi api;

  api.call("refresh", R"({"user":"42","client":"c1","expire_at":9000000000,"info":{"n":2}})");

  const RefreshUser asked = api.bus.only<RefreshUser>();
  EXPECT_EQ(asked.session, "c1");
  EXPECT_EQ(asked.expire_at_ms, 9'000'000'000'000);
  EXPECT_EQ(asked.info.view(), R"({"n":2})");
  EXPECT_FALSE(asked.expired);
}

TEST(ApiRefresh, AnEndThatIsPastIsAnEnd) {
  TestApi api;

  api.call("refresh", R"({"user":"42","expire_at":1})");

  EXPECT_TRUE(api.bus.only<RefreshUser>().expired);
}

TEST(ApiSessions, AMapByClientUnderBothNames) {
  TestApi api;
  auto peer = std::make_shared<Peer>();
  peer->session = "c1";
  peer->user = "42";
  peer->device = "phone";
  peer->auth = "login";
  peer->remote = "192.0.2.7:9";
  peer->transport = TransportKind::kSse;
  ListSessionsResponse answer;
  answer.sessions.push_back({peer, "js", "5", 12'345});
  api.answers<ListSessions>(answer);
  const std::string expected =
      R"({"result":{"connections":{"c1":{"app_name":"js","app_version":"5","transport":"sse","protocol":"json",)"
      R"("user":"42","device":"phone","auth":"login","remote":"192.0.2.7:9","connected_at":12}}}})";

  EXPECT_EQ(api.call("sessions", R"({"user":"42"})"), expected);
  EXPECT_EQ(api.call("connections", R"({"user":"42","expression":""})"), expected);
  EXPECT_EQ(api.call("connections", R"({"user":"42","expression":"true"})"),
            error_body(108, "expression: sessions cannot be filtered by expressions"));
}

TEST(ApiUserStatus, InTheOrderOfTheUsersUnderBothNames) {
  TestApi api;
  api.bus.on_request = [](Target, const Request& request) -> std::optional<Response> {
    UserStatusResponse out;
    if (std::get<UserStatus>(request).user == "on") out.online = true, out.last_seen_ms = 5'999;
    if (std::get<UserStatus>(request).user == "blocked") out.blocked_until_ms = 7'001;
    return out;
  };
  const std::string expected =
      R"({"result":{"statuses":[{"user":"on","online":5,"connected":true},{"user":"never","connected":false},)"
      R"({"user":"blocked","connected":false,"blocked":true,"blocked_until":8}]}})";

  EXPECT_EQ(api.call("user_status", R"({"users":["on","never","blocked"]})"), expected);
  EXPECT_EQ(api.call("get_user_status", R"({"users":["on","never","blocked"]})"), expected);
  EXPECT_EQ(api.call("user_status", R"({"users":["on",""]})"),
            error_body(107, "users[1]: must not be empty"));
}

TEST(ApiUserStatus, TooManyUsers) {
  TestApi api;
  std::string users;
  for (size_t i = 0; i <= kMaxUsers; ++i) users += i == 0 ? "\"u\"" : ",\"u\"";

  EXPECT_EQ(api.call("user_status", "{\"users\":[" + users + "]}"),
            error_body(107, "users: expected at most 1000 entries"));
}

TEST(ApiBlock, UntilATimeOrForGood) {
  TestApi api;

  EXPECT_EQ(api.call("block_user", R"({"user":"42"})"), R"({"result":{}})");
  api.call("block_user", R"({"user":"42","expire_at":9000000000})");
  EXPECT_EQ(api.call("unblock_user", R"({"user":"42"})"), R"({"result":{}})");

  const auto asked = api.bus.asked<BlockUser>();
  EXPECT_EQ(asked.at(0).until_ms, INT64_MAX);
  EXPECT_EQ(asked.at(1).until_ms, 9'000'000'000'000);
  EXPECT_EQ(asked.at(2).until_ms, 0);
  EXPECT_EQ(
      api.call("block_user", R"({"user":"42","expire_at":1})"),
      error_body(107, "expire_at: is in the past (Unix seconds; leave it out for a block without end)"));
}

TEST(ApiRevoke, AsksTheLoginService) {
  TestApi api;

  EXPECT_EQ(api.call("revoke", R"({"user":"42","auth":"login"})"), R"({"result":{}})");

  const ServiceCall asked = api.bus.only<ServiceCall>();
  EXPECT_EQ(asked.service, "uaa");
  EXPECT_EQ(asked.method, "revoke");
  EXPECT_EQ(asked.key, "42");
  EXPECT_EQ(asked.caller, "api");
  EXPECT_EQ(asked.data, wire::Writer().str("login").take());
  EXPECT_EQ(target_of(api).index, slot_of_key("42", 16));
}

token::Revocation revocation_of(const ServiceCall& call) {
  token::Revocation out;
  EXPECT_EQ(call.service, "token");
  EXPECT_TRUE(token::decode(call.data, out));
  EXPECT_EQ(call.key, out.token_id.empty() ? out.user : out.token_id);
  EXPECT_TRUE(out.token_id.empty() || out.user.empty());
  return out;
}

TEST(ApiRevoke, AsksTheTokenServiceInItsWords) {
  TestApi api;
  api.config.revoke_services = {"token"};
  api.call("invalidate_user_tokens", R"({"user":"42","issued_before":5,"channel":"c","expire_at":300})");
  api.call("revoke", R"({"user":"42","auth":"j2"})");
  api.call("revoke", R"({"user":"42","uid":"j3"})");

  const auto asked = api.bus.asked<ServiceCall>();
  ASSERT_EQ(asked.size(), 3u);
  const token::Revocation by_user = revocation_of(asked[0]);
  EXPECT_EQ(by_user.user, "42");
  EXPECT_EQ(by_user.issued_before_s, 5);
  EXPECT_EQ(by_user.channel, "c");
  EXPECT_EQ(by_user.expire_at_s, 300);
  EXPECT_EQ(by_user.code, 0u);
  EXPECT_EQ(revocation_of(asked[1]).token_id, "j2");
  EXPECT_EQ(revocation_of(asked[2]).token_id, "j3");
}

TEST(ApiRevoke, EveryServiceMustDoIt) {
  TestApi api;
  api.config.revoke_services = {"uaa", "token"};
  api.bus.on_request = [](Target, const Request& request) -> std::optional<Response> {
    ServiceCallResponse out;
    if (std::get<ServiceCall>(request).service == "token") out.status = -8, out.message = "not running";
    return out;
  };

  EXPECT_EQ(api.call("revoke", R"({"user":"42"})"), error_body(108, "service 'token': not running"));
  EXPECT_EQ(api.bus.asked<ServiceCall>().size(), 2u);
}

TEST(ApiRevoke, WhatIsNotThereIsRevoked) {
  TestApi api;
  api.answers<ServiceCall>({-4, 0, "", ""});

  EXPECT_EQ(api.call("revoke", R"({"user":"42"})"), R"({"result":{}})");
}

TEST(ApiRevoke, AUserThatEveryServiceDisownsIsTheCallersMistake) {
  TestApi api;
  api.config.revoke_services = {"uaa", "token"};
  api.answers<ServiceCall>({-4, 0, "user ids of uaa begin with u@", ""});

  EXPECT_EQ(api.call("revoke", R"({"user":"42"})"), error_body(107, "user: user ids of uaa begin with u@"));
}

TEST(ApiRevoke, AUserOfOneServiceIsRevokedThere) {
  TestApi api;
  api.config.revoke_services = {"uaa", "token"};
  api.bus.on_request = [](Target, const Request& request) -> std::optional<Response> {
    if (std::get<ServiceCall>(request).service == "token") return ServiceCallResponse{};
    return ServiceCallResponse{-4, 0, "user ids of uaa begin with u@", ""};
  };

  EXPECT_EQ(api.call("revoke", R"({"user":"t@42"})"), R"({"result":{}})");
}

TEST(ApiRevoke, OneTokenIsNotForTheLoginService) {
  TestApi api;

  EXPECT_EQ(api.call("revoke_token", R"({"uid":"j1"})"),
            error_body(108, "uid: no service of gateway.api.revoke_services does that"));
  api.config.revoke_services = {"uaa", "token"};
  EXPECT_EQ(api.call("revoke_token", R"({"uid":"j1","expire_at":2})"), R"({"result":{}})");

  const ServiceCall asked = api.bus.only<ServiceCall>();
  EXPECT_EQ(revocation_of(asked).token_id, "j1");
  EXPECT_EQ(revocation_of(asked).expire_at_s, 2);
}

TEST(ApiRevoke, ByTimeIsNotForTheLoginService) {
  TestApi api;

  EXPECT_EQ(api.call("invalidate_user_tokens", R"({"user":"42","issued_before":5})"),
            error_body(108,
                       "issued_before: the service 'uaa' revokes logins whatever "
                       "their age; leave it out"));
  EXPECT_EQ(api.call("invalidate_user_tokens", R"({"user":"42","channel":"c"})"),
            error_body(108, "channel: no service of gateway.api.revoke_services does that"));
  EXPECT_EQ(api.call("revoke", R"({"user":"42","expire_at":-1})"),
            error_body(107, "expire_at: expected Unix seconds, not below 0"));
  EXPECT_EQ(api.call("revoke", "{}"), error_body(107, "user: must be given, or uid for one token"));
  EXPECT_TRUE(api.bus.log.empty());
}

TEST(ApiInfo, SumsTheLanes) {
  TestApi api;
  api.answers<NodeInfo>({1, 2, 3, 4});
  api.call("info", "{}");
  api.world.run_for(std::chrono::seconds(12));

  EXPECT_EQ(
      api.call("info", "{}"),
      R"({"result":{"nodes":[{"uid":"node-1","name":"lcg","version":"0.1","num_clients":3,"num_users":6,)"
      R"("num_channels":9,"num_subs":12,"uptime":12}]}})");
}

TEST(ApiInfo, TellsTheMetrics) {
  TestApi api;
  api.node.metrics = [](UniqueFunction<void(std::string)> done) {
    done(
        "# HELP a b\n# TYPE a counter\na 3\nb{x=\"1 2\"} 0.5\nh_bucket{le=\"1\"} 4\nbad NaN\nworse "
        "+Inf\nlast 1");
  };

  EXPECT_THAT(api.call("info", "{}"),
              testing::HasSubstr(R"("metrics":{"interval":0,"items":{"a":3,"b{x=\"1 2\"}":0.5,"last":1}}})"));
}

TEST(ApiRpc, AsNobodyOrAsAUser) {
  TestApi api;
  RpcResponse answer;
  answer.data = SharedBytes(R"({"y":2})");
  api.answers<RpcRequest>(answer);

  EXPECT_EQ(api.call("rpc", R"({"method":"echo","params":{"x":1}})"), R"({"result":{"data":{"y":2}}})");
  api.call("rpc", R"({"method":"echo","user":"42"})");

  const auto asked = api.bus.asked<RpcRequest>();
  EXPECT_EQ(asked.at(0).method, "echo");
  EXPECT_EQ(asked.at(0).data.view(), R"({"x":1})");
  EXPECT_EQ(asked.at(0).peer->user, "");
  EXPECT_TRUE(asked.at(0).peer->http);
  EXPECT_EQ(asked.at(0).peer->remote, "192.0.2.1:5");
  EXPECT_EQ(asked.at(1).peer->user, "42");
}

TEST(ApiRpc, TheErrorsOfPlugins) {
  TestApi api;
  api.refuses<RpcRequest>(104);

  EXPECT_EQ(api.call("rpc", R"({"method":"x"})"), error_body(104, "method not found"));
  EXPECT_EQ(api.call("rpc", "{}"), error_body(107, "method: must be given"));
}

}  // namespace
}  // namespace lcg::gateway::api
