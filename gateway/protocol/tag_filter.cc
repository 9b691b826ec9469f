#include "gateway/protocol/tag_filter.h"

#include <algorithm>
#include <array>
#include <compare>
#include <optional>

namespace lcg::protocol {

namespace {

// What a comparison needs beside its key.
enum class Operand : uint8_t { kValue, kValues, kNothing };
struct Comparison {
  std::string_view name;
  Operand operand;
};
constexpr std::array<Comparison, 13> kComparisons = {{{"eq", Operand::kValue},
                                                      {"neq", Operand::kValue},
                                                      {"in", Operand::kValues},
                                                      {"nin", Operand::kValues},
                                                      {"ex", Operand::kNothing},
                                                      {"nex", Operand::kNothing},
                                                      {"sw", Operand::kValue},
                                                      {"ew", Operand::kValue},
                                                      {"ct", Operand::kValue},
                                                      {"lt", Operand::kValue},
                                                      {"lte", Operand::kValue},
                                                      {"gt", Operand::kValue},
                                                      {"gte", Operand::kValue}}};

std::string_view invalid_leaf(const TagFilter& leaf) {
  if (leaf.cmp.empty()) return "a leaf needs cmp";
  const auto* const found =
      std::find_if(kComparisons.begin(), kComparisons.end(),
                   [&leaf](const Comparison& comparison) { return comparison.name == leaf.cmp; });
  if (found == kComparisons.end()) return "cmp is none of eq neq in nin ex nex sw ew ct lt lte gt gte";
  switch (found->operand) {
    case Operand::kValue:
      if (leaf.val.empty()) return "this cmp needs val";
      if (!leaf.vals.empty()) return "this cmp takes val, not vals";
      break;
    case Operand::kValues:
      if (leaf.vals.empty()) return "in and nin need vals";
      if (!leaf.val.empty()) return "in and nin take vals, not val";
      break;
    case Operand::kNothing:
      if (!leaf.val.empty() || !leaf.vals.empty()) return "ex and nex take neither val nor vals";
      return {};
  }
  return leaf.key.empty() ? "this cmp needs key" : std::string_view();
}

// A decimal of any length, compared exactly: sign, digits, and digits behind a point. No exponent.
struct Decimal {
  bool negative = false;
  std::string_view whole, fraction;  // without the zeros that mean nothing
};

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal out;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    out.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const size_t point = text.find('.');
  out.whole = text.substr(0, point);
  if (!digits(out.whole)) return std::nullopt;
  if (point != std::string_view::npos) {
    out.fraction = text.substr(point + 1);
    if (!digits(out.fraction)) return std::nullopt;
  }
  out.whole.remove_prefix(std::min(out.whole.find_first_not_of('0'), out.whole.size()));
  out.fraction = out.fraction.substr(0, out.fraction.find_last_not_of('0') + 1);
  if (out.whole.empty() && out.fraction.empty()) out.negative = false;
  return out;
}

std::strong_ordering compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return b.negative <=> a.negative;
  // Digits of equal length compare like their text, and so do fractions of any.
  std::strong_ordering order = a.whole.size() <=> b.whole.size();
  if (order == 0) order = a.whole.compare(b.whole) <=> 0;
  if (order == 0) order = a.fraction.compare(b.fraction) <=> 0;
  return a.negative ? 0 <=> order : order;
}

bool matches_number(std::string_view cmp, std::string_view left, std::string_view right) {
  const std::optional<Decimal> a = parse_decimal(left);
  const std::optional<Decimal> b = parse_decimal(right);
  if (!a || !b) return false;
  const std::strong_ordering order = compare(*a, *b);
  if (cmp == "lt") return order < 0;
  if (cmp == "lte") return order <= 0;
  if (cmp == "gt") return order > 0;
  return order >= 0;  // gte
}

const std::string* find_tag(const Tags& tags, std::string_view key) {
  const auto at = std::lower_bound(
      tags.begin(), tags.end(), key,
      [](const Tags::value_type& tag, std::string_view wanted) { return tag.first < wanted; });
  return at != tags.end() && at->first == key ? &at->second : nullptr;
}

bool matches_leaf(const TagFilter& leaf, const Tags& tags) {
  const std::string_view cmp = leaf.cmp;
  const std::string* const tag = find_tag(tags, leaf.key);
  if (cmp == "ex") return tag != nullptr;
  if (cmp == "nex") return tag == nullptr;
  if (cmp == "in" || cmp == "nin") {
    const std::string_view value = tag == nullptr ? std::string_view() : *tag;
    return (std::find(leaf.vals.begin(), leaf.vals.end(), value) != leaf.vals.end()) == (cmp == "in");
  }
  if (tag == nullptr) return cmp == "neq";
  if (cmp == "eq") return *tag == leaf.val;
  if (cmp == "neq") return *tag != leaf.val;
  if (cmp == "sw") return tag->starts_with(leaf.val);
  if (cmp == "ew") return tag->ends_with(leaf.val);
  if (cmp == "ct") return tag->find(leaf.val) != std::string::npos;
  return matches_number(cmp, *tag, leaf.val);
}

}  // namespace

std::string_view TagFilter::invalid() const {
  if (oversized) return "the filter is over a limit of depth, nodes, values or bytes";
  if (op.empty()) return invalid_leaf(*this);
  if (op == "and" || op == "or") {
    if (nodes.empty()) return "and and or need a node";
  } else if (op == "not") {
    if (nodes.size() != 1) return "not needs exactly one node";
  } else {
    return "op is none of and, or, not";
  }
  for (const TagFilter& node : nodes) {
    if (const std::string_view wrong = node.invalid(); !wrong.empty()) return wrong;
  }
  return {};
}

bool TagFilter::matches(const Tags& tags) const {
  if (op.empty()) return matches_leaf(*this, tags);
  const auto fits = [&tags](const TagFilter& node) { return node.matches(tags); };
  if (op == "and") return std::all_of(nodes.begin(), nodes.end(), fits);
  if (op == "or") return std::any_of(nodes.begin(), nodes.end(), fits);
  return !fits(nodes.front());  // not
}

}  // namespace lcg::protocol
