// Recovery under seeds, against a model. A failing seed prints itself; LCG_SEED=<n> replays it alone, LCG_SEEDS=<count>
// runs more of them, from LCG_SEED on when both are given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "base/log.h"
#include "tests/integration/recovery_model/exact_run.h"
#include "tests/integration/recovery_model/wire_run.h"

namespace lcg::recovery_model {
namespace {

constexpr uint64_t kExactSeeds = 2'000, kWireSeeds = 500;

std::optional<uint64_t> from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::nullopt : std::optional<uint64_t>(std::strtoull(text, nullptr, 10));
}

std::string lines(const std::vector<std::string>& list) {
  std::string out;
  for (size_t i = 0; i < std::min<size_t>(list.size(), 20); ++i) out += "  " + list[i] + "\n";
  return out;
}

// Runs the seeds asked for, `usual` of them if nobody asks.
template <class Run>
Facts run_seeds(uint64_t usual) {
  const std::optional<uint64_t> first = from_environment("LCG_SEED");
  const uint64_t count = from_environment("LCG_SEEDS").value_or(first ? 1 : usual);
  Facts total;
  for (uint64_t seed = first.value_or(1); seed < first.value_or(1) + count; ++seed) {
    Run run(seed);
    const std::vector<std::string> wrong = run.run();
    EXPECT_TRUE(wrong.empty()) << "LCG_SEED=" << seed << " replays it:\n" << lines(wrong);
    if (!wrong.empty() && !first) break;
    total.add(run.facts());
  }
  std::cout << count << " seeds: " << total.published << " published, " << total.taken << " taken, "
            << total.patched << " of them as patches; " << total.recovered << " recoveries, " << total.lost
            << " fresh starts, " << total.restarts << " restarts\n";
  return total;
}

class RecoveryModelTest : public testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::kError); }
};

TEST_F(RecoveryModelTest, TheChannelRecoversExactlyWhatItsHistoryAllows) {
  const Facts facts = run_seeds<ExactRun>(kExactSeeds);

  if (from_environment("LCG_SEED")) return;
  EXPECT_GT(facts.patched, 1000u);
  EXPECT_GT(facts.recovered, 1000u);
  EXPECT_GT(facts.restarts, 100u);
}

TEST_F(RecoveryModelTest, NoClientMissesAnythingItWasNotTold) {
  const Facts facts = run_seeds<WireRun>(kWireSeeds);

  if (from_environment("LCG_SEED")) return;
  EXPECT_GT(facts.patched, 1000u);
  EXPECT_GT(facts.recovered, 1000u);
  EXPECT_GT(facts.restarts, 100u);
}

// Does one of the first seeds complain of it?
template <class Run>
bool is_found(Run run, std::string_view finding) {
  for (uint64_t seed = 1; seed <= 200; ++seed)
    for (const std::string& wrong : run(seed))
      if (wrong.find(finding) != std::string::npos) return true;
  return false;
}

struct MutationCase {
  const char* name;
  Mutation mutation;
  const char* finding;
};
class RecoveryMutationTest : public testing::TestWithParam<MutationCase> {};

// Proof that a run can fail: what is done wrong is found under some seed, by its name.
TEST_P(RecoveryMutationTest, IsCaught) {
  EXPECT_TRUE(
      is_found([](uint64_t seed) { return ExactRun(seed, GetParam().mutation).run(); }, GetParam().finding));
}

INSTANTIATE_TEST_SUITE_P(
    Table, RecoveryMutationTest,
    testing::Values(MutationCase{"Drops", Mutation::kDrops, "a gap at"},
                    MutationCase{"Repeats", Mutation::kRepeats, "when it was at"},
                    MutationCase{"Swaps", Mutation::kSwaps, "when it was at"},
                    MutationCase{"OldBase", Mutation::kOldBase, "a patch that does not fit"},
                    MutationCase{"ClaimsRecovery", Mutation::kClaimsRecovery, "a gap at"},
                    MutationCase{"ForgetsOneOfRecovered", Mutation::kForgetsRecovery, "a gap at"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(RecoveryModelTest, APublicationLostOnTheWayToTheClientIsCaught) {
  EXPECT_TRUE(is_found([](uint64_t seed) { return WireRun(seed, WireMutation::kDrops).run(); }, "a gap at"));
}

TEST_F(RecoveryModelTest, APublicationSentTwiceIsCaught) {
  EXPECT_TRUE(
      is_found([](uint64_t seed) { return WireRun(seed, WireMutation::kRepeats).run(); }, "when it was at"));
}

}  // namespace
}  // namespace lcg::recovery_model
