#include "gateway/ws/frame_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/ws/test_frames.h"

namespace lcg::ws {
namespace {

using namespace std::string_literals;

constexpr FrameLimits kLimits{.max_message_bytes = 200'000, .max_empty_fragments = 3};

struct Case {
  const char* name;
  std::string bytes;
  std::string events;
};

const std::string kFirst = client_frame(Opcode::kText, "he", false);
const std::string kLast = client_frame(Opcode::kContinuation, "llo");

std::string repeat(const std::string& what, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += what;
  return out;
}

// RFC 6455 section 5, 7 and 8, the server's side; one row a behaviour.
std::vector<Case> cases() {
  const std::string long_text(70'000, 'x');
  return {
      {"text", client_text("hello"), "text(hello)"},
      {"binary", client_frame(Opcode::kBinary, "\xff\x00"s), "binary(\xff\x00)"s},
      {"empty text", client_text(""), "text()"},
      {"two in one read", client_text("a") + client_text("b"), "text(a) text(b)"},
      {"16-bit length", client_text(std::string(126, 'x')), "text(" + std::string(126, 'x') + ")"},
      {"64-bit length", client_text(long_text), "text(" + long_text + ")"},
      {"largest message", client_text(std::string(200'000, 'y')), "text(" + std::string(200'000, 'y') + ")"},
      {"mask of zeros", raw_client_frame(0x81, "plain", "\0\0\0\0"s), "text(plain)"},
      {"ping", client_frame(Opcode::kPing, "p"), "ping(p)"},
      {"pong", client_frame(Opcode::kPong, ""), "pong()"},
      {"largest ping", client_frame(Opcode::kPing, std::string(125, 'p')),
       "ping(" + std::string(125, 'p') + ")"},
      {"close", client_close(1000, "bye"), "close(1000 bye)"},
      {"close without a code", client_frame(Opcode::kClose, ""), "close(1005)"},
      {"nothing after close", client_close(3000) + client_text("x"), "close(3000)"},

      {"fragments", kFirst + kLast, "text(hello)"},
      {"control between fragments", kFirst + client_frame(Opcode::kPing, "p") + kLast, "ping(p) text(hello)"},
      {"close between fragments", kFirst + client_close(1001), "close(1001)"},
      {"empty last fragment", kFirst + client_frame(Opcode::kContinuation, ""), "text(he)"},
      {"empty first fragment", client_frame(Opcode::kText, "", false) + kLast, "text(llo)"},
      {"message after fragments", kFirst + kLast + client_text("x"), "text(hello) text(x)"},
      {"binary fragments keep their kind", client_frame(Opcode::kBinary, "\xff", false) + kLast,
       "binary(\xffllo)"},

      {"continuation of nothing", kLast, "error(1002)"},
      {"text inside fragments", kFirst + client_text("x"), "error(1002)"},
      {"binary inside fragments", kFirst + client_frame(Opcode::kBinary, "x"), "error(1002)"},
      {"not masked", "\x81\x02hi", "error(1002)"},
      {"ping not masked", "\x89\x00"s, "error(1002)"},
      {"RSV1", raw_client_frame(0xC1, "x"), "error(1002)"},
      {"RSV2", raw_client_frame(0xA1, "x"), "error(1002)"},
      {"RSV3", raw_client_frame(0x91, "x"), "error(1002)"},
      {"RSV1 on a ping", raw_client_frame(0xC9, ""), "error(1002)"},
      {"opcode 3", raw_client_frame(0x83, "x"), "error(1002)"},
      {"opcode 7", raw_client_frame(0x87, "x"), "error(1002)"},
      {"opcode 11", raw_client_frame(0x8B, "x"), "error(1002)"},
      {"opcode 15", raw_client_frame(0x8F, "x"), "error(1002)"},
      {"fragmented ping", client_frame(Opcode::kPing, "x", false), "error(1002)"},
      {"fragmented close", client_frame(Opcode::kClose, "", false), "error(1002)"},
      {"ping of 126", client_frame(Opcode::kPing, std::string(126, 'p')), "error(1002)"},
      {"close of 126", client_frame(Opcode::kClose, std::string(126, 'p')), "error(1002)"},
      {"16-bit length of 125", "\x81\xfe\x00\x7d"s, "error(1002)"},
      {"64-bit length of 65535", "\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff"s, "error(1002)"},
      {"length 2^63", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00"s, "error(1002)"},
      {"length 2^63-1", "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"s, "error(1009)"},
      {"one byte too big", client_text(std::string(200'001, 'y')), "error(1009)"},
      {"fragments too big together",
       client_frame(Opcode::kText, std::string(150'000, 'y'), false) +
           client_frame(Opcode::kContinuation, std::string(50'001, 'y')),
       "error(1009)"},
      {"fragments", kFirst + repeat(client_frame(Opcode::kContinuation, "l", false), 6) + kLast,
       "text(hellllllllo)"},
      {"too many empty fragments", kFirst + repeat(client_frame(Opcode::kContinuation, "", false), 4),
       "error(1008)"},

      {"UTF-8", client_text("\xce\xba\xf0\x9f\x92\xac"), "text(\xce\xba\xf0\x9f\x92\xac)"},
      {"character across fragments",
       client_frame(Opcode::kText, "\xf0\x9f", false) + client_frame(Opcode::kContinuation, "\x92\xac"),
       "text(\xf0\x9f\x92\xac)"},
      {"bad byte", client_text("a\xff"), "error(1007)"},
      {"surrogate", client_text("\xed\xa0\x80"), "error(1007)"},
      {"overlong", client_text("\xc0\xaf"), "error(1007)"},
      {"above U+10FFFF", client_text("\xf4\x90\x80\x80"), "error(1007)"},
      {"text ends inside a character", client_text("\xf0\x9f\x92"), "error(1007)"},
      {"fragments end inside a character",
       client_frame(Opcode::kText, "\xf0", false) + client_frame(Opcode::kContinuation, ""), "error(1007)"},
      {"bad byte in the first fragment", client_frame(Opcode::kText, "\xff", false) + kLast, "error(1007)"},
      {"binary is not checked", client_frame(Opcode::kBinary, "\xff\xfe"), "binary(\xff\xfe)"},

      {"close of one byte", client_frame(Opcode::kClose, "x"), "error(1002)"},
      {"close 1005", client_close(1005), "error(1002)"},
      {"close 1006", client_close(1006), "error(1002)"},
      {"close 1015", client_close(1015), "error(1002)"},
      {"close 999", client_close(999), "error(1002)"},
      {"close 2999", client_close(2999), "error(1002)"},
      {"close 5000", client_close(5000), "error(1002)"},
      {"close with a bad reason", client_close(1000, "\xff"), "error(1007)"},
      {"longest reason", client_close(1000, std::string(123, 'r')),
       "close(1000 " + std::string(123, 'r') + ")"},
      {"nothing after an error", kLast + client_text("x"), "error(1002)"},
  };
}

TEST(FrameParser, BehavesAsTheTableSays) {
  for (const Case& c : cases()) {
    FrameParser parser(kLimits);

    EXPECT_EQ(events_of(parser, c.bytes), c.events) << c.name;
    EXPECT_FALSE(parser.unfinished()) << c.name;
  }
}

TEST(FrameParser, EveryCutInTwoGivesTheSameEvents) {
  for (const Case& c : cases()) {
    if (c.bytes.size() > 2000) continue;
    for (size_t cut = 1; cut < c.bytes.size(); ++cut) {
      FrameParser parser(kLimits);
      std::string events = events_of(parser, c.bytes.substr(0, cut));
      const std::string rest = events_of(parser, c.bytes.substr(cut));
      if (!events.empty() && !rest.empty()) events += " ";

      ASSERT_EQ(events + rest, c.events) << c.name << ", cut at " << cut;
    }
  }
}

TEST(FrameParser, ByteByByteGivesTheSameEvents) {
  for (const Case& c : cases()) {
    FrameParser parser(kLimits);

    EXPECT_EQ(events_of(parser, c.bytes, 1), c.events) << c.name;
  }
}

TEST(FrameParser, LongStreamInOddStepsGivesTheSameEvents) {
  const std::string stream = client_text("one") + kFirst + client_frame(Opcode::kPing, "in between") + kLast +
                             client_frame(Opcode::kBinary, std::string(300, 'b')) + client_text("") +
                             client_text("\xf0\x9f\x92\xac") + client_close(3001, "shutdown");
  FrameParser whole(kLimits);
  const std::string expected = events_of(whole, stream);

  for (size_t step = 1; step < stream.size(); ++step) {
    FrameParser parser(kLimits);
    ASSERT_EQ(events_of(parser, stream, step), expected) << "steps of " << step;
  }
}

TEST(FrameParser, WholeMessageIsAViewOfTheInput) {
  FrameParser parser(kLimits);
  std::string bytes = client_text("in place");
  std::span<char> input(bytes);

  const FrameParser::Event event = parser.next(input);

  EXPECT_EQ(event.data, "in place");
  EXPECT_EQ(event.data.data(), bytes.data() + 6);
  EXPECT_TRUE(input.empty());
}

TEST(FrameParser, BadByteIsRefusedBeforeTheFrameIsWhole) {
  FrameParser parser(kLimits);
  const std::string frame = client_text("abc\xff" + std::string(100, 'x'));

  EXPECT_EQ(events_of(parser, frame.substr(0, 10)), "error(1007)");
}

TEST(FrameParser, OversizedLengthIsRefusedWithoutItsPayload) {
  FrameParser parser(kLimits);

  EXPECT_EQ(events_of(parser, "\x82\xff\x00\x00\x00\x00\x10\x00\x00\x00"s), "error(1009)");
  EXPECT_EQ(parser.unfinished_bytes(), 0u);
}

TEST(FrameParser, KeepsAnUnfinishedMessageAndOwnsNothingAfterIt) {
  FrameParser parser(kLimits);
  const std::string frame = client_text("0123456789");

  EXPECT_EQ(events_of(parser, frame.substr(0, 9)), "");
  EXPECT_TRUE(parser.unfinished());
  EXPECT_EQ(parser.unfinished_bytes(), 3u);

  EXPECT_EQ(events_of(parser, frame.substr(9)), "text(0123456789)");
  EXPECT_FALSE(parser.unfinished());
  EXPECT_EQ(parser.unfinished_bytes(), 0u);
}

TEST(FrameParser, IdleObjectIsSmall) { EXPECT_LE(sizeof(FrameParser), 64u); }

}  // namespace
}  // namespace lcg::ws
