#include "gateway/protocol/tag_filter.h"

#include <gtest/gtest.h>

#include "gateway/protocol/filter_builder.h"

namespace lcg::protocol {
namespace {

TagFilter leaf(std::string cmp, std::string key, std::string val, std::vector<std::string> vals = {}) {
  TagFilter filter;
  filter.cmp = std::move(cmp);
  filter.key = std::move(key);
  filter.val = std::move(val);
  filter.vals = std::move(vals);
  return filter;
}

TagFilter node(std::string op, std::vector<TagFilter> nodes) {
  TagFilter filter;
  filter.op = std::move(op);
  filter.nodes = std::move(nodes);
  return filter;
}

const Tags kTags = {{"city", "Oslo"}, {"empty", ""}, {"price", "10.50"}};

bool fits(const std::string& cmp, const std::string& key, const std::string& val) {
  const TagFilter filter = leaf(cmp, key, val);
  EXPECT_EQ(filter.invalid(), "") << cmp;
  return filter.matches(kTags);
}

TEST(TagFilter, EqAndNeq) {
  EXPECT_TRUE(fits("eq", "city", "Oslo"));
  EXPECT_FALSE(fits("eq", "city", "oslo"));
  EXPECT_FALSE(fits("neq", "city", "Oslo"));
  EXPECT_TRUE(fits("neq", "city", "Rome"));
}

TEST(TagFilter, PartsOfAText) {
  EXPECT_TRUE(fits("sw", "city", "Os"));
  EXPECT_FALSE(fits("sw", "city", "slo"));
  EXPECT_TRUE(fits("ew", "city", "slo"));
  EXPECT_FALSE(fits("ew", "city", "Os"));
  EXPECT_TRUE(fits("ct", "city", "sl"));
  EXPECT_FALSE(fits("ct", "city", "x"));
}

TEST(TagFilter, MissingTagFailsAllButNeq) {
  for (const char* cmp : {"eq", "sw", "ew", "ct", "lt", "lte", "gt", "gte"}) {
    EXPECT_FALSE(fits(cmp, "none", "1")) << cmp;
  }
  EXPECT_TRUE(fits("neq", "none", "1"));
}

TEST(TagFilter, InCountsAMissingTagAsEmpty) {
  EXPECT_TRUE(leaf("in", "city", "", {"Rome", "Oslo"}).matches(kTags));
  EXPECT_FALSE(leaf("in", "city", "", {"Rome"}).matches(kTags));
  EXPECT_TRUE(leaf("in", "none", "", {"a", ""}).matches(kTags));
  EXPECT_FALSE(leaf("in", "none", "", {"a"}).matches(kTags));
}

TEST(TagFilter, NinIsTheOpposite) {
  EXPECT_FALSE(leaf("nin", "city", "", {"Oslo"}).matches(kTags));
  EXPECT_TRUE(leaf("nin", "city", "", {"Rome"}).matches(kTags));
  EXPECT_FALSE(leaf("nin", "none", "", {""}).matches(kTags));
  EXPECT_TRUE(leaf("nin", "none", "", {"a"}).matches(kTags));
}

TEST(TagFilter, Existence) {
  EXPECT_TRUE(leaf("ex", "empty", "").matches(kTags));
  EXPECT_FALSE(leaf("ex", "none", "").matches(kTags));
  EXPECT_TRUE(leaf("nex", "none", "").matches(kTags));
  EXPECT_FALSE(leaf("nex", "city", "").matches(kTags));
}

TEST(TagFilter, NumbersCompareAsDecimals) {
  EXPECT_TRUE(fits("lt", "price", "10.6"));
  EXPECT_FALSE(fits("lt", "price", "10.5"));
  EXPECT_TRUE(fits("lte", "price", "10.5"));
  EXPECT_TRUE(fits("gte", "price", "+10.500"));
  EXPECT_TRUE(fits("gt", "price", "9"));
  EXPECT_FALSE(fits("gt", "price", "10.50"));
  EXPECT_TRUE(fits("gt", "price", "-11"));
}

struct Pair {
  const char* small;
  const char* large;
};
class Decimals : public testing::TestWithParam<Pair> {};
TEST_P(Decimals, AreInOrder) {
  const auto [small, large] = GetParam();

  EXPECT_TRUE(leaf("lt", "n", large).matches({{"n", small}}));
  EXPECT_FALSE(leaf("gte", "n", large).matches({{"n", small}}));
  EXPECT_TRUE(leaf("gt", "n", small).matches({{"n", large}}));
  EXPECT_FALSE(leaf("lte", "n", small).matches({{"n", large}}));
}
INSTANTIATE_TEST_SUITE_P(
    Pairs, Decimals,
    testing::Values(Pair{"9", "10"}, Pair{"-10", "-9"}, Pair{"-1", "0"}, Pair{"0", "0.1"}, Pair{"-0.1", "0"},
                    Pair{"1.09", "1.1"}, Pair{"-1.1", "-1.09"}, Pair{"0099", "100"}, Pair{"1", "1.000000001"},
                    Pair{"99999999999999999999999999999999", "100000000000000000000000000000000"},
                    Pair{"9007199254740992.1", "9007199254740992.2"}));

TEST(TagFilter, ZeroHasNoSign) {
  EXPECT_TRUE(leaf("gte", "n", "0").matches({{"n", "-0.00"}}));
  EXPECT_FALSE(leaf("lt", "n", "0").matches({{"n", "-0"}}));
}

TEST(TagFilter, WhatIsNoDecimalIsFalse) {
  for (const char* text :
       {"", "-", "+", ".", ".5", "5.", "1e3", "0x1", " 1", "1 ", "1,0", "--1", "1.2.3", "NaN"}) {
    EXPECT_FALSE(leaf("gte", "n", "-999").matches({{"n", text}})) << text;
    EXPECT_FALSE(leaf("lte", "n", text).matches({{"n", "-999"}})) << text;
  }
}

TEST(TagFilter, AndOrNot) {
  const TagFilter yes = leaf("eq", "city", "Oslo"), no = leaf("eq", "city", "Rome");

  EXPECT_TRUE(node("and", {yes, yes}).matches(kTags));
  EXPECT_FALSE(node("and", {yes, no}).matches(kTags));
  EXPECT_TRUE(node("or", {no, yes}).matches(kTags));
  EXPECT_FALSE(node("or", {no, no}).matches(kTags));
  EXPECT_FALSE(node("not", {yes}).matches(kTags));
  EXPECT_TRUE(node("not", {node("and", {yes, no})}).matches(kTags));
}

TEST(TagFilter, NoTagsAtAll) {
  EXPECT_FALSE(leaf("eq", "city", "Oslo").matches({}));
  EXPECT_TRUE(leaf("neq", "city", "Oslo").matches({}));
}

class Invalid : public testing::TestWithParam<TagFilter> {};
TEST_P(Invalid, IsRefused) {
  EXPECT_NE(GetParam().invalid(), "");
  EXPECT_NE(node("and", {leaf("ex", "a", ""), GetParam()}).invalid(), "");
}
INSTANTIATE_TEST_SUITE_P(
    Filters, Invalid,
    testing::Values(TagFilter{}, leaf("", "k", "v"), leaf("like", "k", "v"), leaf("eq", "k", ""),
                    leaf("eq", "", "v"), leaf("eq", "k", "v", {"w"}), leaf("gte", "k", ""),
                    leaf("lt", "k", "1", {"2"}), leaf("in", "k", ""), leaf("in", "k", "v", {"w"}),
                    leaf("nin", "", "", {"w"}), leaf("ex", "k", "v"), leaf("nex", "k", "", {"v"}),
                    node("and", {}), node("or", {}), node("not", {}),
                    node("not", {leaf("ex", "k", ""), leaf("ex", "k", "")}),
                    node("xor", {leaf("ex", "k", "")}), node("AND", {leaf("ex", "k", "")})));

TEST(TagFilter, ExNeedsNoKey) { EXPECT_EQ(leaf("ex", "", "").invalid(), ""); }

TEST(FilterBuilder, DepthIsLimited) {
  FilterBuilder builder;
  TagFilter* at = &builder.start();
  for (size_t depth = 1; depth < kMaxFilterDepth; ++depth) {
    at->op = "not";
    at = builder.add_node(*at, depth);
    ASSERT_NE(at, nullptr);
  }
  at->cmp = "ex";
  EXPECT_EQ(builder.filter().invalid(), "");

  EXPECT_EQ(builder.add_node(*at, kMaxFilterDepth), nullptr);
  EXPECT_NE(builder.filter().invalid(), "");
}

TEST(FilterBuilder, NodesAreLimited) {
  FilterBuilder builder;
  TagFilter& root = builder.start();
  for (size_t i = 1; i < kMaxFilterNodes; ++i) ASSERT_NE(builder.add_node(root, 1), nullptr);

  EXPECT_EQ(builder.add_node(root, 1), nullptr);
  EXPECT_TRUE(builder.filter().oversized);
}

TEST(FilterBuilder, ValuesAreLimited) {
  FilterBuilder builder;
  TagFilter& root = builder.start();
  for (size_t i = 0; i < kMaxFilterValues; ++i) builder.add_value(root, "v");
  EXPECT_FALSE(builder.filter().oversized);

  builder.add_value(root, "v");
  EXPECT_TRUE(builder.filter().oversized);
  EXPECT_EQ(root.vals.size(), kMaxFilterValues);
}

TEST(FilterBuilder, BytesAreLimited) {
  FilterBuilder builder;
  TagFilter& root = builder.start();
  builder.set_text(root.val, std::string(kMaxFilterBytes, 'v'));
  EXPECT_FALSE(builder.filter().oversized);

  builder.set_text(root.key, "k");
  EXPECT_TRUE(builder.filter().oversized);
}

TEST(FilterBuilder, StartForgets) {
  FilterBuilder builder;
  builder.set_text(builder.start().val, std::string(kMaxFilterBytes + 1, 'v'));

  EXPECT_EQ(builder.start(), TagFilter{});
}

}  // namespace
}  // namespace lcg::protocol
