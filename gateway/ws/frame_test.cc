#include "gateway/ws/frame.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/ws/mask.h"

namespace lcg::ws {
namespace {

std::string header(Opcode opcode, size_t payload_bytes) {
  char out[kMaxFrameHeader];
  return {out, static_cast<size_t>(write_frame_header(out, opcode, payload_bytes) - out)};
}

std::string close_frame(uint32_t code, std::string_view reason) {
  char out[kMaxCloseFrame];
  return {out, static_cast<size_t>(write_close_frame(out, code, reason) - out)};
}

TEST(FrameWriter, LengthTakesItsShortestForm) {
  EXPECT_EQ(header(Opcode::kText, 0), std::string("\x81\x00", 2));
  EXPECT_EQ(header(Opcode::kText, 125), "\x81\x7d");
  EXPECT_EQ(header(Opcode::kBinary, 126), std::string("\x82\x7e\x00\x7e", 4));
  EXPECT_EQ(header(Opcode::kText, 65535), "\x81\x7e\xff\xff");
  EXPECT_EQ(header(Opcode::kText, 65536), std::string("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10));
}

TEST(FrameWriter, SizeIsWhatIsWritten) {
  for (const size_t n : std::initializer_list<size_t>{0, 1, 125, 126, 127, 65535, 65536, 1 << 24}) {
    EXPECT_EQ(header(Opcode::kText, n).size(), frame_header_size(n)) << n;
    EXPECT_EQ(frame_size_at(header(Opcode::kText, n)), frame_size(n)) << n;
  }
}

TEST(FrameWriter, CloseCarriesCodeAndReason) { EXPECT_EQ(close_frame(3008, "slow"), "\x88\x06\x0b\xc0slow"); }

TEST(FrameWriter, CloseWithoutACodeIsEmpty) {
  EXPECT_EQ(close_frame(close_code::kNone, "ignored"), std::string("\x88\x00", 2));
  EXPECT_EQ(close_frame(close_code::kAbnormal, ""), std::string("\x88\x00", 2));
}

TEST(FrameWriter, LongReasonIsCutAtACharacter) {
  std::string reason(122, 'a');
  reason += "\xc3\xa4";  // bytes 122 and 123: the cut would fall between them

  const std::string frame = close_frame(1000, reason);

  EXPECT_EQ(frame.substr(4), std::string(122, 'a'));
}

TEST(CloseCode, OnlyCodesOfTheRegistryMayBeSent) {
  for (const uint32_t code : {1000u, 1001u, 1002u, 1003u, 1007u, 1011u, 1014u, 3000u, 3999u, 4000u, 4999u}) {
    EXPECT_TRUE(valid_close_code(code)) << code;
  }
  for (const uint32_t code : {0u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 2000u, 2999u, 5000u, 65535u}) {
    EXPECT_FALSE(valid_close_code(code)) << code;
  }
}

TEST(Mask, EveryLengthAndPhaseEqualsTheByteWiseDefinition) {
  const char mask[4] = {'\x12', '\x34', '\x56', '\x78'};
  for (size_t size = 0; size < 70; ++size) {
    for (size_t phase = 0; phase < 4; ++phase) {
      std::string data(size, '\0'), expected(size, '\0');
      for (size_t i = 0; i < size; ++i) data[i] = static_cast<char>(i * 7);
      for (size_t i = 0; i < size; ++i) expected[i] = static_cast<char>(data[i] ^ mask[(phase + i) & 3]);

      unmask(data.data(), size, mask, phase);

      ASSERT_EQ(data, expected) << size << " bytes at phase " << phase;
    }
  }
}

}  // namespace
}  // namespace lcg::ws
