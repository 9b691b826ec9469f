// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/device_proof.h"

#include <gtest/gtest.h>

namespace lcg::uaa {
namespace {

constexpr int64_t kDay = 86'400;

class DeviceProofTest : public ::testing::Test {
 protected:
  const DeviceProof proofs_{std::string(DeviceProof::kSecretBytes, 's')};
  const std::string proof_ = proofs_.make("alice", "serial", 1'000'000);
  std::optional<std::string> check(std::string_view text, std::string_view user = "alice",
                                   int64_t now_s = 1'000'000) const {
    return proofs_.check(text, user, now_s, kDay);
  }
};

TEST_F(DeviceProofTest, SaysWhichDeviceItIs) { EXPECT_EQ(check(proof_), "serial"); }

TEST_F(DeviceProofTest, IsOfOneUserAndOneSecret) {
  EXPECT_EQ(check(proof_, "bob"), std::nullopt);
  EXPECT_EQ(DeviceProof(std::string(DeviceProof::kSecretBytes, 't')).check(proof_, "alice", 1'000'000, kDay),
            std::nullopt);
}

TEST_F(DeviceProofTest, LivesForItsLifetime) {
  EXPECT_EQ(check(proof_, "alice", 1'000'000 + kDay - 1), "serial");
  EXPECT_EQ(check(proof_, "alice", 1'000'000 + kDay), std::nullopt);
  EXPECT_EQ(check(proof_, "alice", 999'999), std::nullopt) << "from the future";
}

TEST_F(DeviceProofTest, EveryChangedCharacterMakesItNone) {
  for (size_t i = 0; i < proof_.size(); ++i) {
    std::string changed = proof_;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(check(changed), std::nullopt) << changed;
    EXPECT_EQ(check(proof_.substr(0, i)), std::nullopt) << i;
  }
}

TEST_F(DeviceProofTest, RubbishIsNone) {
  for (const std::string& text :
       {std::string(), std::string("ld1."), std::string("ld1.."), std::string("ld1..."), proof_ + ".",
        "x" + proof_, std::string(10'000, 'a')})
    EXPECT_EQ(check(text), std::nullopt) << text;
}

}  // namespace
}  // namespace lcg::uaa
