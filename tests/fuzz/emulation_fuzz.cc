// Any bytes as the body of POST /emulation, in JSON or, by the first byte, in Protobuf: what is found borrows from the
// body or the scratch buffer.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "gateway/protocol/codec.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const lcg::Encoding encoding = data[0] % 2 == 0 ? lcg::Encoding::kJson : lcg::Encoding::kProtobuf;
  const std::vector<char> bytes(data + 1, data + size);
  const std::string_view body(bytes.data(), bytes.size());
  std::string scratch;
  const auto request = lcg::protocol::parse_emulation(encoding, body, scratch);
  if (!request) return 0;
  for (const std::string_view text : {request->node, request->session}) {
    require(within(text, body) || within(text, scratch));
    require(lcg::valid_utf8(text));
  }
  require(request->data.size() <= body.size());
  return 0;
}
