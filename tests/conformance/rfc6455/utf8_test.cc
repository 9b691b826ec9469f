// RFC 6455 8.1: text is UTF-8 (RFC 3629), whole over fragments and segments, and refused as soon as it is not.
#include "gateway/ws/test_frames.h"
#include "tests/conformance/rfc6455/harness.h"

namespace lcg::conformance {
namespace {

using ws::client_text;
using ws::raw_client_frame;

class Utf8 : public testing::TestWithParam<Case> {};
TEST_P(Utf8, Conversation) { expect_conversation(GetParam()); }

struct Sample {
  const char* name;
  std::string bytes;
};

// A fragment for every byte.
std::string byte_fragments(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int final = i + 1 == text.size() ? 0x80 : 0;
    out += raw_client_frame(static_cast<uint8_t>(final | (i == 0 ? 1 : 0)), text.substr(i, 1));
  }
  return out;
}

const std::vector<Sample>& valid() {
  static const std::vector<Sample> all = {
      {"ascii", "hello"},
      {"zero", std::string("a\0b", 3)},
      {"del", "\x7F"},
      {"first_of_two", "\xC2\x80"},
      {"last_of_two", "\xDF\xBF"},
      {"first_of_three", "\xE0\xA0\x80"},
      {"below_surrogates", "\xED\x9F\xBF"},
      {"above_surrogates", "\xEE\x80\x80"},
      {"private_use", "\xEF\xA3\xBF"},
      {"replacement", "\xEF\xBF\xBD"},
      {"noncharacter_fffe", "\xEF\xBF\xBE"},
      {"last_of_three", "\xEF\xBF\xBF"},
      {"first_of_four", "\xF0\x90\x80\x80"},
      {"noncharacter_1ffff", "\xF0\x9F\xBF\xBF"},
      {"emoji", "\xF0\x9F\x98\x80"},
      {"last_of_four", "\xF4\x8F\xBF\xBF"},
      {"byte_order_mark",
       "\xEF\xBB\xBF"
       "a"},
      {"greek", "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5"},
      {"all_lengths", "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"},
      {"behind_eight_bytes_of_ascii", "12345678\xE2\x82\xAC"},
  };
  return all;
}

std::vector<Case> accepted() {
  std::vector<Case> cases;
  for (const Sample& sample : valid()) {
    const Frame echo = text(sample.bytes);
    cases.push_back(with_close({std::string(sample.name), client_text(sample.bytes), {echo}}));
    cases.push_back(
        with_close({std::string(sample.name) + "_byte_by_byte", client_text(sample.bytes), {echo}, 1}));
    cases.push_back(
        with_close({std::string(sample.name) + "_in_fragments", byte_fragments(sample.bytes), {echo}}));
    cases.push_back(with_close(
        {std::string(sample.name) + "_in_fragments_byte_by_byte", byte_fragments(sample.bytes), {echo}, 1}));
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Valid, Utf8, testing::ValuesIn(accepted()), case_name);

// One character cut at every place, with a ping in the cut.
std::vector<Case> cuts() {
  std::vector<Case> cases;
  const std::string whole = "a\xF0\x9F\x98\x80\xE2\x82\xAC\xC3\xA9z";
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    cases.push_back(with_close({"at_" + std::to_string(cut),
                                raw_client_frame(0x01, whole.substr(0, cut)) + raw_client_frame(0x89, "p") +
                                    raw_client_frame(0x80, whole.substr(cut)),
                                {pong("p"), text(whole)}}));
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Cut, Utf8, testing::ValuesIn(cuts()), case_name);

const std::vector<Sample>& invalid() {
  static const std::vector<Sample> all = {
      {"continuation_alone", "\x80"},
      {"last_continuation_alone", "\xBF"},
      {"two_continuations", "\x80\xBF"},
      {"continuation_behind_ascii", "abc\x80"},
      {"lead_of_two_alone", "\xC3"},
      {"lead_of_three_alone", "\xE2"},
      {"lead_of_four_alone", "\xF0"},
      {"lead_of_two_then_ascii", "\xC3z"},
      {"three_cut_after_two", "\xE2\x82"},
      {"three_then_ascii", "\xE2\x82z"},
      {"four_cut_after_two", "\xF0\x9F"},
      {"four_cut_after_three", "\xF0\x9F\x98"},
      {"four_then_ascii", "\xF0\x9F\x98z"},
      {"lead_then_lead", "\xC3\xC3"},
      {"overlong_slash_in_two", "\xC0\xAF"},
      {"overlong_slash_in_three", "\xE0\x80\xAF"},
      {"overlong_slash_in_four", "\xF0\x80\x80\xAF"},
      {"overlong_zero", "\xC0\x80"},
      {"overlong_7f", "\xC1\xBF"},
      {"overlong_7ff", "\xE0\x9F\xBF"},
      {"overlong_ffff", "\xF0\x8F\xBF\xBF"},
      {"first_high_surrogate", "\xED\xA0\x80"},
      {"last_high_surrogate", "\xED\xAF\xBF"},
      {"first_low_surrogate", "\xED\xB0\x80"},
      {"last_low_surrogate", "\xED\xBF\xBF"},
      {"surrogate_pair", "\xED\xA0\xBD\xED\xB8\x80"},
      {"above_10ffff", "\xF4\x90\x80\x80"},
      {"lead_f5", "\xF5\x80\x80\x80"},
      {"lead_f7", "\xF7\xBF\xBF\xBF"},
      {"five_bytes", "\xF8\x88\x80\x80\x80"},
      {"six_bytes", "\xFC\x84\x80\x80\x80\x80"},
      {"fe", "\xFE"},
      {"ff", "\xFF"},
      {"behind_a_valid_character", "\xE2\x82\xAC\xFF"},
      {"behind_eight_bytes_of_ascii", "12345678\xC0\x80"},
  };
  return all;
}

std::vector<Case> refused() {
  std::vector<Case> cases;
  for (const Sample& sample : invalid()) {
    const std::string name = sample.name;
    cases.push_back({name, client_text(sample.bytes), {closed(1007)}});
    cases.push_back({name + "_byte_by_byte", client_text(sample.bytes), {closed(1007)}, 1});
    cases.push_back({name + "_in_fragments", byte_fragments(sample.bytes), {closed(1007)}});
    cases.push_back({name + "_behind_a_message",
                     client_text("a") + client_text(sample.bytes),
                     {text("a"), closed(1007)}});
    // The same bytes are a fine binary message.
    cases.push_back(
        with_close({name + "_as_binary", raw_client_frame(0x82, sample.bytes), {binary(sample.bytes)}}));
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Invalid, Utf8, testing::ValuesIn(refused()), case_name);

// The message is never finished: its first offending byte is enough.
std::vector<Case> at_once() {
  const std::string rest(1000, 'x');
  return {
      {"in_the_first_fragment", raw_client_frame(0x01, "a\xFF"), {closed(1007)}},
      {"in_the_second_fragment",
       raw_client_frame(0x01, "a") + raw_client_frame(0x00, "\xC0"),
       {closed(1007)}},
      {"in_a_frame_that_is_not_whole", frame_of_length(0x81, 2, 1000, "a\xFF"), {closed(1007)}},
      {"in_a_fragment_that_is_not_whole", frame_of_length(0x01, 8, 65536, "a\xED\xA0"), {closed(1007)}},
      {"character_not_finished_by_the_next_fragment",
       raw_client_frame(0x01, "\xE2\x82") + raw_client_frame(0x00, "z"),
       {closed(1007)}},
      {"character_not_finished_at_the_end",
       raw_client_frame(0x01, "a") + raw_client_frame(0x80, "\xE2\x82"),
       {closed(1007)}},
      {"character_not_finished_by_an_empty_end",
       raw_client_frame(0x01, "\xE2\x82") + raw_client_frame(0x80, ""),
       {closed(1007)}},
  };
}
INSTANTIATE_TEST_SUITE_P(AtOnce, Utf8, testing::ValuesIn(at_once()), case_name);

}  // namespace
}  // namespace lcg::conformance
