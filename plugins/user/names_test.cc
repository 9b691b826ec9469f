// SPDX-License-Identifier: Apache-2.0
// A name that is shown is not read as somebody else's id, and nobody is registered under a name that somebody shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lcg/services/storage.hpp"
#include "lcg/services/uaa.hpp"
#include "testing/fake_host.h"

LCG_DECLARE_PLUGIN(uaa);
LCG_DECLARE_PLUGIN(user);

namespace lcg::user {
namespace {

using lcg::testing::FakeHost;
using ::testing::HasSubstr;

constexpr const char* kLikeBigBoss[] = {"BigBoss", "bigboss", "BIGBOSS", "\uff22igBoss", "B\u0456gBoss"};

class NamesTest : public ::testing::Test {
 protected:
  NamesTest() {
    host_.load(lcg_plugin_descriptor_uaa(),
               {{"argon2_memory", "8KiB"}, {"argon2_passes", "1"}, {"user_prefix", "u@"}});
    host_.load(lcg_plugin_descriptor_user());
  }
  Reply put(const std::string& user, const std::string& name) {
    return host_.ask(lcg::testing::rpc("user.put", R"({"name":")" + name + "\"}", lcg::testing::peer(user)));
  }
  Reply add(const std::string& name, const std::string& shown = "") {
    return host_.await(uaa::Client(host_.host()).add_user("u@" + name, "correct horse", shown));
  }
  void forget(const std::string& partition) {
    for (const auto& row : host_.storage().rows(partition, "user_reading")) {
      storage::Batch batch;
      batch.erase("user_reading", row.key);
      ASSERT_TRUE(host_.await(storage::Client(host_.host()).commit(partition, std::move(batch))).ok());
    }
  }

  FakeHost host_;
};

TEST_F(NamesTest, AnIdWithAProfileIsNobodyElsesName) {
  host_.ask(lcg::testing::rpc("user.put", R"({"about":"x"})", lcg::testing::peer("BigBoss")));

  for (const char* name : kLikeBigBoss) EXPECT_EQ(put("mallory", name).error_code, 107u) << name;
  for (const char* name : kLikeBigBoss) EXPECT_EQ(put("BigBoss", name).status, LCG_OK) << name;
  EXPECT_EQ(put("mallory", "Big Boss").status, LCG_OK);
}

TEST_F(NamesTest, ARegisteredIdIsNobodyElsesName) {
  ASSERT_TRUE(add("Keeper").ok());

  for (const char* name : {"Keeper", "keeper", "u@Keeper", "U@KEEPER", "\u212aeeper"})
    EXPECT_EQ(put("mallory", name).error_code, 107u) << name;
  EXPECT_EQ(put("u@Keeper", "KEEPER").status, LCG_OK);
}

TEST_F(NamesTest, AnIdThatWasRegisteredBeforeThereWereReadingsIsAskedFor) {
  ASSERT_TRUE(add("Keeper").ok());
  forget("user/readings/keeper");
  forget("user/readings/u@keeper");

  for (const char* name : {"Keeper", "keeper", "u@Keeper", "U@KEEPER"})
    EXPECT_EQ(put("mallory", name).error_code, 107u) << name;
  EXPECT_EQ(put("u@Keeper", "KEEPER").status, LCG_OK);
}

TEST_F(NamesTest, ADisplayNameIsNotTheIdOfAnotherAuthoritysUser) {
  put("BigBoss", "The Boss");

  for (const char* name : kLikeBigBoss) EXPECT_EQ(add("mm", name).status, LCG_E_INVALID) << name;
  EXPECT_TRUE(add("mm", "Boss").ok());
}

TEST_F(NamesTest, NobodyIsRegisteredUnderANameThatIsShown) {
  ASSERT_EQ(put("zoe", "Treasurer").status, LCG_OK);
  ASSERT_TRUE(add("ann", "Chair").ok());

  for (const char* name : {"Treasurer", "TREASURER", "chair"}) {
    const Reply refused = add(name);
    EXPECT_EQ(refused.status, LCG_E_CONFLICT) << name;
    EXPECT_THAT(refused.message, HasSubstr("another user shows")) << name;
  }
  EXPECT_EQ(put("zoe", "Treasurer").status, LCG_OK) << "a refused registration leaves nothing behind";
}

TEST_F(NamesTest, ANameThatIsNotShownAnyMoreIsFree) {
  ASSERT_EQ(put("zoe", "Treasurer").status, LCG_OK);
  ASSERT_EQ(put("zoe", "").status, LCG_OK);
  EXPECT_TRUE(add("Treasurer").ok());
}

TEST_F(NamesTest, ARefusedNameIsNotKept) {
  ASSERT_TRUE(add("Keeper").ok());
  put("mallory", "Keeper");
  EXPECT_TRUE(host_.storage().find("user/readings/keeper", "user_reading", "iu@Keeper"));
  EXPECT_FALSE(host_.storage().find("user/readings/keeper", "user_reading", "pmallory"));
}

// Of what a name was before, a crash leaves too much and never too little.
TEST(NamesCrash, AtEveryStepOfARenameTheShownNameIsNobodysId) {
  for (uint64_t n = 1;; ++n) {
    FakeHost host;
    host.load(lcg_plugin_descriptor_uaa(), {{"argon2_memory", "8KiB"}, {"argon2_passes", "1"}});
    host.load(lcg_plugin_descriptor_user());
    const auto put = [&](const char* name) {
      return host.ask(lcg::testing::rpc("user.put", name, lcg::testing::peer("zoe")));
    };
    put(R"({"name":"Old"})");
    host.crash_at(n);
    put(R"({"name":"New"})");
    if (!host.crashed()) break;
    host.restart();

    const auto get = host.ask(lcg::testing::rpc("user.get", "{}", lcg::testing::peer("zoe"))).data;
    const bool renamed = get.find("New") != std::string::npos;
    const auto add = [&](const char* name) {
      return host.await(uaa::Client(host.host()).add_user(name, "correct horse", "")).status;
    };
    EXPECT_EQ(add("new"), renamed ? LCG_E_CONFLICT : LCG_OK) << n;
    EXPECT_EQ(add("old"), renamed ? LCG_OK : LCG_E_CONFLICT) << n;
  }
}

}  // namespace
}  // namespace lcg::user
