// TagFilter: a subscriber's wish to get only publications whose tags fit (client-protocol 1.8, FilterNode).
//
// Semantics: a missing tag makes eq, sw, ew, ct and the numeric comparisons false, neq true, and counts as "" for
// in and nin. Numeric comparisons read both sides as decimals; what is none is false. matches() allocates
// nothing.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/api/types.h"

namespace lcg::protocol {

// Over one of these the subscribe is a bad request (107).
inline constexpr size_t kMaxFilterDepth = 8, kMaxFilterNodes = 64, kMaxFilterValues = 256;
inline constexpr size_t kMaxFilterBytes = 8192;  // of all its strings

struct TagFilter {
  std::string op;  // "" a leaf, "and", "or", "not"
  std::string key, cmp, val;
  std::vector<std::string> vals;
  std::vector<TagFilter> nodes;
  bool oversized = false;  // of a root: a reader left out what is over a limit

  // "" or what is wrong with it.
  std::string_view invalid() const;
  // REQUIRES: invalid() is "".
  bool matches(const Tags& tags) const;

  friend bool operator==(const TagFilter&, const TagFilter&) = default;
};

}  // namespace lcg::protocol
