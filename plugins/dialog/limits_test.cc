// SPDX-License-Identifier: Apache-2.0
// What a dialog and a user's list may hold, and rules about sets, which look at what the whole call leaves.
#include <gmock/gmock.h>

#include "lcg/services/storage.hpp"
#include "plugins/dialog/inbox.h"
#include "plugins/dialog/settings.h"
#include "plugins/dialog/state.h"
#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string users_json(const std::string& dialog, const std::vector<std::string>& users) {
  return json::Writer().text("dialog", dialog).texts("users", users).take();
}

class LimitsTest : public ::testing::Test {
 protected:
  explicit LimitsTest(lcg::testing::Config config = {}) : rig_({}, std::move(config)) {
    rig_.group("d", {"own", "bob", "cyd"});
  }
  Reply ask(const std::string& user, const std::string& method, const std::string& json) {
    return rig_.ask(peer(user), method, json);
  }
  Reply change(const std::string& user, const std::string& op, const std::vector<std::string>& users) {
    return ask(user, "dialog." + op, users_json("d", users));
  }
  Reply role(const std::string& user, const std::vector<std::string>& users, const std::string& role) {
    return ask(user, "dialog.role",
               json::Writer().text("dialog", "d").texts("users", users).text("role", role).take());
  }
  size_t documents() { return rig_.host().storage().rows("d", kMemberDocs).size(); }
  ChatRig rig_;
};

class BanLimit : public LimitsTest {
 protected:
  BanLimit() : LimitsTest({{"max_bans", "3"}}) {}
};

TEST_F(BanLimit, IsToldWithWhatItIs) {
  EXPECT_TRUE(change("own", "ban", {"x1", "x2", "x3"}).ok());

  const Reply reply = change("own", "ban", {"x4"});

  EXPECT_EQ(reply.error_code, chat::code::kMaxBans);
  EXPECT_EQ(reply.message, "max_bans:3");
}

TEST_F(BanLimit, CountsTheWholeCall) {
  const size_t before = documents();

  EXPECT_EQ(change("own", "ban", {"x1", "x2", "x3", "x4"}).error_code, chat::code::kMaxBans);

  EXPECT_EQ(documents(), before);
}

TEST_F(BanLimit, CountsWhatIsOnItsWay) {
  std::vector<lcg::testing::Pending> calls;
  for (int i = 0; i < 8; ++i)
    calls.push_back(rig_.start(peer("own"), "dialog.ban", users_json("d", {"x" + std::to_string(i)})));
  rig_.settle();

  int banned = 0;
  for (const auto& call : calls) banned += call->reply.ok() ? 1 : 0;
  EXPECT_EQ(banned, 3);
}

TEST_F(BanLimit, UnbanMakesRoomAndLeavesNothingOfWhoNeverWasHere) {
  const size_t before = documents();
  change("own", "ban", {"x1", "x2", "x3"});

  EXPECT_TRUE(change("own", "unban", {"x1", "x2", "x3"}).ok());

  EXPECT_EQ(documents(), before);
  EXPECT_TRUE(change("own", "ban", {"y1", "y2", "y3"}).ok());
}

TEST_F(BanLimit, HoldsAfterARestart) {
  change("own", "ban", {"x1", "x2", "x3"});
  rig_.settle();
  rig_.host().restart();

  EXPECT_EQ(change("own", "ban", {"x4"}).error_code, chat::code::kMaxBans);
  EXPECT_EQ(change("own", "add", {"x1"}).error_code, chat::code::kBanned);
}

TEST_F(BanLimit, WhoNeverWasHereIsToldNothing) {
  change("own", "ban", {"x1"});
  rig_.settle();

  EXPECT_TRUE(rig_.published("#x1").empty());
}

class FormerLimit : public LimitsTest {
 protected:
  FormerLimit() : LimitsTest({{"max_former", "10"}}) {}
  void come_and_go(const std::string& user) {
    ASSERT_TRUE(change("own", "add", {user}).ok());
    ASSERT_TRUE(change("own", "remove", {user}).ok());
  }
};

TEST_F(FormerLimit, ThoseWhoLeftFirstAreForgotten) {
  for (int i = 10; i < 60; ++i) {
    come_and_go("x" + std::to_string(i));
    rig_.host().advance(1'000);
  }

  EXPECT_LE(documents(), 3u + 10u);
  EXPECT_EQ(ask("x10", "dialog.history", R"({"dialog":"d"})").error_code, 103u);
  EXPECT_TRUE(ask("x59", "dialog.history", R"({"dialog":"d"})").ok());
  rig_.host().restart();
  EXPECT_TRUE(ask("x59", "dialog.history", R"({"dialog":"d"})").ok());
  EXPECT_SOUND(rig_);
}

TEST_F(FormerLimit, HoldsInADialogOfWhichNotAllIsInMemory) {
  // As many as one page of them has, and more: they were banned once.
  Member banned;
  banned.standing = Standing::kBanned;
  storage::Client store(rig_.host().host());
  rig_.settle();
  for (int i = 0; i < 1'200;) {
    storage::Batch batch;
    for (const int end = i + 600; i < end; ++i)
      batch.put(kMemberDocs, "b" + std::to_string(i), encode(banned));
    ASSERT_TRUE(rig_.host().await(store.commit("d", std::move(batch))).ok());
  }
  come_and_go("early");
  rig_.settle();
  rig_.host().restart();
  const size_t before = documents();

  for (int i = 10; i < 80; ++i) {
    come_and_go("x" + std::to_string(i));
    rig_.host().advance(1'000);
  }

  EXPECT_LE(documents(), before + 10u);
  EXPECT_EQ(rig_.host().storage().rows("d", kFormerDocs).size(), documents() - before + 1);
  EXPECT_EQ(ask("early", "dialog.history", R"({"dialog":"d"})").error_code, 103u);
  EXPECT_EQ(ask("x10", "dialog.history", R"({"dialog":"d"})").error_code, 103u);
  EXPECT_TRUE(ask("x79", "dialog.history", R"({"dialog":"d"})").ok());
  EXPECT_TRUE(change("own", "add", {"x10"}).ok());  // as somebody new
  EXPECT_TRUE(rig_.send(peer("x10"), "d", 1).ok());
}

class LargeFormerLimit : public LimitsTest {
 protected:
  LargeFormerLimit() : LimitsTest({{"max_former", "10"}, {"fan_limit", "2"}}) {}
};

TEST_F(LargeFormerLimit, HoldsInALargeDialogToo) {
  for (int round = 0; round < 4; ++round) {
    std::vector<std::string> users;
    for (int i = 0; i < 30; ++i) users.push_back("x" + std::to_string(round * 30 + i));
    ASSERT_TRUE(change("own", "add", users).ok());
    rig_.settle();
    ASSERT_TRUE(change("own", "remove", users).ok());
    rig_.settle();
  }
  ASSERT_TRUE(change("own", "add", {"last"}).ok());

  EXPECT_LE(documents(), 4u + 10u);
  EXPECT_EQ(rig_.host().storage().rows("d", kFormerDocs).size(), documents() - 4);
  rig_.settle();
  EXPECT_SOUND(rig_);
}

// Numbers of a sender are dense from where a membership begins.
TEST_F(FormerLimit, SomebodyNewInAForgetfulDialogCountsDenselyFromTheFirst) {
  for (int i = 10; i < 40; ++i) {
    come_and_go("x" + std::to_string(i));
    rig_.host().advance(1'000);
  }
  change("own", "add", {"new"});

  const Reply first = rig_.send(peer("new"), "d", 1), second = rig_.send(peer("new"), "d", 2);

  EXPECT_GE(number(first, "useq"), 1u);
  EXPECT_EQ(number(second, "useq"), number(first, "useq") + 1);
  EXPECT_EQ(rig_.log("d").rbegin()[1].uprev, 0u);
  EXPECT_EQ(rig_.log("d").back().uprev, number(first, "seq"));
}

TEST_F(FormerLimit, AForgottenUserComesBackAndCountsOnAboveWhatWasGiven) {
  change("own", "add", {"dan"});
  const uint64_t useq = number(rig_.send(peer("dan"), "d", 1), "useq");
  change("own", "remove", {"dan"});
  for (int i = 10; i < 40; ++i) {
    come_and_go("x" + std::to_string(i));
    rig_.host().advance(1'000);
  }
  ASSERT_EQ(ask("dan", "dialog.history", R"({"dialog":"d"})").error_code, 103u);

  change("own", "add", {"dan"});
  const Reply again = rig_.send(peer("dan"), "d", 2);

  EXPECT_TRUE(again.ok()) << again.message;
  EXPECT_GT(number(again, "useq"), useq);
}

TEST_F(FormerLimit, AMuteOutlivesTheForgettingOfOthers) {
  ask("own", "dialog.mute", R"({"dialog":"d","user":"bob","until":9000000000000})");
  change("own", "remove", {"bob"});
  for (int i = 10; i < 40; ++i) {
    come_and_go("x" + std::to_string(i));
    rig_.host().advance(1'000);
  }

  change("own", "add", {"bob"});

  EXPECT_EQ(rig_.send(peer("bob"), "d", 1).error_code, chat::code::kMuted);
}

TEST_F(LimitsTest, TwoOwnersCannotBeDemotedInOneCall) {
  role("own", {"bob"}, "owner");

  EXPECT_EQ(role("own", {"own", "bob"}, "member").error_code, chat::code::kLastOwner);

  EXPECT_EQ(field(ask("own", "dialog.get", R"({"dialog":"d"})"), "role"), "\"owner\"");
  EXPECT_EQ(field(ask("bob", "dialog.get", R"({"dialog":"d"})"), "role"), "\"owner\"");
}

TEST_F(LimitsTest, TwoOwnersCannotDemoteThemselvesAtOnce) {
  role("own", {"bob"}, "owner");

  const auto first = rig_.start(peer("own"), "dialog.role", R"({"dialog":"d","user":"own","role":"member"})");
  const auto second =
      rig_.start(peer("bob"), "dialog.role", R"({"dialog":"d","user":"bob","role":"member"})");
  const auto third = rig_.start(peer("own"), "dialog.leave", R"({"dialog":"d"})");
  const auto fourth = rig_.start(peer("bob"), "dialog.leave", R"({"dialog":"d"})");
  rig_.settle();

  const std::string members = ask("cyd", "dialog.members", R"({"dialog":"d"})").data;
  EXPECT_THAT(members, HasSubstr(R"("role":"owner")"));
  EXPECT_TRUE(first->reply.error_code == chat::code::kLastOwner ||
              second->reply.error_code == chat::code::kLastOwner);
  EXPECT_TRUE(third->done && fourth->done);
}

TEST_F(LimitsTest, OneCallMayHandOverAndNameAUserTwice) {
  EXPECT_TRUE(role("own", {"bob", "bob"}, "owner").ok());
  EXPECT_TRUE(role("own", {"own"}, "member").ok());
  change("bob", "add", {"dan", "dan"});

  EXPECT_EQ(field(ask("bob", "dialog.members", R"({"dialog":"d"})"), "total"), "4");
}

TEST_F(LimitsTest, AGroupThatEverybodyLeftIsOver) {
  ask("own", "dialog.create", R"({"id":"open","open":true})");
  ask("own", "dialog.leave", R"({"dialog":"open"})");

  EXPECT_EQ(ask("bob", "dialog.join", R"({"dialog":"open"})").error_code, 103u);
}

TEST_F(LimitsTest, AUserBesidesAListCountsToo) {
  std::vector<std::string> users;
  for (int i = 0; i < 100; ++i) users.push_back("x" + std::to_string(i));
  const std::string json =
      json::Writer().text("dialog", "d").texts("users", users).text("user", "one-more").take();

  EXPECT_EQ(ask("own", "dialog.add", json).error_code, 107u);
}

TEST(MemberLimit, HoldsAtCreationAndForCallsOnTheirWay) {
  ChatRig rig({}, {{"max_members", "4"}});
  EXPECT_EQ(rig.ask(peer("own"), "dialog.create", R"({"id":"big","members":["a","b","c","d"]})").error_code,
            chat::code::kFull);
  rig.ask(peer("own"), "dialog.create", R"({"id":"d","open":true})");

  std::vector<lcg::testing::Pending> joins;
  for (int i = 0; i < 8; ++i)
    joins.push_back(rig.start(peer("u" + std::to_string(i)), "dialog.join", R"({"dialog":"d"})"));
  rig.settle();

  EXPECT_EQ(field(rig.ask(peer("own"), "dialog.get", R"({"dialog":"d"})"), "members"), "4");
}

class MutedMember : public LimitsTest {
 protected:
  MutedMember() {
    ask("own", "dialog.create", R"({"id":"o","open":true,"members":["bob","cyd"]})");
    role_in_o("cyd", "admin");
    for (const char* user : {"bob", "cyd"})
      ask("own", "dialog.mute",
          json::Writer()
              .text("dialog", "o")
              .text("user", user)
              .num("until", static_cast<uint64_t>(rig_.host().wall_ms()) + 3'600'000)
              .take());
  }
  void role_in_o(const std::string& user, const std::string& role) {
    ask("own", "dialog.role",
        json::Writer().text("dialog", "o").text("user", user).text("role", role).take());
  }
};

TEST_F(MutedMember, AddsAndChangesNobody) {
  EXPECT_EQ(ask("bob", "dialog.add", R"({"dialog":"o","user":"dan"})").error_code, chat::code::kMuted);
  for (const char* op : {"add", "remove", "ban", "unban", "mute"})
    EXPECT_EQ(ask("cyd", std::string("dialog.") + op, R"({"dialog":"o","user":"bob","until":0})").error_code,
              chat::code::kMuted)
        << op;
}

TEST_F(MutedMember, IsMutedStillWhenBackAgain) {
  EXPECT_TRUE(ask("bob", "dialog.leave", R"({"dialog":"o"})").ok());
  EXPECT_TRUE(ask("bob", "dialog.join", R"({"dialog":"o"})").ok());
  EXPECT_EQ(rig_.send(peer("bob"), "o", 1).error_code, chat::code::kMuted);

  ask("own", "dialog.remove", R"({"dialog":"o","user":"bob"})");
  rig_.settle();
  rig_.host().restart();
  ask("bob", "dialog.join", R"({"dialog":"o"})");
  EXPECT_EQ(rig_.send(peer("bob"), "o", 1).error_code, chat::code::kMuted);
}

TEST_F(MutedMember, NeitherReactsNorEdits) {
  const std::string id = field(rig_.send(peer("own"), "o", 1), "id");

  EXPECT_EQ(ask("bob", "message.react", "{\"id\":" + id + R"(,"body":"+1"})").error_code, chat::code::kMuted);
}

TEST_F(MutedMember, IsFreeWhenMadeAnOwner) {
  role_in_o("bob", "owner");

  EXPECT_TRUE(rig_.send(peer("bob"), "o", 1).ok());
}

// What a user's list keeps of dialogs that were left.
TEST(LeftDialogs, AreForgottenBeyondTheirNumberAndSyncSaysSo) {
  ChatRig rig;
  const auto project = [&rig](size_t i, uint64_t version, bool in) {
    Projection p;
    p.user = "bob";
    p.dialog = "d" + std::to_string(i);
    p.version = version;
    p.in = in;
    p.head = version;
    return rig.host().call({"dialog", "project", "bob", encode(p)}).ok();
  };
  const uint64_t start = number(rig.ask(peer("bob"), "dialog.sync", "{}"), "iseq") + 1;
  for (size_t i = 0; i < kMaxLeft + 5; ++i) ASSERT_TRUE(project(i, 1, true) && project(i, 2, false));

  EXPECT_EQ(rig.host().storage().rows("bob", kUserDialogDocs).size(), kMaxLeft);
  EXPECT_EQ(rig.host().storage().rows("bob", kUserChangeDocs).size(), kMaxLeft);
  const Reply old = rig.ask(peer("bob"), "dialog.sync", "{\"since\":" + std::to_string(start) + "}");
  EXPECT_EQ(field(old, "snapshot"), "true");
  EXPECT_TRUE(project(kMaxLeft + 4, 3, true));  // back in one that was left
  EXPECT_EQ(items(field(rig.ask(peer("bob"), "dialog.list", "{}"), "dialogs")).size(), 1u);
  EXPECT_EQ(rig.host().storage().rows("bob", kUserLeftDocs).size(), kMaxLeft - 1);
}

TEST(Checkpoints, OfADeviceAreLimited) {
  ChatRig rig;
  for (const char* id : {"a", "b", "c"}) rig.group(id, {"ann"});
  rig.settle();
  rig.ask(peer("ann"), "dialog.ack", R"({"dialog":"a","seq":1})");
  storage::Batch full;
  full.put(kUserCountDocs, lane_key("device", "device"), storage::key_u64(Settings().max_checkpoints()));
  storage::Client store(rig.host().host());
  ASSERT_TRUE(rig.host().await(store.commit("ann", std::move(full))).ok());

  rig.ask(peer("ann"), "dialog.ack", R"({"dialog":"b","seq":1})");

  const std::string kept = field(rig.ask(peer("ann"), "dialog.checkpoints", "{}"), "checkpoints");
  EXPECT_EQ(kept, R"([{"dialog":"b","seq":1}])");
}

}  // namespace
}  // namespace lcg::dialog::testing
