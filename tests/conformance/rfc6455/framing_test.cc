// RFC 6455 5.2 and 5.3: lengths, reserved bits, opcodes, masks.
#include "gateway/ws/test_frames.h"
#include "tests/conformance/rfc6455/harness.h"

namespace lcg::conformance {
namespace {

using ws::raw_client_frame;

class Framing : public testing::TestWithParam<Case> {};
TEST_P(Framing, Conversation) { expect_conversation(GetParam()); }

std::string payload_of(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>('!' + i % 90);
  return out;
}

std::vector<Case> lengths() {
  std::vector<Case> cases;
  for (const size_t size : {0u,   1u,   2u,   3u,   4u,   7u,    8u,    63u,   124u,   125u,   126u,
                            127u, 128u, 129u, 255u, 256u, 1023u, 4095u, 4096u, 65534u, 65535u, 65536u}) {
    const std::string payload = payload_of(size);
    for (const bool is_text : {true, false}) {
      Case one = with_close({(is_text ? "text_" : "binary_") + std::to_string(size),
                             raw_client_frame(is_text ? 0x81 : 0x82, payload),
                             {is_text ? text(payload) : binary(payload)}});
      cases.push_back(one);
      if (size > 256) continue;
      one.name += "_byte_by_byte";
      one.step = 1;
      cases.push_back(one);
    }
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Length, Framing, testing::ValuesIn(lengths()), case_name);

std::vector<Case> cut_headers() {
  std::vector<Case> cases;
  const std::string payload = payload_of(300), large = payload_of(65536);
  for (size_t step = 2; step <= 7; ++step) {
    cases.push_back(with_close(
        {"text_300_every_" + std::to_string(step), raw_client_frame(0x81, payload), {text(payload)}, step}));
  }
  for (const size_t step : {13u, 1448u, 4096u, 65535u}) {
    cases.push_back(with_close(
        {"text_65536_every_" + std::to_string(step), raw_client_frame(0x81, large), {text(large)}, step}));
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Cut, Framing, testing::ValuesIn(cut_headers()), case_name);

std::vector<Case> long_forms() {
  std::vector<Case> cases;
  for (const uint8_t first : {uint8_t{0x81}, uint8_t{0x82}, uint8_t{0x01}}) {
    const std::string kind = first == 0x82 ? "binary_" : first == 0x81 ? "text_" : "fragment_";
    for (const uint64_t length : {0u, 1u, 125u}) {
      cases.push_back({kind + std::to_string(length) + "_in_16_bits",
                       frame_of_length(first, 2, length, payload_of(length)),
                       {closed(1002)}});
    }
    for (const uint64_t length : {0u, 1u, 125u, 126u, 65535u}) {
      cases.push_back({kind + std::to_string(length) + "_in_64_bits",
                       frame_of_length(first, 8, length, payload_of(length)),
                       {closed(1002)}});
    }
    cases.push_back(
        {kind + "of_2_to_the_63", frame_of_length(first, 8, uint64_t{1} << 63, ""), {closed(1002)}});
    cases.push_back({kind + "of_2_to_the_63_and_1",
                     frame_of_length(first, 8, (uint64_t{1} << 63) + 1, "x"),
                     {closed(1002)}});
    cases.push_back(
        {kind + "of_2_to_the_64_less_1", frame_of_length(first, 8, UINT64_MAX, "x"), {closed(1002)}});
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(NotShortest, Framing, testing::ValuesIn(long_forms()), case_name);

std::vector<Case> reserved_bits() {
  std::vector<Case> cases;
  struct Kind {
    const char* name;
    uint8_t opcode;
  };
  for (const Kind kind : {Kind{"continuation", 0}, Kind{"text", 1}, Kind{"binary", 2}, Kind{"close", 8},
                          Kind{"ping", 9}, Kind{"pong", 10}}) {
    for (int bits = 1; bits < 8; ++bits) {
      std::string name = std::string(kind.name) + "_with_rsv";
      for (int bit = 0; bit < 3; ++bit) {
        if ((bits & (4 >> bit)) != 0) name += std::to_string(bit + 1);
      }
      // A continuation needs something to continue.
      const std::string before = kind.opcode == 0 ? raw_client_frame(0x01, "a") : "";
      cases.push_back({name,
                       before + raw_client_frame(static_cast<uint8_t>(0x80 | bits << 4 | kind.opcode), ""),
                       {closed(1002)}});
    }
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(ReservedBits, Framing, testing::ValuesIn(reserved_bits()), case_name);

std::vector<Case> reserved_opcodes() {
  std::vector<Case> cases;
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    const auto first = static_cast<uint8_t>(0x80 | opcode);
    const std::string name = "opcode_" + std::to_string(opcode);
    cases.push_back({name, raw_client_frame(first, ""), {closed(1002)}});
    cases.push_back({name + "_with_payload", raw_client_frame(first, "payload"), {closed(1002)}});
    cases.push_back(
        {name + "_not_final", raw_client_frame(static_cast<uint8_t>(opcode), "payload"), {closed(1002)}});
    cases.push_back({name + "_between_messages",
                     ws::client_text("a") + raw_client_frame(first, "x") + ws::client_text("b"),
                     {text("a"), closed(1002)}});
    cases.push_back({name + "_inside_a_message",
                     raw_client_frame(0x01, "a") + raw_client_frame(first, "x"),
                     {closed(1002)}});
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(ReservedOpcode, Framing, testing::ValuesIn(reserved_opcodes()), case_name);

std::vector<Case> masks() {
  std::vector<Case> cases;
  struct Mask {
    const char* name;
    std::string_view bytes;
  };
  const std::string payload = payload_of(200);
  for (const Mask mask : {Mask{"zero", {"\0\0\0\0", 4}}, Mask{"ones", "\xFF\xFF\xFF\xFF"},
                          Mask{"first_byte", {"\x7F\0\0\0", 4}}, Mask{"last_byte", {"\0\0\0\x7F", 4}},
                          Mask{"of_the_payload", "!\"#$"}}) {
    for (const uint8_t first : {uint8_t{0x81}, uint8_t{0x82}}) {
      cases.push_back(with_close({std::string(first == 0x81 ? "text_" : "binary_") + mask.name,
                                  raw_client_frame(first, payload, mask.bytes),
                                  {first == 0x81 ? text(payload) : binary(payload)}}));
    }
  }
  cases.push_back(with_close({"each_frame_its_own",
                              raw_client_frame(0x01, "abc", "\x01\x02\x03\x04") +
                                  raw_client_frame(0x00, "def", "\x05\x06\x07\x08") +
                                  raw_client_frame(0x80, "ghi", "\x09\x0A\x0B\x0C"),
                              {text("abcdefghi")}}));
  // The mask begins anew with every frame, wherever the frame before ended.
  for (size_t size = 1; size <= 9; ++size) {
    const std::string part = payload_of(size);
    cases.push_back(with_close({"restarts_behind_" + std::to_string(size),
                                raw_client_frame(0x02, part) + raw_client_frame(0x80, payload),
                                {binary(part + payload)}}));
  }
  return also_byte_by_byte(cases);
}
INSTANTIATE_TEST_SUITE_P(Mask, Framing, testing::ValuesIn(masks()), case_name);

std::vector<Case> unmasked() {
  std::vector<Case> cases;
  struct Kind {
    const char* name;
    const char* bytes;
    size_t size;
  };
  for (const Kind kind :
       {Kind{"text", "\x81\x02hi", 4}, Kind{"empty_text", "\x81\x00", 2}, Kind{"binary", "\x82\x02hi", 4},
        Kind{"fragment", "\x01\x02hi", 4}, Kind{"close", "\x88\x02\x03\xE8", 4}, Kind{"ping", "\x89\x00", 2},
        Kind{"pong", "\x8A\x00", 2}}) {
    cases.push_back({kind.name, std::string(kind.bytes, kind.size), {closed(1002)}});
  }
  cases.push_back({"after_a_masked_one",
                   ws::client_text("a") + std::string("\x81\x01"
                                                      "b"),
                   {text("a"), closed(1002)}});
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Unmasked, Framing, testing::ValuesIn(unmasked()), case_name);

std::vector<Case> several() {
  std::string bytes;
  std::vector<Frame> expected;
  for (int i = 0; i < 200; ++i) {
    const std::string payload = payload_of(static_cast<size_t>(i));
    bytes += raw_client_frame(i % 2 == 0 ? 0x81 : 0x82, payload);
    expected.push_back(i % 2 == 0 ? text(payload) : binary(payload));
  }
  return {
      with_close({"two_in_one_write", ws::client_text("a") + ws::client_text("b"), {text("a"), text("b")}}),
      with_close({"two_hundred_in_one_write", bytes, expected}),
      with_close({"two_hundred_by_1000_bytes", bytes, expected, 1000}),
      with_close({"two_hundred_by_7_bytes", bytes, expected, 7}),
      with_close({"binary_is_not_looked_into",
                  raw_client_frame(0x82, "\xC0\x80\xFF\xFE"),
                  {binary("\xC0\x80\xFF\xFE")}})};
}
INSTANTIATE_TEST_SUITE_P(Several, Framing, testing::ValuesIn(several()), case_name);

}  // namespace
}  // namespace lcg::conformance
