// Publishing: formats, options, callbacks, deltas. Source: client-protocol 1.9, 2, 3, 4.
#include "broker/channel/idempotency.h"
#include "broker/testing/channel_fixture.h"

namespace lcg::broker {
namespace {

using testing::SizeIs;

class PublishTest : public ChannelFixture {
 protected:
  static PublishOptions key(std::string key) {
    PublishOptions options;
    options.idempotency_key = std::move(key);
    return options;
  }
  static PublishOptions version(uint64_t number, std::string epoch = {}) {
    PublishOptions options;
    options.version = number;
    options.version_epoch = std::move(epoch);
    return options;
  }
};

TEST_F(PublishTest, BytesThatAreNoJsonAreMarked) {
  subscribe(bob_);
  PublishRequest bytes{"c:a", alice_, SharedBytes(std::string_view("\x01\x02")), false};

  ASSERT_TRUE(rig().get(bytes).ok());

  EXPECT_TRUE(delivered().at(0).publication->binary);
}

TEST_F(PublishTest, JsonOfWhoSendsBytesIsJson) {
  subscribe(bob_);
  PublishRequest bytes{"c:a", alice_, SharedBytes(std::string_view("{}")), false};

  ASSERT_TRUE(rig().get(bytes).ok());

  EXPECT_FALSE(delivered().at(0).publication->binary);
}

TEST_F(PublishTest, TheNamespacesFormatIsKept) {
  ChannelOptions options = open_options();
  options.data_format = DataFormat::kJsonObject;
  start(options);

  EXPECT_EQ(publish("[1]").error.code, error_code::kBadRequest);
  EXPECT_EQ(server_publish("[1]").error.code, error_code::kBadRequest);
  EXPECT_TRUE(publish("{}").ok());
}

TEST_F(PublishTest, DataOverTheLimitOfAClientIsRefusedWithTheNumber) {
  BrokerConfig config;
  config.without_namespace = open_options();
  config.publication_bytes = 10;
  LaneRig rig(config);
  const auto of = [&](size_t bytes) {
    return rig.get(PublishRequest{"a", alice_, SharedBytes("\"" + std::string(bytes - 2, 'x') + "\""), true});
  };

  EXPECT_TRUE(of(10).ok());
  EXPECT_EQ(of(11).error.code, error_code::kBadRequest);
  EXPECT_THAT(of(11).error.message, testing::HasSubstr("10 bytes (gateway.websocket.message_size)"));
}

TEST_F(PublishTest, EmptyDataIsForBinaryNamespaces) {
  ChannelOptions options = open_options();
  options.data_format = DataFormat::kBinary;
  start(options);

  EXPECT_TRUE(publish("").ok());
}

TEST_F(PublishTest, TheServerSaysWhenItMeansBytes) {
  ServerPublish bytes{"c:a", {}, false};
  bytes.publication.data = SharedBytes(std::string_view("\xff"));
  EXPECT_EQ(rig().get(bytes).error.code, error_code::kBadRequest);

  bytes.publication.binary = true;
  EXPECT_TRUE(rig().get(bytes).ok());
}

TEST_F(PublishTest, TagsTravelWithThePublication) {
  subscribe(bob_);
  PublishOptions options;
  options.tags = {{"b", "2"}, {"a", "1"}};

  ASSERT_TRUE(server_publish("1", options).ok());

  EXPECT_EQ(delivered().at(0).publication->tags, (Tags{{"a", "1"}, {"b", "2"}}));
}

TEST_F(PublishTest, BadTagsAreABadRequest) {
  PublishOptions options;
  options.tags = {{"", "1"}};

  EXPECT_EQ(server_publish("1", options).error.code, error_code::kBadRequest);
}

TEST_F(PublishTest, AKeyHasTheFirstOnesResult) {
  subscribe(bob_);
  const PublishResponse first = server_publish("1", key("k"));
  server_publish("2");

  const PublishResponse again = server_publish("1", key("k"));

  EXPECT_TRUE(again.ok());
  EXPECT_EQ(again.position, first.position);
  EXPECT_THAT(delivered(), SizeIs(2));
}

TEST_F(PublishTest, AKeyIsForgottenAfterFiveMinutes) {
  server_publish("1", key("k"));
  rig().world.run_for(kIdempotencyWindow + Millis(1));

  EXPECT_EQ(server_publish("1", key("k")).position.offset, 2u);
}

TEST_F(PublishTest, AKeyCountsThoughNobodyListens) {
  ChannelOptions options = open_options();
  options.history_size = 0;
  start(options);
  server_publish("1", key("k"));
  subscribe(bob_);

  EXPECT_TRUE(server_publish("1", key("k")).ok());

  EXPECT_THAT(delivered(), SizeIs(0));
}

TEST_F(PublishTest, ARefusedPublicationDoesNotUseItsKey) {
  EXPECT_FALSE(server_publish("{", key("k")).ok());

  EXPECT_EQ(server_publish("{}", key("k")).position.offset, 1u);
}

TEST_F(PublishTest, AnOlderVersionIsSkipped) {
  subscribe(bob_);
  EXPECT_EQ(server_publish("5", version(5)).position.offset, 1u);

  EXPECT_EQ(server_publish("5", version(5)).position.offset, 1u);
  EXPECT_EQ(server_publish("4", version(4)).position.offset, 1u);
  EXPECT_EQ(server_publish("6", version(6)).position.offset, 2u);

  EXPECT_THAT(delivered(), SizeIs(2));
}

TEST_F(PublishTest, VersionsOfAnotherEpochBeginAnew) {
  server_publish("1", version(5, "x"));

  EXPECT_EQ(server_publish("2", version(1, "y")).position.offset, 2u);
  EXPECT_EQ(server_publish("3", version(1, "y")).position.offset, 2u);
}

TEST_F(PublishTest, WithoutAVersionNothingIsSkipped) {
  server_publish("1", version(5));

  EXPECT_EQ(server_publish("2").position.offset, 2u);
}

// ---- The callback.

class PublishCallbackTest : public PublishTest {
 protected:
  void SetUp() override {
    ChannelOptions options = open_options();
    options.publish.for_client = false;
    options.publish_route = "billing";
    start(options);
    subscribe(bob_);
  }
};

TEST_F(PublishCallbackTest, IsAskedByTheNamespacesRoute) {
  plugins_answer(yes());

  EXPECT_TRUE(publish("1").ok());

  ASSERT_THAT(rig().host.chains, SizeIs(1));
  EXPECT_EQ(rig().host.chains[0].kind, uint32_t{LCG_REQ_PUBLISH});
  EXPECT_EQ(rig().host.chains[0].route, "billing");
}

TEST_F(PublishCallbackTest, NobodyThereIsADenial) {
  EXPECT_EQ(publish("1").error.code, error_code::kPermissionDenied);
}

TEST_F(PublishCallbackTest, SkipsHistory) {
  plugins_answer(yes(R"({"skip_history":true})"));

  EXPECT_EQ(publish("1").position.offset, 0u);

  EXPECT_THAT(delivered(), SizeIs(1));
  EXPECT_THAT(history().publications, SizeIs(0));
}

TEST_F(PublishCallbackTest, SetsTagsKeyAndVersion) {
  plugins_answer(yes(R"({"tags":{"t":"1"},"idempotency_key":"k","version":3,"version_epoch":"e"})"));
  EXPECT_EQ(publish("1").position.offset, 1u);

  EXPECT_EQ(publish("1").position.offset, 1u) << "the same key";

  EXPECT_THAT(delivered(), SizeIs(1));
  EXPECT_EQ(delivered()[0].publication->tags, (Tags{{"t", "1"}}));
  EXPECT_EQ(server_publish("2", version(3, "e")).position.offset, 1u) << "the same version";
}

TEST_F(PublishCallbackTest, ReplacesDataByBytes) {
  host::ChainResult result = yes();
  result.data = SharedBytes(std::string_view("\xff"));
  plugins_answer(result);

  ASSERT_TRUE(publish("1").ok());

  EXPECT_TRUE(delivered().at(0).publication->binary);
}

TEST_F(PublishCallbackTest, OptionsThatAreNoneAreAnInternalError) {
  plugins_answer(yes(R"({"skip_history":"yes"})"));

  EXPECT_EQ(publish("1").error.code, error_code::kInternal);
  EXPECT_THAT(delivered(), SizeIs(0));
}

// ---- No objection: the namespace decides, about what the plugins left.

class NoObjectionTest : public PublishTest {
 protected:
  void start_asking(bool allowed) {
    ChannelOptions options = open_options();
    if (!allowed) options.publish = {};
    start(options);
    subscribe(bob_);
    host::ChainResult passed;  // LCG_DEFER
    passed.data = SharedBytes("\"masked\"");
    plugins_answer(passed, 1u << LCG_REQ_PUBLISH);
  }
};

TEST_F(NoObjectionTest, WhatPluginsLeftIsPublishedWhereTheNamespaceAllowsIt) {
  start_asking(true);

  ASSERT_TRUE(publish("1").ok());

  EXPECT_EQ(delivered().at(0).publication->data.view(), "\"masked\"");
}

TEST_F(NoObjectionTest, OpensNoNamespace) {
  start_asking(false);

  EXPECT_EQ(publish("1").error.code, error_code::kPermissionDenied);
  EXPECT_THAT(delivered(), SizeIs(0));
}

// ---- Deltas.

class DeltaPublishTest : public PublishTest {
 protected:
  void begin(bool delta_publish = true) {
    ChannelOptions options = open_options();
    options.allow_fossil = true;
    options.delta_publish = delta_publish;
    start(options);
  }
  SubscribeResponse subscribe_for_deltas() {
    SubscribeRequest wish = request(bob_);
    wish.delta = true;
    return rig().get(std::move(wish));
  }
  std::string_view patch(size_t index) { return delivered().at(index).publication->patch.view(); }
  static std::string state(int price) {
    return R"({"symbol":"LCG","price":)" + std::to_string(price) + R"(,"bid":1203,"ask":1205,"open":1190})";
  }
  std::string applied(size_t index) {
    return apply_fossil_delta(delivered().at(index - 1).publication->data.view(), patch(index), 1000)
        .value_or("");
  }
};

TEST_F(DeltaPublishTest, APatchLeadsFromThePublicationBefore) {
  begin();
  EXPECT_TRUE(subscribe_for_deltas().delta);
  publish(state(1));
  publish(state(2));

  EXPECT_EQ(patch(0), "") << "there was nothing before it";
  EXPECT_EQ(applied(1), state(2));
  EXPECT_EQ(delivered().at(1).publication->data.view(), state(2)) << "the whole is there too";
}

TEST_F(DeltaPublishTest, NobodyTakesThemSoNoneIsMade) {
  begin();
  EXPECT_FALSE(subscribe(bob_).delta);
  publish(state(1));
  publish(state(2));

  EXPECT_EQ(patch(1), "");
}

TEST_F(DeltaPublishTest, NoneIsMadeAfterTheLastTakerLeft) {
  begin();
  subscribe(alice_);
  subscribe_for_deltas();
  publish(state(1));
  unsubscribe(bob_);
  publish(state(2));

  EXPECT_EQ(patch(1), "");
}

TEST_F(DeltaPublishTest, OnRequestOnlyWhenTheNamespaceDoesNotSay) {
  begin(false);
  subscribe_for_deltas();
  PublishOptions wanted;
  wanted.delta = true;
  server_publish(state(1));
  server_publish(state(2));
  server_publish(state(3), wanted);

  EXPECT_EQ(patch(1), "");
  EXPECT_EQ(applied(2), state(3));
}

TEST_F(DeltaPublishTest, APatchThatIsNotSmallerIsLeftOut) {
  begin();
  subscribe_for_deltas();
  publish(R"({"a":1})");
  publish(R"({"a":2})");

  EXPECT_EQ(patch(1), "");
}

TEST_F(DeltaPublishTest, AfterAPublicationWithoutAPositionTheNextIsWhole) {
  begin();
  subscribe_for_deltas();
  PublishOptions unkept;
  unkept.skip_history = true;
  server_publish(state(1));
  server_publish(state(2), unkept);
  server_publish(state(3));
  server_publish(state(4));

  EXPECT_EQ(patch(1), "");
  EXPECT_EQ(patch(2), "") << "its subscribers' base is what they got last";
  EXPECT_EQ(applied(3), state(4));
}

TEST_F(DeltaPublishTest, WhatIsGoneIsNoBase) {
  begin();
  subscribe_for_deltas();
  publish(state(1));
  rig().get(HistoryRemove{"c:a"});
  publish(state(2));

  EXPECT_EQ(patch(1), "");
}

TEST_F(DeltaPublishTest, BytesAreNoBaseForJson) {
  begin();
  subscribe_for_deltas();
  rig().get(PublishRequest{"c:a", alice_, SharedBytes(state(1) + "\xff"), false});
  publish(state(2));

  EXPECT_EQ(patch(1), "");
}

TEST_F(DeltaPublishTest, AreNotForWhoFilters) {
  ChannelOptions options = open_options();
  options.allow_fossil = options.allow_tags_filter = true;
  start(options);
  SubscribeRequest wish = request(bob_);
  wish.delta = wish.filtered = true;

  EXPECT_FALSE(rig().get(wish).delta);
}

TEST_F(DeltaPublishTest, TheLatestIsABaseWithoutAHistory) {
  ChannelOptions options = open_options();
  options.history_size = 0;
  options.history_ttl = Millis(0);
  options.keep_latest_publication = options.allow_fossil = options.delta_publish = true;
  start(options);
  subscribe_for_deltas();
  publish(state(1));
  publish(state(2));

  EXPECT_EQ(applied(1), state(2));
  EXPECT_EQ(history().error.code, error_code::kNotAvailable);
}

}  // namespace
}  // namespace lcg::broker
