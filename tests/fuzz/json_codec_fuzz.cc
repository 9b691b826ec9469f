// Any bytes as a JSON frame of the client protocol: codec_check.h, and a payload is one JSON value that can stand on
// a line.
#include "base/json_reader.h"
#include "gateway/protocol/json_codec.h"
#include "tests/fuzz/codec_check.h"

namespace {

void check_payload(std::string_view data) {
  if (data.empty()) return;
  const lcg::SharedBytes kept = lcg::protocol::payload_bytes(data);
  lcg::fuzz::require(kept.view().find_first_of("\r\n") == std::string_view::npos);
  lcg::fuzz::require(
      lcg::validate_json(kept.view(), {.max_bytes = data.size(), .max_depth = lcg::protocol::kMaxJsonDepth}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lcg::fuzz::check_frame<lcg::protocol::JsonCommandReader>(data, size, check_payload,
                                                           [](const lcg::protocol::Command&) {});
  lcg::protocol::JsonCommandReader reader;
  const std::string request(data, data + size);
  if (reader.open_connect(request)) lcg::fuzz::fingerprint(reader.command(), check_payload);
  return 0;
}
