// A connection with permessage-deflate, and the parser's rules for it (RFC 7692 6).
#include <gtest/gtest.h>

#include "gateway/ws/test_connection.h"
#include "gateway/ws/test_deflate.h"

namespace lcg::ws {
namespace {

const std::string kText = "the same words, the same words, the same words, the same words, the same words";

ConnectionLimits limits() {
  ConnectionLimits out;
  out.deflate = {.enabled = true, .level = 1, .min_bytes = 60};
  out.frame.max_inflated_bytes = 10'000;
  return out;
}

struct DeflateConnection : OneConnection {
  DeflateConnection() : OneConnection(limits()) { open({}, true); }
};

std::string events(std::string bytes, size_t step = 0) {
  Inflater inflater(10'000);
  const FrameLimits frame_limits;
  FrameParser parser(frame_limits, &inflater);
  return events_of(parser, std::move(bytes), step);
}

std::string fragments(std::string_view payload, size_t size) {
  std::string out;
  for (size_t at = 0; at < payload.size(); at += size) {
    const bool last = at + size >= payload.size();
    const uint8_t opcode = at == 0 ? 0x41 : 0x00;
    out += raw_client_frame(static_cast<uint8_t>(opcode | (last ? 0x80 : 0)), payload.substr(at, size));
  }
  return out;
}

TEST(DeflateConnection, CompressedMessageIsRead) {
  DeflateConnection c;

  c.client_sends(client_deflated(kText));

  EXPECT_EQ(c.take_log(), std::vector<std::string>{"message " + kText});
}

TEST(DeflateConnection, PlainMessageIsReadToo) {
  DeflateConnection c;

  c.client_sends(client_text("plain") + client_deflated(kText) + client_text("again"));

  EXPECT_EQ(c.take_log(), (std::vector<std::string>{"message plain", "message " + kText, "message again"}));
}

TEST(DeflateConnection, IdleLaneKeepsNoLargeBuffer) {
  ConnectionLimits large = limits();
  large.frame.max_inflated_bytes = 1 << 20;
  OneConnection c(large);
  c.open({}, true);
  c.on_lane([&] { c.handler.transport->client_connected(); });

  c.client_sends(client_deflated(std::string(600'000, 'a')));

  EXPECT_EQ(c.take_log().size(), 1u);
  EXPECT_LE(c.set.kept_for_inflating(), kDeflateKeepBytes);
}

TEST(DeflateConnection, ARefusedMessageLeavesNoLargeBufferEither) {
  ConnectionLimits large = limits();
  large.frame.max_inflated_bytes = 1 << 20;
  OneConnection c(large);
  c.open({}, true);
  c.on_lane([&] { c.handler.transport->client_connected(); });

  c.client_sends(client_deflated(std::string(2 << 20, 'a')));

  EXPECT_LE(c.set.kept_for_inflating(), kDeflateKeepBytes);
}

// What commands that differ in a few bytes compress to; a bomb is a thousand to one.
TEST(DeflateConnection, ABatchOfCommandsIsInflatedBeforeConnect) {
  ConnectionLimits large = limits();
  large.frame.max_message_bytes = large.frame.max_inflated_bytes = 4 << 20;
  OneConnection c(large);
  c.open({}, true);
  std::string batch;
  for (int i = 0; i < 4000; ++i) {
    batch += "{\"id\":" + std::to_string(i + 1) + ",\"subscribe\":{\"channel\":\"" + std::string(230, 'n') +
             std::to_string(i * 7919) + "\",\"recover\":true}}\n";
  }

  c.client_sends(client_deflated(batch));

  const std::vector<std::string> log = c.take_log();
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(log[0].size(), batch.size() + 8) << log[0].substr(0, 100);
}

TEST(DeflateConnection, RepliesAreCompressed) {
  DeflateConnection c;

  c.on_lane([&] { c.handler.transport->send_message(kText, MessageKind::kText); });

  const std::string frame = c.wire.take();
  Inflater inflater(1000);
  EXPECT_EQ(static_cast<uint8_t>(frame[0]), 0xC1);
  EXPECT_EQ(inflater.inflate(std::string_view(frame).substr(2)).message, kText);
}

TEST(DeflateConnection, ShortRepliesAreNot) {
  DeflateConnection c;

  c.on_lane([&] { c.handler.transport->send_message("{}", MessageKind::kText); });

  EXPECT_EQ(c.received(), "text({})");
}

TEST(DeflateConnection, SecretsAreNeverCompressed) {
  DeflateConnection c;

  c.on_lane([&] { c.handler.transport->send_secret(kText, MessageKind::kText); });

  EXPECT_EQ(c.received(), "text(" + kText + ")");
}

TEST(DeflateConnection, ControlFramesAreNeverCompressed) {
  DeflateConnection c;

  c.client_sends(client_frame(Opcode::kPing, kText));

  EXPECT_EQ(c.received(), "pong(" + kText + ")");
}

TEST(DeflateConnection, BombClosesWith1009) {
  DeflateConnection c;

  c.client_sends(client_deflated(std::string(10'001, 'a')));

  EXPECT_EQ(c.received(), "close(1009 message too big)");
}

TEST(DeflateConnection, WithoutTheExtensionRsv1Closes) {
  OneConnection c(limits());
  c.open();

  c.client_sends(client_deflated(kText));

  EXPECT_EQ(c.received(), "close(1002 reserved bit set)");
}

TEST(DeflateConnection, WithoutTheExtensionNothingIsCompressed) {
  OneConnection c(limits());
  c.open();

  c.on_lane([&] { c.handler.transport->send_message(kText, MessageKind::kText); });

  EXPECT_EQ(c.received(), "text(" + kText + ")");
}

TEST(DeflateParser, EveryFragmentationAndCutGivesTheSame) {
  const std::string payload = zlib_message(kText);
  for (size_t size = 1; size <= payload.size(); ++size) {
    const std::string bytes = fragments(payload, size) + client_text("next");
    ASSERT_EQ(events(bytes), "text(" + kText + ") text(next)") << size;
    ASSERT_EQ(events(bytes, 1), "text(" + kText + ") text(next)") << size;
  }
}

TEST(DeflateParser, FragmentedBombIs1009) {
  EXPECT_EQ(events(fragments(zlib_message(std::string(1u << 20, 'a')), 40)), "error(1009)");
}

TEST(DeflateParser, ControlFrameBetweenFragments) {
  const std::string payload = zlib_message(kText);
  const std::string bytes = raw_client_frame(0x41, payload.substr(0, 5)) + client_frame(Opcode::kPing, "p") +
                            raw_client_frame(0x80, payload.substr(5));

  EXPECT_EQ(events(bytes), "ping(p) text(" + kText + ")");
}

TEST(DeflateParser, Rsv1OnAContinuationIs1002) {
  EXPECT_EQ(events(raw_client_frame(0x41, "ab") + raw_client_frame(0xC0, "cd")), "error(1002)");
}

TEST(DeflateParser, Rsv1OnAControlFrameIs1002) {
  for (const int first : {0xC8, 0xC9, 0xCA})
    EXPECT_EQ(events(raw_client_frame(static_cast<uint8_t>(first), "")), "error(1002)");
}

TEST(DeflateParser, OtherReservedBitsAre1002) {
  for (const int first : {0xA1, 0x91, 0xE1, 0xD1, 0xF1}) {
    EXPECT_EQ(events(raw_client_frame(static_cast<uint8_t>(first), "")), "error(1002)") << first;
  }
}

TEST(DeflateParser, InflatedTextIsCheckedForUtf8) {
  EXPECT_EQ(events(client_deflated("\xff\xfe")), "error(1007)");
  EXPECT_EQ(events(raw_client_frame(0xC2, zlib_message("\xff\xfe"))), "binary(\xff\xfe)");
}

TEST(DeflateParser, CompressedBytesNeedNotBeUtf8) {
  const std::string payload = zlib_message(kText);
  EXPECT_EQ(events(fragments(payload, 3), 1), "text(" + kText + ")");
}

TEST(DeflateParser, GarbageIs1007) { EXPECT_EQ(events(raw_client_frame(0xC1, "\xff\xff")), "error(1007)"); }

TEST(DeflateParser, CompressedSizeIsLimitedToo) {
  Inflater inflater(10'000);
  const FrameLimits frame_limits{.max_message_bytes = 100};
  FrameParser parser(frame_limits, &inflater);

  EXPECT_EQ(events_of(parser, raw_client_frame(0xC1, std::string(101, 'a'))), "error(1009)");
}

}  // namespace
}  // namespace lcg::ws
