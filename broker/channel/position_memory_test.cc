#include "broker/channel/position_memory.h"

#include <gmock/gmock.h>

#include "base/sim_lane.h"

namespace lcg::broker {
namespace {

constexpr MonoTime kNow{1'000'000'000}, kLater{2'000'000'000}, kMuchLater{3'000'000'000};

class PositionMemoryTest : public testing::Test {
 protected:
  // Of a stream that was published to.
  std::string publish_and_keep(std::string_view name, MonoTime until = kMuchLater) {
    PastStream stream = memory_.take(kNow, 0, name);
    stream.position.offset += 5;
    const std::string epoch = stream.position.epoch;
    memory_.keep(kNow, 0, name, std::move(stream), until);
    return epoch;
  }
  std::string epoch(std::string_view name, MonoTime now = kNow) {
    return memory_.take(now, 0, name).position.epoch;
  }

  SimRandom random_{1};
  PositionMemory memory_{2, 3, random_};
};

TEST_F(PositionMemoryTest, AnUntouchedStreamHasAnEpochOfEightLettersAndNoRecord) {
  const PastStream fresh = memory_.take(kNow, 0, "a");

  EXPECT_EQ(fresh.position.offset, 0u);
  EXPECT_THAT(fresh.position.epoch, testing::MatchesRegex("[a-zA-Z]{8}"));
  EXPECT_EQ(memory_.size(0), 0u);
}

TEST_F(PositionMemoryTest, AnUntouchedStreamHasTheSameEpochAgain) {
  EXPECT_EQ(epoch("a"), epoch("a", kMuchLater));
  EXPECT_NE(epoch("a"), epoch("b"));
}

TEST_F(PositionMemoryTest, AnotherProcessHasOtherEpochs) {
  SimRandom other_random(2);
  PositionMemory other(1, 3, other_random);

  EXPECT_NE(other.take(kNow, 0, "a").position.epoch, epoch("a"));
}

TEST_F(PositionMemoryTest, AStreamThatWasPublishedToGoesOn) {
  const std::string before = publish_and_keep("a");

  const PastStream again = memory_.take(kLater, 0, "a");

  EXPECT_EQ(again.position, (StreamPosition{5, before}));
  EXPECT_EQ(memory_.size(0), 0u) << "it is the caller's now";
}

TEST_F(PositionMemoryTest, AVersionIsKept) {
  PastStream stream = memory_.take(kNow, 0, "a");
  stream.version = 7;
  stream.version_epoch = "v";
  memory_.keep(kNow, 0, "a", stream, kLater);

  const PastStream again = memory_.take(kNow, 0, "a");

  EXPECT_EQ(again.version, 7u);
  EXPECT_EQ(again.version_epoch, "v");
}

TEST_F(PositionMemoryTest, WhatExpiredBeginsAnewUnderAnotherEpoch) {
  const std::string before = publish_and_keep("a", kLater);

  const PastStream again = memory_.take(kLater, 0, "a");

  EXPECT_EQ(again.position.offset, 0u);
  EXPECT_NE(again.position.epoch, before);
}

TEST_F(PositionMemoryTest, TheOldestMakesRoomAndItsEpochNeverComesBack) {
  const std::string a = publish_and_keep("a");
  const std::string d = (publish_and_keep("b"), publish_and_keep("c"), publish_and_keep("d"));

  EXPECT_EQ(memory_.size(0), 3u);
  EXPECT_EQ(memory_.take(kNow, 0, "d").position, (StreamPosition{5, d}));
  const PastStream again = memory_.take(kNow, 0, "a");
  EXPECT_EQ(again.position.offset, 0u);
  EXPECT_NE(again.position.epoch, a);
}

TEST_F(PositionMemoryTest, OneNamespaceDoesNotPushOutAnothers) {
  memory_.keep(kNow, 1, "n", {{9, "epoch"}, 0, {}}, kMuchLater);
  for (const char* name : {"a", "b", "c", "d", "e"}) publish_and_keep(name);

  EXPECT_EQ(memory_.take(kNow, 1, "n").position.offset, 9u);
}

TEST_F(PositionMemoryTest, WhatExpiredGoesWithTheNextUse) {
  publish_and_keep("a", kLater);
  publish_and_keep("b", kLater);
  memory_.keep(kMuchLater, 0, "c", {{1, "e"}, 0, {}}, MonoTime{INT64_MAX});

  EXPECT_EQ(memory_.size(0), 1u);
}

}  // namespace
}  // namespace lcg::broker
