#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace lcg {
namespace {

constexpr auto kRun = [](LaneTask& task) { task(); };

TEST(Mailbox, OnlyThePushThatFindsItWaitingWakes) {
  Mailbox box;
  EXPECT_EQ(box.push([] {}, Mailbox::kNoLimit), Mailbox::Push::kQueued);
  box.drain(10, kRun);
  ASSERT_TRUE(box.prepare_wait());

  EXPECT_EQ(box.push([] {}, Mailbox::kNoLimit), Mailbox::Push::kWake);
  EXPECT_EQ(box.push([] {}, Mailbox::kNoLimit), Mailbox::Push::kQueued);
}

TEST(Mailbox, DoesNotLetTheConsumerWaitWhileTasksAreQueued) {
  Mailbox box;
  box.push([] {}, Mailbox::kNoLimit);

  EXPECT_FALSE(box.prepare_wait());
}

TEST(Mailbox, RefusesAtTheLimitAndLeavesTheTask) {
  Mailbox box;
  bool ran = false;
  ASSERT_EQ(box.push([] {}, 1), Mailbox::Push::kQueued);
  LaneTask task = [&] { ran = true; };

  EXPECT_EQ(box.push(std::move(task), 1), Mailbox::Push::kFull);

  ASSERT_TRUE(static_cast<bool>(task));  // NOLINT: a refused task is not moved from
  task();                                // NOLINT
  EXPECT_TRUE(ran);
}

TEST(Mailbox, RoomComesBackAsTasksRun) {
  Mailbox box;
  for (int i = 0; i < 3; ++i) box.push([] {}, 3);
  EXPECT_EQ(box.drain(10, kRun), 3u);
  EXPECT_TRUE(box.prepare_wait());

  EXPECT_EQ(box.size(), 0u);
  EXPECT_NE(box.push([] {}, 3), Mailbox::Push::kFull);
}

TEST(Mailbox, DrainStopsAtItsBoundAndGoesOnInOrder) {
  Mailbox box;
  std::vector<int> order;
  for (int i = 0; i < 200; ++i) box.push([&order, i] { order.push_back(i); }, Mailbox::kNoLimit);

  EXPECT_EQ(box.drain(70, kRun), 70u);
  EXPECT_FALSE(box.prepare_wait());
  EXPECT_EQ(box.drain(1000, kRun), 130u);

  for (int i = 0; i < 200; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(Mailbox, WhatATaskPushesWaitsForTheNextDrain) {
  Mailbox box;
  int ran = 0;
  box.push(
      [&] {
        ++ran;
        box.push([&] { ++ran; }, Mailbox::kNoLimit);
      },
      Mailbox::kNoLimit);

  box.drain(10, kRun);
  EXPECT_EQ(ran, 1);
  box.drain(10, kRun);
  EXPECT_EQ(ran, 2);
}

TEST(Mailbox, CloseDestroysTasksAndRefusesMore) {
  Mailbox box;
  auto token = std::make_shared<int>(1);
  box.push([token] {}, Mailbox::kNoLimit);

  box.close();

  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(box.push([] {}, Mailbox::kNoLimit), Mailbox::Push::kClosed);
}

TEST(Mailbox, NothingIsLostBetweenFourPostersAndASleepingConsumer) {
  Mailbox box;
  constexpr int kEach = 20'000;
  std::atomic<int> wakes{0};
  int ran = 0;
  std::vector<std::thread> posters;
  posters.reserve(4);
  for (int p = 0; p < 4; ++p) {
    posters.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        if (box.push([&ran] { ++ran; }, Mailbox::kNoLimit) != Mailbox::Push::kWake) continue;
        wakes.fetch_add(1);
        wakes.notify_one();
      }
    });
  }

  int seen = 0;
  while (ran < 4 * kEach) {
    if (box.prepare_wait()) {
      wakes.wait(seen);
      seen = wakes.load();
    }
    box.drain(SIZE_MAX, kRun);
  }
  for (auto& t : posters) t.join();

  EXPECT_EQ(ran, 4 * kEach);
}

}  // namespace
}  // namespace lcg
