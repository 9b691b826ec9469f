// SPDX-License-Identifier: Apache-2.0
// What a new user may be called: names that differ in case alone are one, and a display name is nobody else's.
#include "lcg/services/storage.hpp"
#include "plugins/uaa/testing/uaa_rig.h"

namespace lcg::uaa {
namespace {

using ::testing::HasSubstr;

class UaaNamesTest : public UaaRig {
 protected:
  UaaNamesTest() { load(); }
  Reply add(const std::string& user, const std::string& shown = "") {
    return host_.await(client().add_user(user, "correct horse", shown));
  }
  std::string shown_of(const std::string& user) {
    return connect(access(password_grant(user, "correct+horse"))).info;
  }
  // A claim on a name, as a crash between it and the user leaves it.
  void claim(const std::string& folded, const std::string& owner) {
    storage::Batch batch;
    batch.put("uaa_name", "owner", owner);
    EXPECT_TRUE(host_.await(storage::Client(host_.host()).commit(folded, std::move(batch))).ok());
  }
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
