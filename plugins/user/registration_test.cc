// SPDX-License-Identifier: Apache-2.0
// Names that are registered and shown at the same time, registrations that fail, and two authorities.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "lcg/services/storage.hpp"
#include "lcg/services/uaa.hpp"
#include "testing/fake_host.h"

LCG_DECLARE_PLUGIN(token);
LCG_DECLARE_PLUGIN(uaa);
LCG_DECLARE_PLUGIN(user);

namespace lcg::user {
namespace {

using lcg::testing::Config;
using lcg::testing::FakeHost;
using lcg::testing::Fault;
using lcg::testing::Options;
using lcg::testing::Pending;

constexpr int64_t kClaimIsOverMs = 125'000;

// uaa and user, and in front of them token, as conf/lcg.yaml proposes; each with its user_prefix.
class Server {
 public:
  explicit Server(const std::string& token_prefix = "shop@", const std::string& uaa_prefix = "",
                  Options options = {})
      : host(options), prefix_(uaa_prefix) {
    Config token = {{"hmac_secret_key", "the-secret-of-the-back-end-0123456789"}};
    Config uaa = {{"argon2_memory", "8KiB"}, {"argon2_passes", "1"}, {"argon2_concurrency", "1"}};
    if (!token_prefix.empty()) token["user_prefix"] = token_prefix;
    if (!uaa_prefix.empty()) uaa["user_prefix"] = uaa_prefix;
    host.load(lcg_plugin_descriptor_token(), token);
    host.load(lcg_plugin_descriptor_uaa(), uaa);
    host.load(lcg_plugin_descriptor_user());
  }

  Pending send_put(const std::string& user, const std::string& name) {
    return host.send("user",
                     lcg::testing::rpc("user.put", R"({"name":")" + name + "\"}", lcg::testing::peer(user)));
  }
  Pending send_add(const std::string& name, const std::string& shown = "") {
    std::string data = wire::Writer().str("correct horse").str(shown).take();
    return host.send_call({"uaa", "add_user", prefix_ + name, std::move(data)});
  }
  lcg_status put(const std::string& user, const std::string& name) {
    return done(send_put(user, name)).status;
  }
  lcg_status add(const std::string& name, const std::string& shown = "") {
    return done(send_add(name, shown)).status;
  }
  const Reply& done(const Pending& pending) {
    host.run_until([&] { return pending->done; });
    return pending->reply;
  }
  lcg_status is_registered(const std::string& name) {
    return host.await(uaa::Client(host.host()).is_registered(prefix_ + name)).status;
  }
  // The nth call of the store from now waits for let_go().
  void hold(uint64_t nth) {
    calls = 0;
    host.provide_async("storage", [this, nth](ServiceCall call, auto answer) {
      if (++calls != nth) return answer(host.storage().handle(call));
      held_ = [this, call = std::move(call), answer = std::move(answer)] {
        answer(host.storage().handle(call));
      };
    });
  }
  bool holds() const { return held_ != nullptr; }
  void let_go() { std::exchange(held_, nullptr)(); }

  void write(const std::string& partition, storage::Batch batch) {
    ASSERT_TRUE(host.await(storage::Client(host.host()).commit(partition, std::move(batch))).ok());
  }

  FakeHost host;
  uint64_t calls = 0;  // of the store, since hold()

 private:
  const std::string prefix_;
  std::function<void()> held_;
};

// --- two authorities -----------------------------------------------------------------------------

TEST(TwoAuthorities, ANameIsComparedWithAnIdWithoutItsPrefixWhicheverHasOne) {
  for (const auto& [token, uaa] : {std::pair("shop@", ""), std::pair("", "u@"), std::pair("shop@", "u@")}) {
    Server server(token, uaa);
    server.put(std::string(token) + "BigBoss", "The Boss");
    ASSERT_EQ(server.add("Keeper"), LCG_OK);

    for (const char* name : {"BigBoss", "bigboss", "B\u0456gBoss", "Keeper", "KEEPER"}) {
      EXPECT_EQ(server.put("mallory", name), LCG_E_INVALID) << name << token << uaa;
      EXPECT_EQ(server.add("mm", name), LCG_E_INVALID) << name << token << uaa;
    }
    EXPECT_EQ(server.add("mm", "Boss"), LCG_OK);
  }
}

TEST(TwoAuthorities, WhatIsReadAsOnesOwnIdMayAlwaysBeShown) {
  for (const auto& [token, uaa] : {std::pair("shop@", ""), std::pair("", "u@"), std::pair("shop@", "u@")}) {
    const std::string theirs = std::string(token) + "bob", ours = std::string(uaa) + "bob";
    Server server(token, uaa);
    ASSERT_EQ(server.put(theirs, "Robert"), LCG_OK);
    ASSERT_EQ(server.add("bob", "Bob"), LCG_OK);

    EXPECT_EQ(server.put(ours, "BOB"), LCG_OK) << token << uaa;
    EXPECT_EQ(server.put(theirs, "Bob"), LCG_OK) << token << uaa;
    EXPECT_EQ(server.put(theirs, "u@bob"), uaa[0] == 'u' ? LCG_E_INVALID : LCG_OK) << token;
  }
}

// The index, profiles from before it and uaa are asked in turn.
TEST(TwoAuthorities, AllWhoAreAskedHaveOneRuleOfWhatIsOnesOwn) {
  Server server;
  ASSERT_EQ(server.add("Bob"), LCG_OK);
  for (const char* name : {"Bob", "bob", "B\u043eb"})
    EXPECT_EQ(server.put("shop@b\u043eb", name), LCG_OK) << name;
  ASSERT_EQ(server.put("Bob", "Robert"), LCG_OK);
  for (const char* name : {"Bob", "bob", "B\u043eb"})
    EXPECT_EQ(server.put("shop@b\u043eb", name), LCG_OK) << name;
  EXPECT_EQ(server.put("shop@rob", "B\u043eb"), LCG_E_INVALID);
}

TEST(TwoAuthorities, AnAddressIsNoPrefix) {
  Server server;
  server.put("ann@example.com", "Ann");
  EXPECT_EQ(server.put("bob", "example.com"), LCG_OK);
  EXPECT_EQ(server.put("bob", "Ann@Example.com"), LCG_E_INVALID);
}

// --- at the same moment --------------------------------------------------------------------------

TEST(SameMoment, AtNoStepOfAChangeIsItsNameRegistered) {
  for (uint64_t n = 1;; ++n) {
    Server server;
    ASSERT_EQ(server.put("shop@zoe", "Old"), LCG_OK);
    server.hold(n);
    const Pending put = server.send_put("shop@zoe", "Treasurer");
    server.host.run();
    if (!server.holds()) break;
    const lcg_status added = server.add("Treasurer");
    server.let_go();
    const lcg_status shown = server.done(put).status;

    EXPECT_FALSE(added == LCG_OK && shown == LCG_OK) << n;
  }
}

TEST(SameMoment, AtNoStepOfARegistrationIsItsIdShown) {
  for (uint64_t n = 1;; ++n) {
    Server server;
    ASSERT_EQ(server.put("shop@zoe", "Old"), LCG_OK);
    server.hold(n);
    const Pending add = server.send_add("Treasurer");
    server.host.run();
    if (!server.holds()) break;
    const lcg_status shown = server.put("shop@zoe", "Treasurer");
    server.let_go();
    const lcg_status added = server.done(add).status;

    EXPECT_FALSE(added == LCG_OK && shown == LCG_OK) << n;
  }
}

TEST(SameMoment, ARefusedRegistrationTakesNothingFromTheUserWhoIsThere) {
  Options options;
  options.defer_offload = true;  // both are past the first look when the first is made
  Server server("shop@", "", options);
  const Pending first = server.send_add("Bob"), second = server.send_add("Bob", "Xena");
  server.host.run();
  ASSERT_EQ(server.put("shop@Xena", ""), LCG_OK);
  for (int i = 0; i < 5; ++i) {
    server.host.run_offloads();
    server.host.run();
  }

  EXPECT_EQ(server.done(first).status, LCG_OK);
  EXPECT_EQ(server.done(second).status, LCG_E_CONFLICT);
  EXPECT_TRUE(server.host.storage().find("bob", "uaa_name", "owner"));
  EXPECT_TRUE(server.host.storage().find("user/readings/bob", "user_reading", "iBob"));
}

// What a registration takes back may have become the profile's meanwhile.
TEST(SameMoment, AtNoStepDoesARefusedRegistrationTakeTheIdFromAProfile) {
  for (const bool profile_first : {true, false}) {
    for (uint64_t n = 1;; ++n) {
      Server server;
      ASSERT_EQ(server.put("shop@Xena", ""), LCG_OK);
      server.hold(n);
      const Pending first = profile_first ? server.send_put("robot", "") : server.send_add("robot", "Xena");
      server.host.run();
      if (!server.holds()) break;
      const Pending second = profile_first ? server.send_add("robot", "Xena") : server.send_put("robot", "");
      server.host.run();
      server.let_go();
      ASSERT_NE(server.done(first).status, server.done(second).status) << n;

      EXPECT_TRUE(server.host.storage().find("user/readings/robot", "user_reading", "irobot")) << n;
      EXPECT_EQ(server.put("mallory", "Robot"), LCG_E_INVALID) << n;
    }
  }
}

// A gate that has lost its slot in the middle of its work: what it has taken or gives up is not the new one's.
TEST(SameMoment, WhateverAnotherGateDoesWithTheClaimNoSecondNameIsMade) {
  for (const std::string other : {"", "bob"}) {
    for (uint64_t n = 1;; ++n) {
      Server server;
      server.hold(n);
      const Pending add = server.send_add("Bob");
      server.host.run();
      if (!server.holds()) break;
      storage::Batch claim;
      if (other.empty()) claim.erase("uaa_name", "owner");
      if (!other.empty()) claim.put("uaa_name", "owner", other);
      server.write("bob", std::move(claim));
      server.let_go();
      const lcg_status first = server.done(add).status, second = server.add("bob");

      EXPECT_TRUE((first == LCG_OK) != (second == LCG_OK)) << n << other << first << second;
      EXPECT_NE(server.is_registered("Bob"), server.is_registered("bob")) << n << other;
    }
  }
}

// A token for an id opens no account: its user has a profile, and is registered later.
TEST(SameMoment, ARefusedRegistrationLeavesTheProfileItsId) {
  Server server;
  ASSERT_EQ(server.put("robot", ""), LCG_OK);
  ASSERT_EQ(server.put("shop@Xena", ""), LCG_OK);
  ASSERT_EQ(server.add("robot", "Xena"), LCG_E_INVALID);

  EXPECT_EQ(server.put("mallory", "Robot"), LCG_E_INVALID);
}

// --- what it costs -------------------------------------------------------------------------------

// The most readings that a name has, all of them taken by others; a unit of the budget is some five calls.
TEST(Renaming, AsksTheStoreABoundedNumberOfTimes) {
  Server server("shop@", "u@");
  ASSERT_EQ(server.put("shop@zoe", "\u0410lpha \u0412eta"), LCG_OK);
  for (int i = 0; i < 30; ++i)
    ASSERT_EQ(server.put("shop@" + std::to_string(i), "\u0412eta \u0410lpha"), LCG_OK);
  server.hold(0);
  ASSERT_EQ(server.put("shop@zoe", "\u0412eta \u0410lpha"), LCG_OK);
  EXPECT_LE(server.calls, 30u);
  EXPECT_GE(server.calls, 15u);
}

// --- what fails ----------------------------------------------------------------------------------

TEST(FailedRegistration, WhereverTheStoreRefusesTheNameIsFree) {
  for (uint64_t n = 1;; ++n) {
    Server server;
    Fault fault;
    fault.status = LCG_E_BUSY;
    fault.service = "storage";
    fault.nth = n;
    server.host.inject(fault);
    if (server.add("Keeper", "Kay") == LCG_OK) break;
    server.host.clear_faults();

    EXPECT_EQ(server.put("shop@zoe", "Keeper"), LCG_OK) << n;
    EXPECT_EQ(server.add("kay"), LCG_OK) << n;
  }
}

TEST(FailedRegistration, AfterACrashAtAnyStepTheNameIsFreeOrRegistered) {
  for (uint64_t n = 1;; ++n) {
    Server server;
    server.host.crash_at(n, lcg::testing::When::kAfter);
    server.send_add("Keeper", "Kay");
    server.host.run();
    if (!server.host.crashed()) break;
    server.host.restart(1000);  // of what was written, nothing is lost
    server.host.advance(kClaimIsOverMs);

    const bool there = server.is_registered("Keeper") == LCG_OK;
    EXPECT_EQ(server.put("shop@zoe", "Keeper"), there ? LCG_E_INVALID : LCG_OK) << n;
    EXPECT_EQ(server.add("kay"), there ? LCG_E_CONFLICT : LCG_OK) << n;
    EXPECT_EQ(server.add("other", "Keeper"), there ? LCG_E_INVALID : LCG_OK) << n;
  }
}

TEST(FailedRegistration, AnAnswerThatIsLostLeavesTheNameFreeOrRegistered) {
  for (uint64_t n = 1;; ++n) {
    Server server;
    Fault fault;
    fault.status = LCG_E_TIMEOUT;
    fault.service = "storage";
    fault.nth = n;
    fault.when = lcg::testing::When::kAfter;
    server.host.inject(fault);
    if (server.add("Keeper") == LCG_OK) break;
    server.host.clear_faults();
    server.host.advance(kClaimIsOverMs);

    const bool there = server.is_registered("Keeper") == LCG_OK;
    EXPECT_EQ(server.put("shop@zoe", "Keeper"), there ? LCG_E_INVALID : LCG_OK) << n;
  }
}

// A profile is no account: of a display name a crash leaves nothing over, though the user of that id is there.
TEST(FailedRegistration, ItsDisplayNameIsFreeThoughTheIdHasAProfile) {
  for (uint64_t n = 1;; ++n) {
    Server server;
    ASSERT_EQ(server.put("robot", ""), LCG_OK);
    server.host.crash_at(n, lcg::testing::When::kAfter);
    server.send_add("robot", "Kay");
    server.host.run();
    if (!server.host.crashed()) break;
    server.host.restart(1000);
    server.host.advance(kClaimIsOverMs);

    const bool there = server.is_registered("robot") == LCG_OK;
    EXPECT_EQ(server.add("kay"), there ? LCG_E_CONFLICT : LCG_OK) << n;
  }
}

// What the service is asked about: the user plugin looks behind what it knows.
TEST(IsRegistered, SaysWhetherThereIsAnAccount) {
  Server server("shop@", "u@");
  ASSERT_EQ(server.add("ann"), LCG_OK);
  EXPECT_EQ(server.is_registered("ann"), LCG_OK);
  EXPECT_EQ(server.is_registered("bob"), LCG_E_NOT_FOUND);
  EXPECT_EQ(server.host.await(uaa::Client(server.host.host()).is_registered("shop@ann")).status,
            LCG_E_INVALID);
}

}  // namespace
}  // namespace lcg::user
