// SPDX-License-Identifier: Apache-2.0
// A plugin with two writes that belong together, killed at every step it takes.
#include <gtest/gtest.h>

#include "lcg/plugin.hpp"
#include "lcg/services/storage.hpp"
#include "testing/fake_host.h"

namespace lcg::testing {
namespace {

// transfer: an intent first, then both sides, then the intent goes. What a crash left is finished at start.
class Bank {
 public:
  explicit Bank(Host host) : host_(host), storage_(host) {}
  Task<> start() {
    auto rows = co_await storage_.scan("bank", storage::Scan("intent", "", ""));
    if (!rows.value.rows.empty()) co_await settle();
  }
  Task<Reply> on_rpc(Request) {
    storage::Batch intent;
    intent.put("intent", "1", "");
    Reply reply = co_await storage_.commit("bank", std::move(intent));
    if (reply.ok()) reply = co_await settle();
    if (reply.ok()) reply = co_await host_.publish("bank", "\"done\"");
    co_return Reply::error(reply.status);
  }

 private:
  Task<Reply> settle() {
    storage::Batch from;
    from.put("account", "a", "-1");
    from.durable = false;
    Reply reply = co_await storage_.commit("bank", std::move(from));
    storage::Batch to;
    to.put("account", "b", "+1").erase("intent", "1");
    if (reply.ok()) reply = co_await storage_.commit("bank", std::move(to));
    co_return reply;
  }
  Host host_;
  storage::Client storage_;
};
constexpr lcg_descriptor kBank = describe<Bank>("bank", "1", "Apache-2.0", "");

void expect_both_or_none(FakeHost& host) {
  EXPECT_EQ(host.storage().rows("bank", "account").size() % 2, 0u);
  EXPECT_TRUE(host.storage().rows("bank", "intent").empty());
}

uint64_t crash_everywhere(When when) {
  for (uint64_t n = 1;; ++n) {
    FakeHost host;
    host.load(&kBank);
    host.crash_at(n, when);
    host.ask(rpc("transfer", ""));
    if (!host.crashed()) return n - 1;

    host.restart();

    SCOPED_TRACE(n);
    EXPECT_FALSE(host.crashed());
    expect_both_or_none(host);
  }
}

TEST(Crash, BeforeEveryStep) { EXPECT_EQ(crash_everywhere(When::kBefore), 5u); }

TEST(Crash, AfterEveryStep) { EXPECT_EQ(crash_everywhere(When::kAfter), 5u); }

TEST(Crash, AgainDuringEveryStepOfTheRecovery) {
  for (uint64_t n = 1;; ++n) {
    FakeHost host;
    host.load(&kBank);
    host.crash_at(2, When::kAfter);
    host.ask(rpc("transfer", ""));
    ASSERT_TRUE(host.crashed());
    host.crash_at(n);
    host.restart();
    const bool again = host.crashed();
    if (again) host.restart();

    expect_both_or_none(host);
    if (!again) break;
  }
}

TEST(Crash, AfterTheReplyTheClientHasIt) {
  FakeHost host;
  host.load(&kBank);
  host.crash_at(5, When::kAfter);

  EXPECT_TRUE(host.ask(rpc("transfer", "")).ok());
  EXPECT_TRUE(host.crashed());
}

TEST(Crash, UnansweredRequestIsLost) {
  FakeHost host;
  host.load(&kBank);
  host.crash_at(1);

  const Pending pending = host.send("bank", rpc("transfer", ""));
  host.run();
  host.restart();

  EXPECT_FALSE(pending->done);
  EXPECT_TRUE(pending->lost);
}

TEST(Crash, RestartRaisesTheTerm) {
  FakeHost host;
  uint64_t term = 0;
  host.provide("s", [&term](const ServiceCall& call) {
    term = call.term;
    return Reply();
  });

  host.restart();
  host.call({"s", "", "k", ""});

  EXPECT_EQ(term, 2u);
}

TEST(Crash, KillWithoutFreezeDropsWhatRuns) {
  FakeHost host;
  host.load(&kBank);
  host.send("bank", rpc("transfer", ""));

  host.restart();

  EXPECT_TRUE(host.storage().rows("bank", "account").empty());
}

}  // namespace
}  // namespace lcg::testing
