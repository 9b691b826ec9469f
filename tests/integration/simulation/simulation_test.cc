// Runs of the whole appliance under seeds. A failing one prints its seed; LCG_SEED=<n> replays it alone,
// LCG_SEEDS=<count> runs more of them, from LCG_SEED on when both are given.
#include "tests/integration/simulation/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "base/log.h"

namespace lcg::sim {
namespace {

constexpr uint64_t kSeeds = 200;

std::optional<uint64_t> from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::nullopt : std::optional<uint64_t>(std::strtoull(text, nullptr, 10));
}

std::string lines(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& line : list) out += "  " + line + "\n";
  return out;
}

class SimulationTest : public testing::Test {
 protected:
  void SetUp() override {
    log::set_level(from_environment("LCG_SEED") ? log::Level::kDebug : log::Level::kError);
  }
};

TEST_F(SimulationTest, TheInvariantsHoldUnderEverySeed) {
  const std::optional<uint64_t> first = from_environment("LCG_SEED");
  const uint64_t count = from_environment("LCG_SEEDS").value_or(first ? 1 : kSeeds);
  RunFacts total;
  for (uint64_t seed = first.value_or(1); seed < first.value_or(1) + count; ++seed) {
    Simulation simulation(seed);
    const std::vector<std::string> broken = simulation.run();
    EXPECT_TRUE(broken.empty()) << "LCG_SEED=" << seed << " replays it:\n" << lines(broken);
    const RunFacts& facts = simulation.facts();
    total.crashes += facts.crashes;
    total.crashes_in_start += facts.crashes_in_start;
    total.lost_connections += facts.lost_connections;
    total.stalls += facts.stalls;
    total.collapses += facts.collapses;
    total.full_disks += facts.full_disks;
    total.acks += facts.acks;
    total.repeated_acks += facts.repeated_acks;
    total.entries += facts.entries;
    total.cancelled += facts.cancelled;
  }
  std::cout << count << " seeds: " << total.crashes << " crashes, " << total.crashes_in_start
            << " of them in a start; " << total.lost_connections << " connections lost, " << total.stalls
            << " stalls, " << total.collapses << " dialogs collapsed, " << total.full_disks << " full disks; "
            << total.entries << " entries, " << total.acks << " answers, " << total.repeated_acks
            << " of them repeated; " << total.cancelled << " messages cancelled\n";
  if (first) return;
  EXPECT_GT(total.crashes, 0u);
  EXPECT_GT(total.crashes_in_start, 0u);
  EXPECT_GT(total.lost_connections, 0u);
  EXPECT_GT(total.collapses, 0u);
  EXPECT_GT(total.full_disks, 0u);
  EXPECT_GT(total.repeated_acks, 0u);
  EXPECT_GT(total.cancelled, 0u);
}

// Proof that a whole run, and not only the checker alone, can fail.
TEST_F(SimulationTest, ADiskThatLiesIsCaught) {
  std::vector<std::string> broken;
  for (uint64_t seed = 1; seed <= 20 && broken.empty(); ++seed) {
    Simulation simulation(seed);
    simulation.lying_disk();
    broken = simulation.run();
  }

  EXPECT_THAT(broken, testing::Contains(testing::HasSubstr("I3: acknowledged")));
}

TEST_F(SimulationTest, TheSameSeedIsTheSameRun) {
  Simulation first(7), second(7), other(8);
  first.run();
  second.run();
  other.run();

  EXPECT_EQ(first.facts().fingerprint, second.facts().fingerprint);
  EXPECT_NE(first.facts().fingerprint, other.facts().fingerprint);
}

}  // namespace
}  // namespace lcg::sim
