#include "broker/channel/ingress.h"

#include <gtest/gtest.h>

#include "broker/plugin_options.h"

namespace lcg::broker {
namespace {

using enum DataFormat;

struct DataCase {
  const char* name;
  DataFormat format;
  bool checked;  // by who speaks JSON
  std::string_view data;
  bool admitted, binary;
  std::string_view becomes;
};
class DataTest : public testing::TestWithParam<DataCase> {};

TEST_P(DataTest, Follows) {
  const DataCase& c = GetParam();
  ChannelOptions options;
  options.data_format = c.format;
  SharedBytes data(c.data);
  bool binary = false;
  std::string_view why;

  const uint32_t code = admit_data(options, c.checked, data, binary, why);

  EXPECT_EQ(code, c.admitted ? 0 : error_code::kBadRequest);
  EXPECT_EQ(why.empty(), c.admitted);
  if (c.admitted) {
    EXPECT_EQ(binary, c.binary);
    EXPECT_EQ(data.view(), c.becomes);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, DataTest,
    testing::Values(DataCase{"AnyJson", kAny, true, "[1]", true, false, "[1]"},
                    DataCase{"AnyJsonOfBytes", kAny, false, "[1]", true, false, "[1]"},
                    DataCase{"AnyJsonInOneLine", kAny, false, "[\n1]", true, false, "[1]"},
                    DataCase{"AnyBytes", kAny, false, "\x01[", true, true, "\x01["},
                    DataCase{"AnyButNothing", kAny, false, "", false, false, ""},
                    DataCase{"JsonScalar", kJson, true, "1", true, false, "1"},
                    DataCase{"JsonOfBytes", kJson, false, "{}", true, false, "{}"},
                    DataCase{"JsonNoBytes", kJson, false, "{", false, false, ""},
                    DataCase{"JsonNothing", kJson, true, "", false, false, ""},
                    DataCase{"Object", kJsonObject, true, "{}", true, false, "{}"},
                    DataCase{"ObjectAfterSpace", kJsonObject, false, " \t{}", true, false, " \t{}"},
                    DataCase{"ObjectNoArray", kJsonObject, true, "[]", false, false, ""},
                    DataCase{"ObjectNoBytes", kJsonObject, false, "{,", false, false, ""},
                    DataCase{"BinaryJson", kBinary, true, "[1]", true, false, "[1]"},
                    DataCase{"BinaryBytes", kBinary, false, "\xff", true, true, "\xff"},
                    DataCase{"BinaryStaysAsItIs", kBinary, false, "[\n1]", true, true, "[\n1]"},
                    DataCase{"BinaryNothing", kBinary, false, "", true, true, ""}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(IngressTest, AProviderTakesJsonAlone) {
  ChannelOptions options;
  options.provider = "dialog";
  SharedBytes data(std::string_view("\xff"));
  bool binary = false;
  std::string_view why;

  EXPECT_EQ(admit_data(options, false, data, binary, why), error_code::kBadRequest);
}

uint32_t admit(PublishOptions options) {
  std::string_view why;
  const uint32_t code = admit_options(options, why);
  EXPECT_EQ(why.empty(), code == 0);
  return code;
}

uint32_t admit_tags(Tags tags) {
  PublishOptions options;
  options.tags = std::move(tags);
  return admit(std::move(options));
}
uint32_t admit_keys(std::string idempotency_key, std::string version_epoch) {
  PublishOptions options;
  options.idempotency_key = std::move(idempotency_key);
  options.version_epoch = std::move(version_epoch);
  return admit(std::move(options));
}

TEST(IngressTest, TagsComeOutSorted) {
  PublishOptions options;
  options.tags = {{"b", "1"}, {"a", "2"}};
  std::string_view why;

  ASSERT_EQ(admit_options(options, why), 0u);

  EXPECT_EQ(options.tags, (Tags{{"a", "2"}, {"b", "1"}}));
}

TEST(IngressTest, TagsAreBounded) {
  Tags many;
  for (size_t i = 0; i <= kMaxTags; ++i) many.emplace_back(std::to_string(i), "");

  EXPECT_EQ(admit_tags(many), error_code::kBadRequest);
  EXPECT_EQ(admit_tags({{"a", "1"}, {"a", "2"}}), error_code::kBadRequest);
  EXPECT_EQ(admit_tags({{"", "1"}}), error_code::kBadRequest);
  EXPECT_EQ(admit_tags({{"a", std::string(kMaxTagBytes + 1, 'x')}}), error_code::kBadRequest);
  EXPECT_EQ(admit_tags({{"a", "\xff"}}), error_code::kBadRequest) << "tags are text";
}

TEST(IngressTest, KeysAreBounded) {
  const std::string longest(kMaxIdempotencyKeyBytes, 'x');

  EXPECT_EQ(admit_keys(longest, longest), 0u);
  EXPECT_EQ(admit_keys(longest + "x", ""), error_code::kBadRequest);
  EXPECT_EQ(admit_keys("", longest + "x"), error_code::kBadRequest);
}

}  // namespace
}  // namespace lcg::broker
