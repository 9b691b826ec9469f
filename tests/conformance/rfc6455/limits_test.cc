// RFC 6455 7.4.1, 10.4: messages over a limit are refused with 1009 before they are taken in.
#include <ostream>

#include "gateway/ws/limits.h"
#include "gateway/ws/test_frames.h"
#include "tests/conformance/rfc6455/harness.h"

namespace lcg::conformance {
namespace {

using ws::raw_client_frame;

class Limit : public testing::TestWithParam<Case> {};
TEST_P(Limit, OfTheDefault) { expect_conversation(GetParam()); }

constexpr size_t kMost = ws::FrameLimits().max_message_bytes;

std::vector<Case> by_default() {
  const std::string most(kMost, 'x');
  return {
      with_close({"exactly", raw_client_frame(0x82, most), {binary(most)}}),
      with_close({"exactly_in_two",
                  raw_client_frame(0x02, most.substr(0, 1000)) + raw_client_frame(0x80, most.substr(1000)),
                  {binary(most)}}),
      with_close({"exactly_and_an_empty_end",
                  raw_client_frame(0x02, most) + raw_client_frame(0x80, ""),
                  {binary(most)}}),
      with_close({"exactly_twice",
                  raw_client_frame(0x82, most) + raw_client_frame(0x82, most),
                  {binary(most), binary(most)}}),
      {"one_over", raw_client_frame(0x82, most + "x"), {closed(1009)}},
      {"one_over_text", raw_client_frame(0x81, most + "x"), {closed(1009)}},
      {"one_over_by_its_last_fragment",
       raw_client_frame(0x02, most) + raw_client_frame(0x80, "x"),
       {closed(1009)}},
      {"one_over_by_a_fragment_between",
       raw_client_frame(0x02, most.substr(1)) + raw_client_frame(0x00, "xx"),
       {closed(1009)}},
      {"announced_and_not_sent", frame_of_length(0x82, 8, kMost + 1, ""), {closed(1009)}},
      {"announced_4_gib", frame_of_length(0x82, 8, uint64_t{1} << 32, ""), {closed(1009)}},
      {"announced_2_to_the_63_less_1", frame_of_length(0x82, 8, INT64_MAX, ""), {closed(1009)}},
      {"fragment_announced_2_to_the_63_less_1",
       raw_client_frame(0x02, "x") + frame_of_length(0x80, 8, INT64_MAX, ""),
       {closed(1009)}},
  };
}
INSTANTIATE_TEST_SUITE_P(Of64KiB, Limit, testing::ValuesIn(by_default()), case_name);

// Made when it is run: together they would fill the memory.
struct Large {
  const char* name;
  Case (*make)(const std::string& most);
};
void PrintTo(const Large& large, std::ostream* out) { *out << large.name; }

class LargeLimit : public testing::TestWithParam<Large> {};
TEST_P(LargeLimit, Of16MiB) {
  std::string most(ws::kMaxMessageBytes, '\0');
  for (size_t i = 0; i < most.size(); ++i) most[i] = static_cast<char>('a' + i % 26);

  expect_conversation(GetParam().make(most), Profile::kLarge);
}

Case whole(uint8_t first, const std::string& payload) {
  return with_close({"", raw_client_frame(first, payload), {Frame{first, payload}}});
}
std::string in_256_fragments(const std::string& payload, uint8_t last) {
  const size_t size = payload.size() / 256;
  std::string out;
  for (size_t i = 0; i < 256; ++i) {
    const uint8_t first = i == 0 ? 0x01 : i == 255 ? last : 0x00;
    out += raw_client_frame(first, std::string_view(payload).substr(i * size, size));
  }
  return out;
}

const Large kLarge[] = {
    {"binary_of_1_mib", [](const std::string& most) { return whole(0x82, most.substr(0, 1u << 20)); }},
    {"text_of_1_mib", [](const std::string& most) { return whole(0x81, most.substr(0, 1u << 20)); }},
    {"binary_of_4_mib", [](const std::string& most) { return whole(0x82, most.substr(0, 4u << 20)); }},
    {"binary_one_less", [](const std::string& most) { return whole(0x82, most.substr(1)); }},
    {"text_one_less", [](const std::string& most) { return whole(0x81, most.substr(1)); }},
    {"binary_exactly", [](const std::string& most) { return whole(0x82, most); }},
    {"text_exactly", [](const std::string& most) { return whole(0x81, most); }},
    {"exactly_in_256_fragments",
     [](const std::string& most) {
       return with_close({"", in_256_fragments(most, 0x80), {text(most)}});
     }},
    {"one_over",
     [](const std::string& most) {
       return Case{"", raw_client_frame(0x82, most + "x"), {closed(1009)}};
     }},
    {"one_over_announced",
     [](const std::string& most) {
       return Case{"", frame_of_length(0x82, 8, most.size() + 1, ""), {closed(1009)}};
     }},
    {"one_over_in_fragments",
     [](const std::string& most) {
       return Case{"", in_256_fragments(most, 0x00) + raw_client_frame(0x80, "x"), {closed(1009)}};
     }},
};
INSTANTIATE_TEST_SUITE_P(Message, LargeLimit, testing::ValuesIn(kLarge),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace lcg::conformance
