// Any bytes as a Protobuf frame of the client protocol: codec_check.h, and a command that JSON can express is read the
// same from JSON.
#include "base/utf8.h"
#include "gateway/protocol/json_codec.h"
#include "gateway/protocol/protobuf_codec.h"
#include "tests/fuzz/codec_check.h"
#include "tests/fuzz/command_json.h"

namespace {

void in_json_too(const lcg::protocol::Command& command) {
  // A filter over its limits keeps what fits, which is not the same in both.
  if (command.method == lcg::protocol::Method::kSubscribe && command.subscribe.filter != nullptr &&
      command.subscribe.filter->oversized) {
    return;
  }
  const std::optional<std::string> json = lcg::fuzz::to_json(command);
  if (!json) return;
  lcg::protocol::JsonCommandReader reader;
  reader.open(*json, 0);
  lcg::fuzz::require(reader.next() == lcg::protocol::Next::kCommand);
  lcg::fuzz::require(lcg::fuzz::equal(command, reader.command()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto any = [](std::string_view) {};
  lcg::fuzz::check_frame<lcg::protocol::ProtobufCommandReader>(data, size, any, in_json_too);
  lcg::protocol::ProtobufCommandReader reader;
  const std::string request(data, data + size);
  if (reader.open_connect(request)) lcg::fuzz::fingerprint(reader.command(), any);
  return 0;
}
