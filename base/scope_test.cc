#include "base/scope.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/sim_lane.h"

namespace lcg {
namespace {

class ScopeTest : public ::testing::Test {
 protected:
  SimWorld world_{1};
  Scope scope_{world_.lane(0)};
  bool empty_ = false;
  LaneTask when_empty() {
    return [this] { empty_ = true; };
  }
};

TEST_F(ScopeTest, AnEmptyScopeReportsFromTheLaneAndNotFromClose) {
  scope_.close(when_empty());
  EXPECT_FALSE(empty_);

  world_.run_until_idle();

  EXPECT_TRUE(empty_);
}

TEST_F(ScopeTest, CloseWaitsForTheLastPass) {
  Scope::Pass first = scope_.enter();
  Scope::Pass second = scope_.enter();
  scope_.close(when_empty());
  first.leave();
  world_.run_until_idle();
  EXPECT_FALSE(empty_);

  second = Scope::Pass();
  world_.run_until_idle();

  EXPECT_TRUE(empty_);
}

TEST_F(ScopeTest, AClosedScopeRefusesNewcomers) {
  scope_.close(when_empty());

  EXPECT_FALSE(static_cast<bool>(scope_.enter()));
  EXPECT_FALSE(static_cast<bool>(scope_.enter([] { FAIL(); })));
  EXPECT_EQ(scope_.inside(), 0u);
}

TEST_F(ScopeTest, CloseCancelsThoseInsideInOrder) {
  std::string trace;
  Scope::Pass a = scope_.enter([&] { trace += 'a'; });
  Scope::Pass gone = scope_.enter([&] { trace += 'x'; });
  Scope::Pass b = scope_.enter([&] { trace += 'b'; });
  gone.leave();

  scope_.close(when_empty());

  EXPECT_EQ(trace, "ab");
  EXPECT_EQ(scope_.inside(), 2u);
}

TEST_F(ScopeTest, ACancelMayEndItsOwnWorkAndThatOfOthers) {
  std::vector<Scope::Pass> passes;
  passes.reserve(5);
  for (int i = 0; i < 5; ++i) passes.push_back(scope_.enter([&] { passes.clear(); }));

  scope_.close(when_empty());
  world_.run_until_idle();

  EXPECT_TRUE(empty_);
  EXPECT_EQ(scope_.inside(), 0u);
}

TEST_F(ScopeTest, APassMovesWithTheWork) {
  Scope::Pass pass = scope_.enter();
  world_.lane(0).post([moved = std::move(pass)] {});
  EXPECT_FALSE(static_cast<bool>(pass));  // NOLINT: moved from on purpose
  scope_.close(when_empty());
  EXPECT_EQ(scope_.inside(), 1u);

  world_.run_until_idle();

  EXPECT_TRUE(empty_);
}

TEST(ScopeDeathTest, DestroyingItWithWorkInsideEndsTheProcess) {
  SimWorld world(1);
  EXPECT_DEATH(
      {
        auto* scope = new Scope(world.lane(0));
        Scope::Pass pass = scope->enter();
        delete scope;
      },
      "destroyed while work is inside");
}

}  // namespace
}  // namespace lcg
