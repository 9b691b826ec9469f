// SPDX-License-Identifier: Apache-2.0
#include "plugins/message/ids.h"

#include <gtest/gtest.h>

#include "lcg/services/message.hpp"

namespace lcg::message {
namespace {

constexpr int64_t kNow = 1'800'000'000'000;

TEST(MessageId, CarriesTimeAndSlotAndFits63Bits) {
  const uint64_t id = make_id(kNow, 4095, 1023);

  EXPECT_EQ(ms_of_id(id), kNow);
  EXPECT_EQ(slot_of_id(id), 4095u);
  EXPECT_EQ(id >> 63, 0u);
}

TEST(IdAllocator, NeverRepeatsAndNeverDecreasesWithinASlot) {
  IdAllocator ids;
  uint64_t last = 0;
  for (int i = 0; i < 5000; ++i) {
    const uint64_t id = ids.next(7, kNow + i / 2000);
    ASSERT_GT(id, last);
    ASSERT_EQ(slot_of_id(id), 7u);
    last = id;
  }
}

TEST(IdAllocator, RunsAheadOfTheClockWhenAMillisecondIsFull) {
  IdAllocator ids;
  uint64_t id = 0;
  for (int i = 0; i < 1025; ++i) id = ids.next(7, kNow);

  EXPECT_EQ(ms_of_id(id), kNow + 1);
}

TEST(IdAllocator, StandsStillWhenTheClockJumpsBack) {
  IdAllocator ids;
  const uint64_t before = ids.next(7, kNow);

  const uint64_t after = ids.next(7, kNow - 3'600'000);

  EXPECT_EQ(after, before + 1);
}

TEST(IdAllocator, GoesOnAfterTheLastIdOfTheStore) {
  IdAllocator ids;
  ids.observe(7, make_id(kNow + 1000, 7, 5));

  EXPECT_EQ(ids.next(7, kNow), make_id(kNow + 1000, 7, 6));
}

TEST(IdAllocator, SlotsAreIndependent) {
  IdAllocator ids;
  ids.observe(7, make_id(kNow + 1000, 7, 5));

  EXPECT_EQ(ms_of_id(ids.next(8, kNow)), kNow);
}

}  // namespace
}  // namespace lcg::message
