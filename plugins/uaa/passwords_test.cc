// SPDX-License-Identifier: Apache-2.0
// Passwords under attack: who is hashed next, who is counted for what, and that the owner gets in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "plugins/uaa/flat_json.h"
#include "plugins/uaa/password_gate.h"
#include "testing/fake_host.h"

LCG_DECLARE_PLUGIN(uaa);

namespace lcg::uaa {
namespace {

using lcg::testing::Config;
using lcg::testing::FakeHost;
using lcg::testing::Options;
using lcg::testing::Pending;

class PasswordsTest : public ::testing::Test {
 protected:
  explicit PasswordsTest(Options options = {}) : host_(options) {
    std::string pattern = std::filesystem::temp_directory_path() / "lcg-passwords-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~PasswordsTest() override { std::filesystem::remove_all(folder_); }

  void load(Config changed = {}, uint32_t instances = 1) {
    changed.insert({{"argon2_memory", "8KiB"}, {"argon2_passes", "1"}, {"argon2_concurrency", "1"}});
    changed.insert({"key.credential", folder_ + "/key"});
    host_.load(lcg_plugin_descriptor_uaa(), std::move(changed), instances);
  }
  static Request post(const std::string& path, const std::string& body, const std::string& address) {
    Peer peer;
    peer.remote_addr = address + ":1";
    peer.flags = LCG_PEER_HTTP;
    return lcg::testing::http("POST " + path, body, "", peer);
  }
  static Request login(const std::string& user, const std::string& password, const std::string& address,
                       const std::string& proof = "") {
    return post("/oauth/token",
                "grant_type=password&username=" + user + "&password=" + password +
                    (proof.empty() ? "" : "&device_proof=" + proof),
                address);
  }
  static Request registration(const std::string& user, const std::string& address) {
    return post("/oauth/register", "username=" + user + "&password=correct+horse", address);
  }
  uint32_t try_login(const std::string& password, const std::string& address, const std::string& proof = "",
                     const std::string& user = "alice") {
    return host_.ask(login(user, password, address, proof)).error_code;
  }
  uint32_t good(const std::string& address, const std::string& proof = "") {
    return try_login("correct+horse", address, proof);
  }
  uint32_t bad(const std::string& address, const std::string& proof = "") {
    return try_login("wrong", address, proof);
  }
  static std::string proof_of(const Reply& reply) {
    const auto object = FlatObject::parse(reply.data);
    const std::string* text = object ? object->string("device_proof") : nullptr;
    return text == nullptr ? "" : *text;
  }
  // Alice is there, and this is what her device keeps.
  std::string alice() {
    EXPECT_EQ(host_.ask(registration("alice", "203.0.113.1")).error_code, 201u);
    return proof_of(host_.ask(login("alice", "correct+horse", "203.0.113.1")));
  }

  std::string folder_;  // of the credential
  FakeHost host_;
};

// Work waits until the test runs it, one hash at a time: what is counted is turns, not time.
class FairTest : public PasswordsTest {
 protected:
  static Options held() {
    Options options;
    options.defer_offload = true;
    return options;
  }
  FairTest() : PasswordsTest(held()) {}
  // A plugin that waits for work that nobody runs would not stop.
  void TearDown() override {
    for (int i = 0; i < 500; ++i) host_.run_offloads();
  }

  Pending send(Request request) {
    Pending pending = host_.send("uaa", std::move(request));
    host_.run();
    return pending;
  }
  // How many hashes are made until it is answered.
  int hashes_until(const Pending& pending) {
    int hashes = 0;
    for (; !pending->done && hashes < 1000; ++hashes) host_.run_offloads();
    return hashes;
  }
};

TEST_F(FairTest, AnAddressThatFillsTheQueueDelaysAnotherByOneHash) {
  load();
  for (int i = 0; i < 360; ++i) send(login("u" + std::to_string(i), "wrong", "192.0.2.1"));

  const Pending other = send(login("bob", "wrong", "192.0.2.2"));

  EXPECT_LE(hashes_until(other), 2 + 1);
  EXPECT_EQ(other->reply.error_code, 400u);
}

TEST_F(FairTest, AnIpv6NetworkHasOneLine) {
  load();
  for (int i = 0; i < 60; ++i)
    send(login("u" + std::to_string(i), "wrong", "[2001:db8::" + std::to_string(i) + "]"));

  EXPECT_LE(hashes_until(send(login("bob", "wrong", "[2001:db8:1::1]"))), 2 + 1);
}

TEST_F(FairTest, AddressesTakeTurns) {
  load();
  send(login("first", "wrong", "192.0.2.9"));
  std::vector<Pending> a, b;
  for (int i = 0; i < 4; ++i) a.push_back(send(login("u", "wrong", "192.0.2.1")));
  for (int i = 0; i < 4; ++i) b.push_back(send(login("u", "wrong", "192.0.2.2")));

  host_.run_offloads();
  for (size_t i = 0; i < 4; ++i) {
    host_.run_offloads();
    EXPECT_EQ(a[i]->done, true) << i;
    EXPECT_EQ(b[i]->done, false) << i;
    host_.run_offloads();
    EXPECT_EQ(b[i]->done, true) << i;
  }
}

TEST_F(FairTest, RegistrationsFromManyAddressesDoNotStarveALogin) {
  load();
  for (int i = 0; i < 150; ++i) send(registration("u" + std::to_string(i), "192.0.2." + std::to_string(i)));

  EXPECT_LE(hashes_until(send(login("bob", "wrong", "198.51.100.1"))), 2 + 1);
}

TEST_F(FairTest, LoginsDoNotStarveARegistration) {
  load();
  for (int i = 0; i < 150; ++i) send(login("u" + std::to_string(i), "wrong", "192.0.2." + std::to_string(i)));

  EXPECT_LE(hashes_until(send(registration("bob", "198.51.100.1"))), 4 + 1);
}

TEST_F(FairTest, OneAddressHasOnlySoManyPlaces) {
  load({{"argon2_queue_per_address", "3"}});
  std::vector<Pending> asked;
  for (int i = 0; i < 5; ++i) asked.push_back(send(login("u", "wrong", "192.0.2.1")));

  EXPECT_FALSE(asked[3]->done);
  ASSERT_TRUE(asked[4]->done) << "one is being hashed, three wait";
  EXPECT_EQ(asked[4]->reply.error_code, 503u);
}

TEST_F(FairTest, AFullQueueMakesRoomAtTheEndOfItsLongestLine) {
  load({{"argon2_queue", "4"}});
  std::vector<Pending> asked;
  for (int i = 0; i < 5; ++i) asked.push_back(send(login("u", "wrong", "192.0.2.1")));

  const Pending other = send(login("u", "wrong", "192.0.2.2"));

  EXPECT_FALSE(other->done);
  ASSERT_TRUE(asked[4]->done);
  EXPECT_EQ(asked[4]->reply.error_code, 503u);
  EXPECT_FALSE(asked[3]->done);
}

TEST_F(FairTest, AFullQueueOfAsManyAddressesTurnsTheNextAway) {
  load({{"argon2_queue", "2"}});
  for (int i = 0; i < 3; ++i) send(login("u", "wrong", "192.0.2." + std::to_string(i)));

  const Pending last = send(login("u", "wrong", "192.0.2.100"));

  ASSERT_TRUE(last->done);
  EXPECT_EQ(last->reply.error_code, 503u);
}

TEST_F(FairTest, WhatNobodyWaitsForAnyMoreIsNotHashed) {
  load();
  for (int i = 0; i < 10; ++i) send(login("u", "wrong", "192.0.2.1"));
  host_.advance(20'000);

  const Pending fresh = send(login("bob", "wrong", "192.0.2.1"));

  EXPECT_LE(hashes_until(fresh), 2) << "the one that was being hashed, and its own";
}

TEST_F(PasswordsTest, LimitsCountOnceForAllInstances) {
  load({{"limits.address.burst", "6"}, {"limits.address.per_minute", "1"}}, 4);
  int hashed = 0;
  for (int i = 0; i < 24; ++i)
    if (try_login("wrong", "192.0.2.1", "", "u" + std::to_string(i)) == 400) ++hashed;

  EXPECT_EQ(hashed, 6);
}

TEST_F(PasswordsTest, WrongPasswordsFromOneAddressDoNotLockTheNameForAnother) {
  load();
  alice();
  while (bad("192.0.2.1") != 429) continue;

  EXPECT_EQ(good("198.51.100.1"), 200u);
}

TEST_F(PasswordsTest, ADeviceThatProvedItselfGetsInFromTheAttackersAddress) {
  load();
  const std::string proof = alice();
  while (bad("192.0.2.1") != 429) continue;

  EXPECT_EQ(good("192.0.2.1"), 429u);
  EXPECT_EQ(good("192.0.2.1", proof), 200u);
}

// A botnet: every address has tries of its own.
TEST_F(PasswordsTest, UnderAttackFromEverywhereTheOwnerGetsInFromAFreshAddress) {
  load({{"limits.name.burst", "30"}, {"limits.name.per_minute", "1"}});
  const std::string proof = alice();
  for (int i = 0; i < 20; ++i)
    for (int tries = 0; tries < 10; ++tries) bad("192.0.2." + std::to_string(i));

  EXPECT_EQ(good("198.51.100.1"), 200u);
  EXPECT_EQ(good("192.0.2.1", proof), 200u);
}

TEST_F(PasswordsTest, UnderAttackANetworkHasFewTriesAndNeverNone) {
  load({{"limits.name.burst", "1"}, {"limits.name.per_minute", "0"}});
  alice();
  EXPECT_EQ(bad("192.0.2.1"), 400u) << "takes the name's last";

  for (int i = 0; i < 2; ++i) EXPECT_EQ(bad("[2001:db8:0:" + std::to_string(i) + "::1]"), 400u);
  EXPECT_EQ(bad("[2001:db8:0:9::1]"), 429u) << "one /48";
  EXPECT_EQ(bad("[2001:db8:1::1]"), 400u) << "another";
  host_.advance(601'000);
  EXPECT_EQ(bad("[2001:db8:0:9::1]"), 400u);
}

TEST_F(PasswordsTest, ADeviceHasItsOwnCount) {
  load({{"limits.user.burst", "3"}, {"limits.user.per_minute", "1"}});
  const std::string proof = alice();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bad("192.0.2.1", proof), 400u);

  EXPECT_EQ(good("192.0.2.1", proof), 429u);
  EXPECT_EQ(good("192.0.2.1"), 200u) << "the address has not tried yet";
}

TEST_F(PasswordsTest, AProofIsOfOneUser) {
  load({{"limits.user.burst", "1"}, {"limits.user.per_minute", "1"}});
  alice();
  ASSERT_EQ(host_.ask(registration("mallory", "192.0.2.1")).error_code, 201u);
  const std::string proof = proof_of(host_.ask(login("mallory", "correct+horse", "192.0.2.1")));
  ASSERT_NE(proof, "");
  EXPECT_EQ(bad("192.0.2.1"), 400u);

  EXPECT_EQ(bad("192.0.2.1", proof), 429u) << "it counts as none";
}

TEST_F(PasswordsTest, AProofIsGivenAtEachLoginAndKeepsItsCount) {
  load({{"limits.user.burst", "2"}, {"limits.user.per_minute", "1"}});
  const std::string first = alice();
  host_.advance(5'000);
  const std::string second = proof_of(host_.ask(login("alice", "correct+horse", "192.0.2.1", first)));
  EXPECT_NE(second, first);
  EXPECT_EQ(bad("192.0.2.1", first), 400u);
  EXPECT_EQ(bad("192.0.2.1", second), 400u);

  EXPECT_EQ(bad("192.0.2.1", second), 429u) << "one device";
}

TEST_F(PasswordsTest, AProofSurvivesARestart) {
  load();
  const std::string proof = alice();
  host_.restart();
  while (bad("192.0.2.1") != 429) continue;

  EXPECT_EQ(good("192.0.2.1", proof), 200u);
}

TEST_F(PasswordsTest, RefreshedTokensCarryNoProof) {
  load();
  alice();
  const Reply tokens = host_.ask(login("alice", "correct+horse", "203.0.113.1"));
  const auto object = FlatObject::parse(tokens.data);
  ASSERT_TRUE(object);

  const Reply next = host_.ask(
      post("/oauth/token", "grant_type=refresh_token&refresh_token=" + *object->string("refresh_token"),
           "203.0.113.1"));

  EXPECT_EQ(next.error_code, 200u);
  EXPECT_EQ(proof_of(next), "");
}

TEST_F(PasswordsTest, NobodyElseCallsTheGate) {
  load();
  alice();
  for (const char* method : {"gate_login", "gate_add"}) {
    const std::string data =
        wire::Writer().str("alice").str("correct horse").str("192.0.2.1:1").str("").take();
    EXPECT_EQ(host_.call(Call("uaa", method, PasswordGate::kKey, data)).status, LCG_E_UNSUPPORTED);
  }
}

}  // namespace
}  // namespace lcg::uaa
