// SPDX-License-Identifier: Apache-2.0
#include "plugins/rates/budget.h"

#include <gtest/gtest.h>

namespace lcg::rates {
namespace {

TEST(BudgetTest, MakesRoomByAFewLooksAndForgetsTheFullestOfThem) {
  Budget budget(1, 10);
  budget.pay("empty", 10, 0);
  budget.pay("full", 0, 0);
  for (size_t i = 2; i < Budget::kMaxUsers; ++i) budget.pay("u" + std::to_string(i), 10, 0);

  EXPECT_EQ(budget.pay("new", 10, 0), 0u);

  EXPECT_EQ(budget.looks(), Budget::kLooks);
  EXPECT_EQ(budget.users(), Budget::kMaxUsers);
  EXPECT_NE(budget.wait_ms("empty", 10, 0), 0u);
  EXPECT_NE(budget.wait_ms("new", 1, 0), 0u);
}

TEST(BudgetTest, OfOneWhoIsKnownIsNotForgottenByPaying) {
  Budget budget(1, 10);
  for (size_t i = 0; i < Budget::kMaxUsers; ++i) budget.pay("u" + std::to_string(i), 10, 0);
  for (int i = 0; i < 100; ++i) EXPECT_NE(budget.pay("u0", 1, 0), 0u);

  EXPECT_EQ(budget.looks(), 0u);
}

TEST(BudgetTest, WhatIsNotPaidCostsNothing) {
  Budget budget(1, 10);
  EXPECT_EQ(budget.pay("a", 4, 0), 0u);
  EXPECT_NE(budget.pay("a", 7, 0), 0u);
  EXPECT_EQ(budget.pay("a", 6, 0), 0u);
}

TEST(BudgetTest, WhatIsOwedIsWaitedFor) {
  Budget budget(1, 10);
  budget.owe("a", 15, 0);

  EXPECT_EQ(budget.pay("a", 1, 5'500'000'000),
            501u);  // 5 s give back what was owed, half a second half of it
  EXPECT_EQ(budget.pay("a", 1, 6'000'000'000), 0u);
}

}  // namespace
}  // namespace lcg::rates
