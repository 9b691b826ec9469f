// How a streaming connection ends.
#include <gtest/gtest.h>

#include "gateway/stream/test_stream_connection.h"

namespace lcg::stream {
namespace {

using Log = std::vector<std::string>;

TEST(StreamClose, WhatIsQueuedLeavesThenTheLastChunk) {
  OneStream s;
  s.open();
  s.take_log();

  s.on_lane([&] {
    s.handler.transport->send_message("bye", ws::MessageKind::kText);
    s.handler.transport->close(3001, "shutdown");
    s.handler.transport->send_message("ignored", ws::MessageKind::kText);
  });

  EXPECT_EQ(s.received(), "bye\n!");
  EXPECT_TRUE(s.wire.shut);
  EXPECT_EQ(s.take_log(), Log{"closed by handler 3001 shutdown"});
}

TEST(StreamClose, StreamIsGivenUpWhenTheClientEnds) {
  OneStream s;
  s.open();
  s.on_lane([&] { s.handler.transport->close(3001, "shutdown"); });
  EXPECT_EQ(s.set.size(), 1u);

  s.wire.end();
  s.settle();

  EXPECT_EQ(s.set.size(), 0u);
  EXPECT_TRUE(s.wire.released);
}

TEST(StreamClose, ClientThatDoesNotEndIsNotWaitedForLong) {
  OneStream s;
  s.open();
  s.on_lane([&] { s.handler.transport->close(3001, "shutdown"); });

  s.world.run_for(std::chrono::seconds(6));

  EXPECT_EQ(s.set.size(), 0u);
}

TEST(StreamClose, WhatIsQueuedLeavesAlsoToAClientThatSendsNoMore) {
  OneStream s;
  s.open();
  s.wire.room = 4;
  s.send("first");
  s.on_lane([&] { s.handler.transport->close(3001, "shutdown"); });

  s.wire.end();
  s.settle();
  s.wire.make_room(1'000);
  s.settle();

  EXPECT_EQ(s.received(), "first\n!");
  EXPECT_EQ(s.set.size(), 0u);
}

TEST(StreamClose, AbortDropsWhatIsQueuedButTheChunkBegun) {
  OneStream s;
  s.open();
  s.wire.room = 4;
  s.send("first");
  s.send("second");

  s.on_lane([&] { s.handler.transport->abort(3008, "slow"); });
  s.wire.make_room(1'000);
  s.settle();

  EXPECT_EQ(s.received(), "first\n!");
}

TEST(StreamClose, ClientThatGoesIsNoticed) {
  OneStream s;
  s.open();
  s.take_log();

  s.wire.end();
  s.settle();

  EXPECT_EQ(s.take_log(), Log{"closed by network 3000 "});
  EXPECT_EQ(s.set.size(), 0u);
}

TEST(StreamClose, ResetIsNoticed) {
  OneStream s;
  s.open();
  s.take_log();

  s.wire.broken = true;
  s.wire.tell_readable();
  s.settle();

  EXPECT_EQ(s.take_log(), Log{"closed by network 3000 "});
}

TEST(StreamClose, BytesBehindTheRequestAreIgnoredButNotWithoutEnd) {
  OneStream s;
  s.open();
  s.take_log();

  s.wire.send("\r\n");
  s.settle();
  EXPECT_EQ(s.take_log(), Log{});
  s.wire.send(std::string(kMaxIgnoredBytes + 1, 'x'));
  s.settle();

  EXPECT_EQ(s.take_log(), Log{"closed by network 3000 "});
}

TEST(StreamClose, ClientWithoutProgressIsSlow) {
  OneStream s;
  s.open();
  s.take_log();
  s.wire.room = 0;
  s.send("message");

  s.world.run_for(std::chrono::seconds(40));

  EXPECT_EQ(s.take_log(), Log{"closed by protocol 3008 slow"});
  EXPECT_TRUE(s.wire.reset);
  EXPECT_EQ(s.set.size(), 0u);
}

TEST(StreamClose, IdleStreamHasNoDeadline) {
  OneStream s;
  s.open();
  s.take_log();

  s.world.run_for(std::chrono::hours(1));

  EXPECT_EQ(s.take_log(), Log{});
  EXPECT_EQ(s.set.size(), 1u);
}

TEST(StreamClose, HandlerThatThrowsLosesItsConnectionAlone) {
  OneStream s;
  s.handler.when_message = [](std::string_view) { throw std::runtime_error("a fault"); };

  s.open("x");

  EXPECT_EQ(s.take_log(), (Log{"message x", "closed by handler 3004 internal server error"}));
}

TEST(StreamClose, EveryOperationMayFail) {
  for (unsigned n = 1; n < 6; ++n) {
    OneStream s(Format::kEvents);
    s.wire.fail_at_operation = n;
    s.open();
    for (int i = 0; i < 6 && s.handler.transport != nullptr; ++i) s.send("message");

    ASSERT_EQ(s.handler.log.back(), "closed by network 3000 ") << n;
    ASSERT_EQ(s.set.size(), 0u) << n;
  }
}

TEST(StreamClose, EndOfTheSetEndsEveryone) {
  Log log;
  {
    OneStream s;
    s.open();
    s.handler.when_closed = [&] { log = s.handler.log; };
  }

  EXPECT_EQ(log.back(), "closed by handler 3000 connection closed");
}

}  // namespace
}  // namespace lcg::stream
