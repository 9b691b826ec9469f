// ChannelPattern: the expression that the names of a namespace's channels must match (channel_regex).
//
// RE2's syntax; its time is linear in the name whatever the expression, and its memory has a bound, so neither a
// client's name nor an operator's expression can hold a lane. Anchors are the operator's: "^\d+$". Any thread.
#pragma once
#include <memory>
#include <string_view>

#include "base/status.h"

namespace re2 {
class RE2;
}

namespace lcg::broker {

class ChannelPattern {
 public:
  // Errors: kInvalid with what is wrong.
  static Result<std::shared_ptr<const ChannelPattern>> compile(std::string_view expression);
  ~ChannelPattern();
  ChannelPattern(const ChannelPattern&) = delete;
  ChannelPattern& operator=(const ChannelPattern&) = delete;

  // Does it match anywhere in `name`, the part after "namespace:"?
  bool matches(std::string_view name) const;

 private:
  explicit ChannelPattern(std::unique_ptr<re2::RE2> expression);
  const std::unique_ptr<re2::RE2> expression_;
};
using ChannelPatternPtr = std::shared_ptr<const ChannelPattern>;

}  // namespace lcg::broker
