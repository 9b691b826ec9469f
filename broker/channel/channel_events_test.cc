// What plugins are told of subscribers, and in which order (lcg/ext/events.h).
#include "broker/channel/channel_events.h"

#include "broker/testing/channel_fixture.h"

namespace lcg::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint32_t kAll = 1u << LCG_EVENT_SUBSCRIBE | 1u << LCG_EVENT_UNSUBSCRIBE | 1u << LCG_EVENT_OCCUPIED |
                          1u << LCG_EVENT_VACATED;

class ChannelEventsTest : public ChannelFixture {
 protected:
  void SetUp() override { rig().host.events_wanted = kAll; }
  // "occupied", "subscribe alice", ...
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const host::EventRequest& event : rig().host.events) {
      const char* names[] = {"?", "connect", "disconnect", "subscribe", "unsubscribe", "occupied", "vacated"};
      out.push_back(names[event.kind] + (event.peer == nullptr ? std::string() : " " + event.peer->user));
    }
    return out;
  }
  // From now on the plugin answers when the test says so.
  void hold() {
    rig().host.on_event = [this](host::EventRequest event, host::EventFn done) {
      if (host::event_waits(event.kind))
        held_.push_back(std::move(done));
      else
        done(true);
    };
  }
  void release(size_t index, bool taken) {
    rig().world.on(rig().world.lane(0), [&] { held_.at(index)(taken); });
    rig().world.run_until_idle();
  }
  auto begin(PeerPtr peer) {
    auto answer = rig().begin(request(std::move(peer)));
    rig().world.run_until_idle();
    return answer;
  }
  std::vector<host::EventFn> held_;
};

TEST_F(ChannelEventsTest, TheFirstComesAndTheLastGoes) {
  subscribe(alice_);
  subscribe(bob_);
  unsubscribe(alice_);
  unsubscribe(bob_);

  EXPECT_THAT(told(), ElementsAre("occupied", "subscribe alice", "subscribe bob", "unsubscribe alice",
                                  "unsubscribe bob", "vacated"));
}

TEST_F(ChannelEventsTest, NameTheChannelAndItsSlot) {
  subscribe(alice_);

  for (const host::EventRequest& event : rig().host.events) {
    EXPECT_EQ(event.channel, "c:a");
    EXPECT_EQ(event.slot, slot_of_key("c:a", 16));
  }
}

TEST_F(ChannelEventsTest, NobodyAsksForThemSoNoneIsMade) {
  rig().host.events_wanted = 0;
  subscribe(alice_);
  unsubscribe(alice_);

  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(ChannelEventsTest, TheAnswerWaitsForOccupiedAndSubscribe) {
  hold();
  auto answer = begin(alice_);
  EXPECT_FALSE(answer->has_value());
  release(0, true);
  EXPECT_FALSE(answer->has_value());
  release(1, true);

  ASSERT_TRUE(answer->has_value());
  EXPECT_TRUE((*answer)->ok());
}

TEST_F(ChannelEventsTest, OccupiedThatIsNotTakenFailsTheSubscribers) {
  hold();
  auto first = begin(alice_), second = begin(bob_);
  release(0, false);

  ASSERT_TRUE(first->has_value() && second->has_value());
  EXPECT_EQ((*first)->error.code, error_code::kInternal);
  EXPECT_TRUE((*second)->error.temporary);
  EXPECT_THAT(presence().clients, IsEmpty());
  EXPECT_THAT(told(), ElementsAre("occupied")) << "nobody came, so nobody goes";
}

TEST_F(ChannelEventsTest, OccupiedIsToldAgainAfterItFailed) {
  hold();
  begin(alice_);
  release(0, false);
  auto again = begin(alice_);
  release(1, true);
  release(2, true);

  EXPECT_TRUE((*again)->ok());
  EXPECT_THAT(told(), ElementsAre("occupied", "occupied", "subscribe alice"));
}

TEST_F(ChannelEventsTest, SubscribeThatIsNotTakenIsUndone) {
  hold();
  auto answer = begin(alice_);
  release(0, true);
  release(1, false);

  EXPECT_EQ((*answer)->error.code, error_code::kInternal);
  EXPECT_THAT(told(), ElementsAre("occupied", "subscribe alice", "unsubscribe alice", "vacated"));
  EXPECT_THAT(rig().delivered<DeliverJoinLeave>(), IsEmpty());
}

TEST_F(ChannelEventsTest, WhoLeavesWhileSubscribeIsToldIsToldToHaveLeft) {
  hold();
  auto answer = begin(alice_);
  release(0, true);
  unsubscribe(alice_);
  release(1, true);

  EXPECT_FALSE((*answer)->ok());
  EXPECT_THAT(told(), ElementsAre("occupied", "subscribe alice", "unsubscribe alice", "vacated"));
}

TEST_F(ChannelEventsTest, WhoLeavesWhileOccupiedIsToldWasNeverThere) {
  hold();
  auto answer = begin(alice_);
  unsubscribe(alice_);
  release(0, true);

  EXPECT_FALSE((*answer)->ok());
  EXPECT_THAT(told(), ElementsAre("occupied", "vacated"));
  EXPECT_THAT(rig().get(Inspect{Inspect::What::kChannels, "", 100}).rows, IsEmpty());
}

TEST_F(ChannelEventsTest, ComingBackMeanwhileIsNoSecondOccupied) {
  hold();
  begin(alice_);
  unsubscribe(alice_);
  auto again = begin(bob_);
  release(0, true);
  release(1, true);

  EXPECT_TRUE((*again)->ok());
  EXPECT_THAT(told(), ElementsAre("occupied", "subscribe bob"));
}

TEST_F(ChannelEventsTest, AnUnsubscribeByTheServerHasItsCode) {
  subscribe(alice_);
  rig().get(UnsubscribeSessions{"c:a", "s-alice", {}, 2001, "moved"});

  const host::EventRequest& event = rig().host.events.at(2);
  EXPECT_EQ(event.kind, uint32_t{LCG_EVENT_UNSUBSCRIBE});
  EXPECT_EQ(event.code, 2001u);
  EXPECT_EQ(event.reason, "moved");
}

}  // namespace
}  // namespace lcg::broker
