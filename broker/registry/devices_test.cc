#include "broker/registry/devices.h"

#include <gtest/gtest.h>

#include <utility>

#include "broker/testing/lane_rig.h"

namespace lcg::broker {
namespace {

class DevicesTest : public testing::Test {
 protected:
  uint64_t bind(const std::string& device, uint64_t claimed) {
    auto peer = std::make_shared<Peer>();
    peer->user = "u";
    peer->device = device;
    peer->session = "s" + std::to_string(++sessions_);
    const uint64_t epoch = rig_.get(BindSession{peer, claimed, "js", "5.5.3", {}}).device_epoch;
    rig_.get(SessionClosed{peer, 3000});
    rig_.world.run_for(Millis(1));
    return epoch;
  }
  // Without waiting: `many` devices come at once, their calls of the store answered in the order they were made.
  size_t bind_at_once(int many) {
    rig_.host.hold_calls = true;
    std::vector<std::shared_ptr<std::optional<BindSessionResponse>>> answers;
    for (int i = 0; i < many; ++i) {
      auto peer = std::make_shared<Peer>();
      peer->user = "u";
      peer->session = peer->device = "together" + std::to_string(i);
      answers.push_back(rig_.begin(BindSession{peer, 0, "js", "5.5.3", {}}));
    }
    rig_.world.run_until_idle();
    while (!rig_.host.held.empty()) {
      auto held = std::exchange(rig_.host.held, {});
      for (LaneTask& answer : held) rig_.world.on(rig_.world.lane(0), [&] { answer(); });
      rig_.world.run_until_idle();
    }
    rig_.host.hold_calls = false;
    size_t bound = 0;
    for (const auto& answer : answers) bound += answer->has_value() && (*answer)->ok() ? 1u : 0u;
    return bound;
  }
  void put(const std::string& device, uint64_t issued_ms) {
    rig_.store.rows[{"u", Devices::kCollection, device}] = wire::Writer().u64(1).u64(issued_ms).take();
  }
  size_t documents() const {
    size_t count = 0;
    for (const auto& [where, value] : rig_.store.rows)
      if (std::get<1>(where) == Devices::kCollection) ++count;
    return count;
  }

  int sessions_ = 0;
  LaneRig rig_;
};

TEST_F(DevicesTest, TheOneIssuedFirstMakesRoom) {
  for (uint32_t i = 0; i < Devices::kMaxPerUser; ++i) EXPECT_EQ(bind("d" + std::to_string(i), 0), 1u);

  bind("one-more", 0);

  EXPECT_EQ(documents(), Devices::kMaxPerUser);
  EXPECT_FALSE(rig_.store.rows.contains({"u", Devices::kCollection, "d0"}));
}

TEST_F(DevicesTest, AForgottenDeviceComesBackAboveEveryEpochItHad) {
  for (int i = 0; i < 9; ++i) bind("old", 0);
  for (uint32_t i = 0; i < Devices::kMaxPerUser; ++i) bind("d" + std::to_string(i), 0);
  ASSERT_FALSE(rig_.store.rows.contains({"u", Devices::kCollection, "old"}));

  const uint64_t epoch = bind("old", 9);

  EXPECT_GT(epoch, 9u);
  EXPECT_EQ(bind("old", epoch), epoch);
}

TEST_F(DevicesTest, DevicesThatComeTogetherCountEachOther) {
  for (uint32_t i = 0; i < Devices::kMaxPerUser - 1; ++i) put("d" + std::to_string(i), i);

  EXPECT_EQ(bind_at_once(9), 9u);

  EXPECT_EQ(documents(), Devices::kMaxPerUser);
}

// Of a release without the bound, say.
TEST_F(DevicesTest, TheExcessOfThePastGoesTheOldestFirst) {
  for (uint32_t i = 0; i < 900; ++i) put("d" + std::to_string(1000 + i), 10'000 - i);

  bind("a-new-one", 0);

  EXPECT_EQ(documents(), Devices::kMaxPerUser);
  EXPECT_TRUE(rig_.store.rows.contains({"u", Devices::kCollection, "d1000"})) << "the newest of them";
  EXPECT_FALSE(rig_.store.rows.contains({"u", Devices::kCollection, "d1899"}))
      << "the oldest, and last by name";
  EXPECT_TRUE(rig_.store.rows.contains({"u", Devices::kCollection, "a-new-one"}));
}

TEST_F(DevicesTest, OfManyThatComeTogetherThoseThatAreRefusedLeaveNoDocument) {
  const size_t many = Devices::kMaxWaiting + 10;

  EXPECT_EQ(bind_at_once(static_cast<int>(many)), 64u) << "the limit of a user's sessions";

  EXPECT_EQ(documents(), 64u);
}

}  // namespace
}  // namespace lcg::broker
