#include "broker/channel/durable_channel.h"

#include "broker/testing/channel_fixture.h"

namespace lcg::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class DurableChannelTest : public ChannelFixture {
 protected:
  static ChannelOptions durable_options(uint32_t size = 100) {
    ChannelOptions options = open_options();
    options.history = HistoryPlace::kDurable;
    options.history_size = size;
    options.history_ttl = std::chrono::hours(24);
    options.history_meta_ttl = std::chrono::hours(240);
    options.force_recovery = true;
    options.join_leave = false;
    return options;
  }
  DurableChannelTest() { start(durable_options()); }

  // All that a process had in memory is gone.
  void restart() {
    const ChannelOptions options = rig().config.namespaces.front();
    auto rows = rig().store.rows;
    start(options).store.rows = std::move(rows);
  }
  size_t rows_in(std::string_view collection) {
    size_t count = 0;
    for (const auto& [where, value] : rig().store.rows)
      if (std::get<1>(where) == collection) ++count;
    return count;
  }
  int calls_of(std::string_view method, std::string_view collection = {}) {
    int count = 0;
    for (const ServiceCall& call : rig().host.calls)
      count += call.method == method && call.data.find(collection) != std::string::npos ? 1 : 0;
    return count;
  }
  PublishResponse publish_keyed(std::string_view data, std::string key) {
    PublishOptions options;
    options.idempotency_key = std::move(key);
    return server_publish(data, std::move(options));
  }
  std::shared_ptr<std::optional<PublishResponse>> publish_later(std::string_view data, std::string key = {}) {
    ServerPublish out{"c:a", {}, false};
    out.publication.data = SharedBytes(data);
    out.options.idempotency_key = std::move(key);
    return rig().begin(std::move(out));
  }
  // What the store is asked from here on waits until answer_held().
  void hold() { rig().host.hold_calls = true; }
  void answer_held() {
    rig().host.hold_calls = false;
    SimLane& lane = rig().world.lane(0);
    rig().world.on(lane, [&] {
      for (LaneTask& task : std::exchange(rig().host.held, {})) lane.post(std::move(task));
    });
    rig().world.run_until_idle();
  }
  SubscribeResponse recover(StreamPosition since, PeerPtr peer = nullptr) {
    SubscribeRequest ask = request(peer == nullptr ? alice_ : std::move(peer));
    ask.recover = true;
    ask.since = std::move(since);
    return rig().get(std::move(ask));
  }
  HistoryResponse page(int32_t limit, std::optional<uint64_t> since = std::nullopt, bool reverse = false) {
    HistoryRequest out{"c:a", nullptr, since.has_value(), reverse, {since.value_or(0), ""}, limit};
    return rig().get(std::move(out));
  }
  static std::vector<uint64_t> offsets(const std::vector<PublicationPtr>& publications) {
    std::vector<uint64_t> out;
    for (const PublicationPtr& publication : publications) out.push_back(publication->offset);
    return out;
  }
  static std::vector<std::string> texts(const std::vector<PublicationPtr>& publications) {
    std::vector<std::string> out;
    for (const PublicationPtr& publication : publications) out.emplace_back(publication->data.view());
    return out;
  }
};

TEST_F(DurableChannelTest, PublicationsPositionAndEpochOutliveARestart) {
  const StreamPosition first = publish(R"({"n":1})").position;
  PublishOptions options;
  options.tags = {{"k", "v"}};
  server_publish(R"({"n":2})", options);
  restart();
  const SubscribeResponse back = recover({0, first.epoch});
  EXPECT_TRUE(back.recovered);
  ASSERT_THAT(texts(back.publications), ElementsAre(R"({"n":1})", R"({"n":2})"));
  EXPECT_EQ(back.publications[0]->info.user, "alice");
  EXPECT_FALSE(back.publications[1]->has_info);
  EXPECT_EQ(back.publications[1]->tags, (Tags{{"k", "v"}}));
  EXPECT_EQ(publish().position, (StreamPosition{3, first.epoch}));
}

TEST_F(DurableChannelTest, ASubscriberBeforeTheFirstPublicationRecoversAfterARestart) {
  const SubscribeResponse before = subscribe(alice_);
  EXPECT_EQ(rows_in("channel_head"), 0u) << "asking writes nothing";
  restart();
  EXPECT_EQ(publish().position, (StreamPosition{1, before.position.epoch}));
  restart();
  EXPECT_THAT(offsets(recover(before.position).publications), ElementsAre(1));
}

TEST_F(DurableChannelTest, NobodyHearsOfItBeforeItIsWritten) {
  subscribe(bob_);
  hold();
  const auto answer = publish_later("1");
  rig().world.run_until_idle();
  EXPECT_FALSE(answer->has_value());
  EXPECT_THAT(delivered(), IsEmpty());
  answer_held();
  EXPECT_EQ((*answer)->position.offset, 1u);
  EXPECT_THAT(delivered(), SizeIs(1));
}

TEST_F(DurableChannelTest, WhatComesMeanwhileIsOneBatchInItsOrder) {
  subscribe(bob_);
  rig().host.calls.clear();
  hold();
  for (int i = 0; i < 50; ++i) publish_later(std::to_string(i));
  rig().world.run_until_idle();
  answer_held();
  EXPECT_EQ(calls_of("commit"), 2);
  const auto got = delivered();
  ASSERT_THAT(got, SizeIs(50));
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].publication->offset, i + 1);
    EXPECT_EQ(got[i].publication->data.view(), std::to_string(i));
  }
}

TEST_F(DurableChannelTest, TheOldestMakeRoomInTheStoreToo) {
  start(durable_options(10));
  for (int i = 0; i < 25; ++i) publish();
  EXPECT_EQ(rows_in("channel_log"), 10u);
  restart();
  EXPECT_THAT(offsets(page(-1).publications), ElementsAre(16, 17, 18, 19, 20, 21, 22, 23, 24, 25));
  EXPECT_FALSE(recover({14, ""}).recovered);
  EXPECT_TRUE(recover({15, ""}, bob_).recovered);
}

TEST_F(DurableChannelTest, AStoreThatIsDownIsATemporaryErrorAndLosesNothing) {
  publish("1");
  rig().store.down = true;
  const PublishResponse failed = publish("2");
  EXPECT_EQ(failed.error.code, error_code::kInternal);
  EXPECT_TRUE(failed.error.temporary);
  EXPECT_FALSE(subscribe(alice_).ok());
  rig().store.down = false;
  EXPECT_EQ(publish("3").position.offset, 2u);
  EXPECT_THAT(texts(history().publications), ElementsAre("1", "3"));
}

TEST_F(DurableChannelTest, WhatWasWrittenWithoutAnAnswerIsSentInItsPlace) {
  subscribe(bob_);
  publish("1");
  rig().store.answers_lost = 1;
  EXPECT_FALSE(publish("2").ok());
  EXPECT_EQ(publish("3").position.offset, 3u);
  std::vector<std::string> got;
  for (const auto& one : delivered()) got.emplace_back(one.publication->data.view());
  EXPECT_THAT(got, ElementsAre("1", "2", "3"));
}

// What is on its way to the store when its answer is given up would else land on top of what is written later.
TEST_F(DurableChannelTest, ASlotIsReadBehindAWriteAfterAStartAndAfterAnUnknownOutcome) {
  publish("1");
  const auto commits_before_get = [&] {
    int commits = 0;
    for (const ServiceCall& call : rig().host.calls) {
      if (call.method == "get") break;
      commits += call.method == "commit" ? 1 : 0;
    }
    return commits;
  };
  EXPECT_EQ(commits_before_get(), 1);
  rig().store.answers_lost = 1;
  publish("2");
  rig().host.calls.clear();
  publish("3");
  EXPECT_EQ(commits_before_get(), 1);
}

TEST_F(DurableChannelTest, OneKeyIsOnePublicationWhileTheStoreIsAsked) {
  hold();
  const auto first = publish_later("1", "k"), second = publish_later("1", "k");
  rig().world.run_until_idle();
  answer_held();
  EXPECT_EQ((*first)->position.offset, 1u);
  EXPECT_EQ((*second)->position.offset, 1u);
  EXPECT_THAT(history().publications, SizeIs(1));
}

TEST_F(DurableChannelTest, OneKeyIsOnePublicationOverARestartWhateverStandsBeforeIt) {
  publish_keyed("1", "k");
  restart();
  hold();
  publish_later("0");
  const auto retry = publish_later("1", "k");
  rig().world.run_until_idle();
  answer_held();
  EXPECT_EQ((*retry)->position.offset, 1u);
  EXPECT_THAT(texts(history().publications), ElementsAre("1", "0"));
}

TEST_F(DurableChannelTest, AKeyOutlivesItsPublication) {
  start(durable_options(1));
  const StreamPosition first = publish_keyed("1", "k").position;
  publish("2");
  restart();
  EXPECT_EQ(publish_keyed("1", "k").position, first);
  rig().get(HistoryRemove{"c:a"});
  restart();
  EXPECT_EQ(publish_keyed("1", "k").position, first);
  EXPECT_EQ(publish("3").position.offset, 3u);
}

TEST_F(DurableChannelTest, AKeyOfWhatSkipsTheHistoryIsKeptToo) {
  PublishOptions passing;
  passing.idempotency_key = "k";
  passing.skip_history = true;
  server_publish("1", passing);
  restart();
  subscribe(bob_);
  EXPECT_EQ(server_publish("1", passing).position, StreamPosition());
  EXPECT_THAT(delivered(), IsEmpty());
}

TEST_F(DurableChannelTest, TheRetryOfAnUnknownOutcomeAddsNothing) {
  publish("1");
  rig().world.run_for(2 * kIdempotencyWindow);
  rig().store.answers_lost = 1;
  EXPECT_FALSE(publish_keyed("2", "k").ok());
  EXPECT_EQ(publish_keyed("2", "k").position.offset, 2u);
  EXPECT_EQ(publish("3").position.offset, 3u);
}

TEST_F(DurableChannelTest, KeysAreLookedForOnlyAsLongAsTheyCount) {
  publish_keyed("1", "k");
  restart();
  rig().world.run_for(kIdempotencyWindow + Millis(10'000));
  rig().host.calls.clear();
  EXPECT_EQ(publish_keyed("1", "k").position.offset, 2u);
  EXPECT_EQ(calls_of("get", "channel_key"), 0);
}

TEST_F(DurableChannelTest, WhatNoStoreTakesIsRefusedAlone) {
  hold();
  const auto before = publish_later("1");
  const auto huge = publish_later("\"" + std::string(PublicationStore::kMaxRowBytes, 'x') + "\"");
  const auto after = publish_later("2");
  rig().world.run_until_idle();
  answer_held();
  EXPECT_EQ((*huge)->error.code, error_code::kBadRequest);
  EXPECT_EQ((*before)->position.offset, 1u);
  EXPECT_EQ((*after)->position.offset, 2u);
}

TEST_F(DurableChannelTest, HoweverMuchWasWrittenWithoutAnAnswerIsSent) {
  subscribe(bob_);
  hold();
  const std::string large = "\"" + std::string(100'000, 'x') + "\"";
  for (int i = 0; i < 19; ++i) publish_later(large);
  rig().world.run_until_idle();
  rig().store.before_commit = [&](const ServiceCall& call) {
    if (call.data.size() > 1'000'000) rig().store.answers_lost = 1;
  };
  answer_held();
  EXPECT_THAT(delivered(), SizeIs(19));
}

TEST_F(DurableChannelTest, WhatWasWrittenIsSentHoweverLongTheStoreIsAway) {
  subscribe(bob_);
  rig().store.answers_lost = 1;
  rig().store.down_after_lost = true;
  publish("1");
  rig().world.run_for(Millis(10'000));
  EXPECT_THAT(delivered(), IsEmpty());
  rig().store.down = false;
  rig().world.run_for(Millis(2'000));
  EXPECT_THAT(delivered(), SizeIs(1));
}

TEST_F(DurableChannelTest, AnOldVersionIsSkippedAfterARestart) {
  PublishOptions seventh, sixth;
  seventh.version = 7;
  sixth.version = 6;
  server_publish("7", seventh);
  restart();
  server_publish("6", sixth);
  EXPECT_THAT(texts(history().publications), ElementsAre("7"));
}

TEST_F(DurableChannelTest, WhatSkipsTheHistoryKeepsItsPlaceAmongTheOthers) {
  subscribe(bob_);
  hold();
  publish_later("1");
  ServerPublish passing{"c:a", {}, false};
  passing.publication.data = SharedBytes("2");
  passing.options.skip_history = true;
  rig().begin(std::move(passing));
  publish_later("3");
  rig().world.run_until_idle();
  answer_held();
  std::vector<std::pair<std::string, uint64_t>> got;
  for (const auto& one : delivered()) got.emplace_back(one.publication->data.view(), one.publication->offset);
  EXPECT_THAT(got, ElementsAre(std::pair("1", 1), std::pair("2", 0), std::pair("3", 2)));
}

TEST_F(DurableChannelTest, OlderPagesComeFromTheStore) {
  start(durable_options(1000));
  for (int i = 0; i < 400; ++i) publish();
  restart();
  const HistoryResponse first = page(100);
  EXPECT_EQ(first.position.offset, 400u);
  ASSERT_THAT(first.publications, SizeIs(100));
  EXPECT_EQ(first.publications.front()->offset, 1u);
  EXPECT_EQ(page(50, 100).publications.front()->offset, 101u);
  EXPECT_THAT(offsets(page(2, 10, true).publications), ElementsAre(9, 8));
  EXPECT_THAT(offsets(page(2, std::nullopt, true).publications), ElementsAre(400, 399));
  EXPECT_THAT(page(-1, 400).publications, IsEmpty());
  EXPECT_THAT(page(-1, UINT64_MAX).publications, IsEmpty());
  EXPECT_THAT(page(-1, 1, true).publications, IsEmpty());
}

TEST_F(DurableChannelTest, ThoseWhoComeBackTogetherHaveTheLogReadOnce) {
  for (int i = 0; i < 20; ++i) publish();
  restart();
  hold();
  for (int i = 0; i < 100; ++i) {
    SubscribeRequest ask = request(LaneRig::peer("u", "s" + std::to_string(i)));
    ask.recover = true;
    rig().begin(std::move(ask));
  }
  rig().world.run_until_idle();
  answer_held();
  EXPECT_EQ(calls_of("scan"), 1);
  EXPECT_EQ(calls_of("get"), 1);
}

TEST_F(DurableChannelTest, ARemovedHistoryLeavesNoRowAndThePositionGoesOn) {
  start(durable_options(2000));
  for (int i = 0; i < 1200; ++i) publish();
  const std::string epoch = history().position.epoch;
  EXPECT_TRUE(rig().get(HistoryRemove{"c:a"}).ok());
  EXPECT_THAT(history().publications, IsEmpty());
  EXPECT_EQ(rows_in("channel_log"), 0u);
  restart();
  EXPECT_EQ(publish().position, (StreamPosition{1201, epoch}));
}

TEST_F(DurableChannelTest, ContentsExpireWithTheLastPublication) {
  publish();
  const StreamPosition last = publish().position;
  rig().world.run_for(std::chrono::hours(25));
  EXPECT_THAT(history().publications, IsEmpty());
  EXPECT_EQ(history().position, last);
  EXPECT_EQ(publish().position.offset, 3u);
  restart();
  EXPECT_THAT(offsets(history().publications), ElementsAre(3));
}

TEST_F(DurableChannelTest, TheStoreFallsBehindUpToALimit) {
  hold();
  for (size_t i = 0; i < DurableChannel::kMaxWaiting; ++i) publish_later("1");
  rig().world.run_until_idle();
  const auto over = publish_later("1");
  rig().world.run_until_idle();
  ASSERT_TRUE(over->has_value());
  EXPECT_EQ((*over)->error.code, error_code::kTooManyRequests);
  answer_held();
  EXPECT_EQ(history().position.offset, DurableChannel::kMaxWaiting);
}

TEST_F(DurableChannelTest, UnusedItLeavesMemoryAndNothingElse) {
  publish("1");
  EXPECT_EQ(rig().broker.channels().size(), 1u);
  rig().world.run_for(DurableChannel::kLinger + Millis(2'000));
  EXPECT_EQ(rig().broker.channels().size(), 0u);
  EXPECT_THAT(texts(history().publications), ElementsAre("1"));
  EXPECT_EQ(rig().broker.channels().size(), 0u) << "reading keeps nothing";
}

TEST_F(DurableChannelTest, APageLooksTheSameWhetherMemoryHasItOrNot) {
  start(durable_options(500));
  for (int i = 0; i < 350; ++i) publish(std::to_string(i));
  std::vector<std::vector<std::string>> from_memory, from_store;
  const auto ask_all = [&](auto& into) {
    for (const bool reverse : {false, true})
      for (const int32_t limit : {1, 7, -1})
        for (const std::optional<uint64_t> since :
             {std::optional<uint64_t>(), std::optional<uint64_t>(1), std::optional<uint64_t>(49),
              std::optional<uint64_t>(51), std::optional<uint64_t>(349), std::optional<uint64_t>(400)})
          into.push_back(texts(page(limit, since, reverse).publications));
  };
  ask_all(from_memory);
  restart();
  ask_all(from_store);
  EXPECT_EQ(from_memory, from_store);
}

}  // namespace
}  // namespace lcg::broker
