// FilterBuilder: the tag filter that a reader is reading, within the limits of tag_filter.h: what goes over one is
// left out and the filter is marked, so that invalid() tells. For both encodings.
#pragma once
#include <string>
#include <string_view>

#include "gateway/protocol/tag_filter.h"

namespace lcg::protocol {

class FilterBuilder {
 public:
  // Forgets the filter before; the root is at depth 1.
  TagFilter& start();
  const TagFilter& filter() const { return root_; }

  // Another child of `parent`, which is at `depth`; valid until the next. Null when it is too much: its content is
  // to be passed over.
  TagFilter* add_node(TagFilter& parent, size_t depth);
  // `to` is a text of a node.
  void set_text(std::string& to, std::string_view text);
  void add_value(TagFilter& node, std::string_view value);

 private:
  bool take_bytes(size_t bytes);

  TagFilter root_;
  size_t nodes_ = 0, values_ = 0, bytes_ = 0;
};

}  // namespace lcg::protocol
