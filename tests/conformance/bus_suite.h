// What every Bus must do, as tests: one an obligation of broker/api/bus.h. A driver instantiates BusSuite
// with a factory of rigs:
//   INSTANTIATE_TEST_SUITE_P(Local, BusSuite, testing::Values(&make_local_rig));
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/api/bus.h"

namespace lcg::test {

// A served and attached bus: two broker lanes, two gateway lanes apart from them.
class BusRig {
 public:
  static constexpr uint32_t kBrokerLanes = 2, kGatewayLanes = 2, kSlots = 16;
  virtual ~BusRig() = default;
  virtual Bus& bus() = 0;
  virtual Lane& broker_lane(uint32_t lane) = 0;
  virtual Lane& gateway_lane(uint32_t lane) = 0;
  // Runs `body` on `lane` and waits for it.
  virtual void on(Lane& lane, std::function<void()> body) = 0;
  // Waits until nothing is under way but deadlines.
  virtual void settle() = 0;
  virtual void pass(Millis time) = 0;
  // Makes the mailbox of a broker lane full until settle(). False: this bus has no mailbox to fill.
  virtual bool jam(uint32_t broker_lane) = 0;
  // One process: a payload arrives without a copy, and nothing delivered is lost.
  virtual bool is_local() const = 0;
};

// A broker lane that records and does what the test says.
class RecordingHandler final : public RequestHandler {
 public:
  void on_request(Request request, ResponseFn done) override {
    requests.push_back(request);
    if (behaviour) behaviour(std::move(request), std::move(done));
  }
  std::vector<Request> requests;
  std::function<void(Request, ResponseFn)> behaviour;
};

class RecordingSink final : public DeliverySink {
 public:
  void on_delivery(Delivery delivery) override { deliveries.push_back(std::move(delivery)); }
  std::vector<Delivery> deliveries;
};

struct BusParties {
  RecordingHandler brokers[BusRig::kBrokerLanes];
  RecordingSink gateways[BusRig::kGatewayLanes];
};

using BusFactory = std::unique_ptr<BusRig> (*)(BusParties&);

class BusSuite : public testing::TestWithParam<BusFactory> {
 protected:
  void SetUp() override {
    rig_ = GetParam()(parties_);
    for (RecordingHandler& broker : parties_.brokers)
      broker.behaviour = [](Request, ResponseFn done) { done(Outcome{}); };
  }

  // Asks from gateway lane 0; notes the answer and on which lane it came.
  void rpc(Target target, std::string method, Millis timeout = Millis(0)) {
    Lane& from = rig_->gateway_lane(0);
    rig_->on(from, [&] { send(from, target, std::move(method), timeout); });
  }
  void send(Lane& from, Target target, std::string method, Millis timeout = Millis(0)) {
    RpcRequest request;
    request.method = std::move(method);
    ask(
        rig_->bus(), from, target, std::move(request),
        [this, &from](RpcResponse answer) {
          answers_.push_back(std::move(answer));
          answered_at_home_ = answered_at_home_ && from.is_current();
        },
        timeout);
  }
  static std::string method_of(const Request& request) { return std::get<RpcRequest>(request).method; }
  static Delivery delivery(uint64_t offset) {
    auto publication = std::make_shared<Publication>();
    publication->offset = offset;
    return DeliverPublication{"c", std::move(publication)};
  }
  static uint64_t offset_of(const Delivery& delivery) {
    return std::get<DeliverPublication>(delivery).publication->offset;
  }
  void expect_failed_once() {
    ASSERT_EQ(answers_.size(), 1u);
    EXPECT_EQ(answers_[0].error.code, error_code::kInternal);
    EXPECT_TRUE(answers_[0].error.temporary);
  }

  BusParties parties_;
  std::unique_ptr<BusRig> rig_;
  std::vector<RpcResponse> answers_;
  bool answered_at_home_ = true;
};

TEST_P(BusSuite, KnowsItsSlotsAndLanes) {
  EXPECT_EQ(rig_->bus().slot_count(), BusRig::kSlots);
  EXPECT_EQ(rig_->bus().broker_lane_count(), BusRig::kBrokerLanes);
}

TEST_P(BusSuite, RequestReachesOneHandlerAndItsAnswerTheAskingLane) {
  for (RecordingHandler& broker : parties_.brokers)
    broker.behaviour = [](Request, ResponseFn done) {
      RpcResponse answer;
      answer.data = SharedBytes("42");
      done(std::move(answer));
    };

  rpc(Target::slot(3), "m");
  rig_->settle();

  EXPECT_EQ(parties_.brokers[0].requests.size() + parties_.brokers[1].requests.size(), 1u);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_TRUE(answers_[0].ok());
  EXPECT_EQ(answers_[0].data.view(), "42");
  EXPECT_TRUE(answered_at_home_);
}

TEST_P(BusSuite, OneSlotIsServedByOneLane) {
  for (int i = 0; i < 4; ++i) rpc(Target::slot(5), "m");
  rig_->settle();

  const size_t first = parties_.brokers[0].requests.size();
  EXPECT_TRUE(first == 0 || first == 4) << first;
  EXPECT_EQ(answers_.size(), 4u);
}

TEST_P(BusSuite, TargetLaneReachesThatLane) {
  rpc(Target::lane(1), "m");
  rig_->settle();

  EXPECT_EQ(parties_.brokers[1].requests.size(), 1u);
}

TEST_P(BusSuite, TargetAnyIsAnswered) {
  rpc(Target::any(), "m");
  rig_->settle();

  EXPECT_EQ(answers_.size(), 1u);
}

TEST_P(BusSuite, BrokerLaneMayAskItself) {
  Lane& lane = rig_->broker_lane(0);
  rig_->on(lane, [&] { send(lane, Target::lane(0), "m"); });
  rig_->settle();

  EXPECT_EQ(answers_.size(), 1u);
  EXPECT_TRUE(answered_at_home_);
}

TEST_P(BusSuite, AnswerMayComeLater) {
  std::vector<ResponseFn> held;
  parties_.brokers[0].behaviour = [&](Request, ResponseFn done) { held.push_back(std::move(done)); };
  rpc(Target::lane(0), "m");
  rig_->settle();
  ASSERT_TRUE(answers_.empty());

  rig_->on(rig_->broker_lane(0), [&] { held.at(0)(RpcResponse{}); });
  rig_->settle();

  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_TRUE(answers_[0].ok());
}

TEST_P(BusSuite, DeadlineAnswersTemporaryError) {
  std::vector<ResponseFn> held;
  parties_.brokers[0].behaviour = [&](Request, ResponseFn done) { held.push_back(std::move(done)); };

  rpc(Target::lane(0), "m", Millis(100));
  rig_->settle();
  EXPECT_TRUE(answers_.empty());
  rig_->pass(Millis(200));

  expect_failed_once();
  EXPECT_TRUE(answered_at_home_);
}

TEST_P(BusSuite, DefaultDeadlineHolds) {
  std::vector<ResponseFn> held;
  parties_.brokers[0].behaviour = [&](Request, ResponseFn done) { held.push_back(std::move(done)); };

  rpc(Target::lane(0), "m");
  rig_->pass(Bus::kDefaultTimeout + Millis(100));

  expect_failed_once();
}

TEST_P(BusSuite, DeadlineHoldsOnTheSameLane) {
  std::vector<ResponseFn> held;
  parties_.brokers[0].behaviour = [&](Request, ResponseFn done) { held.push_back(std::move(done)); };
  Lane& lane = rig_->broker_lane(0);

  rig_->on(lane, [&] { send(lane, Target::lane(0), "m", Millis(100)); });
  rig_->pass(Millis(200));

  expect_failed_once();
}

TEST_P(BusSuite, AnswerAfterTheDeadlineIsDropped) {
  std::vector<ResponseFn> held;
  parties_.brokers[0].behaviour = [&](Request, ResponseFn done) { held.push_back(std::move(done)); };
  rpc(Target::lane(0), "m", Millis(100));
  rig_->pass(Millis(200));

  rig_->on(rig_->broker_lane(0), [&] { held.at(0)(RpcResponse{}); });
  rig_->settle();

  expect_failed_once();
}

TEST_P(BusSuite, TargetThatIsGoneAnswersTemporaryError) {
  rpc(Target::slot(BusRig::kSlots), "m");
  rig_->pass(Bus::kDefaultTimeout + Millis(100));

  expect_failed_once();
}

TEST_P(BusSuite, FullMailboxAnswersTemporaryError) {
  if (!rig_->jam(1)) return;

  rpc(Target::lane(1), "m");

  expect_failed_once();
  rig_->settle();
  EXPECT_TRUE(parties_.brokers[1].requests.empty());
}

TEST_P(BusSuite, WhatIsToldGoesIntoAFullMailbox) {
  if (!rig_->jam(1)) return;
  Lane& from = rig_->gateway_lane(0);

  rig_->on(from, [&] { rig_->bus().tell(from, Target::lane(1), SessionClosed{}); });
  rig_->settle();

  EXPECT_EQ(parties_.brokers[1].requests.size(), 1u);
}

TEST_P(BusSuite, WhatIsToldKeepsItsPlaceAmongTheRequests) {
  Lane& from = rig_->gateway_lane(0);
  rig_->on(from, [&] {
    send(from, Target::slot(1), "before");
    rig_->bus().tell(from, Target::slot(1), SessionClosed{});
    send(from, Target::slot(1), "after");
  });
  rig_->settle();

  const auto& requests = parties_.brokers[parties_.brokers[0].requests.empty() ? 1 : 0].requests;
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_TRUE(std::holds_alternative<SessionClosed>(requests[1]));
}

TEST_P(BusSuite, RequestsOfOneLaneToOneSlotStayInOrder) {
  Lane& from = rig_->gateway_lane(0);
  rig_->on(from, [&] {
    for (int i = 0; i < 100; ++i) send(from, Target::slot(1), std::to_string(i));
  });
  rig_->settle();

  std::vector<Request>& seen =
      parties_.brokers[1].requests.empty() ? parties_.brokers[0].requests : parties_.brokers[1].requests;
  ASSERT_EQ(seen.size(), 100u);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(method_of(seen[i]), std::to_string(i));
}

TEST_P(BusSuite, ReachesTheGatewaysThatAreAttached) {
  EXPECT_TRUE(rig_->bus().reaches({0, 0}));
  EXPECT_TRUE(rig_->bus().reaches({0, BusRig::kGatewayLanes - 1}));
  EXPECT_FALSE(rig_->bus().reaches({0, BusRig::kGatewayLanes}));
  EXPECT_FALSE(rig_->bus().reaches({9, 0}));
}

TEST_P(BusSuite, DeliveriesArriveInOrderAtTheirGatewayOnly) {
  Lane& from = rig_->broker_lane(0);
  rig_->on(from, [&] {
    for (uint64_t i = 1; i <= 100; ++i) rig_->bus().deliver(from, {0, 1}, delivery(i));
  });
  rig_->settle();
  rig_->on(from, [&] { rig_->bus().deliver(from, {0, 1}, delivery(101)); });
  rig_->settle();

  const std::vector<Delivery>& got = parties_.gateways[1].deliveries;
  if (rig_->is_local()) {
    ASSERT_EQ(got.size(), 101u);
  }
  for (size_t i = 1; i < got.size(); ++i) EXPECT_LT(offset_of(got[i - 1]), offset_of(got[i]));
  EXPECT_TRUE(parties_.gateways[0].deliveries.empty());
}

TEST_P(BusSuite, DeliveryToNobodyIsDropped) {
  Lane& from = rig_->broker_lane(0);
  rig_->on(from, [&] { rig_->bus().deliver(from, {0, 77}, delivery(1)); });
  rig_->settle();

  EXPECT_TRUE(parties_.gateways[0].deliveries.empty());
  EXPECT_TRUE(parties_.gateways[1].deliveries.empty());
}

TEST_P(BusSuite, LocalPublicationIsShared) {
  if (!rig_->is_local()) return;
  auto publication = std::make_shared<const Publication>();
  Lane& from = rig_->broker_lane(0);
  rig_->on(from, [&] { rig_->bus().deliver(from, {0, 0}, DeliverPublication{"c", publication}); });
  rig_->settle();

  ASSERT_EQ(parties_.gateways[0].deliveries.size(), 1u);
  EXPECT_EQ(std::get<DeliverPublication>(parties_.gateways[0].deliveries[0]).publication, publication);
}

}  // namespace lcg::test
