// What holds for every method: keys, forms, error modes, admission, limits.
#include "gateway/api/test_api.h"

namespace lcg::gateway::api {
namespace {

using testing::HasSubstr;

constexpr const char* kPublish = R"({"channel":"a","data":1})";

std::string header_of(const net::HttpResponse& response, std::string_view name) {
  for (const net::HttpHeader& header : response.headers) {
    if (net::equal_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

TEST(ApiKeys, InAnyOfThreePlaces) {
  TestApi api(TestApi::with_keys({key_config("k", "secret")}));

  EXPECT_EQ(api.post("/api/publish", kPublish, {{"X-API-Key", "secret"}}).status, 200u);
  EXPECT_EQ(api.post("/api/publish", kPublish, {{"Authorization", "apikey secret"}}).status, 200u);
  EXPECT_EQ(api.post("/api/publish", kPublish, {{"authorization", "APIKEY secret"}}).status, 200u);
  EXPECT_EQ(api.post("/api/publish?api_key=secret", kPublish).status, 200u);
}

TEST(ApiKeys, NoneOrAnotherIs401BeforeAnythingIsRead) {
  TestApi api(TestApi::with_keys({key_config("k", "secret")}));

  for (const TestApi::Headers& headers :
       std::vector<TestApi::Headers>{{},
                                     {{"X-API-Key", "Secret"}},
                                     {{"X-API-Key", "secret "}},
                                     {{"X-API-Key", std::string(5000, 's')}},
                                     {{"Authorization", "Bearer secret"}},
                                     {{"Authorization", "apikey "}}}) {
    const net::HttpResponse response = api.post("/api/publish", "{not json", headers);
    EXPECT_EQ(response.status, 401u);
    EXPECT_THAT(response.body, HasSubstr(R"({"error":{"code":101,"message":"no API key)"));
    EXPECT_EQ(header_of(response, "WWW-Authenticate"), "apikey");
  }
  EXPECT_EQ(api.post("/api/publish?api_key=%zz", kPublish).status, 401u);
  EXPECT_EQ(api.service->stats().unauthorized, 7u);
  EXPECT_TRUE(api.bus.log.empty());
}

TEST(ApiKeys, WithoutAnyConfiguredNobodyGetsIn) {
  TestApi api{ApiConfig{}};

  EXPECT_EQ(api.post("/api/info", "{}").status, 401u);
}

TEST(ApiKeys, AWrongHeaderIsNotHelpedByTheQuery) {
  TestApi api(TestApi::with_keys({key_config("k", "secret")}));

  EXPECT_EQ(api.post("/api/publish?api_key=secret", kPublish, {{"X-API-Key", "x"}}).status, 401u);
}

TEST(ApiForms, AMethodThereIsNot) {
  TestApi api;

  for (const char* path : {"/api/nothing", "/api/", "/api/publish/x", "/api/PUBLISH"}) {
    EXPECT_EQ(api.post(path, "{}").status, 404u) << path;
  }
  EXPECT_EQ(api.call("nothing", "{}"), error_body(104, "there is no method 'nothing'"));
}

TEST(ApiForms, WhatIsMalformedIs400AndSaysWhere) {
  TestApi api;

  net::HttpResponse response = api.post("/api/publish", R"({"channel":5,"data":1})");
  EXPECT_EQ(response.status, 400u);
  EXPECT_EQ(response.body, error_body(107, "publish: channel: expected a string at byte 11"));
  response = api.post("/api/publish", R"({"channel":"a","data":1)");
  EXPECT_EQ(response.status, 400u);
  EXPECT_EQ(response.body, error_body(107, "publish: expected ',' or '}' at byte 23"));
  for (const char* body : {"", "[]", "null", "{} {}", "{'a':1}"}) {
    EXPECT_EQ(api.post("/api/publish", body).status, 400u) << body;
  }
  EXPECT_EQ(api.service->stats().malformed, 7u);
  EXPECT_TRUE(api.bus.log.empty());
}

TEST(ApiForms, ABodyOverTheLimit) {
  TestApi api;
  api.config.max_body_bytes = 10;

  EXPECT_EQ(api.post("/api/publish", kPublish).status, 413u);
}

TEST(ApiErrors, InObjectModeTheStatusIs200) {
  TestApi api;
  api.refuses<ServerPublish>(102);

  const net::HttpResponse response = api.post("/api/publish", kPublish);

  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.content_type, "application/json");
}

TEST(ApiErrors, InTransportModeTheErrorIsTheBody) {
  struct Row {
    uint32_t code;
    unsigned status;
  };
  for (const Row& row : std::vector<Row>{{100, 500},
                                         {102, 404},
                                         {103, 403},
                                         {104, 404},
                                         {106, 429},
                                         {107, 400},
                                         {108, 400},
                                         {111, 429},
                                         {112, 416},
                                         {113, 409},
                                         {1000, 400}}) {
    TestApi api;
    PublishResponse refused;
    refused.error = {row.code, "no", false};
    api.answers<ServerPublish>(refused);

    const net::HttpResponse response =
        api.post("/api/publish", kPublish, {{"X-Centrifugo-Error-Mode", "transport"}});

    EXPECT_EQ(response.status, row.status);
    EXPECT_EQ(response.body, "{\"code\":" + std::to_string(row.code) + ",\"message\":\"no\"}");
  }
}

TEST(ApiErrors, TransportModeCanBeTheDefault) {
  ApiConfig config = TestApi::open();
  config.transport_errors = true;
  TestApi api(config);

  EXPECT_EQ(api.post("/api/publish", "{}").status, 400u);
  EXPECT_EQ(api.post("/api/publish", "{").body,
            R"({"code":107,"message":"publish: expected a key in double quotes at byte 1"})");
  EXPECT_EQ(api.post("/api/publish", kPublish).body, R"({"result":{}})");
}

TEST(ApiErrors, WhatWouldCloseAConnectionIsInternal) {
  TestApi api;
  PublishResponse closed;
  closed.disconnect = make_disconnect(3501);
  api.answers<ServerPublish>(closed);

  EXPECT_EQ(api.call("publish", kPublish), error_body(100, "internal server error"));
}

TEST(ApiBatch, RepliesStandInOrderAndErrorsInTheirPlaces) {
  TestApi api;

  EXPECT_EQ(api.call("batch", R"({"commands":[{"publish":{"channel":"a","data":1}},{"presence":{}},
      {"presence_stats":{"channel":"b"}},{"nothing":{}},{"publish":null,"info":{}},{}]})"),
            R"({"replies":[{"publish":{}},)"
            R"({"error":{"code":107,"message":"channel: must be given"}},)"
            R"({"presence_stats":{"num_clients":0,"num_users":0}},)"
            R"({"error":{"code":104,"message":"batch: commands[3]: names no method"}},)"
            R"({"info":{"nodes":[{"uid":"node-1","name":"lcg","version":"0.1","num_clients":0,"num_users":0,)"
            R"("num_channels":0,"num_subs":0,"uptime":0}]}},)"
            R"({"error":{"code":104,"message":"batch: commands[5]: names no method"}}]})");
}

TEST(ApiBatch, OneAfterTheOther) {
  TestApi api;
  api.bus.holds = true;
  const std::string two = R"({"publish":{"channel":"a","data":1}},{"publish":{"channel":"b","data":1}})";

  EXPECT_FALSE(api.begin("/api/batch", R"({"commands":[)" + two + "]}"));
  EXPECT_EQ(api.bus.waiting.size(), 1u);
  api.release();
  EXPECT_EQ(api.bus.waiting.size(), 1u);
  EXPECT_FALSE(api.last->has_value());
  api.release();

  EXPECT_EQ(api.last->value().body, R"({"replies":[{"publish":{}},{"publish":{}}]})");
}

TEST(ApiBatch, SomeAtATimeWhenParallel) {
  TestApi api;
  api.bus.holds = true;
  std::string commands;
  for (size_t i = 0; i < kBatchWidth + 5; ++i)
    commands += (i == 0 ? "" : ",") + std::string(R"({"info":{}})");

  EXPECT_FALSE(api.begin("/api/batch", R"({"parallel":true,"commands":[)" + commands + "]}"));
  EXPECT_EQ(api.bus.waiting.size(), kBatchWidth * FakeBus::kLanes);
  while (!api.bus.waiting.empty()) api.release();

  EXPECT_EQ(api.last->value().status, 200u);
}

TEST(ApiBatch, OfAMalformedOneNothingIsDone) {
  TestApi api;
  const char* bodies[] = {
      R"({"commands":[{"publish":{"channel":"a","data":1}},{"publish":{"channel":[]}}]})",
      R"({"commands":[{"publish":{"channel":"a","data":1},"info":{}}]})",
      R"({"commands":[{"publish":{"channel":"a","data":1}},5]})",
      R"({"commands":[{"publish":{"channel":"a","data":1}}],"parallel":1})",
      R"({"commands":[{"publish":{"channel":"a","data":1}}]}})",
  };
  for (const char* body : bodies) EXPECT_EQ(api.post("/api/batch", body).status, 400u) << body;
  EXPECT_EQ(api.call("batch", bodies[0]),
            error_body(107, "batch: commands[1]: publish: channel: expected a string at byte 72"));
  EXPECT_EQ(api.call("batch", bodies[1]),
            error_body(107, "batch: commands[0]: names publish and info, expected one method"));
  EXPECT_TRUE(api.bus.log.empty());
}

TEST(ApiBatch, TooManyCommands) {
  TestApi api;
  api.config.max_batch_commands = 1;

  EXPECT_EQ(api.call("batch", R"({"commands":[{"info":{}},{"info":{}}]})"),
            error_body(107, "batch: commands: expected at most 1 commands"));
}

TEST(ApiBatch, AnEmptyOne) {
  TestApi api;

  EXPECT_EQ(api.call("batch", R"({"commands":[]})"), R"({"replies":[]})");
}

TEST(ApiLines, CommandsOneAfterAnother) {
  TestApi api;

  EXPECT_EQ(
      api.post("/api",
               "{\"id\":1,\"method\":\"publish\",\"params\":{\"channel\":\"a\",\"data\":1}}\n"
               "{\"method\":\"PRESENCE_STATS\",\"params\":{\n\"channel\":\"}\\\"\"}} "
               "{\"id\":3,\"method\":\"x\"}{\"id\":4,\"method\":\"history\",\"params\":{\"channel\":7}}\n")
          .body,
      "{\"id\":1,\"result\":{}}\n"
      "{\"result\":{\"num_clients\":0,\"num_users\":0}}\n"
      "{\"id\":3,\"error\":{\"code\":104,\"message\":\"there is no method 'x'\"}}\n"
      "{\"id\":4,\"error\":{\"code\":107,\"message\":\"history: channel: expected a string at byte 11\"}}");
  EXPECT_EQ(api.bus.only<PresenceRequest>().channel, "}\"");
}

TEST(ApiLines, WhatIsMalformed) {
  TestApi api;

  for (const char* body : {"", " \n", "{", "}", "[", "\"", "{\"method\":5}", "5", "{\"method\":\"info\"}x"}) {
    EXPECT_EQ(api.post("/api", body).status, 400u) << body;
  }
  EXPECT_EQ(api.post("/api", "{\"method\":\"info\"}\n{").body,
            error_body(107, "command 2: expected a key in double quotes at byte 1"));
  EXPECT_TRUE(api.bus.log.empty());
}

TEST(ApiScopes, AKeyWithMethodsCallsThoseAlone) {
  TestApi api(TestApi::with_keys({key_config("orders", "k", {"publish", "history"})}));
  const TestApi::Headers key = {{"X-API-Key", "k"}};

  EXPECT_EQ(api.post("/api/publish", kPublish, key).status, 200u);
  const net::HttpResponse response = api.post("/api/info", "{}", key);
  EXPECT_EQ(response.status, 403u);
  EXPECT_EQ(response.body,
            error_body(103, "info: key 'orders' may not call this method, it is not among its methods"));
}

TEST(ApiScopes, AKeyWithNamespacesTouchesThoseAlone) {
  TestApi api(TestApi::with_keys({key_config("orders", "k", {}, {"chat", ""})}));
  const TestApi::Headers key = {{"X-API-Key", "k"}};
  const auto status = [&](const char* method, std::string body) {
    return api.post(std::string("/api/") + method, std::move(body), key).status;
  };

  for (const char* channel : {"chat:1", "$chat:1", "plain", "#42", "chat:a:b"})
    EXPECT_EQ(status("publish", R"({"data":1,"channel":")" + std::string(channel) + "\"}"), 200u) << channel;
  const size_t asked = api.bus.log.size();
  for (const char* channel : {"news:1", "$news:1", "Chat:1", "chat2:1", "news:chat:1"})
    EXPECT_EQ(status("publish", R"({"data":1,"channel":")" + std::string(channel) + "\"}"), 403u) << channel;
  EXPECT_EQ(status("broadcast", R"({"data":1,"channels":["chat:1","news:1"]})"), 403u);
  EXPECT_EQ(status("unsubscribe", R"({"user":"42"})"), 403u);
  EXPECT_EQ(status("subscribe", R"({"user":"42","channel":"news:1"})"), 403u);
  EXPECT_EQ(status("disconnect", R"({"user":"42"})"), 403u);
  EXPECT_EQ(status("channels", "{}"), 403u);
  EXPECT_EQ(api.bus.log.size(), asked);
  EXPECT_EQ(api.post("/api/history", R"({"channel":"news:1"})", key).body,
            error_body(103, "history: channel 'news:1': key 'orders' has no access to namespace 'news'"));
}

TEST(ApiScopes, AWideMethodThatIsListedIsAllowedAndSeesItsNamespaces) {
  TestApi api(TestApi::with_keys({key_config("orders", "k", {"channels"}, {"chat"})}));
  ListChannelsResponse answer;
  answer.channels = {{"chat:1", 2}, {"news:1", 3}, {"plain", 4}};
  api.bus.on_request = [answer](Target target, const Request&) -> std::optional<Response> {
    return target.index == 0 ? Response(answer) : Response(ListChannelsResponse{});
  };

  EXPECT_EQ(api.post("/api/channels", "{}", {{"X-API-Key", "k"}}).body,
            R"({"result":{"channels":{"chat:1":{"num_clients":2}}}})");
}

TEST(ApiScopes, ABatchIsAllowedWholeOrNotAtAll) {
  TestApi api(TestApi::with_keys({key_config("orders", "k", {"publish"})}));
  const TestApi::Headers key = {{"X-API-Key", "k"}};

  EXPECT_EQ(api.post("/api/batch", R"({"commands":[{"publish":{"channel":"a","data":1}},{"info":{}}]})", key)
                .status,
            403u);
  EXPECT_TRUE(api.bus.log.empty());
  EXPECT_EQ(api.post("/api/batch", R"({"commands":[{"publish":{"channel":"a","data":1}}]})", key).status,
            200u);
  EXPECT_EQ(api.post("/api", R"({"method":"info"})", key).status, 403u);
  EXPECT_EQ(api.service->stats().forbidden, 2u);
}

TEST(ApiRates, OverItIs429WithATime) {
  KeyConfig limited = key_config("k", "k");
  limited.rate = 1;
  limited.burst = 2;
  TestApi api(TestApi::with_keys({limited, key_config("free", "f")}));
  const TestApi::Headers key = {{"X-API-Key", "k"}};

  EXPECT_EQ(api.post("/api/publish", kPublish, key).status, 200u);
  EXPECT_EQ(api.post("/api/publish", kPublish, key).status, 200u);
  const net::HttpResponse response = api.post("/api/publish", kPublish, key);
  EXPECT_EQ(response.status, 429u);
  EXPECT_EQ(response.body, error_body(111, "key 'k' is over its rate"));
  EXPECT_EQ(header_of(response, "Retry-After"), "1");
  EXPECT_EQ(api.post("/api/publish", kPublish, {{"X-API-Key", "f"}}).status, 200u);
  api.world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(api.post("/api/publish", kPublish, key).status, 200u);
}

TEST(ApiRates, ABroadcastCountsItsChannels) {
  KeyConfig limited = key_config("k", "k");
  limited.rate = 1;
  limited.burst = 2;
  TestApi api(TestApi::with_keys({limited}));
  const TestApi::Headers key = {{"X-API-Key", "k"}};

  EXPECT_EQ(api.post("/api/broadcast", R"({"channels":["a","b","c","d","e"],"data":1})", key).status, 200u);
  api.world.run_for(std::chrono::seconds(3));
  EXPECT_EQ(api.post("/api/publish", kPublish, key).status, 429u);
  api.world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(api.post("/api/publish", kPublish, key).status, 200u);
}

TEST(ApiLoad, SoManyRequestsWaitAndNoMore) {
  ApiConfig config = TestApi::open();
  config.max_in_flight = 1;
  TestApi api(config);
  api.bus.holds = true;

  EXPECT_FALSE(api.begin("/api/publish", kPublish));
  const net::HttpResponse response = api.post("/api/publish", kPublish);
  EXPECT_EQ(response.status, 503u);
  EXPECT_EQ(header_of(response, "Retry-After"), "1");
  api.release();
  EXPECT_EQ(api.service->in_flight(), 0u);
  EXPECT_FALSE(api.begin("/api/publish", kPublish));
  api.release();

  EXPECT_EQ(api.service->stats().overloaded, 1u);
}

}  // namespace
}  // namespace lcg::gateway::api
