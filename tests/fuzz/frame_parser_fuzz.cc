// The frame parser under arbitrary bytes. Beside memory errors it looks for four broken promises:
//  - the events do not depend on how the bytes were cut (whole, byte by byte, and in steps the input
//  chooses);
//  - a text handed out is UTF-8 and no message is over the limit;
//  - while messages are skipped none is handed out, and none is kept;
//  - after kClose or kError nothing follows, and the parser then holds nothing.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "gateway/ws/frame_parser.h"

namespace {

using lcg::ws::FrameParser;

constexpr lcg::ws::FrameLimits kLimits{.max_message_bytes = 1000, .max_empty_fragments = 4};

struct Seen {
  FrameParser::EventType type;
  lcg::ws::MessageKind kind;
  uint16_t code;
  std::string data;
  bool operator==(const Seen&) const = default;
};

void require(bool promise) {
  if (!promise) std::abort();
}

// `step` 0: the length of each piece is taken from the bytes themselves.
std::vector<Seen> run(std::string bytes, size_t step, bool skip = false) {
  FrameParser parser(kLimits);
  if (skip) parser.skip_messages();
  std::vector<Seen> seen;
  bool ended = false;
  for (size_t at = 0; at < bytes.size();) {
    const size_t wish = step != 0 ? step : 1 + static_cast<uint8_t>(bytes[at]) % 37u;
    const size_t size = std::min(wish, bytes.size() - at);
    std::span<char> input(bytes.data() + at, size);
    at += size;
    for (;;) {
      const FrameParser::Event event = parser.next(input);
      if (event.type == FrameParser::EventType::kNeedMore) break;
      require(!ended);
      ended = event.type == FrameParser::EventType::kClose || event.type == FrameParser::EventType::kError;
      if (event.type == FrameParser::EventType::kMessage) {
        require(!skip);
        require(event.data.size() <= kLimits.max_message_bytes);
        require(event.kind == lcg::ws::MessageKind::kBinary || lcg::valid_utf8(event.data));
      }
      seen.push_back({event.type, event.kind, event.code, std::string(event.data)});
    }
    require(input.empty());
  }
  if (ended) require(!parser.unfinished());
  require(parser.unfinished_bytes() <= (skip ? 0 : kLimits.max_message_bytes));
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<Seen> whole = run(bytes, size);
  require(run(bytes, 1) == whole);
  require(run(bytes, 0) == whole);
  require(run(bytes, 1, true) == run(bytes, size, true));
  return 0;
}
