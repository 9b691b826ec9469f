#include "broker/plugin_options.h"

#include <gmock/gmock.h>

namespace lcg::broker {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(ConnectOptions, NoTextIsNoSubscription) { EXPECT_TRUE(read_connect_options("")->empty()); }

TEST(ConnectOptions, AGrantIsReadWhole) {
  const auto subs = read_connect_options(
      R"({"subs":{"a":{"info":{"x":1},"data":[2],"expire_at":1900000000,"cache_recover":true,)"
      R"("server_refresh":true,"override":{"presence":{"value":false},"join_leave":true}}}})");

  ASSERT_TRUE(subs && subs->size() == 1u);
  const SubscribeGrant& grant = *subs->front().grant;
  EXPECT_EQ(subs->front().channel, "a");
  EXPECT_EQ(grant.info.view(), R"({"x":1})");
  EXPECT_EQ(grant.data.view(), "[2]");
  EXPECT_EQ(grant.expire_at_ms, 1'900'000'000'000);
  EXPECT_TRUE(grant.cache_recover && grant.server_refresh);
  EXPECT_EQ(grant.override_options.presence, false);
  EXPECT_EQ(grant.override_options.join_leave, true);
  EXPECT_EQ(grant.override_options.force_recovery, std::nullopt);
}

TEST(ConnectOptions, RawNewlinesDoNotReachALineOfTheProtocol) {
  const auto subs = read_connect_options("{\"subs\":{\"a\":{\"data\":{\n\"x\":\n1}}}}");

  ASSERT_TRUE(subs);
  EXPECT_EQ(subs->front().grant->data.view().find('\n'), std::string_view::npos);
}

TEST(ConnectOptions, WhatHasTheWrongTypeIsInvalid) {
  for (const char* json :
       {"[]", "{", R"({"subs":[]})", R"({"subs":{"a":1}})", R"({"subs":{"":{}}})",
        R"({"subs":{"a":{"expire_at":"x"}}})", R"({"subs":{"a":{},"a":{}}})", R"({"subs":{},"subs":{}})",
        R"({"subs":{"a":{"expire_at":-1}}})", R"({"subs":{"a":{"expire_at":9223372036854775807}}})",
        R"({"subs":{"a":{"override":{"presence":3}}}})",
        R"({"subs":{"a":{"override":{"presence":{"value":"yes"}}}}})",
        R"({"subs":{"a":{"cache_recover":1}}})"})
    EXPECT_FALSE(read_connect_options(json)) << json;
}

TEST(ConnectOptions, UnknownMembersAndNullsAreIgnored) {
  const auto subs =
      read_connect_options(R"({"caps":[1],"subs":{"a":{"b64info":"eA==","info":null,"override":null}}})");

  ASSERT_TRUE(subs && subs->size() == 1u);
  EXPECT_TRUE(subs->front().grant->info.empty());
}

TEST(SubscribeOptions, OverrideAndCacheRecoverAreRead) {
  SubscribeGrant grant;

  ASSERT_TRUE(read_subscribe_options(
      R"({"override":{"force_positioning":{"value":true}},"cache_recover":true})", grant));
  EXPECT_EQ(grant.override_options.force_positioning, true);
  EXPECT_TRUE(grant.cache_recover);
  EXPECT_FALSE(read_subscribe_options(R"({"override":7})", grant));
}

TEST(ReadPublishOptions, AllOfThem) {
  const auto options = read_publish_options(
      R"({"tags":{"b":"2","a":"1"},"idempotency_key":"k","version":7,"version_epoch":"e","delta":true,)"
      R"("skip_history":true})");

  ASSERT_TRUE(options);
  EXPECT_THAT(options->tags, ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_EQ(options->idempotency_key, "k");
  EXPECT_EQ(options->version, 7u);
  EXPECT_EQ(options->version_epoch, "e");
  EXPECT_TRUE(options->delta && options->skip_history);
}

TEST(ReadPublishOptions, OfEqualTagsTheLastCounts) {
  const auto options = read_publish_options(R"({"tags":{"a":"1","b":"x","a":"2"}})");

  ASSERT_TRUE(options);
  EXPECT_THAT(options->tags, ElementsAre(Pair("a", "2"), Pair("b", "x")));
}

TEST(ReadPublishOptions, WhatHasTheWrongTypeOrIsTooLongIsInvalid) {
  const std::string long_key(kMaxIdempotencyKeyBytes + 1, 'k');
  for (const std::string& json :
       {std::string("7"), std::string(R"({"tags":{"a":1}})"), std::string(R"({"version":-1})"),
        std::string(R"({"delta":"yes"})"), R"({"idempotency_key":")" + long_key + "\"}"})
    EXPECT_FALSE(read_publish_options(json)) << json;
}

TEST(ReadPublishOptions, TagsHaveALimit) {
  std::string json = R"({"tags":{)";
  for (size_t i = 0; i <= kMaxTags; ++i)
    json += std::string(i == 0 ? "" : ",") + "\"t" + std::to_string(i) + "\":\"v\"";
  EXPECT_FALSE(read_publish_options(json + "}}"));
}

TEST(ChannelsJson, NamesAreEscaped) {
  EXPECT_EQ(channels_json({}), "[]");
  EXPECT_EQ(channels_json({"a", "b\"c"}), R"(["a","b\"c"])");
}

}  // namespace
}  // namespace lcg::broker
