#include "gateway/fanout/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sim_lane.h"
#include "gateway/fanout/test_allocations.h"
#include "gateway/fanout/test_subscriber.h"
#include "gateway/protocol/limits.h"

namespace lcg::gateway {
namespace {

using testing::ElementsAre;

class HubTest : public testing::Test {
 protected:
  void publish(uint64_t offset, std::string channel = "c", std::string epoch = "E") {
    hub.deliver(DeliverPublication{std::move(channel), test_publication(offset, std::move(epoch))});
  }
  void turn() { world.run_until_idle(); }
  std::vector<std::unique_ptr<Subscriber>> crowd(size_t count) {
    std::vector<std::unique_ptr<Subscriber>> all;
    for (size_t i = 0; i < count; ++i) {
      all.push_back(std::make_unique<Subscriber>(hub));
      all.back()->join("c");
    }
    return all;
  }

  SimWorld world{1};
  Hub hub{world.lane(0), {.soft_queue_bytes = 1000}};
};

TEST_F(HubTest, OneBlockAChannelAndTurnIsShared) {
  Subscriber a(hub), b(hub);
  a.join("c");
  b.join("c");

  publish(1);
  publish(2);
  turn();

  ASSERT_EQ(a.transport.blocks.size(), 1u);
  EXPECT_EQ(a.transport.blocks[0].view().data(), b.transport.blocks[0].view().data());
  EXPECT_THAT(a.transport.lines,
              ElementsAre(R"({"push":{"channel":"c","pub":{"data":1,"offset":1,"epoch":"E"}}})",
                          R"({"push":{"channel":"c","pub":{"data":2,"offset":2}}})"));
}

TEST_F(HubTest, TheOnlyBlockOfATurnGoesOutDirectly) {
  Subscriber a(hub), b(hub);
  a.join("c");
  b.join("d");

  publish(1);
  turn();
  publish(1, "d");
  turn();

  EXPECT_EQ(a.transport.gathered + b.transport.gathered, 0u);
}

TEST_F(HubTest, BlocksOfSeveralChannelsInATurnAreGathered) {
  Subscriber a(hub), b(hub);
  a.join("c");
  b.join("d");

  publish(1);
  publish(1, "d");
  turn();
  EXPECT_EQ(a.transport.gathered + b.transport.gathered, 2u);

  publish(2);
  turn();
  EXPECT_EQ(a.transport.gathered, 1u) << "the next turn has one";
}

TEST_F(HubTest, RunsOfOneChannelAreGathered) {
  Subscriber a(hub);
  a.join("c");

  publish(1);
  publish(1, "c", "F");
  turn();

  EXPECT_EQ(a.transport.gathered, a.transport.blocks.size());
}

TEST_F(HubTest, NothingIsSentBeforeTheTurnsEnd) {
  Subscriber a(hub);
  a.join("c");

  publish(1);

  EXPECT_TRUE(a.transport.blocks.empty());
}

TEST_F(HubTest, FramesHoldSixteenPushes) {
  Subscriber a(hub);
  a.join("c");

  for (uint64_t i = 1; i <= 40; ++i) publish(i);
  turn();

  EXPECT_EQ(a.transport.blocks.size(), 1u);
  EXPECT_EQ(a.transport.frames_in_blocks, 3u);
  EXPECT_EQ(a.offsets().size(), 40u);
}

TEST_F(HubTest, OtherChannelsAreNotMixedIn) {
  Subscriber a(hub), b(hub);
  a.join("c");
  b.join("d");

  publish(1, "d");
  publish(1, "e");
  turn();

  EXPECT_TRUE(a.offsets().empty());
  EXPECT_THAT(b.offsets(), ElementsAre(1));
}

TEST_F(HubTest, DuplicatesAreDropped) {
  Subscriber a(hub);
  a.join("c");

  publish(1);
  turn();
  publish(1);
  publish(2);
  turn();

  EXPECT_THAT(a.offsets(), ElementsAre(1, 2));
  EXPECT_EQ(a.lost, 0);
}

TEST_F(HubTest, AGapIsALostPosition) {
  Subscriber a(hub);
  a.join("c");

  publish(1);
  publish(3);
  turn();

  EXPECT_THAT(a.offsets(), ElementsAre(1));
  EXPECT_EQ(a.lost, 1);
  EXPECT_EQ(hub.channel_count(), 0u);
}

TEST_F(HubTest, ANewEpochIsALostPosition) {
  Subscriber a(hub);
  a.join("c", 4);

  publish(5, "c", "F");
  turn();

  EXPECT_EQ(a.lost, 1);
}

TEST_F(HubTest, TheUntrackedGetWhatComes) {
  Subscriber a(hub);
  a.pend("c");
  a.activate(0, false, false, "");

  publish(7);
  publish(9);
  publish(1, "c", "F");
  publish(0, "c", "");
  turn();

  EXPECT_THAT(a.offsets(), ElementsAre(7, 9, 1, 0));
}

TEST_F(HubTest, WhatHasNoPositionMovesNobody) {
  Subscriber a(hub);
  a.join("c");

  publish(1);
  publish(0, "c", "");
  publish(1);
  publish(2);
  turn();

  EXPECT_THAT(a.offsets(), ElementsAre(1, 0, 2));
  EXPECT_EQ(a.lost, 0);
}

TEST_F(HubTest, EachGetsWhatIsNewToIt) {
  Subscriber at0(hub), at2(hub), at3(hub);
  at0.join("c", 0);
  at2.join("c", 2);
  at3.join("c", 3);

  for (uint64_t i = 1; i <= 4; ++i) publish(i);
  turn();

  EXPECT_THAT(at0.offsets(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(at2.offsets(), ElementsAre(3, 4));
  EXPECT_THAT(at3.offsets(), ElementsAre(4));
}

TEST_F(HubTest, WhatComesBeforeTheAnswerIsHeldAndMerged) {
  Subscriber a(hub);
  a.pend("c");
  for (uint64_t i = 3; i <= 6; ++i) publish(i);
  turn();
  EXPECT_TRUE(a.transport.lines.empty());

  a.activate(4);

  EXPECT_THAT(a.offsets(), ElementsAre(5, 6));
}

TEST_F(HubTest, WhatWasHeldWithoutAPositionMovesNobody) {
  Subscriber a(hub);
  a.pend("c");
  publish(0, "c", "");
  for (uint64_t i = 1; i <= 3; ++i) publish(i);

  a.activate(2);

  EXPECT_THAT(a.offsets(), ElementsAre(0, 3));
  EXPECT_EQ(a.lost, 0);
}

TEST_F(HubTest, AHoleBetweenAnswerAndHeldIsALostPosition) {
  Subscriber a(hub);
  a.pend("c");
  publish(6);

  a.activate(4);

  EXPECT_EQ(a.lost, 1);
}

TEST_F(HubTest, ActivationInTheMiddleOfATurnNeitherLosesNorRepeats) {
  Subscriber old(hub), young(hub);
  old.join("c");
  young.pend("c");

  publish(1);
  publish(2);
  young.activate(1);
  publish(3);
  turn();

  EXPECT_THAT(old.offsets(), ElementsAre(1, 2, 3));
  EXPECT_THAT(young.offsets(), ElementsAre(2, 3));
}

TEST_F(HubTest, HeldEventsAreBounded) {
  Subscriber a(hub);
  a.pend("c");
  for (uint64_t i = 1; i <= protocol::kMaxHeldEvents + 1; ++i) publish(i);

  a.activate(0);

  EXPECT_EQ(a.lost, 1);
  EXPECT_TRUE(a.offsets().empty());
}

TEST_F(HubTest, JoinAndLeaveGoToThoseWhoWantThem) {
  Subscriber wants(hub), wants_not(hub);
  wants.pend("c");
  wants.activate(0, true, true);
  wants_not.join("c");

  hub.deliver(DeliverJoinLeave{"c", {"u", "s", {}, {}}, true});
  hub.deliver(DeliverJoinLeave{"c", {"u", "s", {}, {}}, false});
  turn();

  EXPECT_THAT(wants.transport.lines,
              ElementsAre(R"({"push":{"channel":"c","join":{"info":{"user":"u","client":"s"}}}})",
                          R"({"push":{"channel":"c","leave":{"info":{"user":"u","client":"s"}}}})"));
  EXPECT_TRUE(wants_not.transport.lines.empty());
}

TEST_F(HubTest, OnesOwnJoinWaitsForTheAnswer) {
  Subscriber a(hub);
  a.pend("c");
  hub.deliver(DeliverJoinLeave{"c", {"u", "a", {}, {}}, true});
  turn();
  EXPECT_TRUE(a.transport.lines.empty());

  a.activate(0, true, true);

  EXPECT_EQ(a.transport.lines.size(), 1u);
}

TEST_F(HubTest, RemovalKeepsTheOthers) {
  auto all = crowd(5);
  all[1]->leave();
  all[3]->leave();
  all[0]->leave();

  publish(1);
  turn();

  for (size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(all[i]->offsets().size(), i == 2 || i == 4 ? 1u : 0u) << i;
}

TEST_F(HubTest, AChannelWithoutSubscribersIsForgotten) {
  Subscriber a(hub), b(hub);
  a.join("c");
  b.pend("c");

  a.leave();
  EXPECT_EQ(hub.channel_count(), 1u);
  b.leave();

  EXPECT_EQ(hub.channel_count(), 0u);
}

TEST_F(HubTest, LeavingWithSomethingWaitingIsHarmless) {
  Subscriber a(hub);
  a.join("c");
  publish(1);
  a.leave();

  turn();

  EXPECT_EQ(hub.channel_count(), 0u);
}

TEST_F(HubTest, SubscribersMayVanishInTheLoop) {
  auto all = crowd(4);
  all[1]->transport.during_block = [&] {
    all[0]->leave();
    all[1]->leave();
    all[2]->leave();
  };

  publish(1);
  turn();
  publish(2);
  turn();

  EXPECT_THAT(all[0]->offsets(), ElementsAre(1));
  EXPECT_TRUE(all[2]->offsets().empty());
  EXPECT_THAT(all[3]->offsets(), ElementsAre(1, 2));
}

TEST_F(HubTest, SubscribersMayComeInTheLoop) {
  Subscriber a(hub), b(hub);
  a.join("c");
  b.pend("c");
  a.transport.during_block = [&] {
    a.transport.during_block = nullptr;
    b.activate(1);
  };

  publish(1);
  turn();
  publish(2);
  turn();

  EXPECT_THAT(a.offsets(), ElementsAre(1, 2));
  EXPECT_THAT(b.offsets(), ElementsAre(2));
}

TEST_F(HubTest, EndAllComesAfterWhatWasPublished) {
  Subscriber a(hub), pending(hub);
  a.join("c");
  pending.pend("c");
  publish(1);

  hub.end_all("c", 2000, "server unsubscribe");

  EXPECT_THAT(a.offsets(), ElementsAre(1));
  EXPECT_EQ(a.ended_with, 2000u);
  EXPECT_EQ(pending.ended_with, 2000u);
}

TEST_F(HubTest, ASlowReaderOfADialogIsCollapsed) {
  Subscriber slow(hub), quick(hub);
  slow.join("d:1", 0, true);
  quick.join("d:1", 0, true);

  slow.transport.queued = 1000;
  publish(1, "d:1");
  turn();
  slow.transport.queued = 0;
  publish(2, "d:1");
  turn();

  EXPECT_TRUE(slow.offsets().empty());
  EXPECT_TRUE(Hub::collapsed(*slow.subscription));
  EXPECT_THAT(quick.offsets(), ElementsAre(1, 2));
  EXPECT_EQ(slow.lost, 0);
}

TEST_F(HubTest, ASlowReaderOfAnotherChannelIsNot) {
  Subscriber slow(hub);
  slow.join("c");

  slow.transport.queued = 1000;
  publish(1);
  turn();

  EXPECT_THAT(slow.offsets(), ElementsAre(1));
}

TEST_F(HubTest, FanOutAllocatesNothingForASubscriber) {
  struct Counting final : ws::Transport {
    void send_message(std::string_view, ws::MessageKind) override {}
    void send_block(const SharedBytes& frames) override { bytes += frames.size(); }
    void send_ping(std::string_view) override {}
    size_t queued_bytes() const override { return 0; }
    void pause_reading(bool) override {}
    void close(uint32_t, std::string_view) override {}
    void abort(uint32_t, std::string_view) override {}
    ClientAddress remote_address() const override { return {}; }
    size_t bytes = 0;
  };
  Counting transport;
  Subscriber owner(hub);
  std::vector<std::unique_ptr<Subscription>> all;
  const auto cost = [&](uint64_t offset) {
    const PublicationPtr pub = test_publication(offset);
    const size_t before = allocations();
    hub.deliver(DeliverPublication{"c", pub});
    hub.flush();
    return allocations() - before;
  };
  const auto subscribe = [&](size_t count, uint64_t offset) {
    while (all.size() < count) {
      all.push_back(std::make_unique<Subscription>(owner, transport, protocol::Variant{}));
      hub.subscribe("c", true, *all.back());
      hub.activate(*all.back(), {.position = {offset, "E"}, .tracked = true, .join_leave = false});
    }
  };
  subscribe(1, 0);
  cost(1);  // buffers grow to their size
  cost(2);
  const size_t for_one = cost(3);
  subscribe(1000, 3);
  const size_t for_thousand = cost(4);

  EXPECT_EQ(for_thousand, for_one);
  EXPECT_GT(transport.bytes, 1000u * 20);
  for (const auto& subscription : all) hub.remove(*subscription);
}

}  // namespace
}  // namespace lcg::gateway
