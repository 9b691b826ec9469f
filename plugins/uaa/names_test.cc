// SPDX-License-Identifier: Apache-2.0
// What a new user may be called: names that differ in case alone are one, and a display name is nobody else's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lcg/services/storage.hpp"
#include "lcg/services/uaa.hpp"
#include "testing/fake_host.h"

LCG_DECLARE_PLUGIN(uaa);

namespace lcg::uaa {
namespace {

using lcg::testing::FakeHost;
using ::testing::HasSubstr;

class UaaNamesTest : public ::testing::Test {
 protected:
  UaaNamesTest() {
    host_.load(lcg_plugin_descriptor_uaa(), {{"argon2_memory", "8KiB"}, {"argon2_passes", "1"}});
  }
  Reply add(const std::string& user, const std::string& shown = "") {
    return host_.await(Client(host_.host()).add_user(user, "correct horse", shown));
  }
  std::string shown_of(const std::string& user) {
    Peer peer;
    peer.flags = LCG_PEER_HTTP;
    const Reply tokens = host_.ask(lcg::testing::http(
        "POST /oauth/token", "grant_type=password&username=" + user + "&password=correct+horse", "", peer));
    const size_t at = tokens.data.find(R"("access_token":")") + 16;
    return host_.ask(lcg::testing::connect(tokens.data.substr(at, tokens.data.find('"', at) - at))).info;
  }
  // A claim on a name, as a crash between it and the user leaves it.
  void claim(const std::string& folded, const std::string& owner) {
    storage::Batch batch;
    batch.put("uaa_name", "owner", owner);
    EXPECT_TRUE(host_.await(storage::Client(host_.host()).commit(folded, std::move(batch))).ok());
  }

  FakeHost host_;
};

TEST_F(UaaNamesTest, CaseMakesNoSecondName) {
  EXPECT_TRUE(add("Alice").ok());

  for (const char* same : {"Alice", "alice", "ALICE", "aLICE"})
    EXPECT_EQ(add(same).status, LCG_E_CONFLICT) << same;
  EXPECT_TRUE(add("alicia").ok());
}

TEST_F(UaaNamesTest, AClaimWithoutAUserIsNobodys) {
  claim("alice", "ALICE");

  EXPECT_TRUE(add("alice").ok());
  EXPECT_EQ(add("ALICE").status, LCG_E_CONFLICT);
}

TEST_F(UaaNamesTest, ADisplayNameIsKeptInOneForm) {
  EXPECT_TRUE(add("ann", "  Zoe\u0308 \u3000 Lee ").ok());
  EXPECT_EQ(shown_of("ann"), "{\"name\":\"Zo\u00eb Lee\"}");

  EXPECT_TRUE(add("bob", " \u00a0 ").ok());
  EXPECT_EQ(shown_of("bob"), R"({"name":"bob"})");
}

TEST_F(UaaNamesTest, ADisplayNameThatIsNotSeenIsRefused) {
  for (const char* bad : {"a\nb", "a\x1b[2J", "\u202ebob", "b\u200bob", "\u009b", "\U000e0041", "\xff"}) {
    const Reply refused = add("eve", bad);
    EXPECT_EQ(refused.status, LCG_E_INVALID) << bad;
    EXPECT_THAT(refused.message, HasSubstr("display name")) << bad;
  }
}

TEST_F(UaaNamesTest, ADisplayNameIsNotAnotherUsersName) {
  EXPECT_TRUE(add("Bob").ok());

  for (const char* like : {"Bob", "bob", "BOB", " bob ", "\uff22ob", "b\u043eb"})
    EXPECT_EQ(add("eve", like).status, LCG_E_INVALID) << like;
  EXPECT_TRUE(add("eve", "Bobby").ok());
  EXPECT_TRUE(add("bo", "BO").ok());  // one's own
}

}  // namespace
}  // namespace lcg::uaa
