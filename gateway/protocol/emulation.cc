// The body of POST /emulation. Source: client-protocol 1.14.
#include "base/json_reader.h"
#include "gateway/protocol/codec.h"
#include "gateway/protocol/protobuf_fields.h"
#include "gateway/protocol/protobuf_wire.h"

namespace lcg::protocol {

namespace {

bool read_json(std::string_view body, std::string& scratch, EmulationRequest& out) {
  // Both decoded texts together are no longer than what they are decoded from.
  scratch.resize(body.size());
  std::span<char> room(scratch);
  const auto text = [&room](JsonReader& json, std::string_view& to) {
    if (json.take_null() || !json.read(to, room)) return;
    if (to.data() == room.data()) room = room.subspan(to.size());
  };
  JsonReader json(body, {.max_bytes = body.size()});
  json.enter_object();
  std::string_view key;
  while (json.next_member(key)) {
    if (key == "node") {
      text(json, out.node);
    } else if (key == "session") {
      text(json, out.session);
    } else if (key == "data") {
      if (!json.take_null()) json.read(out.data, body.size());
    }
  }
  return json.finish();
}

bool read_protobuf(std::string_view body, EmulationRequest& out) {
  try {
    FieldReader in(body);
    while (in.next()) {
      switch (in.field()) {
        case field::emulation_request::kNode:
          out.node = in.text();
          break;
        case field::emulation_request::kSession:
          out.session = in.text();
          break;
        case field::emulation_request::kData:
          out.data = in.bytes();
          break;
        default:
          in.skip();
      }
    }
    return true;
  } catch (const protozero::exception&) {
    return false;
  }
}

}  // namespace

std::optional<EmulationRequest> parse_emulation(Encoding encoding, std::string_view body,
                                                std::string& scratch) {
  EmulationRequest out;
  const bool ok = encoding == Encoding::kJson ? read_json(body, scratch, out) : read_protobuf(body, out);
  if (!ok) return std::nullopt;
  return out;
}

}  // namespace lcg::protocol
