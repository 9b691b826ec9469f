// RFC 7692: messages compressed one by one, in both directions.
#include <zlib.h>

#include "gateway/ws/test_frames.h"
#include "tests/conformance/rfc6455/harness.h"
#include "tests/conformance/rfc6455/zlib_codec.h"

namespace lcg::conformance {
namespace {

using ws::client_close;
using ws::client_text;
using ws::raw_client_frame;

constexpr const char* kOffer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
constexpr size_t kMostInflated = 131072;

// As the client's user sees them: each inflated by itself, with the window that the server keeps to.
std::vector<Frame> plain(std::vector<Frame> frames) {
  for (Frame& frame : frames) {
    if ((frame.first & 0x40) == 0) continue;
    EXPECT_TRUE(frame.first == 0xC1 || frame.first == 0xC2) << "RSV1 on something that is not a message";
    frame = {static_cast<uint8_t>(frame.first & ~0x40), inflated(frame.payload, 12)};
  }
  return frames;
}

class Compression : public testing::TestWithParam<Case> {};
TEST_P(Compression, Conversation) {
  Client client(Profile::kDeflate);
  ASSERT_EQ(client.upgrade("/echo", kOffer), "");

  client.send(GetParam().bytes, GetParam().step);

  EXPECT_EQ(plain(client.read_frames()), GetParam().expected);
}

std::string hex(std::string_view digits) {
  std::string out;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return out;
}
std::string compressed(std::string_view payload) { return raw_client_frame(0xC1, deflated(payload)); }
std::string compressed_binary(std::string_view payload) { return raw_client_frame(0xC2, deflated(payload)); }

// The first frame with RSV1, the others without; `size` bytes each.
std::string in_fragments(uint8_t opcode, std::string_view payload, size_t size) {
  std::string out;
  auto first = static_cast<uint8_t>(0x40 | opcode);
  while (payload.size() > size) {
    out += raw_client_frame(first, payload.substr(0, size));
    payload.remove_prefix(size);
    first = 0;
  }
  return out + raw_client_frame(static_cast<uint8_t>(first | 0x80), payload);
}

// RFC 7692 7.2.3
std::vector<Case> of_the_rfc() {
  const std::string hello = hex("f248cdc9c90700");
  return also_byte_by_byte({
      with_close({"one_block", raw_client_frame(0xC1, hello), {text("Hello")}}),
      with_close({"in_fragments",
                  raw_client_frame(0x41, hello.substr(0, 3)) + raw_client_frame(0x80, hello.substr(3)),
                  {text("Hello")}}),
      with_close({"twice_without_context",
                  raw_client_frame(0xC1, hello) + raw_client_frame(0xC1, hello),
                  {text("Hello"), text("Hello")}}),
      {"twice_with_context",
       raw_client_frame(0xC1, hello) + raw_client_frame(0xC1, hex("f200110000")),
       {text("Hello"), closed(1007)}},
      with_close({"stored_block", raw_client_frame(0xC1, hex("000500faff48656c6c6f00")), {text("Hello")}}),
      with_close({"final_block", raw_client_frame(0xC1, hex("f348cdc9c9070000")), {text("Hello")}}),
      with_close({"two_blocks", raw_client_frame(0xC1, hex("f24805000000ffffcac9c90700")), {text("Hello")}}),
      with_close({"empty_block", raw_client_frame(0xC1, hex("00")), {text("")}}),
      with_close({"empty_fixed_block", raw_client_frame(0xC1, hex("0200")), {text("")}}),
      with_close({"no_bytes", raw_client_frame(0xC1, ""), {text("")}}),
  });
}
INSTANTIATE_TEST_SUITE_P(Rfc, Compression, testing::ValuesIn(of_the_rfc()), case_name);

std::string prose(size_t size) {
  std::string out;
  for (int i = 0; out.size() < size; ++i)
    out += "line " + std::to_string(i * 7919 % 1000) + " of the story; ";
  out.resize(size);
  return out;
}

std::vector<Case> styles() {
  std::vector<Case> cases;
  const std::string story = prose(40'000);
  for (int bits = 9; bits <= 15; ++bits) {
    cases.push_back(with_close({"window_" + std::to_string(bits),
                                raw_client_frame(0xC1, deflated(story, {.window_bits = bits})),
                                {text(story)}}));
  }
  for (int level = 0; level <= 9; ++level) {
    cases.push_back(with_close({"level_" + std::to_string(level),
                                raw_client_frame(0xC2, deflated(story, {.level = level})),
                                {binary(story)}}));
  }
  cases.push_back(with_close({"huffman_only",
                              raw_client_frame(0xC1, deflated(story, {.strategy = Z_HUFFMAN_ONLY})),
                              {text(story)}}));
  cases.push_back(with_close(
      {"run_lengths", raw_client_frame(0xC1, deflated(story, {.strategy = Z_RLE})), {text(story)}}));
  cases.push_back(with_close(
      {"fixed_codes", raw_client_frame(0xC1, deflated(story, {.strategy = Z_FIXED})), {text(story)}}));
  for (const size_t size :
       {0u, 1u, 15u, 16u, 17u, 125u, 126u, 4095u, 4096u, 4097u, 32767u, 32769u, 65536u, 131072u}) {
    cases.push_back(
        with_close({"text_" + std::to_string(size), compressed(prose(size)), {text(prose(size))}}));
    cases.push_back(with_close(
        {"binary_" + std::to_string(size), compressed_binary(prose(size)), {binary(prose(size))}}));
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Style, Compression, testing::ValuesIn(styles()), case_name);

std::vector<Case> frames() {
  const std::string story = prose(2000), small = deflated(story);
  std::vector<Case> cases;
  for (const size_t size : {size_t{1}, size_t{2}, size_t{7}, size_t{100}, small.size() - 1}) {
    cases.push_back(
        with_close({"in_fragments_of_" + std::to_string(size), in_fragments(1, small, size), {text(story)}}));
  }
  cases.push_back(with_close(
      {"first_fragment_empty", raw_client_frame(0x41, "") + raw_client_frame(0x80, small), {text(story)}}));
  cases.push_back(with_close(
      {"last_fragment_empty", raw_client_frame(0x41, small) + raw_client_frame(0x80, ""), {text(story)}}));
  cases.push_back(with_close({"ping_between_fragments",
                              raw_client_frame(0x42, small.substr(0, 9)) + raw_client_frame(0x89, "p") +
                                  raw_client_frame(0x80, small.substr(9)),
                              {pong("p"), binary(story)}}));
  cases.push_back(with_close({"plain_message_beside_it",
                              compressed("a") + client_text("b") + compressed("c"),
                              {text("a"), text("b"), text("c")}}));
  cases.push_back(with_close({"plain_message_in_fragments_beside_it",
                              raw_client_frame(0x01, "a") + raw_client_frame(0x80, "b") + compressed("c"),
                              {text("ab"), text("c")}}));
  cases.push_back({"close_between_fragments",
                   raw_client_frame(0x41, small.substr(0, 9)) + client_close(1001),
                   {closed(1001)}});
  return also_byte_by_byte(cases);
}
INSTANTIATE_TEST_SUITE_P(Frames, Compression, testing::ValuesIn(frames()), case_name);

std::vector<Case> bits() {
  const std::string small = deflated("Hello");
  std::vector<Case> cases = {
      {"rsv1_on_a_continuation",
       raw_client_frame(0x41, small.substr(0, 3)) + raw_client_frame(0xC0, small.substr(3)),
       {closed(1002)}},
      {"rsv1_on_a_continuation_alone",
       raw_client_frame(0x01, "a") + raw_client_frame(0xC0, small),
       {closed(1002)}},
      {"rsv1_on_a_continuation_not_final",
       raw_client_frame(0x41, "a") + raw_client_frame(0x40, small),
       {closed(1002)}},
      {"rsv1_on_a_ping", raw_client_frame(0xC9, ""), {closed(1002)}},
      {"rsv1_on_a_pong", raw_client_frame(0xCA, ""), {closed(1002)}},
      {"rsv1_on_a_close", raw_client_frame(0xC8, ""), {closed(1002)}},
      {"rsv1_on_a_reserved_opcode", raw_client_frame(0xC3, ""), {closed(1002)}},
      {"rsv1_on_a_reserved_control_opcode", raw_client_frame(0xCB, ""), {closed(1002)}},
      {"rsv1_on_a_ping_inside_a_message",
       raw_client_frame(0x41, "a") + raw_client_frame(0xC9, ""),
       {closed(1002)}},
      {"rsv1_not_masked",
       "\xC1\x01"
       "a",
       {closed(1002)}},
  };
  for (const int reserved : {0x10, 0x20, 0x30, 0x50, 0x60, 0x70}) {
    for (const int opcode : {1, 2}) {
      cases.push_back({"bits_" + std::to_string(reserved / 16) + "_on_opcode_" + std::to_string(opcode),
                       raw_client_frame(static_cast<uint8_t>(0x80 | reserved | opcode), small),
                       {closed(1002)}});
    }
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(ReservedBits, Compression, testing::ValuesIn(bits()), case_name);

std::vector<Case> broken() {
  const std::string small = deflated(prose(500));
  std::vector<Case> cases = {
      {"reserved_block_type", raw_client_frame(0xC1, hex("07")), {closed(1007)}},
      {"stored_length_that_lies", raw_client_frame(0xC1, hex("000500000048656c6c6f00")), {closed(1007)}},
      {"rubbish", raw_client_frame(0xC1, "\xFF\xFF\xFF\xFF"), {closed(1007)}},
      {"plain_text", raw_client_frame(0xC1, "this was never compressed"), {closed(1007)}},
      {"distance_into_nothing", raw_client_frame(0xC1, hex("f200110000")), {closed(1007)}},
      {"cut_in_the_middle", raw_client_frame(0xC1, small.substr(0, small.size() / 2)), {closed(1007)}},
      {"cut_in_the_middle_of_fragments",
       raw_client_frame(0x41, small.substr(0, 20)) + raw_client_frame(0x80, small.substr(20, 20)),
       {closed(1007)}},
      {"binary_too", raw_client_frame(0xC2, "\xFF\xFF"), {closed(1007)}},
      {"text_that_is_not_utf8", compressed("a\xFF"), {closed(1007)}},
      {"text_with_a_surrogate", compressed("\xED\xA0\x80"), {closed(1007)}},
      {"text_that_ends_inside_a_character", compressed("\xE2\x82"), {closed(1007)}},
      {"text_that_is_not_utf8_in_fragments", in_fragments(1, deflated("a\xC0\x80"), 2), {closed(1007)}},
      with_close({"binary_that_is_not_utf8", compressed_binary("a\xFF"), {binary("a\xFF")}}),
      with_close({"characters_cut_by_fragments",
                  in_fragments(1, deflated("\xE2\x82\xAC\xF0\x9F\x98\x80"), 1),
                  {text("\xE2\x82\xAC\xF0\x9F\x98\x80")}}),
  };
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Broken, Compression, testing::ValuesIn(broken()), case_name);

std::vector<Case> bombs() {
  const std::string most(kMostInflated, 'x'), huge = deflated(std::string(40u << 20, 'x'), {.level = 9});
  const std::string twice = deflated(std::string(30'000, 'x'));
  return {
      with_close({"exactly_the_limit", compressed(most), {text(most)}}),
      with_close({"exactly_the_limit_binary", compressed_binary(most), {binary(most)}}),
      {"one_over", compressed(most + "x"), {closed(1009)}},
      {"one_over_in_fragments", in_fragments(1, deflated(most + "x"), 10), {closed(1009)}},
      {"of_40_mib", raw_client_frame(0xC2, huge), {closed(1009)}},
      {"of_40_mib_in_fragments", in_fragments(2, huge, 1000), {closed(1009)}},
      {"behind_a_good_one", compressed("a") + raw_client_frame(0xC1, huge), {text("a"), closed(1009)}},
      {"compressed_over_the_limit_of_a_message", frame_of_length(0xC2, 8, 65537, ""), {closed(1009)}},
      {"fragments_over_the_limit_of_a_message",
       raw_client_frame(0x42, std::string(65536, '\0')) + raw_client_frame(0x80, "x"),
       {closed(1009)}},
      // The limit is a message's.
      with_close({"many_large_ones",
                  compressed(most) + compressed(most) + compressed(most),
                  {text(most), text(most), text(most)}}),
  };
}
INSTANTIATE_TEST_SUITE_P(Bomb, Compression, testing::ValuesIn(bombs()), case_name);

// What comes back over the wire.
struct Answers : testing::Test {
  Answers() : client(Profile::kDeflate) { EXPECT_EQ(client.upgrade("/echo", kOffer), ""); }
  std::vector<Frame> answers_to(const std::string& bytes) {
    client.send(bytes + client_close(1000));
    std::vector<Frame> frames = client.read_frames();
    if (!frames.empty()) frames.pop_back();
    return frames;
  }
  Client client;
};

TEST_F(Answers, AreCompressedWhenThatIsShorter) {
  const std::vector<Frame> frames = answers_to(client_text(prose(2000)));

  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].first, 0xC1);
  EXPECT_LT(frames[0].payload.size(), 1000u);
}

TEST_F(Answers, ArePlainWhenTheyAreSmall) {
  EXPECT_EQ(answers_to(client_text("aaaaaaaaaaaaaaa")), std::vector<Frame>{text("aaaaaaaaaaaaaaa")});
}

TEST_F(Answers, ArePlainWhenTheyDoNotShrink) {
  std::string noise(1000, '\0');
  uint32_t state = 1;
  for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);

  EXPECT_EQ(answers_to(raw_client_frame(0x82, noise)), std::vector<Frame>{binary(noise)});
}

TEST_F(Answers, TakeNoContextOver) {
  const std::vector<Frame> frames = answers_to(client_text(prose(500)) + client_text(prose(500)));

  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0], frames[1]);
}

TEST_F(Answers, ControlFramesAreNeverCompressed) {
  const std::string payload(125, 'p');

  EXPECT_EQ(answers_to(raw_client_frame(0x89, payload)), std::vector<Frame>{pong(payload)});
}

}  // namespace
}  // namespace lcg::conformance
