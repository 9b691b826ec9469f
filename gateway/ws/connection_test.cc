#include "gateway/ws/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "gateway/ws/test_connection.h"

namespace lcg::ws {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ConnectionRead, MessagesReachTheHandlerInOrder) {
  OneConnection one;
  one.open();

  one.client_sends(client_text("a") + client_text("b"));
  one.client_sends(client_text("c"));

  EXPECT_THAT(one.handler.log, ElementsAre("message a", "message b", "message c"));
}

TEST(ConnectionRead, BytesBehindTheUpgradeRequestAreHandledFirst) {
  OneConnection one;
  one.open(client_text("early") + client_text("cut").substr(0, 3));

  one.client_sends(client_text("cut").substr(3));

  EXPECT_THAT(one.handler.log, ElementsAre("message early", "message cut"));
}

TEST(ConnectionRead, PingIsAnsweredWithItsPayload) {
  OneConnection one;
  one.open();

  one.client_sends(client_frame(Opcode::kPing, "beat"));

  EXPECT_EQ(one.received(), "pong(beat)");
}

TEST(ConnectionRead, PongReachesTheHandler) {
  OneConnection one;
  one.open();
  one.on_lane([&] { one.handler.transport->send_ping("p"); });
  EXPECT_EQ(one.received(), "ping(p)");

  one.client_sends(client_frame(Opcode::kPong, "p"));

  EXPECT_THAT(one.handler.log, ElementsAre("pong p"));
}

TEST(ConnectionRead, LargeReadsTakeTurnsAndLoseNothing) {
  ConnectionLimits limits;
  limits.frame.max_message_bytes = 1 << 20;
  OneConnection one(limits);
  one.open();
  std::string sent;
  for (int i = 0; i < 20; ++i) sent += client_text(std::string(50'000, static_cast<char>('a' + i)));

  one.client_sends(sent);

  ASSERT_EQ(one.handler.log.size(), 20u);
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(one.handler.log[i].back(), static_cast<char>('a' + i));
}

TEST(ConnectionRead, PausedConnectionLeavesBytesUnread) {
  OneConnection one;
  one.open();
  one.client_sends(client_text("a"));
  one.on_lane([&] { one.handler.transport->pause_reading(true); });
  one.client_sends(client_text("b"));
  EXPECT_THAT(one.take_log(), ElementsAre("message a"));

  one.on_lane([&] { one.handler.transport->pause_reading(false); });

  EXPECT_THAT(one.handler.log, ElementsAre("message b"));
}

TEST(ConnectionWrite, RepliesOfOneReadLeaveInOneWrite) {
  OneConnection one;
  one.open();
  one.handler.when_message = [&](std::string_view m) {
    one.handler.transport->send_message(m, MessageKind::kText);
  };

  one.client_sends(client_text("a") + client_text("b") + client_text("c"));

  EXPECT_EQ(one.received(), "text(a) text(b) text(c)");
  EXPECT_EQ(one.wire.writes, 1u);
}

TEST(ConnectionWrite, MessagesOfOneTurnLeaveInOneWrite) {
  OneConnection one;
  one.open();

  one.on_lane([&] {
    one.handler.transport->send_message("a", MessageKind::kText);
    one.handler.transport->send_message("b", MessageKind::kBinary);
    EXPECT_EQ(one.wire.writes, 0u);
  });

  EXPECT_EQ(one.received(), "text(a) binary(b)");
  EXPECT_EQ(one.wire.writes, 1u);
}

TEST(ConnectionWrite, BlockIsWrittenAtOnceWhenNothingIsQueued) {
  OneConnection one;
  one.open();

  one.on_lane([&] {
    one.handler.transport->send_block(text_block("shared"));
    EXPECT_EQ(one.received(), "text(shared)");
  });
}

TEST(ConnectionWrite, WhatATurnGathersLeavesInOneWriteInOrder) {
  OneConnection one;
  one.open();
  const unsigned before = one.wire.writes;

  one.on_lane([&] {
    Transport& out = *one.handler.transport;
    out.send_message("reply", MessageKind::kText);
    for (const char* name : {"a", "b", "c"}) out.gather_block(text_block(name));
    out.gather_block(text_block(std::string(kCorkMessageBytes / 2, 'x')));
    out.send_message("last", MessageKind::kText);
  });

  EXPECT_EQ(one.received(), "text(reply) text(a) text(b) text(c) text(" +
                                std::string(kCorkMessageBytes / 2, 'x') + ") text(last)");
  EXPECT_EQ(one.wire.writes, before + 1);
}

TEST(ConnectionWrite, GatheredBlocksWaitBehindWhatIsQueued) {
  OneConnection one;
  one.open();
  one.wire.room = 1;

  one.on_lane([&] { one.handler.transport->send_block(text_block("first")); });
  one.on_lane([&] {
    one.handler.transport->gather_block(text_block("second"));
    one.handler.transport->gather_block(text_block(std::string(kCorkMessageBytes + 1, 'x')));
    one.handler.transport->gather_block(text_block("third"));
  });
  one.wire.make_room(100'000);
  one.settle();

  EXPECT_EQ(one.received(),
            "text(first) text(second) text(" + std::string(kCorkMessageBytes + 1, 'x') + ") text(third)");
}

TEST(ConnectionWrite, BlockFollowsTheRepliesBeforeIt) {
  for (const size_t size : {size_t{10}, size_t{50'000}}) {
    OneConnection one;
    one.open();
    const std::string body(size, 'x');

    one.on_lane([&] {
      one.handler.transport->send_message("first", MessageKind::kText);
      one.handler.transport->send_block(text_block(body));
      one.handler.transport->send_message("last", MessageKind::kText);
    });

    EXPECT_EQ(one.received(), "text(first) text(" + body + ") text(last)");
  }
}

TEST(ConnectionWrite, OrderAndBytesHoldForEveryRoomTheKernelHas) {
  const std::string middle(20'000, 'm'), block(6'000, 'b');
  const std::string expected = "text(a) text(" + block + ") text(" + middle + ") text(small) text(z)";
  for (size_t room = 0; room < 26'100; room += room < 40 || (room > 5'990 && room < 6'030) ? 1 : 997) {
    OneConnection one;
    one.open();
    one.wire.room = room;

    one.on_lane([&] {
      Transport& out = *one.handler.transport;
      out.send_message("a", MessageKind::kText);
      out.send_block(text_block(block));
      out.send_message(middle, MessageKind::kText);
      out.send_block(text_block("small"));
      out.send_message("z", MessageKind::kText);
    });
    while (one.wire.room == 0) {
      one.wire.make_room(1'777);
      one.settle();
    }

    ASSERT_EQ(one.received(), expected) << "room for " << room;
    ASSERT_EQ(one.handler.transport->queued_bytes(), 0u);
  }
}

TEST(ConnectionWrite, BacklogLeavesInOneGatheredWrite) {
  OneConnection one;
  one.open();
  one.wire.room = 0;
  one.on_lane([&] {
    for (int i = 0; i < 40; ++i) one.handler.transport->send_block(text_block("x"));
  });
  one.wire.writes = 0;

  one.wire.make_room(SIZE_MAX / 2);
  one.settle();

  EXPECT_EQ(one.wire.writes, 1u);
  EXPECT_EQ(one.wire.to_client.size(), 40u * 3);
}

TEST(ConnectionQueue, OverTheLimitClosesWithSlowAndDropsTheRest) {
  ConnectionLimits limits;
  limits.max_queue_bytes = 10'000;
  OneConnection one(limits);
  one.open();
  one.wire.room = 0;

  one.on_lane([&] {
    for (int i = 0; i < 11; ++i) one.handler.transport->send_block(text_block(std::string(996, 'x')));
  });

  EXPECT_THAT(one.take_log(), ElementsAre("overflow", "closed by protocol 3008 slow"));
  one.wire.make_room(100'000);
  one.settle();
  EXPECT_EQ(one.received(), "close(3008 slow)");
}

TEST(ConnectionQueue, FrameBegunIsCompletedBeforeTheSlowClose) {
  ConnectionLimits limits;
  limits.max_queue_bytes = 1'000;
  OneConnection one(limits);
  one.open();
  one.wire.room = 300;
  one.on_lane([&] {
    one.handler.transport->send_block(text_block(std::string(600, 'x')));
    one.handler.transport->send_block(text_block(std::string(600, 'y')));
    one.handler.transport->send_block(text_block(std::string(600, 'z')));
  });

  one.wire.make_room(100'000);
  one.settle();

  EXPECT_EQ(one.received(), "text(" + std::string(600, 'x') + ") close(3008 slow)");
}

TEST(ConnectionQueue, HandlerMayDropAndIsToldWhenThereIsRoom) {
  ConnectionLimits limits;
  limits.max_queue_bytes = 2'000;
  limits.low_water_bytes = 500;
  OneConnection one(limits);
  one.open();
  one.handler.verdict = Overflow::kDrop;
  one.wire.room = 0;
  one.on_lane([&] {
    for (int i = 0; i < 3; ++i) one.handler.transport->send_block(text_block(std::string(900, 'x')));
    EXPECT_EQ(one.handler.transport->queued_bytes(), 2u * 904);
  });
  EXPECT_THAT(one.take_log(), ElementsAre("overflow"));

  one.wire.make_room(1'000);
  one.settle();
  EXPECT_THAT(one.take_log(), IsEmpty());
  one.wire.make_room(400);
  one.settle();

  EXPECT_THAT(one.take_log(), ElementsAre("low"));
}

TEST(ConnectionQueue, OneMessageLargerThanTheLimitIsSentWhenNothingElseIsQueued) {
  ConnectionLimits limits;
  limits.max_queue_bytes = 1'000;
  OneConnection one(limits);
  one.open();
  one.wire.room = 10;

  one.on_lane([&] { one.handler.transport->send_block(text_block(std::string(5'000, 'x'))); });
  one.wire.make_room(100'000);
  one.settle();

  EXPECT_EQ(one.received(), "text(" + std::string(5'000, 'x') + ")");
}

TEST(ConnectionQueue, ClientThatDoesNotReadIsNotRead) {
  ConnectionLimits limits;
  limits.read_pause_bytes = 1'000;
  limits.low_water_bytes = 100;
  OneConnection one(limits);
  one.open();
  one.wire.room = 0;
  one.handler.when_message = [&](std::string_view) {
    one.handler.transport->send_block(text_block(std::string(1'500, 'x')));
  };
  one.client_sends(client_text("a"));
  one.client_sends(client_text("b"));
  EXPECT_THAT(one.take_log(), ElementsAre("message a"));

  one.handler.when_message = nullptr;
  one.wire.make_room(100'000);
  one.settle();

  EXPECT_THAT(one.handler.log, ElementsAre("low", "message b"));
}

TEST(ConnectionLife, HandlerThatThrowsCostsItsConnectionAlone) {
  OneConnection one;
  one.open();
  one.handler.when_message = [](std::string_view) { throw std::runtime_error("a fault"); };

  one.client_sends(client_text("a"));

  EXPECT_EQ(one.received(), "close(3004 internal server error)");
  EXPECT_THAT(one.handler.log, ElementsAre("message a", "closed by handler 3004 internal server error"));
}

TEST(ConnectionLife, HandlerThatCannotBeMadeCostsItsConnectionAlone) {
  OneConnection one;
  one.on_lane([&] {
    one.set.start(TestStream::make(one.wire),
                  [](Transport&) -> TransportHandler* { throw std::runtime_error("a fault"); });
  });

  one.client_sends(client_text("ignored") + client_close(3004));

  EXPECT_EQ(one.received(), "close(3004 internal server error)");
  EXPECT_TRUE(one.wire.released);
}

TEST(ConnectionLife, OnClosedThatThrowsDoesNotKeepTheConnection) {
  OneConnection one;
  one.open();
  one.handler.when_closed = [] { throw std::runtime_error("a fault"); };

  one.client_sends(client_close(1000));

  EXPECT_TRUE(one.wire.released);
  EXPECT_EQ(one.set.size(), 0u);
}

TEST(ConnectionLife, EveryFailingOperationEndsInOneOnClosed) {
  for (unsigned n = 1; n < 12; ++n) {
    OneConnection one;
    one.wire.fail_at_operation = n;
    one.open();
    one.handler.when_message = [&](std::string_view m) {
      one.handler.transport->send_message(m, MessageKind::kText);
    };
    for (int i = 0; i < 12 && !one.wire.released; ++i) one.client_sends(client_text("m"));

    ASSERT_TRUE(one.wire.released) << n;
    ASSERT_EQ(one.handler.log.back(), "closed by network 1006 ") << n;
    ASSERT_EQ(one.set.size(), 0u);
  }
}

TEST(ConnectionLife, SetThatIsDestroyedTellsItsHandlers) {
  RecordingHandler handler;
  SimWorld world(1);
  Wire wire(world.lane(0));
  {
    ConnectionSet set(world.lane(0), {});
    set.start(TestStream::make(wire), [&](Transport&) { return &handler; });
  }

  EXPECT_THAT(handler.log, ElementsAre("closed by handler 3000 connection closed"));
  EXPECT_TRUE(wire.released);
}

TEST(ConnectionLife, IdleConnectionIsSmall) { EXPECT_LE(sizeof(Connection), 256u); }

}  // namespace
}  // namespace lcg::ws
