// A payload is never a reason to lose the connection: every command, with everything that can be wrong inside its fields of
// data and text, in both encodings, by every transport.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/protocol/protobuf_fields.h"
#include "gateway/protocol/protobuf_wire.h"
#include "gateway/session/session.h"
#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

using protocol::FieldWriter;
using protocol::Framing;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Client = TestGateway::Client;

struct By {
  const char* name;
  TransportKind transport;
  Framing framing;
};
const By kTransports[] = {{"websocket", TransportKind::kWebSocket, Framing::kWebSocket},
                          {"http_stream", TransportKind::kHttpStream, Framing::kStream},
                          {"sse", TransportKind::kSse, Framing::kEventStream}};

OpenOptions options_of(const By& by, Encoding encoding) {
  return {.variant = {.encoding = encoding, .framing = by.framing}, .transport = by.transport};
}

// `$` is where the wrong value goes.
const char* const kWithData[] = {R"({"id":2,"subscribe":{"channel":"c","data":$}})",
                                 R"({"id":2,"publish":{"channel":"c","data":$}})",
                                 R"({"id":2,"rpc":{"method":"m","data":$}})"};
const char* const kWithText[] = {
    R"({"id":2,"subscribe":{"channel":$}})",
    R"({"id":2,"subscribe":{"channel":"c","token":$}})",
    R"({"id":2,"subscribe":{"channel":"c","recover":true,"epoch":$}})",
    R"({"id":2,"subscribe":{"channel":"c","delta":$}})",
    R"({"id":2,"subscribe":{"channel":"c","tf":{"key":"k","cmp":"eq","val":$}}})",
    R"({"id":2,"unsubscribe":{"channel":$}})",
    R"({"id":2,"publish":{"channel":$,"data":1}})",
    R"({"id":2,"publish":{"channel":"c","data":1,"key":$}})",
    R"({"id":2,"presence":{"channel":$}})",
    R"({"id":2,"presence_stats":{"channel":$}})",
    R"({"id":2,"history":{"channel":$}})",
    R"({"id":2,"history":{"channel":"c","since":{"epoch":$}}})",
    R"({"id":2,"rpc":{"method":$,"data":1}})",
    R"({"id":2,"refresh":{"token":$}})",
    R"({"id":2,"sub_refresh":{"channel":"c","token":$}})"};

const std::string kWrongTexts[] = {R"("cut \ud83d")", R"("\ude00")", "\"\xff\"", "\"a\tb\"", R"("\q")"};
const std::string kWrongData[] = {R"({"text":"cut \ud83d"})",
                                  R"({"\udc00":1})",
                                  "[\"\xff\"]",
                                  "{\"a\":\"\x01\"}",
                                  R"("\q")",
                                  R"({"a":})",
                                  std::string(70, '[') + std::string(70, ']'),
                                  "01",
                                  "nul"};

std::string with(std::string command, const std::string& value) {
  return command.replace(command.find('$'), 1, value);
}

void expect_refused_alone(TestGateway& g, Client& client, const std::string& command) {
  g.bus.log.clear();
  g.world.run_for(Millis(1));  // a turn does a bounded number of commands
  const auto lines = g.ask(client, command + "\n" + R"({"id":3,"rpc":{"method":"m","data":"next"}})");

  EXPECT_EQ(client.transport.close_code, 0u) << command;
  ASSERT_EQ(lines.size(), 2u) << command;
  EXPECT_THAT(lines[0], HasSubstr(R"({"id":2,"error":{"code":107,"message":"bad request: )")) << command;
  EXPECT_EQ(lines[1], R"({"id":3,"rpc":{"data":"next"}})") << command;
  EXPECT_EQ(g.bus.log.size(), 1u) << "nobody was asked what is refused: " << command;
}

TEST(Payload, WhatIsWrongInsideAJsonFieldCostsThatCommand) {
  for (const By& by : kTransports) {
    SCOPED_TRACE(by.name);
    TestGateway g;
    Client& client = g.connected(options_of(by, Encoding::kJson));

    for (const char* command : kWithData)
      for (const std::string& value : kWrongData) expect_refused_alone(g, client, with(command, value));
    for (const char* command : kWithText)
      for (const std::string& value : kWrongTexts) expect_refused_alone(g, client, with(command, value));
  }
}

// A command of Protobuf whose request is what `body` writes.
template <class Body>
std::string command_of(uint32_t field, Body body) {
  std::string out;
  FieldWriter(out).delimited([&](FieldWriter& command) {
    command.number(protocol::field::command::kId, 2);
    command.message(field, body);
  });
  return out;
}

TEST(Payload, ATextThatIsNotUtf8CostsThatCommandOfProtobuf) {
  namespace command = protocol::field::command;
  const std::pair<uint32_t, uint32_t> texts[] = {
      {command::kSubscribe, protocol::field::subscribe_request::kChannel},
      {command::kSubscribe, protocol::field::subscribe_request::kToken},
      {command::kSubscribe, protocol::field::subscribe_request::kEpoch},
      {command::kSubscribe, protocol::field::subscribe_request::kDelta},
      {command::kUnsubscribe, protocol::field::channel_request::kChannel},
      {command::kPublish, protocol::field::publish_request::kChannel},
      {command::kPublish, protocol::field::publish_request::kKey},
      {command::kPresence, protocol::field::channel_request::kChannel},
      {command::kPresenceStats, protocol::field::channel_request::kChannel},
      {command::kHistory, protocol::field::history_request::kChannel},
      {command::kRpc, protocol::field::rpc_request::kMethod},
      {command::kRefresh, protocol::field::refresh_request::kToken},
      {command::kSubRefresh, protocol::field::sub_refresh_request::kChannel},
      {command::kSubRefresh, protocol::field::sub_refresh_request::kToken}};
  for (const By& by : kTransports) {
    TestGateway g;
    Client& client = g.open(options_of(by, Encoding::kProtobuf));
    g.send(client, command_of(command::kConnect, [](FieldWriter&) {}));
    ASSERT_EQ(client.transport.close_code, 0u);
    for (const auto& [method, field] : texts) {
      g.bus.log.clear();
      client.transport.lines.clear();

      g.send(client, command_of(method, [field](FieldWriter& request) { request.bytes(field, "\xff"); }));

      EXPECT_EQ(client.transport.close_code, 0u) << by.name << " " << method << "." << field;
      ASSERT_FALSE(client.transport.lines.empty()) << method << "." << field;
      EXPECT_THAT(client.transport.lines[0], HasSubstr("not UTF-8")) << method << "." << field;
      EXPECT_THAT(g.bus.log, IsEmpty());
    }
  }
}

TEST(Payload, DataOfProtobufIsAnyBytes) {
  namespace command = protocol::field::command;
  TestGateway g;
  Client& client = g.open({.variant = {.encoding = Encoding::kProtobuf}});
  g.send(client, command_of(command::kConnect, [](FieldWriter& request) {
           request.bytes(protocol::field::connect_request::kData, "\xff no json \xed\xa0\x80");
         }));

  g.send(client, command_of(command::kRpc, [](FieldWriter& request) {
           request.bytes(protocol::field::rpc_request::kData, "\"\\ud83d");
         }));

  EXPECT_EQ(client.transport.close_code, 0u);
  EXPECT_EQ(g.bus.last<ConnectRequest>().data.view(), "\xff no json \xed\xa0\x80");
  EXPECT_EQ(g.bus.last<RpcRequest>().data.view(), "\"\\ud83d");
}

TEST(Payload, AConnectsDataIsPassedOnAsItIsWritten) {
  for (const By& by : kTransports)
    for (const std::string& data :
         {std::string(R"("hi")"), std::string("[1]"), std::string(R"({"device":5})"),
          std::string(R"({"device":{"os":"x"}})"), std::string(R"({"epoch":"abc"})"),
          std::string(R"({"text":"cut \ud83d"})"), kWrongData[6]}) {
      TestGateway g;
      Client& client = g.open(options_of(by, Encoding::kJson));

      g.send(client, R"({"id":1,"connect":{"data":)" + data + "}}");

      EXPECT_EQ(client.transport.close_code, 0u) << data;
      EXPECT_EQ(g.bus.last<ConnectRequest>().data.view(), data);
    }
}

// A token, a name or a header that no SDK writes: nobody is connected yet.
TEST(Payload, AConnectWithAWrongTextIsNone) {
  TestGateway g;
  Client& client = g.open();

  g.send(client, R"({"id":1,"connect":{"token":"\ud83d"}})");

  EXPECT_EQ(client.transport.close_code, 3501u);
}

TEST(Payload, WhatHasNoEndIsNoFrame) {
  for (const char* frame :
       {R"({"id":2,"publish":{"channel":"c","data":"a}})", R"({"id":2,"rpc":{"data":[1}})",
        R"({"id":2,"rpc":{"data":}})", R"({"id":2,"rpc":{"data":1}]})"}) {
    TestGateway g;
    Client& client = g.connected();

    g.send(client, frame);

    EXPECT_EQ(client.transport.close_code, 3501u) << frame;
  }
}

}  // namespace
}  // namespace lcg::gateway
