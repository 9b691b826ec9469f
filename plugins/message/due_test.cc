// SPDX-License-Identifier: Apache-2.0
// Who is at an erasure, and what becomes of it when it is left, whatever way.
#include "plugins/message/due.h"

#include <gmock/gmock.h>

#include <stdexcept>

namespace lcg::message {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kRecall = 7'000'000;

TEST(Due, IsOpenUntilSomebodyIsAtIt) {
  Due due;
  due.add(kRecall);
  EXPECT_THAT(due.open(), ElementsAre(kRecall));

  const Due::Turn turn(due, kRecall);

  EXPECT_THAT(due.open(), IsEmpty());
  EXPECT_FALSE(due.at(kRecall)->is_set());
}

TEST(Due, ADoneOneIsGoneAndAnswered) {
  Due due;
  Due::Turn turn(due, kRecall);
  const Due::Work others = due.at(kRecall);

  turn.end(LCG_OK);

  EXPECT_FALSE(due.contains(kRecall));
  EXPECT_EQ(others->get(), LCG_OK);
}

TEST(Due, AFailedOneIsAnsweredAndOpenToTheNext) {
  Due due;
  Due::Turn turn(due, kRecall);
  const Due::Work others = due.at(kRecall);

  turn.end(LCG_E_BUSY);

  EXPECT_THAT(due.open(), ElementsAre(kRecall));
  EXPECT_EQ(others->get(), LCG_E_BUSY);
}

TEST(Due, OneThatAnExceptionLeftIsAnsweredAndOpenToTheNext) {
  Due due;
  due.add(kRecall);
  Due::Work others;
  try {
    const Due::Turn turn(due, kRecall);
    others = due.at(kRecall);
    throw std::runtime_error("on the way");
  } catch (const std::runtime_error&) {
  }

  EXPECT_THAT(due.open(), ElementsAre(kRecall));
  ASSERT_TRUE(others->is_set());
  EXPECT_EQ(others->get(), LCG_E_INTERNAL);
}

// Its next owner may be this instance again: what was begun before does not end what was begun after.
TEST(Due, OneWhoseSlotWasLostEndsNothing) {
  Due due;
  Due::Turn before(due, kRecall);
  const Due::Work others = due.at(kRecall);
  due.lost(slot_of_id(kRecall));
  const Due::Turn after(due, kRecall);

  EXPECT_FALSE(before.holds());
  before.end(LCG_OK);

  EXPECT_TRUE(due.contains(kRecall));
  EXPECT_TRUE(after.holds());
  EXPECT_EQ(others->get(), LCG_OK);
}

}  // namespace
}  // namespace lcg::message
