// Subscribers of one channel in different forms: encodings, transports, numbers for names, deltas, filters; and when a
// channel is sent later than at the turn's end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sim_lane.h"
#include "gateway/fanout/hub.h"
#include "gateway/fanout/test_subscriber.h"

namespace lcg::gateway {
namespace {

using protocol::DeltaForm;
using protocol::Framing;
using protocol::Variant;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr Variant kDelta{.delta = DeltaForm::kFull};

TagFilterPtr filter(std::string key, std::string value) {
  protocol::TagFilter made;
  made.key = std::move(key);
  made.cmp = "eq";
  made.val = std::move(value);
  return std::make_shared<const protocol::TagFilter>(std::move(made));
}

class HubGroups : public testing::Test {
 protected:
  void publish(const std::shared_ptr<Publication>& publication) {
    hub.deliver(DeliverPublication{"c", publication});
  }
  // With a patch from the one before.
  void publish_patched(uint64_t offset, std::string epoch = "E") {
    const auto publication = test_publication(offset, std::move(epoch));
    publication->data = SharedBytes("\"whole " + std::to_string(offset) + "\"");
    publication->patch = SharedBytes("patch " + std::to_string(offset));
    publish(publication);
  }
  void publish_tagged(uint64_t offset, std::string value) {
    const auto publication = test_publication(offset);
    publication->tags = {{"k", std::move(value)}};
    publish(publication);
  }
  void turn() { world.run_until_idle(); }

  SimWorld world{1};
  Hub hub{world.lane(0), {}};
};

// The data member of each line: what stands between "data":" and the next quote that is not escaped.
std::vector<std::string> data_of(const Subscriber& subscriber) {
  std::vector<std::string> out;
  for (const std::string& line : subscriber.transport.lines) {
    if (line.find("patch") != std::string::npos) out.push_back("patch");
    if (line.find("whole") != std::string::npos) out.push_back("whole");
  }
  return out;
}

TEST_F(HubGroups, EachFormIsEncodedOnce) {
  Subscriber plain(hub), same(hub), lines(hub, {.framing = Framing::kStream}),
      events(hub, {.framing = Framing::kEventStream}), uni(hub, {.unidirectional = true});
  for (Subscriber* one : {&plain, &same, &lines, &events, &uni}) one->join("c");

  publish(test_publication(1));
  turn();

  const std::string pub = R"("channel":"c","pub":{"data":1,"offset":1,"epoch":"E"})";
  EXPECT_THAT(plain.transport.lines, ElementsAre("{\"push\":{" + pub + "}}"));
  EXPECT_THAT(lines.transport.lines, ElementsAre("{\"push\":{" + pub + "}}"));
  EXPECT_THAT(events.transport.lines, ElementsAre("{\"push\":{" + pub + "}}"));
  EXPECT_THAT(uni.transport.lines, ElementsAre("{" + pub + "}"));
  EXPECT_EQ(plain.transport.blocks[0].view().data(), same.transport.blocks[0].view().data());
  EXPECT_EQ(hub.stats().blocks, 4u);
}

TEST_F(HubGroups, ProtobufBesideJson) {
  Subscriber json(hub), protobuf(hub, {.encoding = Encoding::kProtobuf});
  json.join("c");
  protobuf.join("c");

  publish(test_publication(1));
  turn();

  ASSERT_THAT(protobuf.transport.blocks, SizeIs(1));
  EXPECT_EQ(static_cast<uint8_t>(protobuf.transport.blocks[0].view()[0]), 0x82);  // a binary frame
  EXPECT_THAT(json.offsets(), ElementsAre(1));
}

TEST_F(HubGroups, ANumberInPlaceOfTheName) {
  Subscriber compact(hub, {.compact = true}), other(hub, {.compact = true});
  compact.pend("c");
  const int64_t id = compact.subscription->channel->id;
  compact.activate(0);
  other.join("d");

  publish(test_publication(1));
  turn();

  EXPECT_THAT(compact.transport.last(), HasSubstr("{\"push\":{\"id\":" + std::to_string(id) + ","));
  EXPECT_NE(other.subscription->channel->id, id);
}

TEST_F(HubGroups, JoinsToo) {
  Subscriber compact(hub, {.compact = true}), plain(hub);
  for (Subscriber* one : {&compact, &plain}) {
    one->pend("c");
    one->activate(0, true, true);
  }

  hub.deliver(DeliverJoinLeave{"c", {"u", "s", {}, {}}, true});
  turn();

  EXPECT_THAT(compact.transport.last(), HasSubstr("\"id\":"));
  EXPECT_THAT(plain.transport.last(), HasSubstr("\"channel\":\"c\""));
}

// ---- deltas

TEST_F(HubGroups, TheFirstIsWholeTheOthersArePatches) {
  Subscriber a(hub, kDelta), plain(hub);
  a.join("c");
  plain.join("c");

  publish_patched(1);
  publish_patched(2);
  turn();
  publish_patched(3);
  turn();

  EXPECT_THAT(data_of(a), ElementsAre("whole", "patch", "patch"));
  EXPECT_THAT(data_of(plain), ElementsAre("whole", "whole", "whole"));
}

TEST_F(HubGroups, OneThatComesLaterBeginsWhole) {
  Subscriber old(hub, kDelta), young(hub, kDelta);
  old.join("c");
  publish_patched(1);
  turn();
  young.join("c", 1);

  publish_patched(2);
  turn();

  EXPECT_THAT(data_of(old), ElementsAre("whole", "patch"));
  EXPECT_THAT(data_of(young), ElementsAre("whole"));
}

TEST_F(HubGroups, WhatWasRecoveredIsABase) {
  Subscriber a(hub, {.delta = DeltaForm::kPatch});
  a.join("c", 4);

  publish_patched(5);
  turn();

  EXPECT_THAT(data_of(a), ElementsAre("patch"));
}

TEST_F(HubGroups, BehindAGapItIsWholeAgain) {
  Subscriber a(hub, kDelta);
  a.pend("c");
  a.activate(0, false);
  publish_patched(1);
  turn();

  publish_patched(3);
  turn();
  publish_patched(4);
  turn();

  EXPECT_THAT(data_of(a), ElementsAre("whole", "whole", "patch"));
}

TEST_F(HubGroups, WhatHasNoPositionIsNoBaseForAPatch) {
  Subscriber a(hub, kDelta);
  a.join("c");
  publish_patched(1);
  turn();
  const auto aside = test_publication(0, "");
  aside->data = SharedBytes("\"whole\"");

  publish(aside);
  turn();
  publish_patched(2);
  publish_patched(3);
  turn();

  EXPECT_THAT(data_of(a), ElementsAre("whole", "whole", "whole", "patch"));
}

TEST_F(HubGroups, ThePatchOfAnotherEpochDoesNotFit) {
  Subscriber a(hub, kDelta);
  a.pend("c");
  a.activate(0, false);
  publish_patched(1);
  turn();

  publish_patched(2, "F");
  turn();

  EXPECT_THAT(data_of(a), ElementsAre("whole", "whole"));
}

TEST_F(HubGroups, WhoJoinsInsideARunBeginsWholeThere) {
  Subscriber at0(hub, kDelta), at1(hub, kDelta);
  at0.join("c", 0);
  at1.join("c", 1);

  publish_patched(1);
  publish_patched(2);
  publish_patched(3);
  turn();
  publish_patched(4);
  turn();

  EXPECT_THAT(data_of(at0), ElementsAre("whole", "patch", "patch", "patch"));
  EXPECT_THAT(data_of(at1), ElementsAre("whole", "patch", "patch"));
}

TEST_F(HubGroups, WhatWasHeldBeginsWholeToo) {
  Subscriber a(hub, kDelta);
  a.pend("c");
  publish_patched(1);
  publish_patched(2);
  a.activate(0);

  publish_patched(3);
  turn();

  EXPECT_THAT(data_of(a), ElementsAre("whole", "patch", "patch"));
}

// ---- filters

TEST_F(HubGroups, AFilterLeavesOutWhatDoesNotFit) {
  Subscriber a(hub);
  a.filter = filter("k", "1");
  a.join("c");

  publish_tagged(1, "1");
  publish_tagged(2, "2");
  publish_tagged(3, "1");
  turn();

  EXPECT_THAT(a.offsets(), ElementsAre(1, 3));
}

TEST_F(HubGroups, WhatIsLeftOutHasBeenPassed) {
  Subscriber a(hub);
  a.filter = filter("k", "1");
  a.join("c");

  publish_tagged(1, "2");
  turn();
  EXPECT_TRUE(a.transport.blocks.empty());
  publish_tagged(2, "1");
  turn();

  EXPECT_THAT(a.offsets(), ElementsAre(2));
  EXPECT_EQ(a.lost, 0);
}

TEST_F(HubGroups, EqualFiltersShareABlock) {
  Subscriber a(hub), b(hub);
  a.filter = filter("k", "1");
  b.filter = filter("k", "1");
  a.join("c");
  b.join("c");

  publish_tagged(1, "1");
  publish_tagged(2, "2");
  turn();

  EXPECT_EQ(a.transport.blocks[0].view().data(), b.transport.blocks[0].view().data());
  EXPECT_EQ(a.subscription->channel->groups.size(), 2u);  // and the one without a filter
}

TEST_F(HubGroups, AFilterThatTakesAllSharesTheBlockOfTheOthers) {
  Subscriber plain(hub), a(hub), b(hub);
  a.filter = filter("k", "1");
  b.filter = filter("k", "2");
  for (Subscriber* one : {&a, &b, &plain}) one->join("c");

  publish_tagged(1, "1");
  turn();

  EXPECT_EQ(plain.transport.blocks[0].view().data(), a.transport.blocks[0].view().data());
  EXPECT_TRUE(b.transport.blocks.empty());
  EXPECT_EQ(hub.stats().blocks, 1u);
}

TEST_F(HubGroups, ThePlaceOfAFilterThatIsGoneIsTakenByTheNext) {
  Subscriber stays(hub);
  stays.join("c");
  for (int i = 0; i < 100; ++i) {
    Subscriber passing(hub);
    passing.filter = filter("k", std::to_string(i));
    passing.join("c");
  }

  EXPECT_EQ(stays.subscription->channel->groups.size(), 2u);
}

// ---- bytes that are no JSON

TEST_F(HubGroups, BytesCannotGoToJson) {
  Subscriber json(hub), protobuf(hub, {.encoding = Encoding::kProtobuf});
  json.join("c");
  protobuf.join("c");
  const auto bytes = test_publication(1);
  bytes->binary = true;

  publish(bytes);
  turn();

  EXPECT_EQ(json.inappropriate, 1);
  EXPECT_TRUE(json.transport.blocks.empty());
  EXPECT_EQ(protobuf.inappropriate, 0);
  EXPECT_THAT(protobuf.transport.blocks, SizeIs(1));
}

TEST_F(HubGroups, NotEvenWhenTheyWereHeld) {
  Subscriber json(hub);
  json.pend("c");
  const auto bytes = test_publication(1);
  bytes->binary = true;
  publish(bytes);
  publish(test_publication(2));

  json.activate(0);

  EXPECT_EQ(json.inappropriate, 1);
  EXPECT_TRUE(json.transport.blocks.empty());
}

// ---- batches

TEST_F(HubGroups, ABatchLeavesWhenItsTimeIsOver) {
  Subscriber a(hub);
  a.batch_delay = Millis(100);
  a.join("c");

  publish(test_publication(1));
  turn();
  world.run_for(Millis(50));
  publish(test_publication(2));
  turn();
  EXPECT_TRUE(a.transport.blocks.empty());
  world.run_for(Millis(51));

  EXPECT_THAT(a.transport.blocks, SizeIs(1));
  EXPECT_THAT(a.offsets(), ElementsAre(1, 2));
}

TEST_F(HubGroups, AFullBatchLeavesAtOnce) {
  Subscriber a(hub);
  a.batch_delay = Millis(100);
  a.join("c");

  for (uint64_t i = 1; i <= kMaxBatchedEvents + 1; ++i) publish(test_publication(i));
  turn();

  EXPECT_THAT(a.offsets(), SizeIs(kMaxBatchedEvents + 1));
}

TEST_F(HubGroups, ABatchOfAChannelThatIsLeftIsForgotten) {
  Subscriber a(hub);
  a.batch_delay = Millis(100);
  a.join("c");
  publish(test_publication(1));

  a.leave();

  EXPECT_EQ(hub.channel_count(), 0u);
  EXPECT_EQ(world.lane(0).timers(), 0u);
}

TEST_F(HubGroups, TheNextBatchHasItsOwnTime) {
  Subscriber a(hub);
  a.batch_delay = Millis(100);
  a.join("c");
  publish(test_publication(1));
  world.run_for(Millis(101));

  publish(test_publication(2));
  turn();
  EXPECT_THAT(a.offsets(), ElementsAre(1));
  world.run_for(Millis(101));

  EXPECT_THAT(a.offsets(), ElementsAre(1, 2));
}

// ---- positions compared

TEST_F(HubGroups, WhoIsBehindTheTopHasLostItsPosition) {
  Subscriber behind(hub), there(hub), untracked(hub);
  behind.join("c", 3);
  there.join("c", 4);
  untracked.pend("c");
  untracked.activate(0, false);

  hub.compare("c", {4, "E"});

  EXPECT_EQ(behind.lost, 1);
  EXPECT_EQ(there.lost, 0);
  EXPECT_EQ(untracked.lost, 0);
}

TEST_F(HubGroups, AnotherEpochIsALostPosition) {
  Subscriber a(hub);
  a.join("c", 4);

  hub.compare("c", {4, "F"});

  EXPECT_EQ(a.lost, 1);
}

TEST_F(HubGroups, WhatWaitsCountsAsSent) {
  Subscriber a(hub);
  a.join("c", 3);
  publish(test_publication(4));

  hub.compare("c", {4, "E"});

  EXPECT_EQ(a.lost, 0);
  EXPECT_THAT(a.offsets(), ElementsAre(4));
}

class HubQuiet : public HubGroups {
 protected:
  std::vector<std::string> quiet(size_t share = 100, size_t budget = 100) {
    std::vector<std::string> names;
    hub.begin_round();
    hub.each_quiet(share, budget, 2, [&](const HubChannel& channel) { names.push_back(channel.name); });
    return names;
  }
};

TEST_F(HubQuiet, OnlyAfterSoManyRoundsWithoutUse) {
  Subscriber a(hub);
  a.join("c");

  EXPECT_THAT(quiet(), SizeIs(0));
  publish(test_publication(1));
  turn();
  EXPECT_THAT(quiet(), SizeIs(0));
  EXPECT_THAT(quiet(), ElementsAre("c"));
  EXPECT_THAT(quiet(), SizeIs(0));  // counts as in use
}

TEST_F(HubQuiet, OnlyChannelsWithATrackedSubscriber) {
  Subscriber a(hub);
  a.pend("c");
  a.activate(0, false);

  quiet();
  quiet();

  EXPECT_THAT(quiet(), SizeIs(0));
}

TEST_F(HubQuiet, NoMoreThanTheShareAndTheBudget) {
  Subscriber a(hub), b(hub), c(hub);
  a.join("a");
  b.join("b");
  c.join("c");
  quiet(0);

  EXPECT_THAT(quiet(1), ElementsAre("a"));
  EXPECT_THAT(quiet(2, 1), ElementsAre("b"));
  EXPECT_THAT(quiet(2), ElementsAre("c", "a"));
}

}  // namespace
}  // namespace lcg::gateway
