// SPDX-License-Identifier: Apache-2.0
#include "testing/fake_host.h"

#include <gtest/gtest.h>

#include <thread>

#include "lcg/ext/channels.h"
#include "lcg/plugin.hpp"
#include "testing/descriptor_check.h"

namespace lcg::testing {
namespace {

// Adds through a second plugin: front.add -> service "adder".
class Front {
 public:
  explicit Front(Host host) : host_(host) {}
  Task<Reply> on_rpc(Request request) {
    if (request.name == "both") {
      Reply first = co_await host_.call({"adder", "add", "a", "1"});
      Reply second = co_await host_.call({"adder", "add", "b", "2"});
      co_return Reply::with(first.data + second.data + std::to_string(second.status));
    }
    if (request.name == "thread") {
      std::thread([this] { host_.post([this] { posted_ = true; }); }).join();
      co_await host_.yield();
      co_return Reply::with(posted_ ? "posted" : "lost");
    }
    co_return co_await host_.call({"adder", "add", request.user_id, request.data, 100});
  }

 private:
  Host host_;
  bool posted_ = false;
};
class Adder {
 public:
  explicit Adder(Host host) : host_(host) {}
  Task<Reply> on_call(ServiceCall call) {
    if (call.data == "slow") co_await host_.sleep(1000);
    co_return Reply::with(call.data + "+1@" + std::to_string(host_.instance_index()));
  }

 private:
  Host host_;
};
constexpr lcg_descriptor kFront = describe<Front>("front", "1", "Apache-2.0", "");
constexpr lcg_descriptor kAdder = describe<Adder>("adder", "1", "Apache-2.0", "adder");

TEST(FakeHost, PluginsCallEachOther) {
  FakeHost host;
  host.load(&kAdder);
  host.load(&kFront);

  EXPECT_EQ(host.ask(rpc("add", "1", peer("ann"))).data, "1+1@0");
}

TEST(FakeHost, CallsGoToTheInstanceOfTheSlot) {
  FakeHost host;
  host.load(&kAdder, {}, 4);

  for (uint32_t slot = 0; slot < 8; ++slot)
    EXPECT_EQ(host.call({"adder", "add", "@" + std::to_string(slot), "x"}).data,
              "x+1@" + std::to_string(slot % 4));
}

TEST(FakeHost, CallTimesOutInVirtualTime) {
  FakeHost host;
  host.load(&kAdder);
  host.load(&kFront);
  const int64_t before = host.now_ns();

  EXPECT_EQ(host.ask(rpc("add", "slow", peer("ann"))).status, LCG_E_TIMEOUT);
  EXPECT_EQ(host.now_ns() - before, 100'000'000);
  host.advance(2000);
  EXPECT_EQ(host.stale_replies(), 1u);
}

TEST(FakeHost, InjectedFailureHitsTheNthCall) {
  FakeHost host;
  host.load(&kAdder);
  host.load(&kFront);
  Fault fault;
  fault.nth = 2;
  fault.service = "adder";
  fault.status = LCG_E_BUSY;
  host.inject(fault);

  EXPECT_EQ(host.ask(rpc("both", "", peer("ann"))).data, "1+1@0" + std::to_string(LCG_E_BUSY));
}

TEST(FakeHost, RefusedCallGoesOnAtOnce) {
  FakeHost host;
  host.load(&kFront);
  Fault fault;
  fault.refuse = true;
  fault.status = LCG_E_BUSY;
  host.inject(fault);

  EXPECT_EQ(host.ask(rpc("add", "1", peer("ann"))).status, LCG_E_BUSY);
}

TEST(FakeHost, ChainOfDeferrersDenies) {
  FakeHost host;
  host.load(&kAdder);
  EXPECT_EQ(host.ask(rpc("x", "")).status, LCG_E_DENIED);
}

TEST(FakeHost, PostFromAnotherThreadRunsOnTheLane) {
  FakeHost host;
  host.load(&kFront);
  EXPECT_EQ(host.ask(rpc("thread", "", peer("ann"))).data, "posted");
}

TEST(FakeHost, SameSeedSameRandom) {
  FakeHost first, second;
  EXPECT_EQ(first.host().random_bytes(20), second.host().random_bytes(20));
  Options other;
  other.seed = 2;
  EXPECT_NE(FakeHost(other).host().random_bytes(20), second.host().random_bytes(20));
}

TEST(FakeHost, WallClockJumps) {
  FakeHost host;
  const int64_t before = host.wall_ms();
  host.skew_wall_ms(-5000);
  EXPECT_EQ(host.wall_ms(), before - 5000);
}

TEST(FakeHost, JitterReordersAnswersOnly) {
  Options options;
  options.reply_jitter_ms = 50;
  FakeHost host(options);
  std::string served;
  host.provide("s", [&served](const ServiceCall& call) {
    served += call.data;
    return Reply::with(call.data);
  });
  std::string answered;
  auto body = [](Host h, std::string name, std::string* out) -> Task<> {
    Reply reply = co_await h.call({"s", "m", "k", name});
    *out += reply.data;
  };
  for (const char* name : {"a", "b", "c", "d", "e", "f"})
    host.host().spawn(body(host.host(), name, &answered));

  host.run_until([&] { return answered.size() == 6; });

  EXPECT_EQ(served, "abcdef");
  EXPECT_NE(answered, "abcdef");
}

TEST(FakeHost, ChannelsInterfaceRecordsUnsubscribes) {
  FakeHost host;
  const auto* channels = host.host().query<lcg_channels_v1>(LCG_CHANNELS_V1);
  ASSERT_NE(channels, nullptr);
  lcg_host_ctx* ctx = host.host().core()->host()->ctx;

  EXPECT_EQ(channels->unsubscribe(ctx, str("dialog:1"), str("ann"), 2500, str("left")), LCG_OK);
  EXPECT_EQ(channels->unsubscribe(ctx, str("dialog:1"), str("ann"), 3000, str("left")), LCG_E_INVALID);

  EXPECT_EQ(channels->unsubscribe_session(ctx, str("dialog:1"), str("s1"), 2000, str("left")), LCG_OK);

  ASSERT_EQ(host.unsubscribes().size(), 2u);
  EXPECT_EQ(host.unsubscribes()[0].user_id, "ann");
  EXPECT_EQ(host.unsubscribes()[1].session_id, "s1");
}

TEST(FakeHost, DeferredOffloadWaits) {
  Options options;
  options.defer_offload = true;
  options.offload_limit = 1;
  FakeHost host(options);
  auto body = [](Host h, std::string* out) -> Task<> {
    auto work = [] { return 7; };
    Outcome<int> result = co_await h.offload(work);
    *out = std::to_string(result.status) + ":" + std::to_string(result.value);
  };
  std::string first, second;
  host.host().spawn(body(host.host(), &first));
  host.host().spawn(body(host.host(), &second));
  host.run();
  EXPECT_EQ(first, "");
  EXPECT_EQ(second, std::to_string(LCG_E_BUSY) + ":0");

  host.run_offloads();

  EXPECT_EQ(first, "0:7");
}

TEST(Descriptor, RefusalNamesTheField) {
  lcg_descriptor bad = kFront;
  bad.magic = 1;
  EXPECT_NE(check_descriptor(&bad).find("magic is 1"), std::string::npos);
  bad = kFront;
  bad.abi_major = 2;
  EXPECT_NE(check_descriptor(&bad).find("built for ABI 2.2, this host offers 1.2"), std::string::npos);
  bad = kFront;
  bad.min_host_minor = 3;
  EXPECT_NE(check_descriptor(&bad).find("needs a host of ABI 1.3"), std::string::npos);
  bad = kFront;
  bad.name = "Front";
  EXPECT_NE(check_descriptor(&bad).find("name is \"Front\""), std::string::npos);
  bad = kFront;
  bad.ops = nullptr;
  EXPECT_EQ(check_descriptor(&bad), "ops is NULL");
  bad = kFront;
  bad.struct_size = 8;
  EXPECT_NE(check_descriptor(&bad).find("descriptor.struct_size is 8"), std::string::npos);
}

}  // namespace
}  // namespace lcg::testing
