#include "gateway/ws/deflate.h"

#include <gtest/gtest.h>

#include "gateway/ws/test_deflate.h"
#include "gateway/ws/test_frames.h"

namespace lcg::ws {
namespace {

constexpr DeflateOptions kAlways{.enabled = true, .level = 1, .min_bytes = 0};
const std::string kText = "the same words, the same words, the same words, the same words";

std::string inflated(Inflater& inflater, std::string_view payload) {
  const Inflater::Result result = inflater.inflate(payload);
  return result.error == 0 ? std::string(result.message) : "error " + std::to_string(result.error);
}

TEST(Deflate, WhatIsCompressedIsShorterAndComesBack) {
  Deflater deflater(kAlways);
  Inflater inflater(1000);

  const std::string small(deflater.compress(kText));

  EXPECT_LT(small.size(), kText.size());
  EXPECT_EQ(inflated(inflater, small), kText);
}

TEST(Deflate, MessagesShareNoContext) {
  Deflater deflater(kAlways);

  const std::string first(deflater.compress(kText));
  const std::string second(deflater.compress(kText));

  EXPECT_EQ(first, second);
}

// A reader with no larger window than was agreed.
TEST(Deflate, EveryWindowIsKept) {
  Deflater deflater(kAlways);
  std::string text;
  for (int i = 0; i < 400; ++i) text += std::to_string(i * 7919) + (i % 40 == 0 ? text.substr(0, 300) : "");
  for (int window = kLeastDeflateWindowBits; window <= kDeflateWindowBits; ++window) {
    std::string small(deflater.compress(text, window));
    small += std::string("\x00\x00\xff\xff", 4);
    std::string back(text.size(), '\0');
    z_stream z{};
    ASSERT_EQ(inflateInit2(&z, -window), Z_OK);
    z.next_in = reinterpret_cast<Bytef*>(small.data());
    z.avail_in = static_cast<uInt>(small.size());
    size_t made = 0;
    int status = Z_OK;
    while (status == Z_OK &&
           made < back.size()) {  // in pieces: a whole output buffer would serve as a window
      z.next_out = reinterpret_cast<Bytef*>(back.data() + made);
      z.avail_out = static_cast<uInt>(std::min<size_t>(64, back.size() - made));
      const uInt room = z.avail_out;
      status = inflate(&z, Z_SYNC_FLUSH);
      made += room - z.avail_out;
    }
    inflateEnd(&z);

    EXPECT_EQ(back, text) << window;
  }
}

TEST(Deflate, WhatALargeMessageNeededIsGivenBack) {
  Inflater inflater(1 << 20);
  const std::string large = zlib_message(std::string(500'000, 'a'));

  ASSERT_EQ(inflater.inflate(large).message.size(), 500'000u);
  EXPECT_GT(inflater.kept_bytes(), kDeflateKeepBytes);
  inflater.give_back();

  EXPECT_LE(inflater.kept_bytes(), kDeflateKeepBytes);
  EXPECT_EQ(inflated(inflater, zlib_message("again")), "again");
}

TEST(Deflate, BelowTheMinimumIsPlain) {
  Deflater deflater({.enabled = true, .level = 1, .min_bytes = 100});

  EXPECT_EQ(deflater.compress(std::string(99, 'a')), "");
  EXPECT_NE(deflater.compress(std::string(100, 'a')), "");
}

TEST(Deflate, WhatWouldHoldTheLaneIsPlain) {
  Deflater deflater(kAlways);

  EXPECT_NE(deflater.compress(std::string(kMaxDeflateBytes, 'a')), "");
  EXPECT_EQ(deflater.compress(std::string(kMaxDeflateBytes + 1, 'a')), "");
}

TEST(Deflate, WhatDoesNotGetShorterIsPlain) {
  Deflater deflater(kAlways);
  std::string noise;
  for (uint32_t i = 0, x = 1; i < 1000; ++i)
    noise += static_cast<char>((x = x * 1664525u + 1013904223u) >> 24);

  std::string out;
  deflater.append_frame(out, noise, MessageKind::kBinary);

  EXPECT_EQ(static_cast<uint8_t>(out[0]), 0x82);
  EXPECT_EQ(out.size(), frame_size(noise.size()));
}

TEST(Deflate, FrameHasRsv1) {
  Deflater deflater(kAlways);
  std::string out;

  deflater.append_frame(out, kText, MessageKind::kText);

  EXPECT_EQ(static_cast<uint8_t>(out[0]), 0xC1);
  EXPECT_EQ(frame_size_at(out), out.size());
}

TEST(Deflate, LargeMessageComesBack) {
  Deflater deflater(kAlways);
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "{\"n\":" + std::to_string(i) + "}\n";
  Inflater inflater(text.size());

  EXPECT_EQ(inflated(inflater, deflater.compress(text)), text);
}

// RFC 7692 7.2.3
TEST(Inflate, ExamplesOfTheRfc) {
  Inflater inflater(1000);

  EXPECT_EQ(inflated(inflater, std::string_view("\xf2\x48\xcd\xc9\xc9\x07\x00", 7)), "Hello");
  EXPECT_EQ(inflated(inflater, std::string_view("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11)), "Hello")
      << "stored block";
  EXPECT_EQ(inflated(inflater, std::string_view("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8)), "Hello")
      << "final block";
  EXPECT_EQ(inflated(inflater, std::string_view("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13)),
            "Hello")
      << "two blocks";
}

TEST(Inflate, EmptyMessage) {
  Inflater inflater(1000);

  EXPECT_EQ(inflated(inflater, std::string_view("\x00", 1)), "");
  EXPECT_EQ(inflated(inflater, ""), "");
}

TEST(Inflate, WhatIsNoDeflateIs1007) {
  Inflater inflater(1000);

  EXPECT_EQ(inflated(inflater, "\xff\xff\xff"), "error 1007");
  EXPECT_EQ(inflated(inflater, zlib_message(kText)), kText) << "the next message is not hurt";
}

TEST(Inflate, CutMessageIs1007) {
  Inflater inflater(1000);
  const std::string whole = zlib_message(kText);

  for (size_t cut = 1; cut + 1 < whole.size(); ++cut) {
    EXPECT_EQ(inflated(inflater, whole.substr(0, cut)), "error 1007") << cut;
  }
}

TEST(Inflate, LimitIsExact) {
  Inflater inflater(20'000);

  EXPECT_EQ(inflated(inflater, zlib_message(std::string(20'000, 'a'))), std::string(20'000, 'a'));
  EXPECT_EQ(inflated(inflater, zlib_message(std::string(20'001, 'a'))), "error 1009");
}

TEST(Inflate, OverTheAllowedWorkIs1008AndTheNextMessageIsNotHurt) {
  Inflater inflater(655'360);
  const std::string text = zlib_message(std::string(20'000, 'a'));
  const size_t work = inflater.inflate(text).work;

  EXPECT_EQ(inflater.inflate(text, work - 1).error, 1008);
  EXPECT_EQ(inflater.inflate(text, work).error, 0);
}

TEST(Inflate, WorkIsBytesAndBlocks) {
  Inflater inflater(655'360);

  // One block, and the empty one that the end of a message stands for.
  EXPECT_EQ(inflater.inflate(zlib_message(std::string(20'000, 'a'))).work, 20'000 + 2 * kDeflateBlockCost);
}

TEST(Inflate, BombIs1009) {
  Inflater inflater(655'360);
  const std::string bomb = zlib_message(std::string(32u << 20, '\0'));

  EXPECT_LT(bomb.size(), 65'536u);
  EXPECT_EQ(inflated(inflater, bomb), "error 1009");
}

TEST(Inflate, AnyWindowOfAClientIsServed) {
  Inflater inflater(100'000);
  std::string text;
  for (int i = 0; i < 9'000; ++i) text += std::to_string(i * 7919);

  for (int bits = 9; bits <= 15; ++bits)
    EXPECT_EQ(inflated(inflater, zlib_message(text, bits)), text) << bits;
}

}  // namespace
}  // namespace lcg::ws
