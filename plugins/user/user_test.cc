// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lcg/services/storage.hpp"
#include "lcg/services/user.hpp"
#include "testing/fake_host.h"

LCG_DECLARE_PLUGIN(user);

namespace lcg::user {
namespace {

using lcg::testing::FakeHost;
using lcg::testing::peer;
using ::testing::HasSubstr;
using ::testing::Not;

class UserTest : public ::testing::Test {
 protected:
  UserTest() { host_.load(lcg_plugin_descriptor_user()); }
  Reply rpc(const std::string& user, const std::string& method, const std::string& data) {
    return host_.ask(lcg::testing::rpc(method, data, peer(user)));
  }
  std::string search(const std::string& prefix) {
    return rpc("asker", "user.search", R"({"prefix":")" + prefix + "\"}").data;
  }
  void name(const std::string& user, const std::string& name) {
    ASSERT_EQ(rpc(user, "user.put", R"({"name":")" + name + "\"}").status, LCG_OK);
  }
  Client client() { return Client(host_.host()); }

  FakeHost host_;
};

TEST_F(UserTest, WhoHasNoProfileIsKnownByTheirId) {
  EXPECT_EQ(rpc("alice", "user.get", "{}").data, R"({"user":"alice","name":"alice","version":0})");
  EXPECT_EQ(rpc("alice", "user.get", R"({"user":"bob"})").data, R"({"user":"bob","name":"bob","version":0})");
}

TEST_F(UserTest, AProfileIsReadByOthersWithoutItsPrivatePart) {
  const Reply put = rpc(
      "alice", "user.put",
      R"({"name":"Alice","about":"hi\nthere","avatar":"a.png","data":{"x":[1,2]},"private":{"theme":"dark"}})");
  EXPECT_THAT(put.data, HasSubstr(R"("private":{"theme":"dark"},"version":1)"));

  const std::string own = rpc("alice", "user.get", "").data;
  const std::string others = rpc("bob", "user.get", R"({"user":"alice"})").data;

  EXPECT_THAT(own, HasSubstr("dark"));
  EXPECT_THAT(others, Not(HasSubstr("dark")));
  EXPECT_THAT(others, HasSubstr(R"("name":"Alice","about":"hi\nthere","avatar":"a.png","data":{"x":[1,2]})"));
}

TEST_F(UserTest, FieldsThatAreNotGivenStay) {
  rpc("alice", "user.put", R"({"name":"Alice","about":"hi"})");

  const Reply put = rpc("alice", "user.put", R"({"about":""})");

  EXPECT_THAT(put.data, HasSubstr(R"("name":"Alice","version":2)"));
  EXPECT_THAT(put.data, Not(HasSubstr("about")));
}

TEST_F(UserTest, AnEmptyNameIsTheUsersId) {
  name("alice", "Alice");
  name("alice", "");

  EXPECT_THAT(rpc("bob", "user.get", R"({"user":"alice"})").data, HasSubstr(R"("name":"alice")"));
}

TEST_F(UserTest, SearchFindsNamesByTheirBeginning) {
  name("u1", "Alice");
  name("u2", "alan");
  name("u3", "Bob");
  name("u4", "Al");

  EXPECT_EQ(
      search("AL"),
      R"({"users":[{"user":"u4","name":"Al"},{"user":"u2","name":"alan"},{"user":"u1","name":"Alice"}],"more":false})");
  EXPECT_EQ(search("ali"), R"({"users":[{"user":"u1","name":"Alice"}],"more":false})");
  EXPECT_EQ(search("x"), R"({"users":[],"more":false})");
}

TEST_F(UserTest, SearchFindsNamesOutsideAscii) {
  name("u1", "\xc3\x89mile");
  name("u2", "\xc3\x89tienne");
  name("u3", "\xf0\x9f\x98\x80");

  EXPECT_THAT(search("\xc3\x89m"), HasSubstr("u1"));
  EXPECT_THAT(search("\xc3\x89"), HasSubstr("u2"));
  EXPECT_THAT(search("\xf0\x9f\x98\x80"), HasSubstr("u3"));
}

TEST_F(UserTest, ARenamedUserIsFoundByTheNewNameOnly) {
  name("u1", "Alice");
  name("u1", "Zoe");

  EXPECT_EQ(search("ali"), R"({"users":[],"more":false})");
  EXPECT_THAT(search("zo"), HasSubstr("u1"));
  name("u1", "Alice");
  EXPECT_THAT(search("ali"), HasSubstr("u1"));
}

TEST_F(UserTest, SearchIsBounded) {
  for (int i = 0; i < 25; ++i) name("u" + std::to_string(i), "same");

  const std::string found = search("same");
  const std::string fewer = rpc("asker", "user.search", R"({"prefix":"same","limit":3})").data;

  const auto users_in = [](const std::string& text) {
    return std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(text.find(']')), '{') - 1;
  };
  EXPECT_EQ(users_in(found), 20);
  EXPECT_EQ(users_in(fewer), 3);
}

// The order is that of the names and then of the ids, both of which others choose: who is behind them is found still.
TEST_F(UserTest, WhoStandsBehindManyOfOneNameIsFoundOnALaterPage) {
  for (int i = 0; i < 130; ++i) name("a" + std::to_string(i), "Vic");
  name("vic", "Vic");
  std::string answer = rpc("asker", "user.search", R"({"prefix":"VIC"})").data;
  int pages = 1;
  for (; answer.find(R"("user":"vic")") == std::string::npos && pages < 20; ++pages) {
    ASSERT_THAT(answer, HasSubstr("\"more\":true"));
    const std::string after = answer.substr(answer.find("\"after\":") + 8);  // to the end, the brace included
    answer = rpc("asker", "user.search", R"({"prefix":"VIC","after":)" + after).data;
  }

  EXPECT_EQ(pages, 7);
  EXPECT_THAT(answer, HasSubstr("\"more\":false"));
}

TEST_F(UserTest, SearchingTooMuchIsToldWhenToGoOn) {
  for (int i = 0; i < 60; ++i) name("u" + std::to_string(i), "same");
  Reply reply;
  int answered = 0;
  for (; answered < 200; ++answered) {
    reply = rpc("asker", "user.search", R"({"prefix":"same"})");
    if (!reply.ok()) break;
  }

  EXPECT_LT(answered, 100);  // each costs what it has looked at besides
  EXPECT_EQ(reply.error_code, 111u);
  EXPECT_THAT(reply.message, HasSubstr("retry_after_ms:"));
  EXPECT_TRUE(rpc("other", "user.search", R"({"prefix":"same"})").ok());
  host_.advance(5'000);
  EXPECT_TRUE(rpc("asker", "user.search", R"({"prefix":"same"})").ok());
}

// The last of a page is where the next one begins, whatever the rule of ids is by now.
TEST_F(UserTest, ASearchGoesOnBehindARowFromBefore) {
  Profile old;
  old.user = "a\u202eb";
  old.name = "Vic";
  old.version = 1;
  storage::Batch profile, index;
  profile.put("user_profile", "profile", encode(old));
  index.put("user_name", "vic" + std::string(1, '\0') + old.user, "");
  const storage::Client store(host_.host());
  ASSERT_TRUE(host_.await(store.commit(old.user, std::move(profile))).ok());
  ASSERT_TRUE(host_.await(store.commit("user/names/v", std::move(index))).ok());
  name("zed", "Vic");

  const std::string first = rpc("asker", "user.search", R"({"prefix":"vic","limit":1})").data;
  ASSERT_THAT(first, HasSubstr("\"more\":true"));
  const std::string after = first.substr(first.find("\"after\":") + 8);

  EXPECT_THAT(rpc("asker", "user.search", R"({"prefix":"vic","after":)" + after).data, HasSubstr("zed"));
}

TEST_F(UserTest, ABlockFromBeforeCanBeLifted) {
  storage::Batch batch;
  batch.put("user_blocked", "a\u202eb", wire::Writer().u64(1).take());
  ASSERT_TRUE(host_.await(storage::Client(host_.host()).commit("alice", std::move(batch))).ok());

  EXPECT_EQ(rpc("alice", "user.unblock", R"({"user":"a\u202eb"})").data, "{}");

  EXPECT_EQ(rpc("alice", "user.blocks", "").data, R"({"users":[]})");
  EXPECT_EQ(rpc("alice", "user.block", R"({"user":"a\u202eb"})").error_code, 107u);
  EXPECT_EQ(rpc("alice", "user.unblock", R"({"user":"a\u0000b"})").error_code, 107u);
}

// Another plugin's call is not held to the limits of the rpc.
TEST_F(UserTest, APageHasOneUserAtLeast) {
  name("u1", "Vic");
  name("u2", "Vic");
  const Reply page =
      host_.call({"user", "search", "asker", wire::Writer().str("vic").str("").str("").u64(0).take()});
  EXPECT_THAT(page.data, HasSubstr(R"("users":[{"user":"u1","name":"Vic"}],"more":true)"));
}

TEST_F(UserTest, ChangingTooMuchIsToldWhenToGoOn) {
  const auto changes_until_refused = [&](const std::string& user, const std::string& change) {
    for (int done = 0;; ++done) {
      const Reply reply = rpc(user, "user.put", change);
      if (reply.ok() && done < 1000) continue;
      EXPECT_EQ(reply.error_code, 111u) << reply.message;
      EXPECT_THAT(reply.message, HasSubstr("retry_after_ms:"));
      return done;
    }
  };
  EXPECT_EQ(changes_until_refused("u1", R"({"about":"x"})"), 100);
  EXPECT_EQ(changes_until_refused("u2", R"({"name":"x"})"), 25);
  host_.advance(1'000);
  EXPECT_EQ(changes_until_refused("u1", R"({"about":"x"})"), 5);
}

// The profile is written behind the rest, and a store's log is one.
TEST_F(UserTest, ARenameIsSyncedOnce) {
  name("u1", "Alice");
  const uint64_t before = host_.storage().durable_commits();
  name("u1", "Zo\u00eb \u0416");
  EXPECT_EQ(host_.storage().durable_commits() - before, 1u);
}

TEST(UserCrash, AtEveryStepOfARenameTheUserIsFoundByTheNameTheyHave) {
  for (uint64_t n = 1;; ++n) {
    FakeHost host;
    host.load(lcg_plugin_descriptor_user());
    host.ask(lcg::testing::rpc("user.put", R"({"name":"Old"})", peer("u1")));
    host.crash_at(n);
    host.ask(lcg::testing::rpc("user.put", R"({"name":"New"})", peer("u1")));
    if (!host.crashed()) break;
    host.restart();

    const auto ask = [&](const std::string& method, const std::string& data) {
      return host.ask(lcg::testing::rpc(method, data, peer("u2"))).data;
    };
    const bool renamed = ask("user.get", R"({"user":"u1"})").find("New") != std::string::npos;
    EXPECT_EQ(ask("user.search", R"({"prefix":"new"})").find("u1") != std::string::npos, renamed) << n;
    EXPECT_EQ(ask("user.search", R"({"prefix":"old"})").find("u1") != std::string::npos, !renamed) << n;
  }
}

TEST_F(UserTest, ConcurrentChangesAllCount) {
  std::vector<lcg::testing::Pending> asked;
  for (int i = 0; i < 10; ++i)
    asked.push_back(host_.send(
        "user", lcg::testing::rpc("user.put", R"({"name":"n)" + std::to_string(i) + "\"}", peer("u1"))));
  host_.run();

  for (const auto& pending : asked) EXPECT_EQ(pending->reply.status, LCG_OK) << pending->reply.message;
  EXPECT_THAT(rpc("u1", "user.get", "").data, HasSubstr("\"version\":10"));
  const std::string found = search("n");
  EXPECT_EQ(std::count(found.begin(), found.end(), '{') - 1, 1) << found;
}

TEST_F(UserTest, BlocksAreListedAndLifted) {
  EXPECT_EQ(rpc("alice", "user.block", R"({"user":"bob"})").data, "{}");
  EXPECT_EQ(rpc("alice", "user.block", R"({"user":"bob"})").data, "{}");
  EXPECT_EQ(rpc("alice", "user.block", R"({"user":"carol"})").data, "{}");
  EXPECT_EQ(rpc("alice", "user.blocks", "").data, R"({"users":["bob","carol"]})");
  EXPECT_EQ(rpc("bob", "user.blocks", "").data, R"({"users":[]})");

  EXPECT_EQ(rpc("alice", "user.unblock", R"({"user":"bob"})").data, "{}");

  EXPECT_EQ(rpc("alice", "user.blocks", "").data, R"({"users":["carol"]})");
}

// The broker's rule of ids is wider than it looks: an id of another authority may hold anything that is seen.
TEST_F(UserTest, WhoeverMayLogInHasAProfileAndCanBeBlocked) {
  for (const std::string& id : {std::string("mal lory"), std::string("mal/lory"), std::string("user/names/m"),
                                std::string("cn=a,ou=\u00e9"), std::string(255, 'x')}) {
    const std::string json = R"({"user":")" + id + "\"}";
    EXPECT_EQ(rpc("alice", "user.block", json).data, "{}") << id;
    EXPECT_TRUE(host_.await(client().block_check("alice", id)).value.first_blocks_second) << id;
    EXPECT_EQ(rpc("alice", "user.unblock", json).data, "{}") << id;
    EXPECT_FALSE(host_.await(client().block_check("alice", id)).value.any()) << id;
    name(id, "M");
    EXPECT_THAT(rpc("alice", "user.get", json).data, HasSubstr(R"("name":"M")")) << id;
  }
  EXPECT_THAT(search("M"), HasSubstr("user/names/m"));
}

// What a store has from before may be no user id by now: that is not known to be a block, and not an error.
TEST_F(UserTest, WhoIsNoUserIdHasBlockedNobody) {
  const Outcome<Blocks> blocks = host_.await(client().block_check("alice", "a\u202eb"));

  EXPECT_TRUE(blocks.ok() && !blocks.value.any());
  EXPECT_EQ(host_.await(client().block_check("alice", std::string(256, 'x'))).status, LCG_E_INVALID);
}

TEST_F(UserTest, BlockListsAreBounded) {
  for (size_t i = 0; i < kMaxBlocks; ++i)
    ASSERT_EQ(rpc("alice", "user.block", R"({"user":"b)" + std::to_string(i) + "\"}").status, LCG_OK);

  EXPECT_EQ(rpc("alice", "user.block", R"({"user":"onemore"})").status, LCG_E_CONFLICT);
}

TEST_F(UserTest, TheServiceSaysWhoBlocksWhom) {
  rpc("alice", "user.block", R"({"user":"bob"})");

  const Outcome<Blocks> there = host_.await(client().block_check("alice", "bob"));
  const Outcome<Blocks> back = host_.await(client().block_check("bob", "alice"));
  const Outcome<Blocks> none = host_.await(client().block_check("bob", "carol"));

  EXPECT_TRUE(there.value.first_blocks_second && !there.value.second_blocks_first);
  EXPECT_TRUE(back.value.second_blocks_first && !back.value.first_blocks_second);
  EXPECT_TRUE(none.ok() && !none.value.any());
}

TEST_F(UserTest, TheServiceGivesTheWholeProfile) {
  rpc("alice", "user.put", R"({"name":"Alice","private":1})");

  const Outcome<Profile> profile = host_.await(client().get("alice"));

  EXPECT_EQ(profile.value.name, "Alice");
  EXPECT_EQ(profile.value.private_data, "1");
  EXPECT_EQ(host_.await(client().get("a\u202eb")).status, LCG_E_INVALID);
}

std::string times(int count, std::string_view text) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

TEST_F(UserTest, BadInputIsABadRequest) {
  const std::pair<std::string, std::string> inputs[] = {
      {"user.get", "[]"},
      {"user.get", R"({"user":1})"},
      {"user.get", R"({"user":"a\u202eb"})"},
      {"user.get", R"({"user":")" + std::string(256, 'u') + "\"}"},
      {"user.put", R"({"name":1})"},
      {"user.put", R"({"name":"a","name":"b"})"},
      {"user.put", R"({"name":")" + std::string(257, 'n') + "\"}"},
      {"user.put", R"({"name":"a\u0000b"})"},
      {"user.put", R"({"name":")" + times(86, "e\u0301") + "\"}"},       // 258 bytes, normalised 172
      {"user.put", R"({"name":")" + times(85, "\xe0\xa5\x98") + "\"}"},  // 255 bytes, normalised 510
      {"user.put", R"({"avatar":"a\nb"})"},
      {"user.put", R"({"data":")" + std::string(5000, 'd') + "\"}"},
      {"user.put", "{"},
      {"user.search", "{}"},
      {"user.search", R"({"prefix":""})"},
      {"user.search", R"({"prefix":"a","limit":0})"},
      {"user.search", R"({"prefix":"a","limit":21})"},
      {"user.search", R"({"prefix":"a\u0000"})"},
      {"user.search", R"({"prefix":"a","after":1})"},
      {"user.search", R"({"prefix":"a","after":{"name":"a"}})"},
      {"user.search", R"({"prefix":"a","after":{"name":"b","user":"u"}})"},
      {"user.block", "{}"},
      {"user.block", R"({"user":"alice"})"},
      {"user.block", R"({"user":"a\nb"})"},
      {"user.unblock", R"({"user":""})"}};
  for (const auto& [method, data] : inputs) {
    const Reply reply = rpc("alice", method, data);
    EXPECT_EQ(reply.error_code, 107u) << method << " " << data.substr(0, 60);
    EXPECT_LE(reply.message.size(), 123u);
  }
}

TEST_F(UserTest, WhoHasNotConnectedIsDeniedAndOtherMethodsAreDeferred) {
  EXPECT_EQ(rpc("", "user.get", "{}").error_code, 103u);
  EXPECT_EQ(host_.ask("user", lcg::testing::rpc("user.drop", "{}", peer("a"))).status, LCG_DEFER);
}

TEST_F(UserTest, WhenTheStoreIsDownTheAnswerSaysTryAgain) {
  lcg::testing::Fault fault;
  fault.service = "storage";
  fault.times = 100;
  host_.inject(fault);

  for (const char* method : {"user.get", "user.put", "user.blocks"})
    EXPECT_EQ(rpc("alice", method, "{}").status, LCG_E_UNAVAILABLE) << method;
}

}  // namespace
}  // namespace lcg::user
