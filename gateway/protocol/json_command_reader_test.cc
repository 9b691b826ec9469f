#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/protocol/json_codec.h"
#include "gateway/protocol/limits.h"

namespace lcg::protocol {
namespace {

using testing::ElementsAre;
using testing::Pair;

// The ids of the commands in a frame, and how it ended.
struct Frame {
  std::vector<uint32_t> ids;
  Next end;
};
Frame read_all(std::string_view text) {
  JsonCommandReader reader;
  reader.open(text, 0);
  Frame frame;
  while ((frame.end = reader.next()) == Next::kCommand) frame.ids.push_back(reader.command().id);
  return frame;
}

// The reader stays alive with its command.
struct One {
  explicit One(std::string text) : frame(std::move(text)) {
    reader.open(frame, 0);
    next = reader.next();
  }
  const Command& operator*() const { return reader.command(); }
  const Command* operator->() const { return &reader.command(); }
  std::string frame;
  JsonCommandReader reader;
  Next next;
};

TEST(JsonFrame, OneCommandALine) {
  const Frame frame = read_all("{\"id\":1,\"rpc\":{}}\n{\"id\":2,\"rpc\":{}}");

  EXPECT_THAT(frame.ids, ElementsAre(1, 2));
  EXPECT_EQ(frame.end, Next::kEnd);
}

TEST(JsonFrame, OneNewlineMayEndIt) { EXPECT_EQ(read_all("{\"id\":1,\"rpc\":{}}\n").end, Next::kEnd); }

TEST(JsonFrame, CarriageReturnIsWhiteSpace) {
  EXPECT_THAT(read_all("{\"id\":1,\"rpc\":{}}\r\n{\"id\":2,\"rpc\":{}}\r\n").ids, ElementsAre(1, 2));
}

TEST(JsonFrame, Malformed) {
  for (const std::string_view text :
       {"",
        " ",
        "\n",
        " \n ",
        "[]",
        "1",
        "null",
        "\"x\"",
        "{",
        "{}}",
        "{}{}",
        "{} {}",
        "{}\n\n",
        "{}\n\n{}",
        "\n{}",
        "{\n}",
        "{\"id\":1,}",
        "{\"id\":01}",
        "{\"id\":-1}",
        "{\"id\":1.0}",
        "{\"id\":1e3}",
        "{\"id\":4294967296}",
        "{\"id\":\"1\"}",
        "{\"id\":true}",
        "{\"id\":{}}",
        "{'id':1}",
        "{\"id\":1,\"rpc\":[]}",
        "{\"id\":1,\"rpc\":\"x\"}",
        "{\"id\":1,\"rpc\":{\"method\":1}}",
        "{\"id\":1,\"rpc\":{\"data\":}}",
        "{\"id\":1,\"publish\":{\"channel\":{},\"data\":1}}",
        "{\"id\":1,\"subscribe\":{\"channel\":\"a\",\"offset\":-1}}",
        "{\"id\":1,\"subscribe\":{\"channel\":\"a\",\"offset\":18446744073709551616}}",
        "{\"id\":1,\"subscribe\":{\"channel\":\"a\",\"recover\":1}}",
        "{\"id\":1,\"history\":{\"limit\":2147483648}}",
        "{\"id\":1,\"history\":{\"since\":7}}",
        "{\"id\":1,\"connect\":{\"subs\":[]}}",
        "{\"id\":1,\"connect\":{\"subs\":{\"a\":1}}}",
        "{\"id\":1,\"rpc\":{}",
        "{\"id\":1}x"}) {
    EXPECT_EQ(read_all(text).end, Next::kMalformed) << text;
  }
}

TEST(JsonFrame, WhatComesBeforeTheMalformedIsRead) {
  const Frame frame = read_all("{\"id\":1,\"rpc\":{}}\nx");

  EXPECT_THAT(frame.ids, ElementsAre(1));
  EXPECT_EQ(frame.end, Next::kMalformed);
}

TEST(JsonFrame, HoldsAnyNumberOfCommands) {
  std::string text;
  for (uint32_t i = 1; i <= 10'000; ++i) text += "{\"id\":" + std::to_string(i) + ",\"rpc\":{}}\n";
  const Frame frame = read_all(text);

  EXPECT_EQ(frame.ids.size(), 10'000u);
  EXPECT_EQ(frame.end, Next::kEnd);
}

TEST(JsonFrame, DepthIsLimited) {
  const auto nested = [](unsigned depth) {
    return "{\"id\":1,\"rpc\":{\"data\":" + std::string(depth, '[') + std::string(depth, ']') + "}}";
  };

  EXPECT_EQ(One(nested(kMaxJsonDepth - 2))->fault, nullptr);
  EXPECT_STREQ(One(nested(kMaxJsonDepth - 1))->fault, "nested too deep");
}

TEST(JsonFrame, RestCanBeTakenUpAgain) {
  const std::string text = "{\"id\":1,\"rpc\":{}}\n{\"id\":2,\"rpc\":{}}\n";
  JsonCommandReader first;
  first.open(text, 0);
  ASSERT_EQ(first.next(), Next::kCommand);

  const std::string rest(first.rest());
  JsonCommandReader second;
  second.open(rest, first.commands());

  ASSERT_EQ(second.next(), Next::kCommand);
  EXPECT_EQ(second.command().id, 2u);
  EXPECT_EQ(second.next(), Next::kEnd);
}

TEST(JsonFrame, AnEmptyRestIsTheEnd) {
  JsonCommandReader reader;
  reader.open("", 3);

  EXPECT_EQ(reader.next(), Next::kEnd);
}

TEST(JsonCommand, EmptyObjectHasNoMethod) {
  One command("{}");

  EXPECT_EQ(command->id, 0u);
  EXPECT_EQ(command->method, Method::kNone);
}

TEST(JsonCommand, FirstMethodInOrderCounts) {
  EXPECT_EQ(One("{\"id\":1,\"rpc\":{},\"publish\":{},\"send\":{}}")->method, Method::kPublish);
  EXPECT_EQ(One("{\"id\":1,\"connect\":{},\"ping\":{}}")->method, Method::kConnect);
  EXPECT_EQ(One("{\"id\":1,\"sub_refresh\":{},\"refresh\":{}}")->method, Method::kRefresh);
}

TEST(JsonCommand, NullIsAbsent) {
  One command("{\"id\":null,\"connect\":null,\"subscribe\":{\"channel\":null,\"recover\":null,\"tf\":null}}");

  EXPECT_EQ(command->method, Method::kSubscribe);
  EXPECT_EQ(command->subscribe.channel, "");
  EXPECT_EQ(command->subscribe.filter, nullptr);
}

TEST(JsonCommand, UnknownKeysAreIgnored) {
  One command("{\"id\":1,\"x\":[{}],\"rpc\":{\"method\":\"m\",\"y\":{\"z\":[1,2]}},\"q\":null}");

  EXPECT_EQ(command.next, Next::kCommand);
  EXPECT_EQ(command->rpc.method, "m");
}

TEST(JsonCommand, UnknownMethodIsNone) { EXPECT_EQ(One("{\"id\":1,\"fly\":{}}")->method, Method::kNone); }

TEST(JsonCommand, Connect) {
  One command(
      "{\"id\":1,\"connect\":{\"token\":\"t.k\",\"data\":{\"a\": "
      "1},\"name\":\"js\",\"version\":\"5\",\"headers\":{\"x\":\"y\"},"
      "\"flag\":1,\"subs\":{\"a\":{\"recover\":true,\"offset\":7,\"epoch\":\"e\"},\"b\\n\":{}}}}");

  const ConnectCommand& connect = command->connect;
  EXPECT_EQ(connect.token, "t.k");
  EXPECT_EQ(connect.data, "{\"a\": 1}");
  EXPECT_EQ(connect.name, "js");
  EXPECT_EQ(connect.version, "5");
  ASSERT_EQ(connect.subs.size(), 2u);
  EXPECT_EQ(connect.subs[0].channel, "a");
  EXPECT_TRUE(connect.subs[0].recover);
  EXPECT_EQ(connect.subs[0].offset, 7u);
  EXPECT_EQ(connect.subs[0].epoch, "e");
  EXPECT_EQ(connect.subs[1].channel, "b\n");
}

TEST(JsonCommand, Subscribe) {
  One command(
      "{\"id\":2,\"subscribe\":{\"channel\":\"chat:1\",\"token\":\"t\",\"recover\":true,\"epoch\":\"E\","
      "\"offset\":9,\"data\":[],"
      "\"positioned\":true,\"recoverable\":true,\"join_leave\":true,\"delta\":\"fossil\",\"tf\":{},\"flag\":"
      "3,\"type\":4}}");

  const SubscribeCommand& sub = command->subscribe;
  EXPECT_EQ(sub.channel, "chat:1");
  EXPECT_EQ(sub.token, "t");
  EXPECT_TRUE(sub.recover && sub.positioned && sub.recoverable && sub.join_leave && sub.filter != nullptr);
  EXPECT_EQ(sub.epoch, "E");
  EXPECT_EQ(sub.offset, 9u);
  EXPECT_EQ(sub.data, "[]");
  EXPECT_EQ(sub.delta, "fossil");
  EXPECT_EQ(sub.flag, 3);
  EXPECT_EQ(sub.type, 4);
}

TEST(JsonCommand, PublishKeepsThePayloadAsItIs) {
  One command("{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\": {\"a\" : \"\\u00e9\\n\"} ,\"type\":1}}");

  EXPECT_EQ(command->publish.data, "{\"a\" : \"\\u00e9\\n\"}");
  EXPECT_EQ(command->publish.type, 1);
}

TEST(JsonCommand, NullIsAPayload) { EXPECT_EQ(One("{\"id\":3,\"rpc\":{\"data\":null}}")->rpc.data, "null"); }

TEST(JsonCommand, History) {
  One command(
      "{\"id\":4,\"history\":{\"channel\":\"c\",\"limit\":-1,\"since\":{\"offset\":5,\"epoch\":\"e\"},"
      "\"reverse\":true}}");

  EXPECT_EQ(command->history.limit, -1);
  EXPECT_TRUE(command->history.has_since && command->history.reverse);
  EXPECT_EQ(command->history.offset, 5u);
  EXPECT_EQ(command->history.epoch, "e");
}

TEST(JsonCommand, HistoryWithoutSince) {
  EXPECT_FALSE(One("{\"id\":4,\"history\":{\"channel\":\"c\"}}")->history.has_since);
}

TEST(JsonCommand, NamedOnes) {
  EXPECT_EQ(One("{\"id\":1,\"unsubscribe\":{\"channel\":\"u\"}}")->named.channel, "u");
  EXPECT_EQ(One("{\"id\":1,\"presence\":{\"channel\":\"p\"}}")->named.channel, "p");
  EXPECT_EQ(One("{\"id\":1,\"presence_stats\":{\"channel\":\"s\"}}")->named.channel, "s");
  EXPECT_EQ(One("{\"id\":1,\"refresh\":{\"token\":\"t\"}}")->named.token, "t");
  EXPECT_EQ(One("{\"id\":1,\"sub_refresh\":{\"channel\":\"c\",\"token\":\"t\"}}")->named.channel, "c");
}

TEST(JsonCommand, EscapesAreDecodedAndAllStay) {
  One command(
      "{\"id\":1,\"subscribe\":{\"channel\":\"a\\u003ab\",\"token\":\"\\\"q\\\"\",\"epoch\":"
      "\"\\ud83d\\ude00\"}}");

  EXPECT_EQ(command->subscribe.channel, "a:b");
  EXPECT_EQ(command->subscribe.token, "\"q\"");
  EXPECT_EQ(command->subscribe.epoch, "\xF0\x9F\x98\x80");
}

TEST(JsonCommand, WhatIsWrongInATextOrInDataIsItsFault) {
  for (const auto& [text, field] : std::vector<std::pair<std::string, std::string>>{
           {R"({"rpc":{"method":"\ud800"},"id":3})", "method"},
           {"{\"rpc\":{\"method\":\"\xff\"},\"id\":3}", "method"},
           {"{\"rpc\":{\"method\":\"a\tb\"},\"id\":3}", "method"},
           {R"({"rpc":{"data":nul},"id":3})", "data"},
           {R"({"rpc":{"data":{"a":}},"id":3})", "data"},
           {R"({"publish":{"channel":"\udc00","data":1},"id":3})", "channel"},
           {R"({"publish":{"channel":"c","data":"\ud83d","key":"\ud83d"},"id":3})", "data"},
           {R"({"subscribe":{"channel":"c","data":"\ud83d"},"id":3})", "data"},
           {R"({"subscribe":{"channel":"c","tf":{"key":"k","vals":["\ud83d"]}},"id":3})", "tf"},
           {R"({"history":{"channel":"c","since":{"epoch":"\ud83d"}},"id":3})", "epoch"},
           {R"({"refresh":{"token":"\ud83d"},"id":3})", "token"},
           {R"({"connect":{"headers":{"a":"\ud83d"}},"id":3})", "headers"},
       }) {
    const One command(text);

    EXPECT_EQ(command.next, Next::kCommand) << text;
    EXPECT_EQ(command->id, 3u) << text;
    ASSERT_NE(command->fault, nullptr) << text;
    EXPECT_EQ(command->fault_field, field) << text;
  }
}

TEST(JsonCommand, AFaultIsOfOneCommand) {
  JsonCommandReader reader;
  reader.open("{\"id\":1,\"rpc\":{\"data\":\"\\ud83d\"}}\n{\"id\":2,\"rpc\":{\"data\":1}}", 0);
  EXPECT_EQ(reader.next(), Next::kCommand);
  EXPECT_NE(reader.command().fault, nullptr);
  EXPECT_EQ(reader.next(), Next::kCommand);
  EXPECT_EQ(reader.command().fault, nullptr);
  EXPECT_EQ(reader.command().rpc.data, "1");
}

TEST(JsonConnect, DataIsTheApplicationsAndNoFault) {
  for (const char* data : {R"({"text":"cut \ud83d"})", R"({"device":5})", "nul", R"("hi")"}) {
    const One command(R"({"id":1,"connect":{"data":)" + std::string(data) + "}}");

    EXPECT_EQ(command->fault, nullptr) << data;
    EXPECT_EQ(command->connect.data, data);
  }
}

TEST(JsonConnect, Headers) {
  One command(R"({"id":1,"connect":{"headers":{"a":"1","\u0062":"\n","n":null,"a":"2"}}})");

  EXPECT_THAT(command->connect.headers, ElementsAre(Pair("a", "2"), Pair("b", "\n")));
}

TEST(JsonConnect, HeadersAreLimited) {
  const auto headers = [](size_t count, size_t bytes) {
    std::string text = R"({"id":1,"connect":{"headers":{)";
    for (size_t i = 0; i < count; ++i) {
      text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"" + std::string(bytes, 'v') + "\"";
    }
    return text + "}}}";
  };

  EXPECT_EQ(One(headers(kMaxEmulatedHeaders, 1)).next, Next::kCommand);
  EXPECT_EQ(One(headers(kMaxEmulatedHeaders + 1, 1)).next, Next::kMalformed);
  EXPECT_EQ(One(headers(1, kMaxEmulatedHeaderBytes - 1)).next, Next::kCommand);
  EXPECT_EQ(One(headers(1, kMaxEmulatedHeaderBytes)).next, Next::kMalformed);
}

TEST(JsonConnect, HeadersOfTheWrongTypeAreMalformed) {
  EXPECT_EQ(One(R"({"id":1,"connect":{"headers":[]}})").next, Next::kMalformed);
  EXPECT_EQ(One(R"({"id":1,"connect":{"headers":{"a":1}}})").next, Next::kMalformed);
}

TEST(JsonConnect, StandsAlone) {
  JsonCommandReader reader;

  EXPECT_TRUE(reader.open_connect(R"({"token":"t","subs":{"c":{}}})"));
  EXPECT_EQ(reader.command().method, Method::kConnect);
  EXPECT_EQ(reader.command().connect.token, "t");
  EXPECT_EQ(reader.command().connect.subs.at(0).channel, "c");
  EXPECT_FALSE(reader.open_connect(""));
  EXPECT_FALSE(reader.open_connect(R"({"token":1})"));
  EXPECT_FALSE(reader.open_connect("{}{}"));
}

TEST(JsonSubscribe, TagFilter) {
  One command(
      R"({"id":1,"subscribe":{"channel":"c","tf":{"op":"and","nodes":[{"key":"\u006b","cmp":"eq","val":"v"},)"
      R"({"key":"k","cmp":"in","vals":["\u0061","b"]}]}}})");

  const TagFilter* filter = command->subscribe.filter;
  ASSERT_NE(filter, nullptr);
  EXPECT_EQ(filter->invalid(), "");
  EXPECT_EQ(filter->nodes.at(0).key, "k");
  EXPECT_THAT(filter->nodes.at(1).vals, ElementsAre("a", "b"));
}

TEST(JsonSubscribe, ATagFilterThatMakesNoSenseIsToldByItself) {
  EXPECT_NE(One(R"({"id":1,"subscribe":{"tf":{}}})")->subscribe.filter->invalid(), "");
  EXPECT_NE(One(R"({"id":1,"subscribe":{"tf":{"op":"and","nodes":[null]}}})")->subscribe.filter->invalid(),
            "");
}

TEST(JsonSubscribe, DeepFiltersAreInvalid) {
  const auto nested = [](size_t depth) {
    std::string text = R"({"cmp":"ex"})";
    for (size_t i = 1; i < depth; ++i) text = R"({"op":"not","nodes":[)" + text + "]}";
    return R"({"id":1,"subscribe":{"tf":)" + text + "}}";
  };

  EXPECT_EQ(One(nested(kMaxFilterDepth))->subscribe.filter->invalid(), "");
  EXPECT_NE(One(nested(kMaxFilterDepth + 1))->subscribe.filter->invalid(), "");
}

TEST(JsonSubscribe, ATagFilterOfTheWrongTypeIsMalformed) {
  for (const char* filter :
       {"1", "[]", R"({"op":1})", R"({"vals":{}})", R"({"vals":[1]})", R"({"nodes":[1]})"}) {
    EXPECT_EQ(One(R"({"id":1,"subscribe":{"tf":)" + std::string(filter) + "}}").next, Next::kMalformed)
        << filter;
  }
}

TEST(JsonCommand, KindsThatAreNotAvailableAreSeen) {
  EXPECT_EQ(One(R"({"id":1,"sub_refresh":{"channel":"c","type":1}})")->named.type, 1);
  EXPECT_EQ(One(R"({"id":1,"publish":{"channel":"c","type":1,"key":"k"}})")->publish.key, "k");
}

TEST(JsonCommand, NothingIsLeftOfTheCommandBefore) {
  JsonCommandReader reader;
  reader.open(
      "{\"id\":1,\"subscribe\":{\"channel\":\"c\",\"recover\":true,\"offset\":3}}\n{\"id\":2,\"subscribe\":{}"
      "}",
      0);
  ASSERT_EQ(reader.next(), Next::kCommand);
  ASSERT_EQ(reader.next(), Next::kCommand);

  EXPECT_EQ(reader.command().subscribe.channel, "");
  EXPECT_FALSE(reader.command().subscribe.recover);
  EXPECT_EQ(reader.command().subscribe.offset, 0u);
}

TEST(Payload, RawNewlinesAreLeftOut) {
  EXPECT_EQ(payload_bytes("{\r\n\"a\":\n1}").view(), "{\"a\":1}");
  EXPECT_EQ(payload_bytes("\"\\n\"").view(), "\"\\n\"");
  EXPECT_TRUE(payload_bytes("").empty());
}

}  // namespace
}  // namespace lcg::protocol
