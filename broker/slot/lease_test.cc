#include "broker/slot/lease.h"

#include <gmock/gmock.h>

#include "base/sim_lane.h"
#include "broker/testing/fake_plugin_host.h"

namespace lcg::broker {
namespace {

using testing::HasSubstr;

class LeaseTest : public testing::Test {
 protected:
  static constexpr uint32_t kSlots = 200;  // more than are taken at once
  Status acquire() {
    std::optional<Status> result;
    world_.on(world_.lane(0),
              [&] { keeper_.acquire_all([&](Status status) { result = std::move(status); }); });
    world_.run_until_idle();
    if (!result) return {Code::kInternal, "acquire_all did not finish"};
    return *result;
  }
  std::string& row(uint32_t slot) { return store_.rows[{"@" + std::to_string(slot), "lease", "owner"}]; }

  SimWorld world_{3, 1};
  FakeStore store_;
  FakePluginHost host_{world_.lane(0), store_};
  Slots slots_{kSlots, 4};
  LeaseKeeper keeper_{world_.lane(0), host_, slots_, "n1"};
};

TEST_F(LeaseTest, FirstTermIsOneForEverySlot) {
  ASSERT_TRUE(acquire().ok());

  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    EXPECT_EQ(slots_.term(slot), 1u);
    EXPECT_EQ(Lease::decode(row(slot))->term, 1u);
    EXPECT_EQ(Lease::decode(row(slot))->node, "n1");
  }
}

TEST_F(LeaseTest, EachStartRaisesTheTerm) {
  ASSERT_TRUE(acquire().ok());
  ASSERT_TRUE(acquire().ok());

  EXPECT_EQ(slots_.term(0), 2u);
  EXPECT_EQ(slots_.term(kSlots - 1), 2u);
}

TEST_F(LeaseTest, TheTakingWriteGoesUnderTheNewTerm) {
  row(5) = Lease{7, "old", 0, kSlots}.encode();
  uint64_t term_at_commit = 0;
  store_.before_commit = [&](const ServiceCall& call) {
    if (call.key == "@5") term_at_commit = slots_.term(5);
  };

  ASSERT_TRUE(acquire().ok());

  EXPECT_EQ(term_at_commit, 8u);
}

TEST_F(LeaseTest, ALostRaceIsRetriedAboveTheWinner) {
  bool raced = false;
  store_.before_commit = [&](const ServiceCall& call) {
    if (call.key == "@9" && !std::exchange(raced, true)) row(9) = Lease{41, "other", 0, kSlots}.encode();
  };

  ASSERT_TRUE(acquire().ok());

  EXPECT_EQ(slots_.term(9), 42u);
}

TEST_F(LeaseTest, AnEndlessRaceNamesTheOtherProcess) {
  uint64_t term = 0;
  store_.before_commit = [&](const ServiceCall& call) {
    if (call.key == "@9") row(9) = Lease{++term, "other", 0, kSlots}.encode();
  };

  const Status status = acquire();

  EXPECT_EQ(status.code(), Code::kFenced);
  EXPECT_THAT(status.message(), HasSubstr("slot 9"));
  EXPECT_THAT(status.message(), HasSubstr("stop the other one"));
  EXPECT_EQ(slots_.term(9), 0u);
}

TEST_F(LeaseTest, AStoreThatIsDownSaysWhatToDo) {
  store_.down = true;

  const Status status = acquire();

  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("storage plugin"));
}

TEST_F(LeaseTest, AfterTheFirstFailureNoMoreAreTaken) {
  store_.down = true;

  ASSERT_FALSE(acquire().ok());

  EXPECT_LE(store_.calls, static_cast<int>(LeaseKeeper::kInFlight));
}

TEST_F(LeaseTest, AnUnreadableLeaseIsNotOverwritten) {
  row(3) = std::string(1, '\0') + "junk";

  const Status status = acquire();

  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_EQ(row(3), std::string(1, '\0') + "junk");
}

TEST_F(LeaseTest, AnotherNumberOfSlotsIsRefused) {
  row(0) = Lease{7, "n1", 0, kSlots * 2}.encode();

  const Status status = acquire();

  EXPECT_EQ(status.code(), Code::kInvalid);
  EXPECT_THAT(status.message(), HasSubstr("broker.slots: 400"));
  EXPECT_EQ(Lease::decode(row(0))->term, 7u) << "left as it was";
}

TEST(SlotsTest, LaneIsSlotModuloLanes) {
  const Slots slots(1024, 3);

  EXPECT_EQ(slots.lane_of(0), 0u);
  EXPECT_EQ(slots.lane_of(1023), 1023u % 3);
}

}  // namespace
}  // namespace lcg::broker
