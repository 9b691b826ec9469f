// RFC 6455 5.5.2 and 5.5.3: ping and pong.
#include "gateway/ws/test_frames.h"
#include "tests/conformance/rfc6455/harness.h"

namespace lcg::conformance {
namespace {

using ws::client_text;
using ws::raw_client_frame;

class Control : public testing::TestWithParam<Case> {};
TEST_P(Control, Conversation) { expect_conversation(GetParam()); }

std::string ping(std::string_view payload) { return raw_client_frame(0x89, payload); }

std::vector<Case> answered() {
  std::vector<Case> cases;
  for (const size_t size : {0u, 1u, 2u, 4u, 63u, 124u, 125u}) {
    const std::string payload(size, 'p');
    cases.push_back(with_close({"ping_of_" + std::to_string(size), ping(payload), {pong(payload)}}));
  }
  cases.push_back(with_close({"ping_is_any_bytes", ping("\xFF\xC0\x80"), {pong("\xFF\xC0\x80")}}));
  cases.push_back(
      with_close({"pings_in_order", ping("1") + ping("2") + ping("3"), {pong("1"), pong("2"), pong("3")}}));
  cases.push_back(with_close({"ping_between_messages",
                              client_text("a") + ping("p") + client_text("b"),
                              {text("a"), pong("p"), text("b")}}));
  cases.push_back(
      with_close({"ping_behind_a_message", client_text("a") + ping("p"), {text("a"), pong("p")}}));
  cases.push_back(
      with_close({"ping_with_a_zero_mask", raw_client_frame(0x89, "p", {"\0\0\0\0", 4}), {pong("p")}}));
  std::string many;
  std::vector<Frame> pongs;
  for (int i = 0; i < 40; ++i) {
    many += ping(std::to_string(i));
    pongs.push_back(pong(std::to_string(i)));
  }
  cases.push_back(with_close({"forty_pings", many, pongs}));
  return also_byte_by_byte(cases);
}
INSTANTIATE_TEST_SUITE_P(Ping, Control, testing::ValuesIn(answered()), case_name);

std::vector<Case> unasked() {
  std::vector<Case> cases;
  for (const size_t size : {0u, 1u, 124u, 125u}) {
    cases.push_back(with_close({"pong_of_" + std::to_string(size),
                                raw_client_frame(0x8A, std::string(size, 'p')) + client_text("a"),
                                {text("a")}}));
  }
  cases.push_back(
      with_close({"pong_is_any_bytes", raw_client_frame(0x8A, "\xFF") + client_text("a"), {text("a")}}));
  cases.push_back(with_close({"pong_then_ping", raw_client_frame(0x8A, "1") + ping("2"), {pong("2")}}));
  return also_byte_by_byte(cases);
}
INSTANTIATE_TEST_SUITE_P(UnsolicitedPong, Control, testing::ValuesIn(unasked()), case_name);

std::vector<Case> refused() {
  std::vector<Case> cases;
  struct Kind {
    const char* name;
    uint8_t opcode;
  };
  for (const Kind kind : {Kind{"close", 8}, Kind{"ping", 9}, Kind{"pong", 10}}) {
    const std::string name = kind.name;
    const auto first = static_cast<uint8_t>(0x80 | kind.opcode);
    for (const size_t size : {126u, 127u, 65535u, 65536u}) {
      cases.push_back({name + "_of_" + std::to_string(size),
                       raw_client_frame(first, std::string(size, 'p')),
                       {closed(1002)}});
    }
    cases.push_back(
        {name + "_of_125_in_16_bits", frame_of_length(first, 2, 125, std::string(125, 'p')), {closed(1002)}});
    cases.push_back({name + "_of_0_in_64_bits", frame_of_length(first, 8, 0, ""), {closed(1002)}});
    cases.push_back({name + "_not_final", raw_client_frame(kind.opcode, ""), {closed(1002)}});
    cases.push_back({name + "_not_final_with_payload",
                     raw_client_frame(kind.opcode, "ab") + raw_client_frame(0x80, "cd"),
                     {closed(1002)}});
    cases.push_back(
        {name + "_not_final_inside_a_message",
         raw_client_frame(0x01, "a") + raw_client_frame(kind.opcode, "x") + raw_client_frame(0x80, "b"),
         {closed(1002)}});
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Refused, Control, testing::ValuesIn(refused()), case_name);

// So many that answering would be work without end: the production limit, 50 at once.
std::string flood(uint8_t first) {
  std::string out;
  for (int i = 0; i < 80; ++i) out += raw_client_frame(first, "p");
  return out;
}

TEST(ControlFlood, OfPingsIsCutOff) {
  Client client(Profile::kPlain);
  ASSERT_EQ(client.upgrade("/echo"), "");

  client.send(flood(0x89));

  const std::vector<Frame> frames = client.read_frames();
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back(), closed(1008));
}

TEST(ControlFlood, OfPongsIsCutOff) { expect_conversation({"", flood(0x8A), {closed(1008)}}); }

}  // namespace
}  // namespace lcg::conformance
