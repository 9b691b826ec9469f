// SPDX-License-Identifier: Apache-2.0
#include "lcg/plugin.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "lcg/sync.hpp"
#include "lcg/timer.hpp"
#include "testing/fake_host.h"

namespace lcg::testing {
namespace {

using namespace std::chrono_literals;

// Everything the wrapper does, one rpc method each.
class Probe {
 public:
  explicit Probe(Host host) : host_(host), prefix_(host.config("prefix", "")), timer_(host) {
    if (prefix_ == "throw") throw std::runtime_error("prefix may not be throw");
    host.config_int("count", 1, 1, 8);
  }
  Task<Reply> start() {
    host_.spawn(background());
    timer_.every(100ms, [this] { ++ticks_; });
    if (prefix_ == "refuse") co_return Reply::error(LCG_E_UNAVAILABLE, "not today");
    co_return Reply();
  }
  void on_stopping() { wake_.set(); }
  Task<> stop() {
    host_.info(background_ended_ ? "stop after background" : "stop before background");
    co_return;
  }
  Task<Reply> on_connect(Request request) {
    if (request.credential.empty()) co_return Reply::error(LCG_E_DENIED, "credential missing");
    Reply reply = Reply::user(request.credential);
    reply.channels = {"a", "b"};
    reply.info = "{\"n\":1}";
    reply.auth_id = "login";
    co_return reply;
  }
  Task<Reply> on_rpc(Request request) {
    if (request.name == "echo") co_return Reply::with(prefix_ + request.data);
    if (request.name == "peer")
      co_return Reply::with(request.user_id + "/" + request.device_id + "/" + request.session_id);
    if (request.name == "throw") throw std::runtime_error("the secret reason");
    if (request.name == "sleep") {
      const lcg_status status = co_await host_.sleep(1000);
      co_return Reply::with(std::to_string(status));
    }
    if (request.name == "offload") {
      auto work = [text = request.data] { return text + "!"; };
      Outcome<std::string> done = co_await host_.offload(std::move(work));
      co_return Reply::error(done.status, done.value);
    }
    if (request.name == "wait") {
      co_await wake_.wait();
      co_return Reply::with(request.cancelled() ? "cancelled" : "woken");
    }
    if (request.name == "wake") wake_.pulse();
    if (request.name == "ticks") co_return Reply::with(std::to_string(ticks_));
    if (request.name == "call") co_return co_await host_.call({"other", "method", "key", request.data});
    if (request.name == "publish") co_return co_await host_.publish("channel", request.data);
    if (request.name == "yield") co_await host_.yield();
    co_return Reply::defer();
  }
  Task<Reply> on_call(ServiceCall call) {
    co_return Reply::with(call.service + "." + call.method + "(" + call.key + ") by " + call.caller + " in " +
                          std::to_string(call.slot) + " term " + std::to_string(call.term));
  }
  void on_slot(uint32_t slot, uint64_t, bool owned) {
    host_.debug((owned ? "gained " : "lost ") + std::to_string(slot));
  }
  void on_disconnect(Peer peer, uint32_t code) {
    host_.debug(peer.user_id + " left " + std::to_string(code));
  }

 private:
  Task<> background() {
    for (;;) {
      const lcg_status slept = co_await host_.sleep(50);
      if (slept != LCG_OK) break;
    }
    background_ended_ = true;
  }
  Host host_;
  std::string prefix_;
  Timer timer_;
  Event wake_;
  int ticks_ = 0;
  bool background_ended_ = false;
};

constexpr lcg_descriptor kProbe = describe<Probe>("probe", "1.0", "Apache-2.0", "probe");

class Silent {
 public:
  explicit Silent(Host) {}
};
constexpr lcg_descriptor kSilent = describe<Silent>("silent", "1.0", "Apache-2.0", "");

class Plugin : public ::testing::Test {
 protected:
  Plugin() { host_.load(&kProbe); }
  Reply rpc_of(std::string method, std::string data = {}) {
    return host_.ask("probe", rpc(std::move(method), std::move(data), peer("ann")));
  }
  bool logged(std::string_view text) const {
    for (const LogRecord& line : host_.logs())
      if (line.text.find(text) != std::string::npos) return true;
    return false;
  }
  FakeHost host_;
};

TEST_F(Plugin, MaskNamesTheHandlersThereAre) {
  EXPECT_EQ(kProbe.ops->request_mask, 1u << LCG_REQ_CONNECT | 1u << LCG_REQ_RPC);
  EXPECT_EQ(kSilent.ops->request_mask, 0u);
  EXPECT_EQ(kSilent.ops->on_request, nullptr);
  EXPECT_EQ(kSilent.ops->on_call, nullptr);
}

TEST_F(Plugin, PluginWithoutHandlersStartsAndStops) {
  host_.load(&kSilent);
  EXPECT_EQ(host_.ask("silent", rpc("x", "")).status, LCG_DEFER);
}

TEST_F(Plugin, RpcIsAnswered) { EXPECT_EQ(rpc_of("echo", "hi").data, "hi"); }

TEST_F(Plugin, PeerArrives) { EXPECT_EQ(rpc_of("peer").data, "ann/device/session-ann-device"); }

TEST_F(Plugin, ConnectReplyCarriesEveryField) {
  const Reply reply = host_.ask(connect("bob"));

  EXPECT_EQ(reply.user_id, "bob");
  EXPECT_EQ(reply.auth_id, "login");
  EXPECT_EQ(reply.info, "{\"n\":1}");
  EXPECT_EQ(reply.channels, (std::vector<std::string>{"a", "b"}));
}

TEST_F(Plugin, ExceptionIsLoggedAndNotShown) {
  const Reply reply = rpc_of("throw");

  EXPECT_EQ(reply.status, LCG_E_INTERNAL);
  EXPECT_EQ(reply.message, "internal error");
  EXPECT_TRUE(logged("the secret reason"));
}

TEST_F(Plugin, ConstructorThatThrowsIsTheReason) {
  FakeHost host;
  try {
    host.load(&kProbe, {{"prefix", "throw"}});
    FAIL();
  } catch (const PluginError& e) {
    EXPECT_STREQ(e.what(), "probe: create failed with status -11: prefix may not be throw");
  }
}

TEST_F(Plugin, ConfigErrorNamesTheKey) {
  FakeHost host;
  try {
    host.load(&kProbe, {{"count", "9"}});
    FAIL();
  } catch (const PluginError& e) {
    EXPECT_STREQ(
        e.what(),
        "probe: create failed with status -1: count: expected a whole number from 1 to 8, found \"9\"");
  }
}

TEST_F(Plugin, StartMayRefuse) {
  FakeHost host;
  EXPECT_THROW(host.load(&kProbe, {{"prefix", "refuse"}}), PluginError);
}

TEST_F(Plugin, SleepTakesItsTime) {
  const int64_t before = host_.now_ns();
  EXPECT_EQ(rpc_of("sleep").data, "0");
  EXPECT_EQ(host_.now_ns() - before, 1'000'000'000);
}

TEST_F(Plugin, StopCancelsSleepsAndAnswersWhatIsOpen) {
  const Pending pending = host_.send("probe", rpc("sleep", "", peer("ann")));
  host_.run();

  host_.stop();

  ASSERT_TRUE(pending->done);
  EXPECT_EQ(pending->reply.data, std::to_string(LCG_E_CANCELLED));
}

TEST_F(Plugin, StopWaitsForBackgroundWorkThenRunsStop) {
  host_.stop();
  EXPECT_TRUE(logged("stop after background"));
}

TEST_F(Plugin, OnStoppingWakesWaiters) {
  const Pending pending = host_.send("probe", rpc("wait", "", peer("ann")));
  host_.run();

  host_.stop();

  EXPECT_EQ(pending->reply.data, "woken");
}

TEST_F(Plugin, CancelReachesTheRequest) {
  const Pending pending = host_.send("probe", rpc("wait", "", peer("ann")));
  host_.run();

  host_.cancel(pending);
  rpc_of("wake");
  host_.run();

  EXPECT_EQ(pending->reply.data, "cancelled");
}

TEST_F(Plugin, OffloadReturnsItsValue) { EXPECT_EQ(rpc_of("offload", "x").message, "x!"); }

TEST_F(Plugin, TimerRepeatsUntilStop) {
  host_.advance(1050);
  EXPECT_EQ(rpc_of("ticks").data, "10");
}

TEST_F(Plugin, YieldComesBack) { EXPECT_EQ(rpc_of("yield").status, LCG_DEFER); }

TEST_F(Plugin, CallOfAMissingServiceIsUnavailable) { EXPECT_EQ(rpc_of("call").status, LCG_E_UNAVAILABLE); }

TEST_F(Plugin, CallReachesAScriptedProvider) {
  host_.provide("other", [](const ServiceCall& call) {
    return Reply::with(call.caller + ":" + call.key + ":" + call.data);
  });
  EXPECT_EQ(rpc_of("call", "d").data, "probe:key:d");
}

TEST_F(Plugin, ServiceCallSaysSlotTermAndCaller) {
  const Reply reply = host_.call({"probe", "m", "@3", ""});
  EXPECT_EQ(reply.data, "probe.m(@3) by host in 3 term 1");
}

TEST_F(Plugin, PublishAnswersThePosition) {
  EXPECT_EQ(rpc_of("publish", "1").data, "1 fake");
  EXPECT_EQ(rpc_of("publish", "2").data, "2 fake");
  EXPECT_EQ(host_.publications().at(1).data, "2");
}

TEST_F(Plugin, SlotsAreToldAtStartAndWhenTheyMove) {
  EXPECT_TRUE(logged("gained 15"));
  host_.set_slot(15, 2, false);
  EXPECT_TRUE(logged("lost 15"));
}

TEST_F(Plugin, DisconnectArrives) {
  host_.peer_gone("probe", peer("ann"), 3001);
  EXPECT_TRUE(logged("ann left 3001"));
}

TEST_F(Plugin, UnreadSettingsAreReported) {
  FakeHost host;
  host.load(&kProbe, {{"prefix", "p"}, {"prefx", "typo"}});
  EXPECT_EQ(host.unread_config("probe"), std::vector<std::string>{"prefx"});
}

}  // namespace
}  // namespace lcg::testing
