#include "broker/config.h"

#include <gmock/gmock.h>

namespace lcg::broker {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

struct Read {
  explicit Read(const std::string& text) : document(config::Document::parse(text, "lcg.yaml")) {
    config = read_config(document.root());
    document.root().finish();
  }
  config::Document document;
  BrokerConfig config;
};

TEST(BrokerConfigTest, AnEmptyFileIsTheDefaults) {
  Read read("{}");

  EXPECT_TRUE(read.document.ok()) << read.document.error_text();
  EXPECT_EQ(read.config.slots, 1024u);
  EXPECT_FALSE(read.config.allow_anonymous);
  EXPECT_FALSE(read.config.without_namespace.subscribe.for_client) << "nothing is allowed unless said";
}

TEST(BrokerConfigTest, ReadsItsSections) {
  Read read(R"(
broker:
  node: n1
  slots: 64
  allow_anonymous: true
  sessions_per_user: 5
  plugin_dir: [/usr/lib/lcg]
channel:
  without_namespace: {allow_subscribe_for_client: true}
  namespaces:
    - name: chat
      history_size: 100
      history_ttl: 1h
      presence: true
      allow_recovery: true
      allow_publish_for_subscriber: true
      allow_history_for_anonymous: true
    - {name: dialog, provider: dialog}
plugins:
  - {name: storage_rocksdb, config: {path: /var/lib/lcg, pool: {size: 4}}}
  - {name: uaa, file: uaa_custom.so, instances: per_lane, call_timeout: 2s}
)");

  ASSERT_TRUE(read.document.ok()) << read.document.error_text();
  EXPECT_EQ(read.config.node, "n1");
  EXPECT_EQ(read.config.registry.sessions_per_user, 5u);
  EXPECT_TRUE(read.config.without_namespace.subscribe.for_client);
  ASSERT_THAT(read.config.namespaces, SizeIs(2));
  const ChannelOptions& chat = read.config.namespaces[0];
  EXPECT_TRUE(chat.keeps_history() && chat.presence && chat.allow_recovery);
  EXPECT_TRUE(chat.publish.for_subscriber && chat.history_read.for_anonymous);
  EXPECT_TRUE(read.config.namespaces[1].provided());
  ASSERT_THAT(read.config.plugins, SizeIs(2));
  EXPECT_EQ(read.config.plugins[0].settings->scalar("pool.size"), "4");
  EXPECT_THAT(read.config.plugins[0].settings->unread(), SizeIs(1));
  EXPECT_EQ(read.config.plugins[1].file, "uaa_custom.so");
  EXPECT_TRUE(read.config.plugins[1].per_lane);
  EXPECT_EQ(read.config.plugins[1].call_timeout, Millis(2000));
  EXPECT_EQ(read.config.plugins[0].user_prefix, "");
  EXPECT_TRUE(read.config.plugins[0].authenticates);
}

TEST(BrokerConfigTest, ReadsWhoMayConnect) {
  Read read(R"(
broker:
  disallow_anonymous_connection_tokens: true
  user_personal_channel: {enabled: true, namespace: personal, single_connection: true}
channel:
  namespaces: [{name: personal}]
)");

  ASSERT_TRUE(read.document.ok()) << read.document.error_text();
  EXPECT_TRUE(read.config.disallow_anonymous_connection_tokens);
  EXPECT_EQ(read.config.personal.of("42"), "personal:#42");
  EXPECT_TRUE(read.config.registry.single_connection);
}

TEST(BrokerConfigTest, ReadsWhatAFailureBeforeACommitComesTo) {
  Read read(R"(
plugins:
  - {name: filter, before_commit: {timeout: 250ms, on_failure: allow}}
  - {name: other}
)");

  ASSERT_TRUE(read.document.ok()) << read.document.error_text();
  EXPECT_EQ(read.config.plugins[0].before_commit.timeout, Millis(250));
  EXPECT_TRUE(read.config.plugins[0].before_commit.pass_on_failure);
  EXPECT_EQ(read.config.plugins[1].before_commit.timeout, host::kCommitTimeout);
  EXPECT_FALSE(read.config.plugins[1].before_commit.pass_on_failure);
}

TEST(BrokerConfigTest, RefusesARuleBeforeACommitThatAClientWouldNotWaitFor) {
  Read read(
      "plugins: [{name: filter, before_commit: {timeout: 4s}}, {name: other, before_commit: {on_failure: "
      "x}}]");

  EXPECT_THAT(read.document.error_text(), HasSubstr("before_commit.timeout"));
  EXPECT_THAT(read.document.error_text(), HasSubstr("before_commit.on_failure"));
}

TEST(BrokerConfigTest, ReadsWhoseUsersAreWhose) {
  Read read(R"(plugins:
  - {name: token, user_prefix: shop@}
  - name: http_callback
    authenticates: false
)");

  ASSERT_TRUE(read.document.ok()) << read.document.error_text();
  EXPECT_EQ(read.config.plugins[0].user_prefix, "shop@");
  EXPECT_EQ(read.config.plugins[0].user_prefix_where, "lcg.yaml:2:32: plugins.0.user_prefix");
  EXPECT_FALSE(read.config.plugins[1].authenticates);
  EXPECT_THAT(read.config.plugins[1].user_prefix_where, testing::StartsWith("lcg.yaml:3:"));
}

struct BadCase {
  const char* name;
  const char* text;
  const char* says;
};
class BadConfigTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadConfigTest, SaysWhereAndWhat) {
  EXPECT_THAT(Read(GetParam().text).document.error_text(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadConfigTest,
    testing::Values(
        BadCase{"Slots", "broker: {slots: 1000}", "must be a power of two, found 1000"},
        BadCase{"PersonalNamespace", "broker: {user_personal_channel: {enabled: true, namespace: me}}",
                "there is no such namespace under channel.namespaces"},
        BadCase{"SingleAlone", "broker: {user_personal_channel: {single_connection: true}}",
                "needs enabled: true"},
        BadCase{"Unknown", "broker: {slot: 64}", "did you mean 'slots'"},
        BadCase{"HistoryHalf", "channel: {without_namespace: {history_size: 5}}",
                "both a history_size and a history_ttl"},
        BadCase{"RecoveryAlone", "channel: {without_namespace: {force_recovery: true}}", "need a history"},
        BadCase{"PushAlone", "channel: {without_namespace: {force_push_join_leave: true}}",
                "needs join_leave"},
        BadCase{"NoName", "channel: {namespaces: [{presence: true}]}", "name"},
        BadCase{"BadName", "channel: {namespaces: [{name: 'a:b'}]}", "letters, digits"},
        BadCase{"Twice", "channel: {namespaces: [{name: a}, {name: a}]}",
                "of this name already, at lcg.yaml:1:31"},
        BadCase{"Provider", "channel: {namespaces: [{name: a, provider: b}]}", "the namespace's own name"},
        BadCase{"Timeout", "broker: {answer_timeout: 6s}", "answer_timeout"},
        BadCase{"Instances", "plugins: [{name: a, instances: two}]", "per_lane"},
        BadCase{"PluginName", "plugins: [{file: a.so}]", "name"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace lcg::broker
