#include "broker/broker.h"

#include <gmock/gmock.h>

#include "base/sim_lane.h"
#include "broker/bus/bus_local.h"
#include "broker/host/testing_plugins.h"
#include "broker/testing/fake_plugin_host.h"

namespace lcg::broker {
namespace {

using host::testing::LinkedPlugin;
using host::testing::Script;
using host::testing::Scripted;
using testing::HasSubstr;
using testing::SizeIs;

// A whole broker of three lanes with the real plugin host, under the simulator.
class BrokerTest : public testing::Test {
 protected:
  static constexpr uint32_t kLanes = 3, kSlots = 64;

  BrokerTest() : world_(5, kLanes), bus_(kSlots, kLanes), second_bus_(kSlots, kLanes) {
    config_.slots = kSlots;
  }
  ~BrokerTest() override {
    if (broker_ != nullptr) {
      EXPECT_TRUE(stop().ok());
    }
  }

  void add(const std::string& name, Script script, bool per_lane) {
    plugins_.push_back(std::make_unique<LinkedPlugin>(name, std::move(script)));
    config_.plugins.push_back(plugins_.back()->spec(per_lane));
  }
  void add_storage() {
    Script storage;
    storage.provides = "storage";
    storage.start = [this](Scripted& self, lcg_token token) {
      started_.push_back("storage");
      self.reply(token);
    };
    storage.on_call = [this](Scripted& self, lcg_token token, const lcg_call& call) {
      if (host::view(call.method) == "commit") terms_.push_back(call.term);
      const ServiceCallResponse answer =
          store_.serve({"storage", std::string(host::view(call.method)), std::string(host::view(call.key)),
                        std::string(host::view(call.data)), "", 0});
      self.reply(token, answer.status, answer.data);
    };
    add("storage", std::move(storage), false);
  }
  Status make() {
    std::vector<Lane*> lanes;
    for (uint32_t i = 0; i < kLanes; ++i) lanes.push_back(&world_.lane(i));
    auto made = Broker::make(config_, std::move(lanes), bus_, world_.blocking_pool());
    if (!made.ok()) return made.status();
    broker_ = std::move(made.value());
    return {};
  }
  template <class Begin>
  Status run(Begin begin) {
    std::optional<Status> result;
    begin([&](Status status) { result = std::move(status); });
    world_.run_until([&] { return result.has_value(); });
    return result ? *result : Status(Code::kTimeout, "it did not end");
  }
  Status start() {
    return run([&](Broker::DoneFn done) { broker_->start(std::move(done)); });
  }
  // Whoever has a token is whom it names.
  static Script login() {
    Script script;
    script.on_request = [](Scripted& self, const lcg_request& request) {
      if (request.kind != LCG_REQ_CONNECT) return static_cast<void>(self.reply(request.token, LCG_DEFER));
      lcg_result result{};
      result.struct_size = sizeof result;
      result.user_id = request.credential;
      self.host->reply(self.host->ctx, request.token, &result);
    };
    return script;
  }
  ConnectResponse connect(uint32_t lane, const std::string& token) {
    std::optional<ConnectResponse> answer;
    world_.on(world_.lane(lane), [&] {
      ConnectRequest request;
      request.session = "session of " + token;
      request.token = token;
      request.data = SharedBytes(R"({"device":"phone"})");
      ask(bus_, world_.lane(lane), Target::any(), std::move(request),
          [&](ConnectResponse connected) { answer = std::move(connected); });
    });
    world_.run_until([&] { return answer.has_value(); });
    return answer.value_or(ConnectResponse{});
  }
  Status stop() {
    return run([&](Broker::DoneFn done) { broker_->stop(std::move(done)); });
  }

  SimWorld world_;
  BusLocal bus_, second_bus_;
  FakeStore store_;
  BrokerConfig config_;
  std::vector<std::unique_ptr<LinkedPlugin>> plugins_;
  std::vector<std::string> started_;
  std::vector<uint64_t> terms_;
  std::unique_ptr<Broker> broker_;
};

TEST_F(BrokerTest, StorageStartsFirstWhereverItStandsInTheList) {
  Script first;
  first.start = [this](Scripted& self, lcg_token token) {
    started_.push_back("first");
    self.reply(token);
  };
  add("first", std::move(first), false);
  add_storage();
  ASSERT_TRUE(make().ok());

  ASSERT_TRUE(start().ok());

  EXPECT_EQ(started_, (std::vector<std::string>{"storage", "first"}));
}

TEST_F(BrokerTest, EverySlotIsTakenUnderItsNewTermAndToldToItsLane) {
  std::vector<std::pair<uint32_t, uint32_t>> told;  // slot, lane
  Script watcher;
  watcher.on_slot = [&](Scripted& self, uint32_t slot, uint64_t term, bool owned) {
    EXPECT_EQ(term, 1u);
    EXPECT_TRUE(owned);
    told.emplace_back(slot, self.host->instance_index);
  };
  add_storage();
  add("watcher", std::move(watcher), true);
  ASSERT_TRUE(make().ok());

  ASSERT_TRUE(start().ok());

  ASSERT_THAT(told, SizeIs(kSlots));
  for (const auto& [slot, lane] : told) EXPECT_EQ(lane, slot % kLanes);
  EXPECT_THAT(terms_, SizeIs(kSlots));
  EXPECT_THAT(terms_, testing::Each(1u));
}

TEST_F(BrokerTest, TheNextStartTakesEverySlotUnderAHigherTerm) {
  add_storage();
  ASSERT_TRUE(make().ok());
  ASSERT_TRUE(start().ok());
  ASSERT_TRUE(stop().ok());
  broker_.reset();
  std::vector<Lane*> lanes;
  for (uint32_t i = 0; i < kLanes; ++i) lanes.push_back(&world_.lane(i));
  auto second = Broker::make(config_, std::move(lanes), second_bus_, world_.blocking_pool());
  ASSERT_TRUE(second.ok());
  broker_ = std::move(second.value());
  terms_.clear();

  ASSERT_TRUE(start().ok());

  EXPECT_THAT(terms_, testing::Each(2u)) << "the second start fences the first";
}

TEST_F(BrokerTest, AConnectGoesThroughChainRegistryAndStore) {
  add_storage();
  Script counts = login();
  counts.provides = "devices";
  counts.on_call = [](Scripted& self, lcg_token token, const lcg_call&) {
    self.reply(token, LCG_E_UNSUPPORTED);
  };
  add("login", std::move(counts), true);
  ASSERT_TRUE(make().ok());
  ASSERT_TRUE(start().ok());

  const ConnectResponse answer = connect(1, "alice");

  ASSERT_TRUE(answer.ok()) << answer.error.message;
  EXPECT_EQ(answer.data.view(), R"({"device":"phone","epoch":1})");
  EXPECT_TRUE(store_.rows.contains({"alice", "device", "phone"}));
}

TEST_F(BrokerTest, EventsOfAUserAreToldOnTheLaneOfHisSlotAndInOrder) {
  std::vector<std::string> heard;
  Script journal;
  journal.on_event = [&](Scripted& self, lcg_token token, const lcg_event& event) {
    const std::string user(host::view(event.peer->user_id));
    EXPECT_EQ(event.slot, slot_of_key(user, kSlots));
    EXPECT_EQ(event.term, 1u);
    EXPECT_EQ(self.host->instance_index, event.slot % kLanes);
    heard.push_back(user + " " + std::to_string(event.kind));
    if (token != 0) self.reply(token);
  };
  add_storage();
  add("login", login(), true);
  add("journal", std::move(journal), true);
  ASSERT_TRUE(make().ok());
  ASSERT_TRUE(start().ok());

  for (const std::string user : {"ann", "bob", "cid", "dan"}) {
    heard.clear();
    const ConnectResponse answer = connect(2, user);
    ASSERT_TRUE(answer.ok());
    world_.on(world_.lane(2), [&] {
      const Target owner = Target::slot(slot_of_key(user, kSlots));
      ask(bus_, world_.lane(2), owner, SessionClosed{answer.peer, 3000}, [](SessionClosedResponse) {});
    });
    world_.run_until_idle();
    EXPECT_THAT(heard, testing::ElementsAre(user + " 1", user + " 2"));
  }
}

TEST_F(BrokerTest, WhatIsKeptOfAUserIsWrittenUnderTheTermOfHisSlot) {
  add_storage();
  ASSERT_TRUE(make().ok());
  ASSERT_TRUE(start().ok());
  terms_.clear();
  std::optional<UserAnswer> answer;

  world_.on(world_.lane(0), [&] {
    ask(bus_, world_.lane(0), Target::slot(slot_of_key("ann", kSlots)), BlockUser{"ann", INT64_MAX},
        [&](UserAnswer blocked) { answer = std::move(blocked); });
  });
  world_.run_until([&] { return answer.has_value(); });

  EXPECT_TRUE(answer->ok());
  EXPECT_EQ(terms_, (std::vector<uint64_t>{1}));
}

TEST_F(BrokerTest, WithoutStorageItServesWhatNeedsNone) {
  add("login", login(), true);
  ASSERT_TRUE(make().ok());
  ASSERT_TRUE(start().ok());

  EXPECT_TRUE(connect(0, "alice").ok());
  EXPECT_TRUE(stop().ok());
}

TEST_F(BrokerTest, ANamespaceWithoutItsProviderIsRefused) {
  add_storage();
  ChannelOptions dialog;
  dialog.name = dialog.provider = "dialog";
  config_.namespaces = {dialog};

  EXPECT_THAT(make().message(), HasSubstr("no plugin provides the service 'channel:dialog'"));
}

TEST_F(BrokerTest, AProviderWhoseNamespaceIsNotGivenToItIsRefused) {
  add_storage();
  Script provider;
  provider.provides = "channel:dialog";
  provider.on_call = [](Scripted& self, lcg_token token, const lcg_call&) { self.reply(token); };
  add("dialog", std::move(provider), true);
  ChannelOptions dialog;
  dialog.name = "dialog";
  config_.namespaces = {dialog};

  EXPECT_THAT(make().message(), HasSubstr("set its provider: dialog"));
}

TEST_F(BrokerTest, AFailedStartNamesThePluginAndCanBeStopped) {
  add_storage();
  Script broken;
  broken.start = [](Scripted& self, lcg_token token) { self.reply(token, LCG_E_INTERNAL); };
  add("broken", std::move(broken), false);
  ASSERT_TRUE(make().ok());

  const Status status = start();

  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("broken"));
}

TEST_F(BrokerTest, AStoreThatIsDownStopsTheStart) {
  add_storage();
  store_.down = true;
  ASSERT_TRUE(make().ok());

  EXPECT_EQ(start().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace lcg::broker
