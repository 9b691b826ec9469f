// What is Protobuf and what is not. That fields mean what they should: gateway/protocol/oracle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/protocol/limits.h"
#include "gateway/protocol/protobuf_codec.h"
#include "gateway/protocol/protobuf_fields.h"
#include "gateway/protocol/protobuf_wire.h"

namespace lcg::protocol {
namespace {

using testing::ElementsAre;
using testing::Pair;

// A text with zero bytes in it.
template <size_t N>
std::string bytes(const char (&text)[N]) {
  return {text, N - 1};
}

// One command of a frame; `body(FieldWriter&)` writes its fields.
template <class Body>
std::string command(Body&& body) {
  std::string out;
  FieldWriter(out).delimited(body);
  return out;
}

struct Frame {
  std::vector<uint32_t> ids;
  Next end;
};
Frame read_all(std::string_view text) {
  ProtobufCommandReader reader;
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
  const Command* operator->() const { return &reader.command(); }
  std::string frame;
  ProtobufCommandReader reader;
  Next next;
};

TEST(ProtobufFrame, CommandsFollowEachOther) {
  const Frame frame = read_all(bytes("\x04\x08\x01\x6A\x00\x05\x08\xAC\x02\x6A\x00"));

  EXPECT_THAT(frame.ids, ElementsAre(1, 300));
  EXPECT_EQ(frame.end, Next::kEnd);
}

TEST(ProtobufFrame, AMessageOfNoBytesIsAPong) {
  One pong(bytes("\x00"));

  EXPECT_EQ(pong.next, Next::kCommand);
  EXPECT_EQ(pong->id, 0u);
  EXPECT_EQ(pong->method, Method::kNone);
}

class ProtobufMalformed : public testing::TestWithParam<std::string> {};
TEST_P(ProtobufMalformed, IsRefused) { EXPECT_EQ(read_all(GetParam()).end, Next::kMalformed); }

const std::string kLongVarint = bytes("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80");
INSTANTIATE_TEST_SUITE_P(
    Frames, ProtobufMalformed,
    testing::Values("",                                                     // no command
                    bytes("\x01"),                                          // a message that is cut off
                    bytes("\x80"),                                          // a length that is cut off
                    bytes("\x80\x80\x80\x80\x10"),                          // a length of 4 GiB
                    bytes("\x81\x80\x80\x80\x10\x00"),                      // that is 1 in 32 bits
                    bytes("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x00"),  // of 2^64 - 1
                    kLongVarint + bytes("\x01\x00"),                        // of 11 bytes
                    bytes("\x01\x08"),                                      // a field without its value
                    bytes("\x02\x08\x80"),                                  // a number that is cut off
                    bytes("\x0C\x08") + kLongVarint + '\x01',               // a number of 11 bytes
                    bytes("\x02\x00\x01"),                                  // field number 0
                    bytes("\x07\x88\x80\x80\x80\x10\x00\x00"),              // a tag over 32 bits
                    bytes("\x02\x6B\x6C"),                                  // a group
                    bytes("\x02\x7B\x7C"),                                  // sub_refresh as a group
                    bytes("\x01\x6C"),                                      // the end of none
                    bytes("\x01\x0E"),                                      // wire type 6
                    bytes("\x01\x0F"),                                      // wire type 7
                    bytes("\x03\x0A\x01\x01"),                              // id of the wrong type
                    bytes("\x02\x68\x01"),                                  // rpc of the wrong type
                    bytes("\x02\x6A\x01"),                                  // rpc past the end
                    bytes("\x04\x6A\x02\x12\x01"),                          // a method past its end
                    bytes("\x05\x6A\x03\x10\x01\x00"),                      // a method of the wrong type
                    bytes("\x05\x2A\x03\x6A\x01\x0A"),                      // a filter that is cut off
                    bytes("\x05\x22\x03\x1A\x01\x0A"),                  // an entry of subs that is cut off
                    bytes("\x09\xA1\x06\x00\x00\x00\x00\x00\x00\x00"),  // an unknown fixed64 that is cut off
                    bytes("\x05\xA5\x06\x00\x00\x00"),                  // an unknown fixed32 that is cut off
                    bytes("\x03\xA2\x06\x01")));                        // an unknown text that is cut off

TEST(ProtobufCommand, ATextThatIsNotUtf8IsItsFault) {
  for (const auto& [frame, field] : std::vector<std::pair<std::string, std::string>>{
           {bytes("\x05\x6A\x03\x12\x01\xFF"), "method"},
           {bytes("\x06\x6A\x04\x12\x02\xC0\x80"), "method"},  // overlong
           {bytes("\x07\x2A\x05\x6A\x03\x0A\x01\xFF"), "tf"},
           {bytes("\x07\x22\x05\x32\x03\x0A\x01\xFF"), "headers"},
       }) {
    const One command(frame);

    EXPECT_EQ(command.next, Next::kCommand);
    ASSERT_NE(command->fault, nullptr) << field;
    EXPECT_EQ(command->fault_field, field);
  }
}

TEST(ProtobufCommand, DataIsAnyBytes) { EXPECT_EQ(One(bytes("\x05\x6A\x03\x0A\x01\xFF"))->fault, nullptr); }

TEST(ProtobufFrame, WhatComesBeforeTheMalformedIsRead) {
  const Frame frame = read_all(bytes("\x04\x08\x01\x6A\x00\x05"));

  EXPECT_THAT(frame.ids, ElementsAre(1));
  EXPECT_EQ(frame.end, Next::kMalformed);
}

TEST(ProtobufFrame, HoldsAnyNumberOfCommands) {
  const Frame frame = read_all(std::string(10'000, '\0'));

  EXPECT_EQ(frame.ids.size(), 10'000u);
  EXPECT_EQ(frame.end, Next::kEnd);
}

TEST(ProtobufFrame, RestCanBeTakenUpAgain) {
  const std::string text = bytes("\x04\x08\x01\x6A\x00\x04\x08\x02\x6A\x00");
  ProtobufCommandReader first, second;
  first.open(text, 0);
  ASSERT_EQ(first.next(), Next::kCommand);

  second.open(first.rest(), first.commands());

  ASSERT_EQ(second.next(), Next::kCommand);
  EXPECT_EQ(second.command().id, 2u);
  EXPECT_EQ(second.next(), Next::kEnd);
}

TEST(ProtobufFrame, AnEmptyRestIsTheEnd) {
  ProtobufCommandReader reader;
  reader.open("", 3);

  EXPECT_EQ(reader.next(), Next::kEnd);
}

TEST(ProtobufCommand, UnknownFieldsOfEveryTypeArePassedOver) {
  One one(
      bytes("\x1A\x08\x07\xA0\x06\x05\xA1\x06\x00\x00\x00\x00\x00\x00\x00\x00"
            "\xA5\x06\x00\x00\x00\x00\xA2\x06\x00\x6A\x00"));

  EXPECT_EQ(one.next, Next::kCommand);
  EXPECT_EQ(one->id, 7u);
  EXPECT_EQ(one->method, Method::kRpc);
}

TEST(ProtobufCommand, ReservedFieldsArePassedOver) {
  One one(bytes("\x08\x08\x01\x12\x00\x1A\x00\x6A\x00"));

  EXPECT_EQ(one->method, Method::kRpc);
}

TEST(ProtobufCommand, NumbersNeedNotBeShort) {
  EXPECT_EQ(One(bytes("\x06\x08\x81\x80\x00\x6A\x00"))->id, 1u);
}

TEST(ProtobufCommand, NothingIsLeftOfTheCommandBefore) {
  const std::string frame = command([](FieldWriter& out) {
                              out.message(field::command::kSubscribe, [](FieldWriter& sub) {
                                sub.bytes(field::subscribe_request::kChannel, "c");
                                sub.number(field::subscribe_request::kOffset, 3);
                                sub.message(field::subscribe_request::kFilter, [](FieldWriter&) {});
                              });
                            }) +
                            bytes("\x02\x2A\x00");
  ProtobufCommandReader reader;
  reader.open(frame, 0);
  ASSERT_EQ(reader.next(), Next::kCommand);
  ASSERT_NE(reader.command().subscribe.filter, nullptr);
  ASSERT_EQ(reader.next(), Next::kCommand);

  EXPECT_EQ(reader.command().subscribe.channel, "");
  EXPECT_EQ(reader.command().subscribe.offset, 0u);
  EXPECT_EQ(reader.command().subscribe.filter, nullptr);
}

// A connect with `count` headers of one byte each way.
std::string with_headers(size_t count, size_t value_bytes = 1) {
  return command([&](FieldWriter& out) {
    out.message(field::command::kConnect, [&](FieldWriter& connect) {
      for (size_t i = 0; i < count; ++i) {
        connect.message(field::connect_request::kHeaders, [&](FieldWriter& entry) {
          entry.bytes(field::map_entry::kKey, "h" + std::to_string(i));
          entry.bytes(field::map_entry::kValue, std::string(value_bytes, 'v'));
        });
      }
    });
  });
}

TEST(ProtobufConnect, HeadersAreLimited) {
  EXPECT_EQ(One(with_headers(kMaxEmulatedHeaders)).next, Next::kCommand);
  EXPECT_EQ(One(with_headers(kMaxEmulatedHeaders + 1)).next, Next::kMalformed);
  EXPECT_EQ(One(with_headers(1, kMaxEmulatedHeaderBytes - 2)).next, Next::kCommand);
  EXPECT_EQ(One(with_headers(1, kMaxEmulatedHeaderBytes - 1)).next, Next::kMalformed);
}

TEST(ProtobufConnect, SubsOverTheLimitAreIgnored) {
  One one(command([](FieldWriter& out) {
    out.message(field::command::kConnect, [](FieldWriter& connect) {
      for (size_t i = 0; i <= kMaxRecoverSubs; ++i) {
        connect.message(field::connect_request::kSubs,
                        [&](FieldWriter& entry) { entry.bytes(field::map_entry::kKey, std::to_string(i)); });
      }
    });
  }));

  EXPECT_EQ(one.next, Next::kCommand);
  EXPECT_EQ(one->connect.subs.size(), kMaxRecoverSubs);
}

TEST(ProtobufConnect, StandsAlone) {
  ProtobufCommandReader reader;

  const std::string request = bytes(
      "\x0A\x01t\x32\x06\x0A\x01"
      "a\x12\x01"
      "b");
  EXPECT_TRUE(reader.open_connect(request));
  EXPECT_EQ(reader.command().method, Method::kConnect);
  EXPECT_EQ(reader.command().id, 0u);
  EXPECT_EQ(reader.command().connect.token, "t");
  EXPECT_THAT(reader.command().connect.headers, ElementsAre(Pair("a", "b")));
  EXPECT_TRUE(reader.open_connect(""));
  EXPECT_FALSE(reader.open_connect(bytes("\x0A\x02t")));
}

// A subscribe with `depth` nodes inside each other.
std::string with_filter(size_t depth) {
  std::string node;
  FieldWriter(node).bytes(field::filter_node::kCmp, "ex");
  for (size_t i = 1; i < depth; ++i) {
    std::string outer;
    FieldWriter(outer).bytes(field::filter_node::kOp, "not");
    FieldWriter(outer).bytes(field::filter_node::kNodes, node);
    node = outer;
  }
  return command([&](FieldWriter& out) {
    out.message(field::command::kSubscribe,
                [&](FieldWriter& sub) { sub.bytes(field::subscribe_request::kFilter, node); });
  });
}

TEST(ProtobufSubscribe, DeepFiltersAreInvalidAndCostNothing) {
  EXPECT_EQ(One(with_filter(kMaxFilterDepth))->subscribe.filter->invalid(), "");
  EXPECT_NE(One(with_filter(kMaxFilterDepth + 1))->subscribe.filter->invalid(), "");
  EXPECT_NE(One(with_filter(5000))->subscribe.filter->invalid(), "");
}

}  // namespace
}  // namespace lcg::protocol
