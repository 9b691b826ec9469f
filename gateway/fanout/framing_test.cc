#include "gateway/fanout/framing.h"

#include <gtest/gtest.h>

#include "gateway/ws/frame.h"

namespace lcg::gateway {
namespace {

using protocol::Framing;
using protocol::Variant;

// A block of `count` JSON messages {"n":0}, {"n":1}, ...
std::string block(Framing framing, size_t count, size_t per_frame = 16, size_t padding = 0) {
  Framer framer(per_frame, {.enabled = true, .level = 1, .min_bytes = 64});
  const SharedBytes made = framer.block(Variant{.framing = framing}, count, [&](size_t i, std::string& out) {
    if (!out.empty()) out.push_back('\n');
    out += "{\"n\":" + std::to_string(i) + std::string(padding, ' ') + "}";
  });
  return std::string(made.view());
}

TEST(Framing, ALineForEachMessageInAChunk) {
  EXPECT_EQ(block(Framing::kStream, 2), "10\r\n{\"n\":0}\n{\"n\":1}\n\r\n");
}

TEST(Framing, ProtobufStandsInAChunkAsItIs) {
  std::string out;

  append_stream_chunk(out, Encoding::kProtobuf, std::string_view("\x01\x00\n", 3));

  EXPECT_EQ(out, std::string("3\r\n\x01\x00\n\r\n", 8));
}

TEST(Framing, AnEventForEachMessageInAChunk) {
  EXPECT_EQ(block(Framing::kEventStream, 2), "1e\r\ndata: {\"n\":0}\n\ndata: {\"n\":1}\n\n\r\n");
}

TEST(Framing, AFrameOfTheSocketHoldsSoManyMessages) {
  EXPECT_EQ(block(Framing::kWebSocket, 3, 2), "\x81\x0f{\"n\":0}\n{\"n\":1}\x81\x07{\"n\":2}");
}

TEST(Framing, AChunkHoldsSoManyMessages) {
  EXPECT_EQ(block(Framing::kStream, 2, 1), "8\r\n{\"n\":0}\n\r\n8\r\n{\"n\":1}\n\r\n");
}

TEST(Framing, WhatGetsShorterIsCompressed) {
  const std::string made = block(Framing::kWebSocketDeflate, 1, 16, 500);

  EXPECT_EQ(static_cast<uint8_t>(made[0]), 0xC1);  // FIN, RSV1, text
  EXPECT_LT(made.size(), 100u);
}

TEST(Framing, EveryWindowHasAFraming) {
  for (int window = ws::kLeastDeflateWindowBits; window <= ws::kDeflateWindowBits; ++window) {
    const Framing framing = protocol::framing_of(static_cast<uint8_t>(window));

    EXPECT_EQ(protocol::window_of(framing), window);
    EXPECT_EQ(static_cast<uint8_t>(block(framing, 1, 16, 500)[0]), 0xC1) << window;
  }
  EXPECT_EQ(protocol::framing_of(0), Framing::kWebSocket);
}

TEST(Framing, AShortMessageIsNotCompressed) {
  EXPECT_EQ(block(Framing::kWebSocketDeflate, 1), "\x81\x07{\"n\":0}");
}

}  // namespace
}  // namespace lcg::gateway
