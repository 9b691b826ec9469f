#include "broker/api/types.h"

#include <array>

namespace lcg {

std::string_view transport_name(TransportKind kind) {
  constexpr std::array<std::string_view, 7> kNames = {
      "websocket", "http_stream", "sse", "uni_websocket", "uni_http_stream", "uni_sse", "http"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view encoding_name(Encoding encoding) {
  return encoding == Encoding::kJson ? "json" : "protobuf";
}

}  // namespace lcg
