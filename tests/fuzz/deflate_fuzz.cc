// permessage-deflate under arbitrary bytes: the offer, the inflater and a whole compressed connection's parser.
// Beside memory errors it looks for broken promises:
//  - nothing inflated is over the limit or the work that is allowed, and a text is UTF-8;
//  - what the deflater makes, the inflater gives back, and it is shorter;
//  - an answer to an offer is only ever ours.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/utf8.h"
#include "gateway/ws/deflate.h"
#include "gateway/ws/extensions.h"
#include "gateway/ws/frame_parser.h"

namespace {

constexpr size_t kLimit = 5000;
constexpr lcg::ws::FrameLimits kLimits{
    .max_message_bytes = 1000, .max_inflated_bytes = kLimit, .max_empty_fragments = 4};

void require(bool promise) {
  if (!promise) std::abort();
}

void parse(std::string bytes, lcg::ws::Inflater& inflater) {
  lcg::ws::FrameParser parser(kLimits, &inflater);
  std::span<char> input(bytes);
  for (;;) {
    const auto event = parser.next(input);
    if (event.type == lcg::ws::FrameParser::EventType::kNeedMore) break;
    if (event.type != lcg::ws::FrameParser::EventType::kMessage) continue;
    require(event.data.size() <= kLimit);
    require(event.kind == lcg::ws::MessageKind::kBinary || lcg::valid_utf8(event.data));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  lcg::ws::Inflater inflater(kLimit);

  const auto bounded = inflater.inflate(bytes, kLimit / 2);
  require(bounded.error != 0 || bounded.work <= kLimit / 2);
  const auto result = inflater.inflate(bytes);
  require(result.error != 0 || result.message.size() <= kLimit);

  lcg::ws::Deflater deflater({.enabled = true, .level = 1, .min_bytes = 0});
  for (int window = lcg::ws::kLeastDeflateWindowBits; window <= lcg::ws::kDeflateWindowBits; ++window) {
    const std::string small(deflater.compress(bytes, window));
    require(small.empty() || small.size() < bytes.size());
    if (!small.empty() && bytes.size() <= kLimit) require(inflater.inflate(small).message == bytes);
  }

  const auto answer = lcg::ws::negotiate_extensions(bytes, true);
  require((answer.deflate != 0) == answer.header.starts_with("permessage-deflate"));
  parse(bytes, inflater);
  return 0;
}
