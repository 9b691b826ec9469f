#include "broker/command/publication_sweep.h"

#include "broker/testing/channel_fixture.h"

namespace lcg::broker {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::chrono::hours kTtl(24), kMetaTtl(240), kLate(2);

class PublicationSweepTest : public ChannelFixture {
 protected:
  PublicationSweepTest() {
    ChannelOptions options = open_options();
    options.history = HistoryPlace::kDurable;
    options.history_size = 2000;
    options.history_ttl = kTtl;
    options.history_meta_ttl = kMetaTtl;
    options.force_recovery = true;
    options.join_leave = false;
    start(std::move(options));
  }
  size_t rows_in(std::string_view collection) {
    size_t count = 0;
    for (const auto& [where, value] : rig().store.rows)
      if (std::get<1>(where) == collection) ++count;
    return count;
  }
};

TEST_F(PublicationSweepTest, WhatExpiredLeavesTheStoreAndThePositionStays) {
  for (int i = 0; i < 1200; ++i) publish();
  const StreamPosition last = history().position;
  rig().world.run_for(kTtl + kLate);
  EXPECT_EQ(rows_in("channel_log"), 0u);
  EXPECT_EQ(rows_in("channel_head"), 1u);
  EXPECT_EQ(rows_in("channel_due"), 1u);
  EXPECT_EQ(history().position, last);
}

TEST_F(PublicationSweepTest, AForgottenPositionNeverComesBackSmaller) {
  publish();
  const StreamPosition last = publish().position;
  rig().world.run_for(kMetaTtl + kLate);
  EXPECT_EQ(rows_in("channel_head"), 0u);
  EXPECT_EQ(rows_in("channel_due"), 0u);
  const StreamPosition again = publish().position;
  EXPECT_EQ(again.offset, 1u);
  EXPECT_NE(again.epoch, last.epoch);
}

TEST_F(PublicationSweepTest, WhatIsPublishedAgainStays) {
  publish();
  rig().world.run_for(std::chrono::hours(20));
  publish();
  rig().world.run_for(std::chrono::hours(20));
  EXPECT_THAT(history().publications, SizeIs(2));
  rig().world.run_for(std::chrono::hours(8));
  EXPECT_THAT(history().publications, IsEmpty());
  EXPECT_EQ(rows_in("channel_log"), 0u);
}

TEST_F(PublicationSweepTest, AChannelWithASubscriberIsLeftToItself) {
  subscribe(alice_);
  publish();
  rig().world.run_for(kMetaTtl + kLate);
  EXPECT_EQ(rows_in("channel_head"), 1u);
  unsubscribe(alice_);
  rig().world.run_for(kLate);
  EXPECT_EQ(rows_in("channel_head"), 0u);
}

TEST_F(PublicationSweepTest, APublicationInBetweenWins) {
  publish();
  rig().store.before_commit = [&](const ServiceCall& call) {
    storage::Batch batch;
    if (!storage::Batch::decode(call.data, batch) || batch.conditions.empty()) return;
    rig().store.before_commit = nullptr;
    auto& head = rig().store.rows[{call.key, "channel_head", "c:a"}];
    StoredHead newer;
    ASSERT_TRUE(StoredHead::decode(head, newer));
    newer.contents_until_ms += kTtl.count() * 3'600'000;
    head = newer.encode();
  };
  rig().world.run_for(kTtl + kLate);
  EXPECT_FALSE(rig().store.before_commit) << "the sweep came";
  EXPECT_EQ(rows_in("channel_log"), 1u);
  EXPECT_EQ(rows_in("channel_due"), 1u);
}

TEST_F(PublicationSweepTest, KeysThatMeanNothingAnyMoreLeaveTheStore) {
  PublishOptions keyed;
  for (int i = 0; i < 250; ++i) {
    keyed.idempotency_key = "k" + std::to_string(i);
    server_publish("1", keyed);
  }
  EXPECT_EQ(rows_in("channel_key"), 250u);
  rig().world.run_for(std::chrono::minutes(30));
  EXPECT_EQ(rows_in("channel_key"), 0u);
}

TEST_F(PublicationSweepTest, AStoreThatWasDownIsAskedAgain) {
  publish();
  rig().store.down = true;
  rig().world.run_for(kTtl + kLate);
  rig().store.down = false;
  rig().world.run_for(kLate);
  EXPECT_EQ(rows_in("channel_log"), 0u);
}

}  // namespace
}  // namespace lcg::broker
