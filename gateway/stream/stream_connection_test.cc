#include "gateway/stream/stream_connection.h"

#include <gtest/gtest.h>

#include "gateway/stream/chunk.h"
#include "gateway/stream/test_stream_connection.h"

namespace lcg::stream {
namespace {

using Log = std::vector<std::string>;

TEST(Stream, WhatCameWithTheRequestIsTheFirstMessage) {
  OneStream s;

  s.open("{\"id\":1,\"connect\":{}}");

  EXPECT_EQ(s.take_log(), Log{"message {\"id\":1,\"connect\":{}}"});
}

TEST(Stream, JsonMessagesAreLines) {
  OneStream s;
  s.open();

  s.send("{\"a\":1}");
  s.send("{\"b\":2}");

  EXPECT_EQ(s.received(), "{\"a\":1}\n{\"b\":2}\n");
}

TEST(Stream, ProtobufIsAsItIs) {
  OneStream s(Format::kStream, Encoding::kProtobuf);
  s.open();

  s.send(std::string("\x02\x08\x01", 3));

  EXPECT_EQ(s.received(), std::string("\x02\x08\x01", 3));
}

TEST(Stream, EventsBeginWithACommentLine) {
  OneStream s(Format::kEvents);
  s.open();

  s.send("{\"a\":1}");

  EXPECT_EQ(s.received(), ":\ndata: {\"a\":1}\n\n");
}

TEST(Stream, SeveralMessagesInOnePayloadAreSeveralEvents) {
  OneStream s(Format::kEvents);
  s.open();

  s.send("{\"a\":1}\n{\"b\":2}");

  EXPECT_EQ(s.received(), ":\ndata: {\"a\":1}\n\ndata: {\"b\":2}\n\n");
}

TEST(Stream, RepliesOfOneTurnLeaveInOneWrite) {
  OneStream s;
  s.open();
  s.wire.writes = 0;

  s.on_lane([&] {
    for (const char* message : {"{}", "{}", "{}"}) {
      s.handler.transport->send_message(message, ws::MessageKind::kText);
    }
  });

  EXPECT_EQ(s.wire.writes, 1u);
  EXPECT_EQ(s.received(), "{}\n{}\n{}\n");
}

TEST(Stream, BlocksAndMessagesKeepTheirOrder) {
  OneStream s;
  s.open();

  s.on_lane([&] {
    s.handler.transport->send_message("1", ws::MessageKind::kText);
    s.handler.transport->send_block(line_block("2"));
    s.handler.transport->send_message("3", ws::MessageKind::kText);
    s.handler.transport->send_block(line_block(std::string(10'000, '4')));
  });

  EXPECT_EQ(s.received(), "1\n2\n3\n" + std::string(10'000, '4') + "\n");
}

TEST(Stream, EveryAmountOfRoomGivesTheSameBytes) {
  for (size_t room = 0; room < 80; ++room) {
    OneStream s(Format::kEvents);
    s.wire.room = room;
    s.open();
    s.on_lane([&] {
      s.handler.transport->send_message("{\"a\":1}", ws::MessageKind::kText);
      s.handler.transport->send_block(line_block("block"));
      s.handler.transport->close(3001, "shutdown");
    });
    s.wire.make_room(10'000);
    s.settle();

    ASSERT_EQ(s.received(), ":\ndata: {\"a\":1}\n\nblock\n!") << room;
  }
}

TEST(Stream, LargeMessageIsSentWhole) {
  OneStream s;
  s.open();

  s.send(std::string(100'000, 'x'));

  EXPECT_EQ(s.received(), std::string(100'000, 'x') + "\n");
}

TEST(Stream, OverflowAsksTheHandlerAndMayDrop) {
  ws::ConnectionLimits limits;
  limits.max_queue_bytes = 100;
  limits.read_pause_bytes = 50;
  OneStream s(Format::kStream, Encoding::kJson, limits);
  s.open();
  s.take_log();
  s.handler.verdict = ws::Overflow::kDrop;
  s.wire.room = 0;

  s.send(std::string(90, 'a'));
  s.send(std::string(90, 'b'));
  s.wire.make_room(10'000);
  s.settle();

  EXPECT_EQ(s.take_log(), Log{"overflow"});
  EXPECT_EQ(s.received(), std::string(90, 'a') + "\n");
}

TEST(Stream, OverflowClosesWith3008AfterTheChunkBegun) {
  ws::ConnectionLimits limits;
  limits.max_queue_bytes = 100;
  limits.read_pause_bytes = 50;
  OneStream s(Format::kStream, Encoding::kJson, limits);
  s.open();
  s.take_log();
  s.wire.room = 10;

  s.send(std::string(90, 'a'));
  s.send("second");
  s.send(std::string(90, 'b'));
  s.wire.make_room(10'000);
  s.settle();

  EXPECT_EQ(s.take_log(), (Log{"overflow", "closed by protocol 3008 slow"}));
  EXPECT_EQ(s.received(), std::string(90, 'a') + "\n!");
}

TEST(Stream, TellsWhenTheQueueIsLow) {
  ws::ConnectionLimits limits;
  limits.low_water_bytes = 50;
  OneStream s(Format::kStream, Encoding::kJson, limits);
  s.open();
  s.take_log();
  s.wire.room = 0;
  s.send(std::string(100, 'a'));
  EXPECT_GT(s.handler.transport->queued_bytes(), 100u);

  s.wire.make_room(1'000);
  s.settle();

  EXPECT_EQ(s.take_log(), Log{"low"});
  EXPECT_EQ(s.handler.transport->queued_bytes(), 0u);
}

TEST(Stream, BlocksOfATurnLeaveInOneWrite) {
  OneStream s;
  s.open();
  s.wire.take();
  const unsigned before = s.wire.writes;

  s.on_lane([&] {
    s.handler.transport->gather_block(SharedBytes(std::string_view("2\r\na\n\r\n")));
    s.handler.transport->gather_block(SharedBytes(std::string_view("2\r\nb\n\r\n")));
    s.handler.transport->send_message("c", ws::MessageKind::kText);
  });

  EXPECT_EQ(s.received(), "a\nb\nc\n");
  EXPECT_EQ(s.wire.writes, before + 1);
}

// An empty line would be one with the first event's in a client's buffer, and some clients lose the event then.
TEST(Chunk, AnEventStreamBeginsWithACommentAlone) { EXPECT_EQ(kFirstEventChunk, "2\r\n:\n\r\n"); }

TEST(Chunk, SizeIsFoundAtItsBegin) {
  EXPECT_EQ(chunk_size_at("5\r\nhello\r\n7\r\n"), 10u);
  EXPECT_EQ(chunk_size_at("1a\r\n"), 4u + 26 + 2);
  EXPECT_EQ(chunk_size_at("1A\r\n"), 4u + 26 + 2);
  EXPECT_EQ(chunk_size_at(kLastChunk), kLastChunk.size());
  EXPECT_EQ(chunk_size_at(kFirstEventChunk), kFirstEventChunk.size());
}

}  // namespace
}  // namespace lcg::stream
