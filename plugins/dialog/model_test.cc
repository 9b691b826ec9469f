// SPDX-License-Identifier: Apache-2.0
// Many devices, a network that loses answers, a store that fails, a server that dies, a clock that jumps:
// whatever a seed brings, the invariants hold and every device ends with the same list. A failing seed
// replays.
#include <gmock/gmock.h>

#include <random>

#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

using lcg::testing::Fault;
using lcg::testing::Pending;
using lcg::testing::When;

// A client that does what the protocol asks: one message at a time, the same number until there is an answer.
struct Device {
  Peer who;
  uint64_t next = 1;
  Pending sending;

  std::string body() const {
    return "\"" + who.user_id + "/" + who.device_id + "/" + std::to_string(next) + "\"";
  }
};

class World {
 public:
  explicit World(uint64_t seed) : random_(seed), rig_(options(seed)) {
    rig_.group("d", {"u0", "u1", "u2", "u3"});
    for (int user = 0; user < 4; ++user)
      for (const char* device : {"pc", "phone"})
        devices_.push_back({peer("u" + std::to_string(user), device), 1, nullptr});
  }

  void act() {
    const uint64_t dice = random_() % 100;
    if (dice < 70) {
      step(devices_[random_() % devices_.size()]);
    } else if (dice < 80) {
      rig_.host().advance(static_cast<int64_t>(random_() % 300));
    } else if (dice < 86) {
      rig_.host().inject(Fault{.status = random_() % 2 == 0 ? LCG_E_TIMEOUT : LCG_E_UNAVAILABLE,
                               .nth = 1 + random_() % 6,
                               .when = random_() % 2 == 0 ? When::kBefore : When::kAfter,
                               .service = "storage",
                               .method = ""});
    } else if (dice < 90) {
      rig_.host().skew_wall_ms(static_cast<int64_t>(random_() % 7'200'000) - 3'600'000);
    } else if (dice < 94) {
      rig_.host().clear_faults();
      rig_.host().crash_at(1 + random_() % 40, random_() % 2 == 0 ? When::kBefore : When::kAfter);
    } else if (dice < 97) {
      const std::string method = random_() % 2 == 0 ? "dialog.remove" : "dialog.add";
      rig_.start(peer("u0"), method, R"({"dialog":"d","users":["u3"]})");
    }
    if (rig_.host().crashed()) restart();
  }

  // Everything heals; every device gets its last message through.
  void finish() {
    if (rig_.host().crashed()) restart();
    rig_.host().crash_at(0);
    rig_.host().clear_faults();
    rig_.settle();
    for (int i = 0; i < 20 && !rig_.ask(peer("u0"), "dialog.add", R"({"dialog":"d","users":["u3"]})").ok();
         ++i)
      rig_.host().advance(1000);
    for (Device& device : devices_) {
      const uint64_t last = device.next;
      for (int i = 0; i < 100 && device.next == last; ++i) {
        step(device);
        rig_.host().advance(500);
      }
      EXPECT_GT(device.next, last) << device.who.user_id << " " << device.who.device_id;
    }
    rig_.settle();
    for (Device& device : devices_) take_answer(device);
  }

  ChatRig& rig() { return rig_; }
  const std::vector<Device>& devices() const { return devices_; }

 private:
  static lcg::testing::Options options(uint64_t seed) {
    lcg::testing::Options o;
    o.seed = seed;
    o.reply_jitter_ms = seed % 3 == 0 ? 5 : 0;
    return o;
  }
  void restart() {
    rig_.host().restart(random_() % 4);
    for (Device& device : devices_) take_answer(device);
  }
  void take_answer(Device& device) {
    if (device.sending == nullptr || (!device.sending->done && !device.sending->lost)) return;
    if (device.sending->done) {
      rig_.remember(device.who, "d", device.sending->reply);
      if (device.sending->reply.ok()) ++device.next;
    }
    device.sending = nullptr;
  }
  void step(Device& device) {
    take_answer(device);
    if (device.sending == nullptr)
      device.sending = rig_.start_send(device.who, "d", device.next, device.body());
    if (random_() % 2 == 0) rig_.host().run();
    take_answer(device);
  }

  std::mt19937_64 random_;
  ChatRig rig_;
  std::vector<Device> devices_;
};

class ModelTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(ModelTest, InvariantsHoldAndAllDevicesEndEqual) {
  World world(GetParam());
  for (int i = 0; i < 400; ++i) world.act();
  world.finish();

  EXPECT_SOUND(world.rig());
  // Each device's messages are there, all, once, in order, byte for byte.
  std::map<std::string, std::vector<std::string>> said;
  for (const Entry& e : world.rig().log("d"))
    if (e.kind == chat::Kind::kMessage) said[e.user + "/" + e.device].push_back(e.body);
  for (const Device& device : world.devices()) {
    const std::string name = device.who.user_id + "/" + device.who.device_id;
    std::vector<std::string> expected;
    for (uint64_t cseq = 1; cseq < device.next; ++cseq)
      expected.push_back("\"" + name + "/" + std::to_string(cseq) + "\"");
    EXPECT_EQ(said[name], expected) << name;
  }
  // Whoever was there all the time pulls the same list.
  const std::vector<std::string> list = world.rig().pull(peer("u0"), "d");
  EXPECT_EQ(list.size(), world.rig().log("d").size());
  EXPECT_EQ(world.rig().pull(peer("u1"), "d"), list);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, ::testing::Range(uint64_t{1}, uint64_t{31}));

}  // namespace
}  // namespace lcg::dialog::testing
