#include "broker/bus/bus_local.h"

#include "base/sim_lane.h"
#include "tests/conformance/bus_suite.h"

namespace lcg::test {
namespace {

class LocalRig final : public BusRig {
 public:
  explicit LocalRig(BusParties& parties)
      : world_(7, kBrokerLanes + kGatewayLanes), bus_(kSlots, kBrokerLanes) {
    for (uint32_t i = 0; i < kBrokerLanes; ++i) bus_.serve(i, broker_lane(i), parties.brokers[i]);
    for (uint32_t i = 0; i < kGatewayLanes; ++i) bus_.attach({0, i}, gateway_lane(i), parties.gateways[i]);
  }
  Bus& bus() override { return bus_; }
  SimLane& broker_lane(uint32_t lane) override { return world_.lane(lane); }
  SimLane& gateway_lane(uint32_t lane) override { return world_.lane(kBrokerLanes + lane); }
  void on(Lane& lane, std::function<void()> body) override { world_.on(static_cast<SimLane&>(lane), body); }
  void settle() override { world_.run_until_idle(); }
  void pass(Millis time) override { world_.run_for(time); }
  bool jam(uint32_t lane) override {
    while (broker_lane(lane).try_post([] {})) {
    }
    return true;
  }
  bool is_local() const override { return true; }

 private:
  SimWorld world_;
  BusLocal bus_;
};

std::unique_ptr<BusRig> make_local_rig(BusParties& parties) { return std::make_unique<LocalRig>(parties); }

INSTANTIATE_TEST_SUITE_P(Local, BusSuite, testing::Values(&make_local_rig));

// One lane that is broker and gateway, as in the appliance.
struct OneLane {
  OneLane() {
    bus.serve(0, world.lane(0), broker);
    bus.attach({0, 0}, world.lane(0), gateway);
  }
  SimWorld world{7};
  BusLocal bus{16, 1};
  RecordingHandler broker;
  RecordingSink gateway;
};

TEST(BusLocal, SameLaneAnswersBeforeRequestReturns) {
  OneLane one;
  one.broker.behaviour = [](Request, ResponseFn done) { done(Outcome{}); };
  bool answered = false;

  one.world.on(one.world.lane(0), [&] {
    one.bus.request(one.world.lane(0), Target::slot(3), RpcRequest{}, [&](Response) { answered = true; });
  });

  EXPECT_TRUE(answered);
  EXPECT_EQ(one.world.lane(0).timers(), 0u) << "an answered request keeps no deadline";
}

TEST(BusLocal, DeliveryNeverEntersTheSinkFromInsideARequest) {
  OneLane one;
  size_t delivered_inside = 0;
  one.broker.behaviour = [&](Request, ResponseFn done) {
    one.bus.deliver(one.world.lane(0), {0, 0}, DeliverDisconnect{});
    delivered_inside = one.gateway.deliveries.size();
    done(Outcome{});
  };

  one.world.on(one.world.lane(0),
               [&] { one.bus.request(one.world.lane(0), Target::any(), RpcRequest{}, [](Response) {}); });
  one.world.run_until_idle();

  EXPECT_EQ(delivered_inside, 0u);
  EXPECT_EQ(one.gateway.deliveries.size(), 1u);
}

TEST(BusLocal, AnswerArrivesBeforeTheDeliveriesOfItsTurn) {
  SimWorld world(7, 2);
  BusLocal bus(16, 1);
  RecordingHandler broker;
  RecordingSink gateway;
  bus.serve(0, world.lane(0), broker);
  bus.attach({0, 0}, world.lane(1), gateway);
  broker.behaviour = [&](Request, ResponseFn done) {
    bus.deliver(world.lane(0), {0, 0}, DeliverDisconnect{});
    done(Outcome{});
  };
  size_t delivered_before = 99;

  world.on(world.lane(1), [&] {
    bus.request(world.lane(1), Target::any(), RpcRequest{},
                [&](Response) { delivered_before = gateway.deliveries.size(); });
  });
  world.run_until_idle();

  EXPECT_EQ(delivered_before, 0u);
  EXPECT_EQ(gateway.deliveries.size(), 1u);
}

TEST(SlotOfKey, IsXxh3AndStable) {
  EXPECT_EQ(slot_of_key("42", 1024), slot_of_key("42", 1024));
  EXPECT_EQ(slot_of_key("", 1024), 0x2d06800538d394c2u % 1024) << "XXH3_64bits of nothing, seed 0";
}

TEST(SlotOfKey, AtSignNamesASlot) {
  EXPECT_EQ(slot_of_key("@17", 1024), 17u);
  EXPECT_LT(slot_of_key("@1024", 1024), 1024u);
  EXPECT_LT(slot_of_key("@x", 1024), 1024u);
}

TEST(KeyOfChannel, PersonalProvidedAndPlain) {
  EXPECT_EQ(key_of_channel("#42", false), "42");
  EXPECT_EQ(key_of_channel("#42,56", false), "#42,56");
  EXPECT_EQ(key_of_channel("dialog:42", true), "42");
  EXPECT_EQ(key_of_channel("chat:42", false), "chat:42");
}

}  // namespace
}  // namespace lcg::test
