#include "broker/registry/user_records.h"

#include <gmock/gmock.h>

#include "base/sim_lane.h"
#include "broker/testing/fake_plugin_host.h"

namespace lcg::broker {
namespace {

class UserRecordsTest : public testing::Test {
 protected:
  struct Read {
    Outcome outcome;
    int64_t ms = -1;
  };
  Read block_of(const std::string& user) { return read(&UserRecords::read_block, user); }
  Read seen_of(const std::string& user) { return read(&UserRecords::read_seen, user); }
  Read read(void (UserRecords::*what)(const std::string&, UserRecords::TimeFn), const std::string& user) {
    Read out;
    world_.on(world_.lane(0), [&] {
      (records_.*what)(user, [&out](Outcome outcome, int64_t ms) { out = {std::move(outcome), ms}; });
    });
    world_.run_until([&out] { return out.ms >= 0; });
    return out;
  }
  Outcome block(const std::string& user, int64_t until_ms) {
    std::optional<Outcome> out;
    world_.on(world_.lane(0), [&] {
      records_.write_block(user, until_ms, [&out](Outcome outcome) { out = std::move(outcome); });
    });
    world_.run_until([&out] { return out.has_value(); });
    return *out;
  }
  void seen(const std::string& user, int64_t at_ms) {
    world_.on(world_.lane(0), [&] { records_.seen(user, at_ms); });
  }
  size_t rows() const { return store_.rows.size(); }

  SimWorld world_{3, 1};
  FakeStore store_;
  FakePluginHost host_{world_.lane(0), store_};
  UserRecords records_{world_.lane(0), host_, true};
};

TEST_F(UserRecordsTest, NobodyIsBlockedAndNobodyWasSeen) {
  EXPECT_EQ(block_of("u").ms, 0);
  EXPECT_EQ(seen_of("u").ms, 0);
}

TEST_F(UserRecordsTest, ABlockIsOfOneUserUntilItIsLifted) {
  EXPECT_TRUE(block("u", INT64_MAX).ok());
  EXPECT_EQ(block_of("u").ms, INT64_MAX);
  EXPECT_EQ(block_of("v").ms, 0);

  EXPECT_TRUE(block("u", 0).ok());
  EXPECT_EQ(block_of("u").ms, 0);
  EXPECT_EQ(rows(), 0u);
}

TEST_F(UserRecordsTest, AStoreThatIsDownIsATemporaryError) {
  store_.down = true;

  EXPECT_EQ(block_of("u").outcome.error.code, error_code::kInternal);
  EXPECT_EQ(block("u", 7).error.code, error_code::kInternal);
}

TEST_F(UserRecordsTest, ADocumentOfAnotherFormatIsNotGuessedAt) {
  store_.rows[{"u", "user_block", "record"}] = wire::Writer().u64(2).u64(0).take();

  EXPECT_EQ(block_of("u").outcome.error.code, error_code::kInternal);
}

TEST_F(UserRecordsTest, TheLastTimeCounts) {
  seen("u", 1000);
  seen("u", 2000);
  EXPECT_EQ(seen_of("u").ms, 2000) << "before it is written";
  world_.run_until_idle();
  EXPECT_EQ(seen_of("u").ms, 2000);
}

TEST_F(UserRecordsTest, ATimeIsWrittenAgainUntilTheStoreTakesIt) {
  store_.down = true;
  seen("u", 1000);
  world_.run_for(Millis(2500));
  EXPECT_EQ(seen_of("u").ms, 1000) << "from memory";

  store_.down = false;
  world_.run_for(UserRecords::kRetryAfter + Millis(1));

  EXPECT_EQ(rows(), 1u);
}

TEST_F(UserRecordsTest, WhatIsWrittenAtATimeHasALimit) {
  host_.hold_calls = true;
  for (size_t i = 0; i < UserRecords::kMaxWrites * 2; ++i) seen("u" + std::to_string(i), 1000);
  EXPECT_EQ(host_.held.size(), UserRecords::kMaxWrites);

  host_.hold_calls = false;
  world_.on(world_.lane(0), [&] {
    for (LaneTask& answer : host_.held) answer();
  });
  world_.run_until_idle();

  EXPECT_EQ(rows(), UserRecords::kMaxWrites * 2);
}

}  // namespace
}  // namespace lcg::broker
