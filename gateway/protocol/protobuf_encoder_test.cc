// The bytes of Protobuf messages. That fields mean what they should: gateway/protocol/oracle.
#include <gtest/gtest.h>

#include "gateway/protocol/codec.h"

namespace lcg::protocol {
namespace {

const Encoder& protobuf(bool unidirectional = false) {
  return encoder_of(Variant{.encoding = Encoding::kProtobuf, .unidirectional = unidirectional});
}

template <size_t N>
std::string bytes(const char (&text)[N]) {
  return {text, N - 1};
}

template <class Call>
std::string written(Call&& call) {
  std::string out;
  call(out);
  return out;
}

TEST(ProtobufEncode, FramesAreBinary) { EXPECT_EQ(protobuf().message_kind(), ws::MessageKind::kBinary); }

TEST(ProtobufEncode, PingIsAZero) {
  EXPECT_EQ(written([](auto& out) { protobuf().ping(out); }), bytes("\x00"));
  EXPECT_EQ(written([](auto& out) { protobuf(true).ping(out); }), bytes("\x00"));
}

TEST(ProtobufEncode, EmptyResultsAreThere) {
  EXPECT_EQ(written([](auto& out) { protobuf().subscribe(out, 2, {}); }), bytes("\x04\x08\x02\x32\x00"));
  EXPECT_EQ(written([](auto& out) { protobuf().unsubscribe(out, 3); }), bytes("\x04\x08\x03\x3A\x00"));
  EXPECT_EQ(written([](auto& out) { protobuf().publish(out, 4); }), bytes("\x04\x08\x04\x42\x00"));
  EXPECT_EQ(written([](auto& out) { protobuf().presence(out, 5, {}); }), bytes("\x04\x08\x05\x4A\x00"));
  EXPECT_EQ(written([](auto& out) { protobuf().rpc(out, 6, ""); }), bytes("\x04\x08\x06\x6A\x00"));
}

TEST(ProtobufEncode, MessagesOfAFrameFollowEachOther) {
  std::string out;

  protobuf().ping(out);
  protobuf().publish(out, 4);
  protobuf().ping(out);

  EXPECT_EQ(out, bytes("\x00\x04\x08\x04\x42\x00\x00"));
}

TEST(ProtobufEncode, PushesAreBareForUnidirectional) {
  EXPECT_EQ(written([](auto& out) { protobuf().push_message(out, "1"); }),
            bytes("\x07\x22\x05\x42\x03\x0A\x01"
                  "1"));
  EXPECT_EQ(written([](auto& out) { protobuf(true).push_message(out, "1"); }), bytes("\x05\x42\x03\x0A\x01"
                                                                                     "1"));
}

TEST(ProtobufEncode, CompactionPutsTheNumberInPlaceOfTheName) {
  EXPECT_EQ(written([](auto& out) {
              protobuf(true).push_unsubscribe(out, {"c", 5}, 0, "");
            }),
            bytes("\x04\x08\x05\x3A\x00"));
}

// Every length of a varint, in front of the message and inside.
TEST(ProtobufEncode, LengthsOfEverySize) {
  for (const size_t size : {1u, 100u, 127u, 128u, 16'000u, 16'383u, 16'384u, 3'000'000u}) {
    const std::string data(size, 'x');
    std::string out = "before";
    protobuf().rpc(out, 0, data);

    ASSERT_TRUE(out.starts_with("before"));
    ASSERT_TRUE(out.ends_with(data));
    size_t at = 6;
    const auto varint = [&] {
      size_t value = 0;
      for (unsigned shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(out[at++]);
        value |= size_t{byte & 0x7Fu} << shift;
        if (byte < 0x80) return value;
      }
    };
    const size_t message = varint();
    EXPECT_EQ(message, out.size() - at);
    EXPECT_EQ(varint(), 13u << 3 | 2);
    const size_t result = varint();
    EXPECT_EQ(result, out.size() - at);
    EXPECT_EQ(varint(), 1u << 3 | 2);
    EXPECT_EQ(varint(), size);
  }
}

TEST(ProtobufEncode, APatchIsBytesWithDelta) {
  Publication pub;
  pub.offset = 3;
  pub.data = SharedBytes("whole");
  pub.patch = SharedBytes(std::string_view("\xFF", 1));

  EXPECT_EQ(written([&](auto& out) { protobuf(true).push_publication(out, {}, pub, DeltaForm::kPatch); }),
            bytes("\x09\x22\x07\x22\x01\xFF\x30\x03\x40\x01"));
  EXPECT_EQ(written([&](auto& out) { protobuf(true).push_publication(out, {}, pub, DeltaForm::kFull); }),
            bytes("\x0B\x22\x09\x22\x05whole\x30\x03"));
}

}  // namespace
}  // namespace lcg::protocol
