#include "broker/channel_config.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

namespace lcg::broker {
namespace {

using testing::HasSubstr;

struct Read {
  explicit Read(const std::string& text, bool insecure = false)
      : document(config::Document::parse(text, "lcg.yaml")) {
    read_channel_config(document.root().section("channel"), insecure, without, namespaces);
    document.root().finish();
  }
  config::Document document;
  ChannelOptions without;
  std::vector<ChannelOptions> namespaces;
};

// The options of a namespace `n` that is written as `text`.
ChannelOptions options_of(const std::string& text) {
  Read read("channel: {namespaces: [{name: n, " + text + "}]}");
  EXPECT_TRUE(read.document.ok()) << read.document.error_text();
  return read.namespaces.at(0);
}

TEST(ChannelConfigTest, NothingIsTheDefaults) {
  const ChannelOptions options = Read("{}").without;

  EXPECT_EQ(options.history_size, 0u);
  EXPECT_EQ(options.history_meta_ttl, std::chrono::hours(720));
  EXPECT_EQ(options.recovery_mode, RecoveryMode::kStream);
  EXPECT_EQ(options.data_format, DataFormat::kAny);
  EXPECT_FALSE(options.subscribe.for_client || options.publish.for_client || options.allow_fossil ||
               options.allow_tags_filter || options.compaction || options.insecure);
  EXPECT_EQ(options.subscribe_route, "");
}

TEST(ChannelConfigTest, ReadsEverySwitch) {
  const ChannelOptions options = options_of(R"(
    history_size: 10, history_ttl: 1m, history_meta_ttl: 1h, keep_latest_publication: true,
    presence: true, join_leave: true, force_push_join_leave: true,
    force_positioning: true, allow_positioning: true, force_recovery: true, allow_recovery: true,
    force_recovery_mode: cache, auto_cache_recover: true,
    allowed_delta_types: [fossil], delta_publish: true, allow_tags_filter: true,
    allow_user_limited_channels: true, allow_channel_compaction: true, batch_max_delay: 20ms,
    subscription_type: stream,
    allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true,
    allow_publish_for_client: true, allow_publish_for_subscriber: true, allow_publish_for_anonymous: true,
    allow_presence_for_client: true, allow_presence_for_subscriber: true, allow_presence_for_anonymous: true,
    allow_history_for_client: true, allow_history_for_subscriber: true, allow_history_for_anonymous: true)");

  EXPECT_TRUE(options.keeps_history() && options.keep_latest_publication && options.presence &&
              options.join_leave && options.force_push_join_leave);
  EXPECT_EQ(options.history_meta_ttl, std::chrono::hours(1));
  EXPECT_TRUE(options.force_positioning && options.allow_positioning && options.force_recovery &&
              options.allow_recovery && options.auto_cache_recover);
  EXPECT_EQ(options.recovery_mode, RecoveryMode::kCache);
  EXPECT_TRUE(options.allow_fossil && options.delta_publish && options.allow_tags_filter &&
              options.allow_user_limited_channels && options.compaction);
  EXPECT_EQ(options.batch_delay, Millis(20));
  EXPECT_TRUE(options.subscribe.for_client && options.subscribe.for_anonymous);
  for (const Permission& permission : {options.publish, options.presence_read, options.history_read})
    EXPECT_TRUE(permission.for_client && permission.for_subscriber && permission.for_anonymous);
}

TEST(ChannelConfigTest, ABackEndIsNamedWhereItIsEnabled) {
  const ChannelOptions options = options_of(
      "subscribe_proxy_enabled: true, publish_proxy_enabled: true, publish_proxy_name: billing, "
      "sub_refresh_proxy_name: unused");

  EXPECT_EQ(options.subscribe_route, "default");
  EXPECT_EQ(options.publish_route, "billing");
  EXPECT_EQ(options.sub_refresh_route, "");
}

TEST(ChannelConfigTest, DataFormats) {
  EXPECT_EQ(options_of("publication_data_format: ''").data_format, DataFormat::kAny);
  EXPECT_EQ(options_of("publication_data_format: json").data_format, DataFormat::kJson);
  EXPECT_EQ(options_of("publication_data_format: json_object").data_format, DataFormat::kJsonObject);
  EXPECT_EQ(options_of("publication_data_format: binary").data_format, DataFormat::kBinary);
}

TEST(ChannelConfigTest, AnExpressionIsCompiled) {
  const ChannelOptions options = options_of("channel_regex: '^[0-9]+$'");

  ASSERT_NE(options.pattern, nullptr);
  EXPECT_TRUE(options.pattern->matches("42"));
}

TEST(ChannelConfigTest, InsecureIsOfAllNamespaces) {
  const Read read("channel: {namespaces: [{name: n}]}", true);

  EXPECT_TRUE(read.without.insecure && read.namespaces.at(0).insecure);
}

struct BadCase {
  const char* name;
  const char* options;
  const char* says;
};
class BadChannelTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadChannelTest, SaysWhereAndWhat) {
  const std::string text =
      std::string("channel:\n  namespaces:\n  - {name: n, ") + GetParam().options + "}\n";

  const std::string error = Read(text).document.error_text();

  EXPECT_THAT(error, HasSubstr("lcg.yaml:3:"));
  EXPECT_THAT(error, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadChannelTest,
    testing::Values(
        BadCase{"Type", "subscription_type: map", "only stream is served"},
        BadCase{"DeltaType", "history_size: 1, history_ttl: 1m, allowed_delta_types: [vcdiff]",
                "allowed_delta_types.0: fossil is the only type"},
        BadCase{"DeltaAlone", "allowed_delta_types: [fossil]", "keep_latest_publication"},
        BadCase{"DeltaPublishAlone", "delta_publish: true", "needs allowed_delta_types: [fossil]"},
        BadCase{"CacheAlone", "force_recovery_mode: cache", "cache needs a history"},
        BadCase{"RecoveryMode", "force_recovery_mode: caching", "stream"},
        BadCase{"AutoCacheAlone", "history_size: 1, history_ttl: 1m, auto_cache_recover: true",
                "needs force_recovery_mode: cache"},
        BadCase{"Format", "publication_data_format: xml", "json_object"},
        BadCase{"Regex", "channel_regex: '('", "no expression in RE2's syntax: missing )"},
        BadCase{"BatchDelay", "batch_max_delay: 2s", "batch_max_delay"},
        BadCase{"RouteName", "subscribe_proxy_enabled: true, subscribe_proxy_name: 'a b'",
                "subscribe_proxy_name"},
        BadCase{"ProviderAsks", "provider: n, subscribe_proxy_enabled: true", "no meaning in a namespace"},
        BadCase{"ProviderDelta", "provider: n, keep_latest_publication: true", "no meaning in a namespace"},
        BadCase{"Unknown", "history_sise: 1", "did you mean 'history_size'"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ChannelConfigTest, ASecondNamespaceOfANameIsToldWhereTheFirstIs) {
  const Read read("channel:\n  namespaces:\n  - name: a\n  - name: b\n  - name: a\n");

  EXPECT_THAT(read.document.error_text(), HasSubstr("lcg.yaml:5:"));
  EXPECT_THAT(read.document.error_text(), HasSubstr("of this name already, at lcg.yaml:3:"));
}

std::string page() {
  std::ifstream file(LCG_DOCS_DIR "/channels.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ChannelDocs, NameEveryOption) {
  const Read read("channel: {without_namespace: {}}");
  const std::string docs = page();

  std::istringstream lines(read.document.dump_effective());
  int options = 0;
  for (std::string line; std::getline(lines, line); ++options) {
    const std::string path = line.substr(0, line.find(':'));
    const std::string option = path.substr(path.rfind('.') + 1);
    const size_t party = option.find("_for_");
    const std::string written = party == std::string::npos || option.ends_with("_for_client")
                                    ? "`" + option + "`"
                                    : "`..." + option.substr(party) + "`";
    EXPECT_THAT(docs, HasSubstr(written)) << option;
  }
  EXPECT_GT(options, 30);
}

TEST(ChannelDocs, HaveExamplesThatAreRead) {
  const std::string docs = page();
  int examples = 0;
  for (size_t at = docs.find("```yaml\n"); at != std::string::npos; at = docs.find("```yaml\n", at + 1)) {
    const size_t begin = at + 8, end = docs.find("```", begin);
    std::string text = docs.substr(begin, end - begin);
    if (text.starts_with("- ")) {
      for (size_t line = text.find('\n'); line != std::string::npos; line = text.find('\n', line + 1))
        text.insert(line + 1, "  ");
      text.insert(0, "channel:\n  namespaces:\n  ");
    }

    const Read read(text);

    EXPECT_TRUE(read.document.ok()) << read.document.error_text();
    ++examples;
  }
  EXPECT_EQ(examples, 5);
}

}  // namespace
}  // namespace lcg::broker
