// RFC 6455 5.5.1 and 7: the closing handshake, its codes and its reasons.
#include "gateway/ws/test_frames.h"
#include "tests/conformance/rfc6455/harness.h"

namespace lcg::conformance {
namespace {

using ws::client_close;
using ws::client_text;
using ws::raw_client_frame;

class Close : public testing::TestWithParam<Case> {};
TEST_P(Close, Conversation) { expect_conversation(GetParam()); }

std::vector<Case> codes() {
  std::vector<Case> cases;
  for (const int number : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012,
                           1013, 1014, 3000, 3001, 3500, 3999, 4000, 4001, 4500, 4999}) {
    const auto code = static_cast<uint16_t>(number);
    cases.push_back({std::to_string(code), client_close(code), {closed(code)}});
    cases.push_back({std::to_string(code) + "_with_reason", client_close(code, "a reason"), {closed(code)}});
  }
  for (const int number : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1099, 1100, 1999, 2000, 2500, 2999, 5000,
                           5001, 32767, 65535}) {
    const auto code = static_cast<uint16_t>(number);
    cases.push_back({std::to_string(code) + "_is_refused", client_close(code), {closed(1002)}});
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Code, Close, testing::ValuesIn(codes()), case_name);

std::vector<Case> bodies() {
  return also_byte_by_byte({
      {"none", raw_client_frame(0x88, ""), {closed(0)}},
      {"one_byte", raw_client_frame(0x88, "\x03"), {closed(1002)}},
      {"reason_of_1", client_close(1000, "r"), {closed(1000)}},
      {"reason_of_122", client_close(1000, std::string(122, 'r')), {closed(1000)}},
      {"reason_of_123", client_close(1000, std::string(123, 'r')), {closed(1000)}},
      {"reason_of_124", client_close(1000, std::string(124, 'r')), {closed(1002)}},
      {"reason_of_1000", client_close(1000, std::string(1000, 'r')), {closed(1002)}},
      {"reason_in_greek", client_close(1000, "\xCE\xBA\xE1\xBD\xB9\xCF\x83"), {closed(1000)}},
      {"reason_with_a_zero", client_close(1000, std::string("a\0b", 3)), {closed(1000)}},
      {"reason_not_utf8", client_close(1000, "\xFF"), {closed(1007)}},
      {"reason_overlong", client_close(1000, "\xC0\x80"), {closed(1007)}},
      {"reason_surrogate", client_close(1000, "\xED\xA0\x80"), {closed(1007)}},
      {"reason_cut", client_close(1000, "\xE2\x82"), {closed(1007)}},
      {"bad_code_and_bad_reason", client_close(1005, "\xFF"), {closed(1002)}},
  });
}
INSTANTIATE_TEST_SUITE_P(Body, Close, testing::ValuesIn(bodies()), case_name);

std::vector<Case> order() {
  return also_byte_by_byte({
      {"behind_a_message", client_text("a") + client_close(1000), {text("a"), closed(1000)}},
      {"behind_a_ping", raw_client_frame(0x89, "p") + client_close(1000), {pong("p"), closed(1000)}},
      {"message_behind_it_is_ignored", client_close(1000) + client_text("a"), {closed(1000)}},
      {"ping_behind_it_is_ignored", client_close(1000) + raw_client_frame(0x89, "p"), {closed(1000)}},
      {"rubbish_behind_it_is_ignored", client_close(1000) + "\xFF\xFF\xFF\xFF", {closed(1000)}},
      {"second_one_is_ignored", client_close(1000) + client_close(1001), {closed(1000)}},
      {"inside_a_message", raw_client_frame(0x01, "a") + client_close(1000), {closed(1000)}},
      {"behind_an_error_is_ignored", raw_client_frame(0x83, "") + client_close(1000), {closed(1002)}},
      {"one_error_is_told", raw_client_frame(0x83, "") + raw_client_frame(0x84, ""), {closed(1002)}},
  });
}
INSTANTIATE_TEST_SUITE_P(Order, Close, testing::ValuesIn(order()), case_name);

// The server begins.
struct ServerCloses : testing::Test {
  ServerCloses() : client(Profile::kPlain) {
    EXPECT_EQ(client.upgrade("/closes"), "");
    client.send(client_text("close now"));
    EXPECT_EQ(client.read_frames(1), std::vector<Frame>{closed(4001)});
  }
  Client client;
};

TEST_F(ServerCloses, TheAnswerEndsIt) {
  client.send(client_close(4001));

  EXPECT_EQ(client.read_frames(), std::vector<Frame>{});
}

TEST_F(ServerCloses, TheAnswerMayHaveAnotherCode) {
  client.send(client_close(1000, "as you like"));

  EXPECT_EQ(client.read_frames(), std::vector<Frame>{});
}

TEST_F(ServerCloses, TheAnswerMayBeEmpty) {
  client.send(raw_client_frame(0x88, ""));

  EXPECT_EQ(client.read_frames(), std::vector<Frame>{});
}

TEST_F(ServerCloses, WhatWasUnderWayIsReadAndNotAnswered) {
  client.send(client_text("late") + raw_client_frame(0x89, "late") + client_close(4001));

  EXPECT_EQ(client.read_frames(), std::vector<Frame>{});
}

TEST_F(ServerCloses, AnInvalidAnswerEndsItToo) {
  client.send(client_close(1005));

  EXPECT_EQ(client.read_frames(), std::vector<Frame>{});
}

TEST_F(ServerCloses, AMessageThatIsNotWholeDoesNotHoldItUp) {
  client.send(raw_client_frame(0x01, "half") + client_close(4001));

  EXPECT_EQ(client.read_frames(), std::vector<Frame>{});
}

}  // namespace
}  // namespace lcg::conformance
