#include "gateway/protocol/codec.h"

#include <algorithm>

#include "gateway/protocol/json_codec.h"
#include "gateway/protocol/protobuf_codec.h"

namespace lcg::protocol {

const Encoder& encoder_of(const Variant& variant) {
  static const JsonEncoder kJson(false), kJsonPushes(true);
  static const ProtobufEncoder kProtobuf(false), kProtobufPushes(true);
  if (variant.encoding == Encoding::kProtobuf) return variant.unidirectional ? kProtobufPushes : kProtobuf;
  return variant.unidirectional ? kJsonPushes : kJson;
}

std::unique_ptr<CommandReader> make_reader(Encoding encoding) {
  if (encoding == Encoding::kProtobuf) return std::make_unique<ProtobufCommandReader>();
  return std::make_unique<JsonCommandReader>();
}

SharedBytes payload_bytes(std::string_view data) {
  const auto is_break = [](char c) { return c == '\n' || c == '\r'; };
  const auto breaks = static_cast<size_t>(std::count_if(data.begin(), data.end(), is_break));
  if (breaks == 0) return SharedBytes(data);
  return SharedBytes::build(data.size() - breaks,
                            [&](char* out) { std::remove_copy_if(data.begin(), data.end(), out, is_break); });
}

}  // namespace lcg::protocol
