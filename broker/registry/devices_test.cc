#include "broker/registry/devices.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace lcg::broker
