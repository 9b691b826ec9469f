// Any bytes as a tag filter (FilterNode): its limits hold, one that is valid is never both fulfilled and not, and it
// means the same when JSON brings it.
#include <algorithm>
#include <string>

#include "gateway/protocol/json_codec.h"
#include "gateway/protocol/protobuf_codec.h"
#include "gateway/protocol/protobuf_fields.h"
#include "gateway/protocol/protobuf_wire.h"
#include "tests/fuzz/codec_check.h"
#include "tests/fuzz/command_json.h"

namespace {

using lcg::fuzz::require;
using lcg::protocol::TagFilter;

struct Size {
  size_t nodes = 0, values = 0, bytes = 0;
};
void measure(const TagFilter& filter, size_t depth, Size& size) {
  require(depth <= lcg::protocol::kMaxFilterDepth);
  ++size.nodes;
  size.values += filter.vals.size();
  size.bytes += filter.op.size() + filter.key.size() + filter.cmp.size() + filter.val.size();
  for (const std::string& val : filter.vals) size.bytes += val.size();
  for (const TagFilter& node : filter.nodes) measure(node, depth + 1, size);
}

// Sorted tags made of the filter's own words, so that they meet.
lcg::Tags tags_of(const TagFilter& filter) {
  lcg::Tags tags = {{"a", "1"}, {"b", "-2.50"}};
  const TagFilter* at = &filter;
  for (;;) {
    tags.emplace_back(at->key, at->vals.empty() ? at->val : at->vals.back());
    if (at->nodes.empty()) break;
    at = &at->nodes.back();
  }
  std::sort(tags.begin(), tags.end());
  tags.erase(
      std::unique(tags.begin(), tags.end(), [](const auto& x, const auto& y) { return x.first == y.first; }),
      tags.end());
  return tags;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace field = lcg::protocol::field;
  std::string frame;
  lcg::protocol::FieldWriter(frame).delimited([&](lcg::protocol::FieldWriter& command) {
    command.message(field::command::kSubscribe, [&](lcg::protocol::FieldWriter& sub) {
      sub.message(field::subscribe_request::kFilter,
                  [&](lcg::protocol::FieldWriter&) { frame.append(data, data + size); });
    });
  });
  lcg::protocol::ProtobufCommandReader reader;
  reader.open(frame, 0);
  if (reader.next() != lcg::protocol::Next::kCommand) return 0;
  const TagFilter& filter = *reader.command().subscribe.filter;

  Size measured;
  measure(filter, 1, measured);
  require(measured.nodes <= lcg::protocol::kMaxFilterNodes &&
          measured.values <= lcg::protocol::kMaxFilterValues &&
          measured.bytes <= lcg::protocol::kMaxFilterBytes);
  if (filter.oversized) {
    require(!filter.invalid().empty());
    return 0;
  }
  lcg::protocol::JsonCommandReader json;
  const std::string command = R"({"subscribe":{"tf":)" + lcg::fuzz::to_json(filter) + "}}";
  json.open(command, 0);
  require(json.next() == lcg::protocol::Next::kCommand && *json.command().subscribe.filter == filter);

  if (!filter.invalid().empty()) return 0;
  TagFilter opposite;
  opposite.op = "not";
  opposite.nodes.push_back(filter);
  require(opposite.invalid().empty());
  for (const lcg::Tags& tags : {lcg::Tags(), tags_of(filter)}) {
    require(filter.matches(tags) != opposite.matches(tags));
  }
  return 0;
}
