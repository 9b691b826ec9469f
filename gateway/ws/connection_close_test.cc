// How a WebSocket connection ends: the closing handshake both ways, errors, and deadlines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "gateway/ws/test_connection.h"

namespace lcg::ws {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(ConnectionClose, ServerSendsWhatIsQueuedThenItsCode) {
  OneConnection one;
  one.open();

  one.on_lane([&] {
    one.handler.transport->send_message("last words", MessageKind::kText);
    one.handler.transport->close(3001, "shutdown");
    one.handler.transport->send_message("too late", MessageKind::kText);
  });

  EXPECT_EQ(one.received(), "text(last words) close(3001 shutdown)");
  EXPECT_THAT(one.handler.log, ElementsAre("closed by handler 3001 shutdown"));
  EXPECT_FALSE(one.wire.released);
}

TEST(ConnectionClose, ServerIsDoneWhenTheClientAnswers) {
  OneConnection one;
  one.open();
  one.on_lane([&] { one.handler.transport->close(3001, "shutdown"); });

  one.client_sends(client_text("ignored") + client_close(3001));

  EXPECT_TRUE(one.wire.released);
  EXPECT_FALSE(one.wire.reset);
  EXPECT_EQ(one.set.size(), 0u);
  EXPECT_EQ(one.handler.log.size(), 1u);
}

TEST(ConnectionClose, ServerWaitsForTheAnswerNotForEver) {
  OneConnection one;
  one.open();
  one.on_lane([&] { one.handler.transport->close(3001, "shutdown"); });

  one.world.run_for(milliseconds(4'900));
  EXPECT_FALSE(one.wire.released);
  one.world.run_for(milliseconds(200));

  EXPECT_TRUE(one.wire.released);
}

TEST(ConnectionClose, ClientsCloseIsEchoed) {
  OneConnection one;
  one.open();

  one.client_sends(client_close(4001, "bye"));

  EXPECT_EQ(one.received(), "close(4001)");
  EXPECT_THAT(one.handler.log, ElementsAre("closed by peer 4001 bye"));
  EXPECT_TRUE(one.wire.released);
}

TEST(ConnectionClose, WhatIsQueuedLeavesBeforeTheEchoAlsoWhenTheClientSendsNoMore) {
  OneConnection one;
  one.open();
  one.wire.room = 3;
  one.on_lane([&] { one.handler.transport->send_message("answer", MessageKind::kText); });

  one.wire.client_ended = true;
  one.client_sends(client_close(1000));
  for (int i = 0; i < 9; ++i) {  // a byte now and then
    one.world.run_for(seconds(20));
    one.wire.make_room(1);
    one.settle();
  }

  EXPECT_EQ(one.received(), "text(answer) close(1000)");
  EXPECT_TRUE(one.wire.released);
  EXPECT_FALSE(one.wire.reset);
}

TEST(ConnectionClose, ClientThatClosesAndTakesNothingIsNotWaitedForLong) {
  OneConnection one;
  one.open();
  one.wire.room = 3;
  one.on_lane([&] { one.handler.transport->send_message("answer", MessageKind::kText); });

  one.client_sends(client_close(1000));
  one.world.run_for(seconds(29));
  EXPECT_FALSE(one.wire.released);
  one.world.run_for(seconds(2));

  EXPECT_TRUE(one.wire.released);
  EXPECT_TRUE(one.wire.reset);
}

TEST(ConnectionClose, WhatWasAskedBeforeIsAnsweredBeforeTheEcho) {
  OneConnection one;
  one.open();
  one.handler.busy = true;

  one.wire.client_ended = true;
  one.client_sends(client_text("question") + client_close(1000) + client_text("not read"));
  EXPECT_EQ(one.received(), "");
  one.on_lane([&] {
    one.handler.transport->send_message("answer", MessageKind::kText);
    one.handler.transport->accept_close();
  });

  EXPECT_EQ(one.received(), "text(answer) close(1000)");
  EXPECT_THAT(one.handler.log, ElementsAre("message question", "closed by peer 1000 "));
  EXPECT_TRUE(one.wire.released);
}

TEST(ConnectionClose, AnAnswerIsNotWaitedForForEver) {
  OneConnection one;
  one.open();
  one.handler.busy = true;

  one.client_sends(client_close(1000));
  one.world.run_for(seconds(31));

  EXPECT_EQ(one.received(), "close(1000)");
  EXPECT_TRUE(one.wire.released);
}

TEST(ConnectionClose, ServersOwnCloseLeavesAlsoToAClientThatSendsNoMore) {
  OneConnection one;
  one.open();
  one.wire.room = 0;
  one.on_lane([&] {
    one.handler.transport->send_message("answer", MessageKind::kText);
    one.handler.transport->close(3500, "invalid token");
  });

  one.wire.end();
  one.settle();
  one.wire.make_room(1000);
  one.settle();

  EXPECT_EQ(one.received(), "text(answer) close(3500 invalid token)");
  EXPECT_TRUE(one.wire.released);
}

TEST(ConnectionClose, ClientsEmptyCloseIsEchoedEmpty) {
  OneConnection one;
  one.open();

  one.client_sends(client_frame(Opcode::kClose, ""));

  EXPECT_EQ(one.received(), "close()");
  EXPECT_THAT(one.handler.log, ElementsAre("closed by peer 1005 "));
}

TEST(ConnectionClose, HandlerMayCloseInsideAMessage) {
  OneConnection one;
  one.open();
  one.handler.when_message = [&](std::string_view) { one.handler.transport->close(3501, "bad request"); };

  one.client_sends(client_text("a") + client_text("b"));

  EXPECT_EQ(one.received(), "close(3501 bad request)");
  EXPECT_THAT(one.handler.log, ElementsAre("message a", "closed by handler 3501 bad request"));
}

TEST(ConnectionClose, OnClosedComesAfterTheHandlerReturned) {
  OneConnection one;
  one.open();
  bool inside = false, called_inside = false;
  one.handler.when_closed = [&] { called_inside = inside; };
  one.handler.when_message = [&](std::string_view) {
    inside = true;
    one.handler.transport->abort(3503, "force disconnect");
    inside = false;
  };

  one.client_sends(client_text("a"));

  EXPECT_FALSE(called_inside);
  EXPECT_EQ(one.handler.log.size(), 2u);
}

TEST(ConnectionClose, SecondCloseIsIgnored) {
  OneConnection one;
  one.open();

  one.on_lane([&] {
    one.handler.transport->close(3001, "shutdown");
    one.handler.transport->close(3503, "force disconnect");
    one.handler.transport->abort(3008, "slow");
  });

  EXPECT_EQ(one.received(), "close(3001 shutdown)");
}

TEST(ConnectionClose, AbortDropsWhatIsQueued) {
  OneConnection one;
  one.open();

  one.on_lane([&] {
    one.handler.transport->send_message("dropped", MessageKind::kText);
    one.handler.transport->abort(3503, "force disconnect");
  });

  EXPECT_EQ(one.received(), "close(3503 force disconnect)");
}

TEST(ConnectionClose, ProtocolErrorIsToldAndTheEndShown) {
  OneConnection one;
  one.open();

  one.client_sends("\x81\x02hi");

  EXPECT_EQ(one.received(), "close(1002 frame is not masked)");
  EXPECT_THAT(one.handler.log, ElementsAre("closed by protocol 1002 frame is not masked"));
  EXPECT_TRUE(one.wire.shut);
}

TEST(ConnectionClose, AfterAProtocolErrorTheClientsEndIsAwaited) {
  OneConnection one;
  one.open();
  one.client_sends("\x81\x02hi" + client_text("more that is not understood"));
  EXPECT_FALSE(one.wire.released);

  one.wire.end();
  one.settle();

  EXPECT_TRUE(one.wire.released);
}

TEST(ConnectionClose, EndWithoutACloseFrameIsAbnormal) {
  OneConnection one;
  one.open();

  one.wire.end();
  one.settle();

  EXPECT_THAT(one.handler.log, ElementsAre("closed by network 1006 "));
  EXPECT_TRUE(one.wire.released);
}

TEST(ConnectionDeadline, ClientWithoutProgressIsClosedAsSlow) {
  OneConnection one;
  one.open();
  one.wire.room = 0;
  one.on_lane([&] { one.handler.transport->send_block(text_block("x")); });

  one.world.run_for(milliseconds(29'900));
  EXPECT_THAT(one.handler.log, IsEmpty());
  one.world.run_for(milliseconds(200));

  EXPECT_THAT(one.handler.log, ElementsAre("closed by protocol 3008 slow"));
  one.world.run_for(milliseconds(1'100));
  EXPECT_TRUE(one.wire.released);
  EXPECT_TRUE(one.wire.reset);
}

TEST(ConnectionDeadline, SlowButSteadyClientLives) {
  OneConnection one;
  one.open();
  one.wire.room = 0;
  one.on_lane([&] { one.handler.transport->send_block(text_block(std::string(100, 'x'))); });

  for (int i = 0; i < 10; ++i) {
    one.world.run_for(seconds(20));
    one.wire.make_room(5);
    one.settle();
  }

  EXPECT_THAT(one.handler.log, IsEmpty());
}

TEST(ConnectionDeadline, MessageThatDribblesIsRefused) {
  OneConnection one;
  one.open();
  const std::string frame = client_text(std::string(1'000, 'x'));
  for (size_t i = 0; i < 31; ++i) {
    one.client_sends(frame.substr(i, 1));
    one.world.run_for(seconds(1));
  }

  EXPECT_THAT(one.handler.log, ElementsAre("closed by protocol 1008 message took too long"));
}

TEST(ConnectionDeadline, LargeMessageEarnsTimeWithItsBytes) {
  OneConnection one;
  one.open();
  const std::string frame = client_text(std::string(60'000, 'x'));
  for (size_t at = 0; at < frame.size(); at += 1'100) {
    one.client_sends(frame.substr(at, 1'100));
    one.world.run_for(seconds(1));
  }

  ASSERT_EQ(one.handler.log.size(), 1u);
  EXPECT_EQ(one.handler.log[0].size(), 8u + 60'000);
}

TEST(ConnectionDeadline, EveryWholeMessageStartsTheTimeAnew) {
  OneConnection one;
  one.open();
  const std::string frame = client_text("0123456789");
  one.client_sends(frame.substr(0, 8));
  for (int i = 0; i < 4; ++i) {
    one.world.run_for(seconds(20));
    one.client_sends(frame.substr(8) + frame.substr(0, 8));
  }

  EXPECT_EQ(one.handler.log.size(), 4u);
}

TEST(ConnectionDeadline, IdleConnectionHasNoTimer) {
  OneConnection one;
  one.open();
  one.client_sends(client_text("hello"));

  EXPECT_EQ(one.world.lane(0).timers(), 0u);
}

TEST(ConnectionFlood, PingsOverTheBurstAreRefused) {
  OneConnection one;
  one.open();
  std::string pings;
  for (int i = 0; i < 51; ++i) pings += client_frame(Opcode::kPing, "");

  one.client_sends(pings);

  EXPECT_THAT(one.handler.log, ElementsAre("closed by protocol 1008 too many control frames"));
}

TEST(ConnectionFlood, PingsAtTheRateAllowedLive) {
  OneConnection one;
  one.open();
  for (int second = 0; second < 60; ++second) {
    for (int i = 0; i < 10; ++i) one.client_sends(client_frame(Opcode::kPing, ""));
    one.world.run_for(seconds(1));
  }

  EXPECT_THAT(one.handler.log, IsEmpty());
}

// What is counted is steps: what comes behind the cut is served after kEndsPerTurn ends, not after all of them.
TEST(ConnectionClose, ManyThatAreCutAtOnceEndAFewATurn) {
  SimWorld world(1);
  SimLane& lane = world.lane(0);
  std::deque<Wire> wires;
  size_t ended = 0, ended_before_neighbour = 0;
  RecordingHandler handler;
  handler.when_closed = [&] { ++ended; };
  ConnectionSet set(lane, {});
  lane.post([&] {
    for (int i = 0; i < 100; ++i)
      set.start(TestStream::make(wires.emplace_back(lane)), [&](Transport&) { return &handler; });
  });
  world.run_until_idle();

  lane.post([&] {
    for (Wire& wire : wires) {
      wire.client_ended = true;
      wire.observer->on_readable();
    }
    lane.post([&] { ended_before_neighbour = ended; });
  });
  world.run_until_idle();

  EXPECT_EQ(ended_before_neighbour, kEndsPerTurn);
  EXPECT_EQ(ended, 100u);
  EXPECT_EQ(set.size(), 0u);
}

TEST(ConnectionClose, WhoWaitsForItsEndIsSentNothing) {
  SimWorld world(1);
  SimLane& lane = world.lane(0);
  std::deque<Wire> wires;
  std::vector<Transport*> transports;
  RecordingHandler handler;
  ConnectionSet set(lane, {});
  lane.post([&] {
    for (int i = 0; i < 100; ++i) {
      set.start(TestStream::make(wires.emplace_back(lane)), [&](Transport& transport) {
        transports.push_back(&transport);
        return &handler;
      });
    }
  });
  world.run_until_idle();

  lane.post([&] {
    for (Wire& wire : wires) {
      wire.client_ended = true;
      wire.observer->on_readable();
    }
    lane.post([&] { transports.back()->send_block(text_block("late")); });
  });
  world.run_until_idle();

  EXPECT_EQ(wires.back().to_client, "");
  EXPECT_EQ(handler.log.size(), 100u);
}

}  // namespace
}  // namespace lcg::ws
