// RFC 6455 5.4: fragmentation, and control frames between fragments.
#include "gateway/ws/limits.h"
#include "gateway/ws/test_frames.h"
#include "tests/conformance/rfc6455/harness.h"

namespace lcg::conformance {
namespace {

using ws::client_close;
using ws::client_text;
using ws::raw_client_frame;

class Fragmentation : public testing::TestWithParam<Case> {};
TEST_P(Fragmentation, Conversation) { expect_conversation(GetParam()); }

std::string begin_text(std::string_view payload) { return raw_client_frame(0x01, payload); }
std::string begin_binary(std::string_view payload) { return raw_client_frame(0x02, payload); }
std::string more(std::string_view payload) { return raw_client_frame(0x00, payload); }
std::string last(std::string_view payload) { return raw_client_frame(0x80, payload); }
std::string ping(std::string_view payload) { return raw_client_frame(0x89, payload); }

// `payload` in pieces of `sizes` bytes, the last piece takes the rest. `between` stands behind each but the last.
std::string pieces(uint8_t opcode, std::string_view payload, const std::vector<size_t>& sizes,
                   const std::string& between = "") {
  std::string out;
  for (const size_t size : sizes) {
    out += raw_client_frame(opcode, payload.substr(0, size)) + between;
    payload.remove_prefix(size);
    opcode = 0;
  }
  return out + raw_client_frame(static_cast<uint8_t>(0x80 | opcode), payload);
}

std::vector<Case> shapes() {
  std::vector<Case> cases;
  const std::string payload = "the quick brown fox jumps over the lazy dog";
  const std::vector<std::pair<std::string, std::vector<size_t>>> all = {
      {"in_two", {20}},
      {"in_three", {10, 20}},
      {"in_five", {1, 2, 3, 4}},
      {"first_empty", {0}},
      {"last_empty", {43}},
      {"middle_empty", {20, 0}},
      {"all_but_last_empty", {0, 0, 0}},
      {"all_but_first_empty", {43, 0, 0}},
      {"every_byte", std::vector<size_t>(42, 1)}};
  for (const auto& [name, sizes] : all) {
    cases.push_back(with_close({"text_" + name, pieces(1, payload, sizes), {text(payload)}}));
    cases.push_back(with_close({"binary_" + name, pieces(2, payload, sizes), {binary(payload)}}));
    // No more control frames than a client may send at once.
    if (sizes.size() > 8) continue;
    std::vector<Frame> expected(sizes.size(), pong("between"));
    expected.push_back(text(payload));
    cases.push_back(
        with_close({"text_" + name + "_with_pings", pieces(1, payload, sizes, ping("between")), expected}));
  }
  cases.push_back(with_close({"only_empty", begin_text("") + more("") + last(""), {text("")}}));
  cases.push_back(with_close({"two_messages",
                              begin_text("a") + last("b") + begin_binary("c") + last("d"),
                              {text("ab"), binary("cd")}}));
  cases.push_back(with_close({"whole_fragmented_whole",
                              client_text("a") + begin_text("b") + last("c") + client_text("d"),
                              {text("a"), text("bc"), text("d")}}));
  cases.push_back(
      with_close({"pong_between", begin_text("a") + raw_client_frame(0x8A, "x") + last("b"), {text("ab")}}));
  cases.push_back(with_close({"three_pings_between",
                              begin_text("a") + ping("1") + ping("2") + ping("3") + last("b"),
                              {pong("1"), pong("2"), pong("3"), text("ab")}}));
  cases.push_back(with_close({"ping_of_125_between",
                              begin_text("a") + ping(std::string(125, 'p')) + last("b"),
                              {pong(std::string(125, 'p')), text("ab")}}));
  cases.push_back({"close_between", begin_text("a") + client_close(1001), {closed(1001)}});
  cases.push_back(
      {"close_between_and_the_rest", begin_text("a") + client_close(1001) + last("b"), {closed(1001)}});
  return also_byte_by_byte(cases);
}
INSTANTIATE_TEST_SUITE_P(Shape, Fragmentation, testing::ValuesIn(shapes()), case_name);

std::vector<Case> misplaced() {
  return also_byte_by_byte({
      {"continuation_of_nothing", last("a"), {closed(1002)}},
      {"empty_continuation_of_nothing", last(""), {closed(1002)}},
      {"continuation_of_nothing_not_final", more("a"), {closed(1002)}},
      {"continuation_of_a_whole_message", client_text("a") + last("b"), {text("a"), closed(1002)}},
      {"continuation_of_a_finished_message",
       begin_text("a") + last("b") + last("c"),
       {text("ab"), closed(1002)}},
      {"continuation_behind_a_ping", ping("p") + last("a"), {pong("p"), closed(1002)}},
      {"text_inside_text", begin_text("a") + client_text("b"), {closed(1002)}},
      {"binary_inside_text", begin_text("a") + raw_client_frame(0x82, "b"), {closed(1002)}},
      {"text_inside_binary", begin_binary("a") + client_text("b"), {closed(1002)}},
      {"binary_inside_binary", begin_binary("a") + raw_client_frame(0x82, "b"), {closed(1002)}},
      {"fragment_inside_a_message", begin_text("a") + begin_text("b") + last("c"), {closed(1002)}},
      {"empty_text_inside_a_message", begin_text("") + client_text(""), {closed(1002)}},
      {"text_behind_a_ping_inside_a_message",
       begin_text("a") + ping("p") + client_text("b"),
       {pong("p"), closed(1002)}},
      {"nothing_is_answered_behind_the_error", last("a") + client_text("b") + ping("p"), {closed(1002)}},
  });
}
INSTANTIATE_TEST_SUITE_P(Misplaced, Fragmentation, testing::ValuesIn(misplaced()), case_name);

std::vector<Case> counts() {
  std::vector<Case> cases;
  const size_t most = ws::FrameLimits().max_message_bytes, empties = ws::FrameLimits().max_empty_fragments;
  for (const size_t count : {size_t{10}, size_t{100}, size_t{1025}, most}) {  // of a byte each
    cases.push_back(with_close({std::to_string(count) + "_fragments",
                                pieces(1, std::string(count, 'f'), std::vector<size_t>(count - 1, 1)),
                                {text(std::string(count, 'f'))}}));
  }
  cases.push_back({"a_byte_too_many_in_fragments",
                   pieces(1, std::string(most + 1, 'f'), std::vector<size_t>(most, 1)),
                   {closed(1009)}});
  cases.push_back(with_close(
      {"as_many_empty_ones_as_may_be", pieces(1, "x", std::vector<size_t>(empties, 0)), {text("x")}}));
  cases.push_back(
      {"one_empty_too_many", pieces(1, "x", std::vector<size_t>(empties + 1, 0)), {closed(1008)}});
  cases.push_back({"empty_ones_without_end", pieces(2, "", std::vector<size_t>(500, 0)), {closed(1008)}});
  // The counts are of a message, not of a connection.
  std::string many;
  std::vector<Frame> expected;
  for (int i = 0; i < 20; ++i) {
    many += pieces(1, "x", std::vector<size_t>(empties, 0));
    expected.push_back(text("x"));
  }
  cases.push_back(with_close({"counts_begin_anew", many, expected}));
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Count, Fragmentation, testing::ValuesIn(counts()), case_name);

}  // namespace
}  // namespace lcg::conformance
