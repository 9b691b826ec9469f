#include "gateway/protocol/filter_builder.h"

namespace lcg::protocol {

TagFilter& FilterBuilder::start() {
  root_ = {};
  nodes_ = 1;
  values_ = bytes_ = 0;
  return root_;
}

TagFilter* FilterBuilder::add_node(TagFilter& parent, size_t depth) {
  if (depth >= kMaxFilterDepth || nodes_ == kMaxFilterNodes) {
    root_.oversized = true;
    return nullptr;
  }
  ++nodes_;
  return &parent.nodes.emplace_back();
}

void FilterBuilder::set_text(std::string& to, std::string_view text) {
  if (take_bytes(text.size())) to = text;
}

void FilterBuilder::add_value(TagFilter& node, std::string_view value) {
  if (values_ == kMaxFilterValues) {
    root_.oversized = true;
    return;
  }
  if (!take_bytes(value.size())) return;
  ++values_;
  node.vals.emplace_back(value);
}

bool FilterBuilder::take_bytes(size_t bytes) {
  if (bytes > kMaxFilterBytes - bytes_) {
    root_.oversized = true;
    return false;
  }
  bytes_ += bytes;
  return true;
}

}  // namespace lcg::protocol
