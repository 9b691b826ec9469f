// SPDX-License-Identifier: Apache-2.0
// Who may do what, and who may read what.
#include <gmock/gmock.h>

#include "plugins/dialog/membership.h"
#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MembershipTest : public ::testing::Test {
 protected:
  // owner, admin, member, muted; banned and gone were members; stranger never was.
  MembershipTest() {
    rig_.group("d", {"owner", "admin", "member", "muted", "banned", "gone"});
    ask("owner", "dialog.role", R"({"dialog":"d","user":"admin","role":"admin"})");
    ask("owner", "dialog.mute", R"({"dialog":"d","user":"muted","until":9000000000000})");
    ask("owner", "dialog.ban", R"({"dialog":"d","user":"banned"})");
    ask("gone", "dialog.leave", R"({"dialog":"d"})");
  }
  Reply ask(const std::string& user, std::string method, std::string json) {
    return rig_.ask(peer(user), std::move(method), std::move(json));
  }
  // Of each user's answer the code, 0 for success.
  void expect(const std::string& method, const std::string& json,
              const std::map<std::string, uint32_t>& codes) {
    for (const auto& [user, code] : codes) {
      const Reply reply = ask(user, method, json);
      EXPECT_EQ(reply.error_code, code) << method << " by " << user << ": " << reply.message;
      EXPECT_EQ(reply.ok(), code == 0) << method << " by " << user << ": " << reply.message;
    }
  }
  ChatRig rig_;
};

TEST_F(MembershipTest, OnlyMembersSend) {
  expect("message.send", R"({"dialog":"d","cseq":1,"body":1})",
         {{"owner", 0},
          {"admin", 0},
          {"member", 0},
          {"muted", 1007},
          {"banned", 1012},
          {"gone", 103},
          {"stranger", 103}});
}

TEST_F(MembershipTest, OnlyMembersSeeTheDialog) {
  const std::string d = R"({"dialog":"d"})";
  const std::map<std::string, uint32_t> codes = {{"owner", 0},    {"member", 0}, {"muted", 0},
                                                 {"banned", 103}, {"gone", 103}, {"stranger", 103}};
  expect("dialog.get", d, codes);
  expect("dialog.members", d, codes);
}

TEST_F(MembershipTest, FormerMemberStillReadsHisOwnTime) {
  expect("dialog.history", R"({"dialog":"d"})",
         {{"owner", 0}, {"member", 0}, {"muted", 0}, {"banned", 103}, {"gone", 0}, {"stranger", 103}});
}

TEST_F(MembershipTest, AddingTakesAnAdmin) {
  expect("dialog.add", R"({"dialog":"d","users":["new"]})",
         {{"owner", 0}, {"admin", 0}, {"member", 103}, {"gone", 103}, {"stranger", 103}});
  expect("dialog.add", R"({"dialog":"d","users":["banned"]})", {{"owner", 1012}});
}

TEST_F(MembershipTest, RemovingTakesAHigherRole) {
  expect("dialog.remove", R"({"dialog":"d","users":["owner"]})",
         {{"admin", 103}, {"member", 103}, {"stranger", 103}});
  expect("dialog.remove", R"({"dialog":"d","users":["admin"]})", {{"admin", 103}, {"member", 103}});
  expect("dialog.remove", R"({"dialog":"d","users":["member"]})", {{"admin", 0}});
  expect("dialog.get", R"({"dialog":"d"})", {{"member", 103}});
}

TEST_F(MembershipTest, RolesAreTheOwnersToGive) {
  const std::string json = R"({"dialog":"d","user":"member","role":"admin"})";
  expect("dialog.role", json, {{"admin", 103}, {"member", 103}, {"stranger", 103}});
  expect("dialog.role", json, {{"owner", 0}});
}

TEST_F(MembershipTest, MutingAndBanningTakeAHigherRole) {
  expect("dialog.mute", R"({"dialog":"d","user":"owner","until":9000000000000})",
         {{"admin", 103}, {"member", 103}});
  expect("dialog.ban", R"({"dialog":"d","user":"admin"})", {{"admin", 103}, {"member", 103}});
  expect("dialog.mute", R"({"dialog":"d","user":"muted","until":0})", {{"admin", 0}});
  expect("message.send", R"({"dialog":"d","cseq":1,"body":1})", {{"muted", 0}});
}

TEST_F(MembershipTest, BannedComesBackOnlyWhenUnbannedAndAdded) {
  expect("dialog.unban", R"({"dialog":"d","user":"banned"})", {{"member", 103}, {"admin", 0}});
  expect("dialog.get", R"({"dialog":"d"})", {{"banned", 103}});
  expect("dialog.add", R"({"dialog":"d","user":"banned"})", {{"admin", 0}});
  expect("dialog.get", R"({"dialog":"d"})", {{"banned", 0}});
}

TEST_F(MembershipTest, LastOwnerHandsOverBeforeLeaving) {
  expect("dialog.leave", R"({"dialog":"d"})", {{"owner", 1010}});
  expect("dialog.role", R"({"dialog":"d","user":"owner","role":"member"})", {{"owner", 1010}});
  ask("owner", "dialog.role", R"({"dialog":"d","user":"admin","role":"owner"})");
  expect("dialog.leave", R"({"dialog":"d"})", {{"owner", 0}});
}

TEST_F(MembershipTest, LeavingAgainIsNoError) {
  ask("member", "dialog.leave", R"({"dialog":"d"})");

  EXPECT_EQ(field(ask("member", "dialog.leave", R"({"dialog":"d"})"), "seq"), "0");
}

TEST_F(MembershipTest, UnknownDialogLooksLikeAForeignOne) {
  for (const char* method :
       {"dialog.get", "dialog.members", "dialog.history", "dialog.join", "dialog.leave"}) {
    const Reply foreign = ask("stranger", method, R"({"dialog":"d"})");
    const Reply unknown = ask("stranger", method, R"({"dialog":"none"})");
    EXPECT_EQ(foreign.error_code, unknown.error_code) << method;
    EXPECT_EQ(foreign.message, unknown.message) << method;
  }
  EXPECT_EQ(rig_.subscribe(peer("stranger"), "d").status, rig_.subscribe(peer("stranger"), "none").status);
}

TEST_F(MembershipTest, MessageIdIsNoCapability) {
  const std::string id = field(rig_.send(peer("member"), "d", 1), "id");
  const std::string json = "{\"id\":" + id + "}";
  expect("message.get", json,
         {{"member", 0}, {"muted", 0}, {"banned", 103}, {"gone", 103}, {"stranger", 103}});
  EXPECT_EQ(ask("stranger", "message.get", json).message,
            ask("stranger", "message.get", R"({"id":"12345"})").message);
}

TEST_F(MembershipTest, SilentChangeHasNoEntry) {
  const size_t before = rig_.log("d").size();
  EXPECT_EQ(ask("owner", "dialog.add", R"({"dialog":"d","users":["member"]})").data, R"({"seq":0})");
  EXPECT_EQ(rig_.log("d").size(), before);
}

TEST_F(MembershipTest, RemovedMemberIsCutOffFromTheChannel) {
  ask("owner", "dialog.remove", R"({"dialog":"d","users":["member"]})");

  ASSERT_FALSE(rig_.host().unsubscribes().empty());
  EXPECT_EQ(rig_.host().unsubscribes().back().channel, "dialog:d");
  EXPECT_EQ(rig_.host().unsubscribes().back().user_id, "member");
  EXPECT_EQ(rig_.subscribe(peer("member"), "d").status, LCG_E_DENIED);
}

TEST(MembershipFallback, WithoutTheInterfaceTheSessionsReconnect) {
  lcg::testing::Options options;
  options.offer_channels = false;
  ChatRig rig(options);
  rig.group("d", {"ann", "bob"});

  rig.ask(peer("ann"), "dialog.remove", R"({"dialog":"d","users":["bob"]})");

  ASSERT_FALSE(rig.host().disconnects().empty());
  EXPECT_EQ(rig.host().disconnects().back().user_id, "bob");
}

class WindowTest : public ::testing::Test {
 protected:
  WindowTest() {
    rig_.group("d", {"ann", "bob"});                                              // 1
    rig_.send(peer("ann"), "d", 1);                                               // 2
    rig_.ask(peer("ann"), "dialog.add", R"({"dialog":"d","users":["cyd"]})");     // 3
    rig_.send(peer("ann"), "d", 2);                                               // 4
    rig_.ask(peer("ann"), "dialog.remove", R"({"dialog":"d","users":["cyd"]})");  // 5
    rig_.send(peer("ann"), "d", 3);                                               // 6
    rig_.ask(peer("ann"), "dialog.add", R"({"dialog":"d","users":["cyd"]})");     // 7
    rig_.send(peer("ann"), "d", 4);                                               // 8
  }
  std::vector<uint64_t> seen_by(const std::string& user) {
    std::vector<uint64_t> out;
    for (const std::string& item : rig_.pull(peer(user), "d"))
      out.push_back(number(Reply::with(item), "seq"));
    return out;
  }
  ChatRig rig_;
};

TEST_F(WindowTest, MemberReadsThePeriodsHeWasThere) {
  EXPECT_EQ(seen_by("bob"), (std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(seen_by("cyd"), (std::vector<uint64_t>{3, 4, 5, 7, 8}));
}

TEST_F(WindowTest, PagesBackwardsStayInsideToo) {
  const Reply page = rig_.ask(peer("cyd"), "dialog.history", R"({"dialog":"d","before":8,"limit":2})");
  const std::vector<std::string> entries = items(field(page, "entries"));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(number(Reply::with(entries[0]), "seq"), 5u);
  EXPECT_EQ(number(Reply::with(entries[1]), "seq"), 7u);
  EXPECT_EQ(field(page, "more"), "true");
}

TEST_F(WindowTest, RecoveryAcrossAnAbsenceIsRefused) {
  EXPECT_FALSE(rig_.recover(peer("cyd"), "d", 4).value.recovered);
  const Outcome<channel::StreamPage> page = rig_.recover(peer("cyd"), "d", 7);
  EXPECT_TRUE(page.value.recovered);
  EXPECT_EQ(page.value.publications.size(), 1u);
}

TEST_F(WindowTest, DialogWithOpenHistoryShowsAllOfIt) {
  rig_.ask(peer("ann"), "dialog.create", R"({"id":"e","history":"all"})");
  rig_.send(peer("ann"), "e", 1);
  rig_.ask(peer("ann"), "dialog.add", R"({"dialog":"e","users":["cyd"]})");

  EXPECT_EQ(rig_.pull(peer("cyd"), "e").size(), 3u);
}

class CreateTest : public ::testing::Test {
 protected:
  ChatRig rig_;
};

TEST_F(CreateTest, OpenDialogIsJoinedByAnyone) {
  rig_.ask(peer("ann"), "dialog.create", R"({"id":"d","open":true})");

  EXPECT_TRUE(rig_.ask(peer("bob"), "dialog.join", R"({"dialog":"d"})").ok());
  EXPECT_TRUE(rig_.ask(peer("bob"), "dialog.join", R"({"dialog":"d"})").ok());  // again
  EXPECT_EQ(rig_.log("d").size(), 2u);
  EXPECT_TRUE(rig_.send(peer("bob"), "d", 1).ok());
}

TEST_F(CreateTest, IdIsMadeWhenNoneIsGiven) {
  const Reply reply = rig_.ask(peer("ann"), "dialog.create", R"({"title":"Ours"})");
  EXPECT_THAT(field(reply, "dialog"), HasSubstr("\"g-"));
  EXPECT_EQ(field(reply, "title"), "\"Ours\"");
}

TEST_F(CreateTest, TakenIdIsRefusedExceptToItsCreator) {
  rig_.ask(peer("ann"), "dialog.create", R"({"id":"d"})");
  EXPECT_EQ(field(rig_.ask(peer("ann"), "dialog.create", R"({"id":"d"})"), "created"), "false");
  EXPECT_EQ(rig_.ask(peer("bob"), "dialog.create", R"({"id":"d"})").error_code, chat::code::kExists);
}

TEST_F(CreateTest, DirectDialogOfTwoIsOneWhoeverAsks) {
  const Reply a = rig_.ask(peer("ann"), "dialog.create", R"({"kind":"direct","members":["bob"]})");
  const Reply b = rig_.ask(peer("bob"), "dialog.create", R"({"kind":"direct","members":["ann"]})");
  ASSERT_TRUE(a.ok() && b.ok()) << a.message << b.message;
  EXPECT_EQ(field(a, "dialog"), field(b, "dialog"));
  const std::string json = "{\"dialog\":" + field(a, "dialog") + "}";
  rig_.settle();
  EXPECT_TRUE(rig_.ask(peer("bob"), "dialog.leave", json).ok());  // hidden, not left
  EXPECT_EQ(field(rig_.ask(peer("bob"), "dialog.get", json), "members"), "2");
  EXPECT_EQ(rig_.ask(peer("eve"), "dialog.join", "{\"dialog\":" + field(a, "dialog") + "}").error_code, 103u);
}

TEST_F(CreateTest, IdOfADirectDialogCannotBeSquatted) {
  const Reply reply = rig_.ask(peer("eve"), "dialog.create", R"({"id":")" + direct_id("ann", "bob") + "\"}");
  EXPECT_EQ(reply.error_code, chat::code::kBadRequest);
}

TEST_F(CreateTest, MembersArePaged) {
  std::vector<std::string> users;
  for (int i = 100; i < 250; ++i) users.push_back("u" + std::to_string(i));
  rig_.group("d", users);

  const Reply first = rig_.ask(peer("u100"), "dialog.members", R"({"dialog":"d","limit":100})");
  const Reply second = rig_.ask(peer("u100"), "dialog.members",
                                R"({"dialog":"d","limit":100,"after":)" + field(first, "after") + "}");

  EXPECT_EQ(items(field(first, "members")).size(), 100u);
  EXPECT_EQ(items(field(second, "members")).size(), 50u);
  EXPECT_EQ(field(second, "more"), "false");
  EXPECT_EQ(number(first, "total"), 150u);
}

// Recall, edit and reaction are entries of the log.
class MutationTest : public ::testing::Test {
 protected:
  MutationTest() {
    rig_.group("d", {"ann", "bob"});
    id_ = field(rig_.send(peer("ann"), "d", 1, "\"secret\""), "id");
  }
  Reply change(const std::string& user, const std::string& method, uint64_t cseq, const std::string& rest) {
    return rig_.ask(peer(user), method, "{\"id\":" + id_ + ",\"cseq\":" + std::to_string(cseq) + rest + "}");
  }
  ChatRig rig_;
  std::string id_;
};

TEST_F(MutationTest, EditIsAnEntryAndChangesTheMessage) {
  ASSERT_TRUE(change("ann", "message.edit", 2, R"(,"body":"public")").ok());
  rig_.settle();

  EXPECT_THAT(rig_.pull(peer("bob"), "d").back(), HasSubstr(R"("kind":"edit")"));
  EXPECT_THAT(rig_.ask(peer("bob"), "message.get", "{\"id\":" + id_ + "}").data,
              HasSubstr(R"("body":"public")"));
  EXPECT_SOUND(rig_);
}

TEST_F(MutationTest, RecallTakesTheTextOutOfLogAndStore) {
  ASSERT_TRUE(change("ann", "message.recall", 2, "").ok());
  rig_.settle();

  const std::vector<std::string> log = rig_.pull(peer("bob"), "d");
  EXPECT_THAT(log[1], HasSubstr(R"("recalled":true)"));
  for (const std::string& entry : log) EXPECT_THAT(entry, Not(HasSubstr("secret")));
  EXPECT_THAT(rig_.ask(peer("bob"), "message.get", "{\"id\":" + id_ + "}").data, Not(HasSubstr("secret")));
  EXPECT_EQ(change("ann", "message.edit", 3, R"(,"body":1)").error_code, chat::code::kRecalled);
  EXPECT_SOUND(rig_);
}

TEST_F(MutationTest, OnlyTheSenderEditsAndOnlyHeOrAnAdminRecalls) {
  EXPECT_EQ(change("bob", "message.edit", 1, R"(,"body":1)").error_code, 103u);
  EXPECT_EQ(change("bob", "message.recall", 1, "").error_code, 103u);
  EXPECT_EQ(change("eve", "message.react", 1, R"(,"body":"+1")").error_code, 103u);
  EXPECT_TRUE(change("bob", "message.react", 1, R"(,"body":"+1")").ok());
}

// F23: an edit reaches someone who has not seen the message: it names its target by id and position.
TEST_F(MutationTest, F23EditNamesItsTargetById) {
  change("ann", "message.edit", 2, R"(,"body":1)");
  EXPECT_THAT(rig_.published("dialog:d").back().data, HasSubstr("\"target\":" + id_ + ",\"target_seq\":2"));
}

TEST_F(MutationTest, RetriedEditGetsTheFirstAnswer) {
  const Reply first = change("ann", "message.edit", 2, R"(,"body":1)");
  rig_.host().restart();
  EXPECT_EQ(change("ann", "message.edit", 2, R"(,"body":1)").data, first.data);
}

}  // namespace
}  // namespace lcg::dialog::testing
