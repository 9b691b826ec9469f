#include "base/blocking_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "base/asio_lane.h"
#include "base/log.h"

namespace lcg {
namespace {

class BlockingPoolTest : public ::testing::Test {
 protected:
  BlockingPoolTest() { lanes_.start(); }
  AsioLane& lane() { return lanes_[0]; }
  LaneSet lanes_{{.lanes = 1}};
};

TEST_F(BlockingPoolTest, WorkRunsElsewhereAndTheAnswerOnTheLane) {
  std::promise<bool> done;
  std::thread::id worked_on;
  ThreadBlockingPool pool({.threads = 2});

  ASSERT_TRUE(
      pool.run([&] { worked_on = std::this_thread::get_id(); }, lane(),
               [&] { done.set_value(lane().is_current() && worked_on != std::this_thread::get_id()); })
          .ok());

  EXPECT_TRUE(done.get_future().get());
}

TEST_F(BlockingPoolTest, CallHandsTheResultOver) {
  ThreadBlockingPool pool({.threads = 1});
  std::promise<std::string> done;
  auto work = [] { return std::make_unique<std::string>("hash"); };

  ASSERT_TRUE(
      pool.call(work, lane(), [&](Result<std::unique_ptr<std::string>> r) { done.set_value(*r.value()); })
          .ok());

  EXPECT_EQ(done.get_future().get(), "hash");
}

TEST_F(BlockingPoolTest, WorkThatThrowsIsAnsweredWithInternal) {
  log::set_level(log::Level::kOff);
  ThreadBlockingPool pool({.threads = 1});
  std::promise<Code> done;
  auto work = []() -> int { throw std::runtime_error("of a test"); };

  ASSERT_TRUE(pool.call(work, lane(), [&](const Result<int>& r) { done.set_value(r.status().code()); }).ok());

  EXPECT_EQ(done.get_future().get(), Code::kInternal);
  log::set_level(log::Level::kInfo);
}

TEST_F(BlockingPoolTest, AFullQueueIsBusy) {
  std::promise<void> started;
  std::promise<void> release;
  auto released = release.get_future();
  ThreadBlockingPool pool({.threads = 1, .queue_limit = 1});  // joins before what its threads wait for goes
  ASSERT_TRUE(pool.run(
                      [&] {
                        started.set_value();
                        released.wait();
                      },
                      lane(), [] {})
                  .ok());
  started.get_future().wait();
  ASSERT_TRUE(pool.run([] {}, lane(), [] {}).ok());

  Status refused = pool.run([] { FAIL(); }, lane(), [] { FAIL(); });

  EXPECT_EQ(refused.code(), Code::kBusy);
  release.set_value();
}

TEST_F(BlockingPoolTest, StopAnswersEverythingThatWasAccepted) {
  std::atomic<int> ran{0};
  std::promise<void> all;
  ThreadBlockingPool pool({.threads = 3});
  constexpr int kJobs = 500;
  int accepted = 0;
  for (int i = 0; i < kJobs; ++i) {
    accepted += pool.run([&] { ran.fetch_add(1); }, lane(),
                         [&all, n = i] {
                           if (n == kJobs - 1) all.set_value();
                         })
                    .ok();
  }

  pool.stop();

  EXPECT_EQ(accepted, kJobs);
  EXPECT_EQ(ran.load(), kJobs);
  all.get_future().wait();
  EXPECT_EQ(pool.run([] {}, lane(), [] {}).code(), Code::kCancelled);
}

}  // namespace
}  // namespace lcg
