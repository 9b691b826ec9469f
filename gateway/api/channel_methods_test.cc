// publish, broadcast, presence, presence_stats, history, history_remove, channels: requests, results and errors.
#include "gateway/api/test_api.h"

namespace lcg::gateway::api {
namespace {

PublishResponse at(uint64_t offset, std::string epoch) {
  PublishResponse out;
  out.position = {offset, std::move(epoch)};
  return out;
}

TEST(ApiPublish, AsksTheChannelsSlotAndTellsThePosition) {
  TestApi api;
  api.answers<ServerPublish>(at(7, "E"));

  EXPECT_EQ(api.call("publish", R"({"channel":"chat:1","data":{"t":"hi"}})"),
            R"({"result":{"offset":7,"epoch":"E"}})");

  const ServerPublish asked = api.bus.only<ServerPublish>();
  EXPECT_EQ(asked.channel, "chat:1");
  EXPECT_EQ(asked.publication.data.view(), R"({"t":"hi"})");
  EXPECT_FALSE(asked.publication.has_info);
  EXPECT_FALSE(asked.positioned);
  EXPECT_EQ(api.bus.log.at(0).target.kind, Target::Kind::kSlot);
  EXPECT_EQ(api.bus.log.at(0).target.index, slot_of_key("chat:1", 16));
}

TEST(ApiPublish, AProvidedChannelIsRoutedByWhatFollowsItsNamespace) {
  TestApi api;

  api.call("publish", R"({"channel":"dialog:team","data":1})");

  EXPECT_EQ(api.bus.log.at(0).target.index, slot_of_key("team", 16));
}

TEST(ApiPublish, WithoutHistoryTheResultIsEmpty) {
  TestApi api;

  EXPECT_EQ(api.call("publish", R"({"channel":"a","data":1})"), R"({"result":{}})");
}

TEST(ApiPublish, EveryOptionReachesTheBroker) {
  TestApi api;

  api.call("publish", R"({"channel":"a","data":1,"tags":{"z":"1","a":"2","z":"3"},"skip_history":true,
    "idempotency_key":"k","delta":true,"version":9,"version_epoch":"v","unknown":{"x":[1]}})");

  const ServerPublish asked = api.bus.only<ServerPublish>();
  EXPECT_EQ(asked.options.tags, (Tags{{"a", "2"}, {"z", "3"}}));
  EXPECT_EQ(asked.publication.tags, asked.options.tags);
  EXPECT_EQ(asked.options.idempotency_key, "k");
  EXPECT_EQ(asked.options.version, 9u);
  EXPECT_EQ(asked.options.version_epoch, "v");
  EXPECT_TRUE(asked.options.delta);
  EXPECT_TRUE(asked.options.skip_history);
}

TEST(ApiPublish, DataIsAnyJsonOnOneLine) {
  TestApi api;
  for (const char* data : {"null", "false", "0", "\"\"", "[]", "{\n\"a\":\n1}"}) {
    api.call("publish", std::string(R"({"channel":"a","data":)") + data + "}");
    std::string scratch;
    EXPECT_EQ(api.bus.asked<ServerPublish>().back().publication.data.view(), compact_newlines(data, scratch));
  }
}

TEST(ApiPublish, Base64IsBytes) {
  TestApi api;

  api.call("publish", R"({"channel":"a","b64data":"AP8="})");

  EXPECT_TRUE(api.bus.only<ServerPublish>().publication.binary);
  EXPECT_EQ(api.bus.only<ServerPublish>().publication.data.view(), std::string_view("\0\xff", 2));
}

TEST(ApiPublish, Base64OfJsonIsJson) {
  TestApi api;

  api.call("publish", R"({"channel":"a","data":null,"b64data":"eyJhIjoxfQ=="})");

  EXPECT_FALSE(api.bus.only<ServerPublish>().publication.binary);
  EXPECT_EQ(api.bus.only<ServerPublish>().publication.data.view(), R"({"a":1})");
}

TEST(ApiPublish, WhatIsMissingIsNamed) {
  TestApi api;

  EXPECT_EQ(api.call("publish", R"({"data":1})"), error_body(107, "channel: must be given"));
  EXPECT_EQ(api.call("publish", R"({"channel":"","data":1})"), error_body(107, "channel: must be given"));
  EXPECT_EQ(api.call("publish", R"({"channel":"a"})"), error_body(107, "data: must be given, or b64data"));
  EXPECT_EQ(api.call("publish", R"({"channel":"a","b64data":"%"})"),
            error_body(107, "b64data: is not base64 (RFC 4648 section 4, with padding)"));
  EXPECT_TRUE(api.bus.log.empty());
}

TEST(ApiPublish, TheBrokersErrorNamesTheChannel) {
  TestApi api;
  api.refuses<ServerPublish>(102);

  EXPECT_EQ(api.call("publish", R"({"channel":"x:1","data":1})"), error_body(102, "unknown channel"));
}

TEST(ApiBroadcast, ResponsesStandInTheOrderOfTheChannels) {
  TestApi api;
  api.bus.on_request = [](Target, const Request& request) -> std::optional<Response> {
    const auto& publish = std::get<ServerPublish>(request);
    if (publish.channel == "b") {
      PublishResponse refused;
      refused.error = make_error(102);
      return refused;
    }
    return at(publish.channel == "a" ? 1 : 3, "E");
  };

  EXPECT_EQ(api.call("broadcast", R"({"channels":["a","b","","c"],"data":1})"),
            R"({"result":{"responses":[{"result":{"offset":1,"epoch":"E"}},)"
            R"({"error":{"code":102,"message":"unknown channel"}},)"
            R"({"error":{"code":107,"message":"must not be empty"}},)"
            R"({"result":{"offset":3,"epoch":"E"}}]}})");
}

TEST(ApiBroadcast, TheDataIsSharedByAll) {
  TestApi api;

  api.call("broadcast", R"({"channels":["a","b"],"data":[1,2],"idempotency_key":"k"})");

  const auto asked = api.bus.asked<ServerPublish>();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].publication.data.view().data(), asked[1].publication.data.view().data());
  EXPECT_EQ(asked[1].options.idempotency_key, "k");
}

TEST(ApiBroadcast, SoManyAreUnderWayAndNoMore) {
  TestApi api;
  api.bus.holds = true;
  std::string channels;
  for (size_t i = 0; i < kBroadcastWidth + 10; ++i)
    channels += (i == 0 ? "\"c" : ",\"c") + std::to_string(i) + '"';

  EXPECT_FALSE(api.begin("/api/broadcast", R"({"data":1,"channels":[)" + channels + "]}"));
  EXPECT_EQ(api.bus.waiting.size(), kBroadcastWidth);
  api.release();
  EXPECT_EQ(api.bus.waiting.size(), kBroadcastWidth);
  while (!api.bus.waiting.empty()) api.release();

  EXPECT_EQ(api.bus.log.size(), kBroadcastWidth + 10);
  EXPECT_EQ(api.last->value().status, 200u);
}

TEST(ApiBroadcast, ThousandsThatAreAnsweredAtOnce) {
  TestApi api;
  std::string channels;
  for (int i = 0; i < 10'000; ++i) channels += i == 0 ? "\"c\"" : ",\"c\"";

  EXPECT_EQ(api.post("/api/broadcast", R"({"data":1,"channels":[)" + channels + "]}").status, 200u);
  EXPECT_EQ(api.bus.log.size(), 10'000u);
}

TEST(ApiBroadcast, TooManyChannels) {
  TestApi api;
  api.config.max_broadcast_channels = 2;

  EXPECT_EQ(api.call("broadcast", R"({"channels":["a","b","c"],"data":1})"),
            error_body(107, "channels: expected at most 2 entries"));
  EXPECT_EQ(api.call("broadcast", R"({"channels":[],"data":1})"), error_body(107, "channels: must be given"));
  EXPECT_TRUE(api.bus.log.empty());
}

ClientInfo client(std::string user, std::string id) {
  ClientInfo out;
  out.user = std::move(user);
  out.client = std::move(id);
  return out;
}

TEST(ApiPresence, AMapByClient) {
  TestApi api;
  PresenceResponse answer;
  answer.clients = {client("42", "c1"), client("", "c2")};
  answer.clients[0].conn_info = SharedBytes(R"({"n":1})");
  answer.clients[0].chan_info = SharedBytes("2");
  api.answers<PresenceRequest>(answer);

  EXPECT_EQ(api.call("presence", R"({"channel":"a"})"),
            R"({"result":{"presence":{"c1":{"user":"42","client":"c1","conn_info":{"n":1},"chan_info":2},)"
            R"("c2":{"user":"","client":"c2"}}}})");
  EXPECT_EQ(api.bus.only<PresenceRequest>().peer, nullptr);
  EXPECT_FALSE(api.bus.only<PresenceRequest>().stats_only);
}

TEST(ApiPresence, OfNobodyIsAnEmptyMap) {
  TestApi api;

  EXPECT_EQ(api.call("presence", R"({"channel":"a"})"), R"({"result":{"presence":{}}})");
}

TEST(ApiPresence, OffIsNotAvailable) {
  TestApi api;
  api.refuses<PresenceRequest>(108);

  EXPECT_EQ(api.call("presence", R"({"channel":"a"})"), error_body(108, "not available"));
}

TEST(ApiPresenceStats, BothNumbersAlways) {
  TestApi api;

  EXPECT_EQ(api.call("presence_stats", R"({"channel":"a"})"),
            R"({"result":{"num_clients":0,"num_users":0}})");
  EXPECT_TRUE(api.bus.only<PresenceRequest>().stats_only);
}

TEST(ApiHistory, PublicationsWithAllTheyHave) {
  TestApi api;
  auto full = std::make_shared<Publication>();
  full->offset = 5;
  full->data = SharedBytes(R"({"t":1})");
  full->has_info = true;
  full->info = client("42", "c1");
  full->tags = {{"k", "v"}};
  auto bytes = std::make_shared<Publication>();
  bytes->binary = true;
  bytes->data = SharedBytes(std::string_view("\0\xff", 2));
  HistoryResponse answer;
  answer.position = {6, "E"};
  answer.publications = {full, bytes};
  api.answers<HistoryRequest>(answer);

  EXPECT_EQ(api.call("history", R"({"channel":"a","limit":10})"),
            R"({"result":{"publications":[)"
            R"({"data":{"t":1},"info":{"user":"42","client":"c1"},"offset":5,"tags":{"k":"v"}},)"
            R"({"data":null,"b64data":"AP8="}],"epoch":"E","offset":6}})");
}

TEST(ApiHistory, AnEmptyOneStillHasAllThree) {
  TestApi api;

  EXPECT_EQ(api.call("history", R"({"channel":"a"})"),
            R"({"result":{"publications":[],"epoch":"","offset":0}})");
  EXPECT_EQ(api.bus.only<HistoryRequest>().limit, 0);
  EXPECT_FALSE(api.bus.only<HistoryRequest>().has_since);
  EXPECT_EQ(api.bus.only<HistoryRequest>().peer, nullptr);
}

TEST(ApiHistory, FromAPosition) {
  TestApi api;

  api.call("history", R"({"channel":"a","limit":-1,"reverse":true,"since":{"offset":3,"epoch":"E"}})");

  const HistoryRequest asked = api.bus.only<HistoryRequest>();
  EXPECT_EQ(asked.limit, -1);
  EXPECT_TRUE(asked.reverse);
  EXPECT_TRUE(asked.has_since);
  EXPECT_EQ(asked.since, (StreamPosition{3, "E"}));
}

TEST(ApiHistory, APositionOfAnotherEpoch) {
  TestApi api;
  api.refuses<HistoryRequest>(112);

  EXPECT_EQ(api.call("history", R"({"channel":"a","since":{"epoch":"X"}})"),
            error_body(112, "unrecoverable position"));
}

TEST(ApiHistoryRemove, Answers) {
  TestApi api;

  EXPECT_EQ(api.call("history_remove", R"({"channel":"a"})"), R"({"result":{}})");
  EXPECT_EQ(api.bus.only<HistoryRemove>().channel, "a");
}

TEST(ApiChannels, OfEveryLane) {
  TestApi api;
  api.bus.on_request = [](Target target, const Request&) -> std::optional<Response> {
    ListChannelsResponse out;
    out.channels = {{"c:" + std::to_string(target.index), target.index + 1}};
    return out;
  };

  EXPECT_EQ(
      api.call("channels", R"({"pattern":"c:*"})"),
      R"({"result":{"channels":{"c:0":{"num_clients":1},"c:1":{"num_clients":2},"c:2":{"num_clients":3}}}})");
  EXPECT_EQ(api.bus.asked<ListChannels>().at(2).pattern, "c:*");
}

TEST(ApiChannels, ThereAreMoreThanItTells) {
  TestApi api;
  api.bus.on_request = [](Target target, const Request&) -> std::optional<Response> {
    ListChannelsResponse out;
    out.more = target.index == 1;
    return out;
  };

  EXPECT_EQ(api.call("channels", "{}"), R"({"result":{"channels":{},"more":true}})");
}

TEST(ApiChannels, ALaneThatDoesNotAnswerIsNotLeftOut) {
  TestApi api;
  api.bus.on_request = [](Target target, const Request&) -> std::optional<Response> {
    if (target.index != 1) return std::nullopt;
    return Outcome{make_error(100), {}};
  };

  EXPECT_EQ(api.call("channels", "{}"), error_body(100, "internal server error"));
}

}  // namespace
}  // namespace lcg::gateway::api
