// What one connection may have done in a turn and over time, counted in messages and inflated bytes.
#include <gtest/gtest.h>

#include "gateway/ws/test_connection.h"
#include "gateway/ws/test_deflate.h"

namespace lcg::ws {
namespace {

constexpr size_t kBig = 100'000;  // bytes of a message once inflated

ConnectionLimits limits() {
  ConnectionLimits out;
  out.deflate.enabled = true;
  return out;
}

std::string repeated(const std::string& one, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += one;
  return out;
}

struct CostlyConnection : OneConnection {
  explicit CostlyConnection(bool connected = true, const ConnectionLimits& with = limits())
      : OneConnection(with) {
    open({}, true);
    if (connected) on_lane([&] { handler.transport->client_connected(); });
    handler.when_message = [&](std::string_view payload) {
      ++messages;
      bytes += payload.size();
    };
  }
  // Time passes until the next turn of a connection that has put something aside.
  void next_turn() { world.run_for(kRestDelay); }

  size_t messages = 0, bytes = 0;
};

TEST(ConnectionCost, OneTurnInflatesItsShareAndOneMessageMore) {
  CostlyConnection c;

  c.client_sends(repeated(client_deflated(std::string(kBig, 'a')), 10));

  EXPECT_GE(c.bytes, kInflatedPerTurn);
  EXPECT_LT(c.bytes, kInflatedPerTurn + 2 * kBig);
}

TEST(ConnectionCost, WhatIsPutAsideComesInOrder) {
  CostlyConnection c;
  std::string sent;
  for (char letter = 'a'; letter < 'k'; ++letter) sent += client_deflated(std::string(kBig, letter));

  c.client_sends(sent + client_text("last"));
  while (c.messages < 11) {
    const size_t before = c.messages;
    c.next_turn();
    ASSERT_GT(c.messages, before);
  }

  std::string order;
  for (const std::string& line : c.take_log()) order += line.substr(8, 1);
  EXPECT_EQ(order, "abcdefghijl");
}

TEST(ConnectionCost, WhatComesLaterWaitsForWhatIsPutAside) {
  CostlyConnection c;
  c.client_sends(repeated(client_deflated(std::string(kBig, 'a')), 4));
  const size_t before = c.messages;

  c.client_sends(client_text("later"));

  EXPECT_EQ(c.messages, before);
  c.next_turn();
  EXPECT_EQ(c.take_log().back(), "message later");
}

TEST(ConnectionCost, APauseHoldsCompressedMessagesBack) {
  CostlyConnection c;
  c.handler.when_message = [&](std::string_view) {
    ++c.messages;
    c.handler.transport->pause_reading(true);
  };

  c.client_sends(repeated(client_deflated(std::string(kBig, 'a')), 5));
  c.next_turn();

  EXPECT_EQ(c.messages, 1u);
  c.on_lane([&] { c.handler.transport->pause_reading(false); });
  c.next_turn();
  EXPECT_EQ(c.messages, 2u);
}

TEST(ConnectionCost, OverTheBurstIs1008) {
  CostlyConnection c;
  const size_t fit = limits().frame.inflated_burst / (kBig + 2 * kDeflateBlockCost);

  c.client_sends(repeated(client_deflated(std::string(kBig, 'a')), fit + 2));
  c.world.run_for(Millis(50));

  EXPECT_EQ(c.received(), "close(1008 compressed messages cost too much)");
  EXPECT_LE(c.bytes, limits().frame.inflated_burst + kBig);
}

TEST(ConnectionCost, TheBudgetComesBackWithTime) {
  CostlyConnection c;

  for (int second = 0; second < 20; ++second) {
    c.client_sends(repeated(client_deflated(std::string(kBig, 'a')), 6));
    c.world.run_for(std::chrono::seconds(1));
  }

  EXPECT_EQ(c.messages, 120u);
}

TEST(ConnectionCost, WhatDoesNotInflateMuchCostsNothing) {
  CostlyConnection c;
  std::string random(40'000, '\0');
  SimRandom(7).fill(std::as_writable_bytes(std::span(random)));
  const std::string frame = raw_client_frame(0xC2, zlib_message(random));

  for (int i = 0; i < 200; ++i) {
    c.client_sends(frame);
    c.next_turn();
  }

  EXPECT_EQ(c.messages, 200u);
}

TEST(ConnectionCost, BeforeConnectLittleIsInflated) {
  CostlyConnection c(false);

  c.client_sends(client_deflated(std::string(kBig, 'a')));

  EXPECT_EQ(c.received(), "close(1008 compressed messages cost too much)");
  EXPECT_EQ(c.messages, 0u);
}

TEST(ConnectionCost, BeforeConnectTheSumCounts) {
  CostlyConnection c(false);

  c.client_sends(repeated(client_deflated(std::string(10'000, 'a')), 20));

  EXPECT_EQ(c.received(), "close(1008 compressed messages cost too much)");
  EXPECT_LE(c.bytes, limits().frame.inflated_before_connect);
}

TEST(ConnectionCost, BlocksWithoutOutputCount) {
  // A stored block of no bytes, 5 bytes long, as every flush leaves one.
  const std::string empty("\x00\x00\x00\xff\xff", 5);
  CostlyConnection c;

  c.client_sends(raw_client_frame(0xC1, repeated(empty, 13'000)));

  EXPECT_EQ(c.received(), "close(1008 compressed messages cost too much)");
}

TEST(ConnectionCost, AfterOurCloseNothingIsInflated) {
  CostlyConnection c;
  c.on_lane([&] { c.handler.transport->close(3501, "bad request"); });
  c.take_log();

  // Not DEFLATE: inflating it would be an error, and end the connection without the client's close.
  c.client_sends(repeated(raw_client_frame(0xC1, "\xff\xff"), 100) + client_text("\xff"));
  c.client_sends(client_frame(Opcode::kText, "\xff", false) + client_frame(Opcode::kPing, "p") +
                 client_frame(Opcode::kContinuation, "\xfe"));

  EXPECT_FALSE(c.wire.released);
  c.client_sends(client_close(3501));
  EXPECT_TRUE(c.wire.released);
  EXPECT_EQ(c.received(), "close(3501 bad request)");
}

TEST(ConnectionCost, CloseInsideAMessageSkipsWhatIsBehindIt) {
  CostlyConnection c;
  c.handler.when_message = [&](std::string_view) {
    ++c.messages;
    c.handler.transport->close(3501, "bad request");
  };

  c.client_sends(repeated(client_deflated(std::string(kBig, 'a')), 300) + client_close(1000));

  EXPECT_EQ(c.messages, 1u);
  EXPECT_TRUE(c.wire.released);
}

TEST(ConnectionCost, OneTurnDeliversItsShareOfSmallMessages) {
  CostlyConnection c;

  c.client_sends(repeated(client_text("x"), 3 * kMessagesPerTurn));

  EXPECT_EQ(c.messages, kMessagesPerTurn);
  c.next_turn();
  c.next_turn();
  EXPECT_EQ(c.messages, 3 * kMessagesPerTurn);
}

TEST(ConnectionCost, AnEndBehindWhatIsPutAsideIsSeen) {
  CostlyConnection c;
  c.wire.to_server += repeated(client_text("x"), 2 * kMessagesPerTurn);
  c.wire.end();
  c.settle();

  c.next_turn();

  EXPECT_EQ(c.messages, 2 * kMessagesPerTurn);
  EXPECT_TRUE(c.wire.released);
}

}  // namespace
}  // namespace lcg::ws
