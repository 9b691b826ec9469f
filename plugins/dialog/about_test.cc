// SPDX-License-Identifier: Apache-2.0
// About a dialog and who is in it: title, avatar and end; who types, how far each has read, who wants quiet.
#include <gmock/gmock.h>

#include <set>

#include "plugins/dialog/settings.h"
#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AboutTest : public ::testing::Test {
 protected:
  AboutTest() {
    rig_.group("d", {"ann", "bob", "cyd"});
    rig_.settle();
  }
  Reply ask(const std::string& user, const std::string& method, const std::string& more = "") {
    return rig_.ask(peer(user), method, R"({"dialog":"d")" + (more.empty() ? "" : "," + more) + "}");
  }
  std::string list(const std::string& user) { return rig_.ask(peer(user), "dialog.list", "{}").data; }
  ChatRig rig_;
};

// --- title and avatar ----------------------------------------------------------------------------

TEST_F(AboutTest, TitleAndAvatarAreAnEntryOfTheLog) {
  EXPECT_EQ(ask("ann", "dialog.set", R"("title":"New","avatar":"https://x/y.png")").data, R"({"seq":2})");

  EXPECT_THAT(rig_.published("dialog:d").back().data,
              HasSubstr(R"("op":"set","users":[],"title":"New","avatar":"https://x/y.png")"));
  const Reply got = ask("bob", "dialog.get");
  EXPECT_EQ(field(got, "title"), R"("New")");
  EXPECT_EQ(field(got, "avatar"), R"("https://x/y.png")");
}

TEST_F(AboutTest, TheListsOfAllMembersFollow) {
  ask("ann", "dialog.set", R"("title":"New","avatar":"a1")");
  rig_.settle();

  EXPECT_THAT(list("cyd"), HasSubstr(R"("title":"New","avatar":"a1")"));
}

TEST_F(AboutTest, WhatIsNotGivenStaysAndTheSameAgainIsNoEntry) {
  ask("ann", "dialog.set", R"("title":"New","avatar":"a1")");
  ask("ann", "dialog.set", R"("title":"Newer")");

  EXPECT_EQ(field(ask("ann", "dialog.get"), "avatar"), R"("a1")");
  EXPECT_EQ(ask("ann", "dialog.set", R"("title":"Newer")").data, R"({"seq":0})");
}

TEST_F(AboutTest, AMemberMayNotRename) {
  EXPECT_EQ(ask("bob", "dialog.set", R"("title":"x")").error_code, chat::code::kDenied);
  EXPECT_EQ(ask("eve", "dialog.set", R"("title":"x")").error_code, chat::code::kDenied);
}

TEST_F(AboutTest, ATitleOfADirectDialogIsNobodys) {
  const Reply made = rig_.ask(peer("ann"), "dialog.create", R"({"kind":"direct","members":["bob"]})");
  const std::string id = field(made, "dialog");

  EXPECT_EQ(rig_.ask(peer("ann"), "dialog.set", R"({"title":"x","dialog":)" + id + "}").error_code,
            chat::code::kDenied);
  EXPECT_EQ(rig_.ask(peer("ann"), "dialog.dissolve", R"({"dialog":)" + id + "}").error_code,
            chat::code::kDenied);
}

TEST_F(AboutTest, NothingToSetAndTooLongAreRefused) {
  EXPECT_EQ(ask("ann", "dialog.set").error_code, chat::code::kBadRequest);
  EXPECT_EQ(ask("ann", "dialog.set", R"("title":")" + std::string(257, 'x') + "\"").error_code,
            chat::code::kBadRequest);
  EXPECT_EQ(ask("ann", "dialog.set", R"("avatar":")" + std::string(513, 'x') + "\"").error_code,
            chat::code::kBadRequest);
}

TEST_F(AboutTest, ARenameSurvivesACrash) {
  ask("ann", "dialog.set", R"("title":"New","avatar":"a1")");
  rig_.host().restart();
  rig_.settle();

  EXPECT_EQ(field(ask("bob", "dialog.get"), "title"), R"("New")");
  EXPECT_THAT(list("bob"), HasSubstr(R"("title":"New","avatar":"a1")"));
}

// --- the end -------------------------------------------------------------------------------------

TEST_F(AboutTest, DissolvedIsOutOfEveryList) {
  rig_.send(peer("ann"), "d", 1);
  EXPECT_EQ(ask("ann", "dialog.dissolve").data, R"({"seq":3})");
  rig_.settle();

  for (const char* user : {"ann", "bob", "cyd"}) EXPECT_THAT(list(user), Not(HasSubstr(R"("dialog":"d")")));
  EXPECT_THAT(rig_.published("#bob").back().data, HasSubstr(R"("type":"member","dialog":"d")"));
  EXPECT_THAT(rig_.published("#bob").back().data, HasSubstr(R"("member":false)"));
}

TEST_F(AboutTest, NobodyWritesReadsNewsOrComesInAfterTheEnd) {
  ask("ann", "dialog.dissolve");

  EXPECT_EQ(rig_.send(peer("ann"), "d", 1).error_code, chat::code::kDenied);
  EXPECT_FALSE(rig_.subscribe(peer("bob"), "d").ok());
  EXPECT_EQ(ask("bob", "dialog.get").error_code, chat::code::kDenied);
  EXPECT_EQ(ask("bob", "dialog.typing").error_code, chat::code::kDenied);
  EXPECT_EQ(ask("eve", "dialog.join").error_code, chat::code::kDenied);
  EXPECT_EQ(ask("ann", "dialog.add", R"("users":["eve"])").error_code, chat::code::kDenied);
  EXPECT_EQ(rig_.ask(peer("ann"), "dialog.create", R"({"id":"d"})").error_code, chat::code::kExists);
}

TEST_F(AboutTest, WhoWasInReadsWhatWasSaid) {
  rig_.send(peer("ann"), "d", 1);
  ask("ann", "dialog.dissolve");
  rig_.host().restart();

  EXPECT_EQ(rig_.pull(peer("bob"), "d").size(), 3u);
  EXPECT_EQ(ask("eve", "dialog.history").error_code, chat::code::kDenied);
}

TEST_F(AboutTest, EverybodyIsUnsubscribed) {
  ask("ann", "dialog.dissolve");
  rig_.settle();

  std::set<std::string> users;
  for (const auto& u : rig_.host().unsubscribes())
    if (u.channel == "dialog:d") users.insert(u.user_id);
  EXPECT_EQ(users, (std::set<std::string>{"ann", "bob", "cyd"}));
}

TEST_F(AboutTest, OnlyAnOwnerDissolvesAndAgainIsNoError) {
  EXPECT_EQ(ask("bob", "dialog.dissolve").error_code, chat::code::kDenied);
  EXPECT_TRUE(ask("ann", "dialog.dissolve").ok());
  EXPECT_EQ(ask("ann", "dialog.dissolve").data, R"({"seq":0})");
  EXPECT_EQ(ask("eve", "dialog.dissolve").error_code, chat::code::kDenied);
}

TEST_F(AboutTest, ALargeDialogIsDissolvedForAll) {
  ChatRig rig({}, {{"fan_limit", "2"}});
  std::vector<std::string> users{"ann"};
  for (int i = 0; i < 150; ++i) users.push_back("u" + std::to_string(i));
  rig.group("d", users);
  rig.settle();
  ASSERT_TRUE(rig.ask(peer("ann"), "dialog.dissolve", R"({"dialog":"d"})").ok());
  rig.settle();

  for (const std::string& user : users)
    EXPECT_THAT(rig.ask(peer(user), "dialog.list", "{}").data, HasSubstr(R"("dialogs":[])")) << user;
}

// At every step of it a crash: it is dissolved for all, or for nobody.
TEST(DissolveCrashTest, IsForAllOrNone) {
  for (uint64_t step = 1;; ++step) {
    ChatRig rig;
    rig.group("d", {"ann", "bob", "cyd"});
    rig.settle();
    rig.host().crash_at(step);
    rig.ask(peer("ann"), "dialog.dissolve", R"({"dialog":"d"})");
    rig.host().advance(100);
    const bool crashed = rig.host().crashed();
    rig.host().crash_at(0);
    rig.host().restart();
    rig.settle();
    const bool ended = !rig.ask(peer("ann"), "dialog.get", R"({"dialog":"d"})").ok();
    for (const char* user : {"ann", "bob", "cyd"}) {
      const std::string list = rig.ask(peer(user), "dialog.list", "{}").data;
      EXPECT_EQ(list.find(R"("dialog":"d")") == std::string::npos, ended) << user << " step " << step;
    }
    EXPECT_SOUND(rig);
    if (!crashed) {
      EXPECT_TRUE(ended);
      break;
    }
    ASSERT_LT(step, 200u);
  }
}

// --- who types -----------------------------------------------------------------------------------

TEST_F(AboutTest, TypingIsToldAndKeptNowhere) {
  const uint64_t commits = rig_.host().storage().commits();

  EXPECT_EQ(ask("bob", "dialog.typing").data, R"({"told":true})");

  const Publication told = rig_.published("dialog:d").back();
  EXPECT_EQ(told.data, R"({"kind":"typing","dialog":"d","user":"bob","typing":true})");
  EXPECT_EQ(told.flags, uint32_t{LCG_PUB_NO_HISTORY});
  EXPECT_EQ(rig_.host().storage().commits(), commits);
  ask("bob", "dialog.typing", R"("typing":false)");
  EXPECT_THAT(rig_.published("dialog:d").back().data, HasSubstr(R"("typing":false)"));
}

TEST_F(AboutTest, WhoMayNotWriteDoesNotType) {
  ask("ann", "dialog.mute", R"("user":"bob","until":)" + std::to_string(rig_.host().wall_ms() + 60'000));

  EXPECT_EQ(ask("bob", "dialog.typing").error_code, chat::code::kMuted);
  EXPECT_EQ(ask("eve", "dialog.typing").error_code, chat::code::kDenied);
}

TEST_F(AboutTest, TypingIsRatedByUserAndByDialog) {
  Reply last;
  for (int i = 0; i < 11; ++i) last = ask("bob", "dialog.typing");
  EXPECT_EQ(last.error_code, chat::code::kTooManyRequests);
  EXPECT_THAT(last.message, HasSubstr("retry_after_ms:"));

  for (int i = 0; i < 9; ++i) ask("cyd", "dialog.typing");
  ask("ann", "dialog.typing");
  EXPECT_EQ(ask("ann", "dialog.typing").data, R"({"told":false})");
}

// --- how far each has read -----------------------------------------------------------------------

TEST_F(AboutTest, MembersTellHowFarEachHasRead) {
  rig_.send(peer("ann"), "d", 1);
  ask("bob", "dialog.read", R"("seq":2)");

  EXPECT_THAT(ask("ann", "dialog.members").data,
              HasSubstr(R"({"user":"bob","role":"member","joined":1,"read":2},)"
                        R"({"user":"cyd","role":"member","joined":1,"read":0})"));
}

TEST_F(AboutTest, WhoHasSeenAMessage) {
  rig_.send(peer("ann"), "d", 1);
  ask("bob", "dialog.read", R"("seq":2)");
  ask("ann", "dialog.add", R"("users":["dan"])");
  ask("dan", "dialog.read", R"("seq":3)");  // was not there

  const Reply seen = ask("ann", "dialog.members", R"("seen":2)");

  EXPECT_EQ(field(seen, "members"), R"([{"user":"bob","role":"member","joined":1,"read":2}])");
  EXPECT_EQ(field(seen, "total"), "4");
}

TEST_F(AboutTest, ClientsThatDoNotKnowOfItAreNotPushedWhoHasRead) {
  rig_.settle();
  const size_t before = rig_.published("dialog:d").size();
  ask("bob", "dialog.read", R"("seq":1)");
  rig_.settle();

  EXPECT_EQ(rig_.published("dialog:d").size(), before);
}

TEST(TellSeenTest, MarksOfAPeriodAreOnePush) {
  ChatRig rig({}, {{"tell_seen", "true"}});
  rig.group("d", {"ann", "bob", "cyd"});
  rig.send(peer("ann"), "d", 1);
  rig.settle();
  const size_t before = rig.published("dialog:d").size();
  rig.ask(peer("bob"), "dialog.read", R"({"dialog":"d","seq":2})");
  rig.ask(peer("cyd"), "dialog.read", R"({"dialog":"d","seq":2})");
  rig.settle();

  ASSERT_EQ(rig.published("dialog:d").size(), before + 1);
  const Publication seen = rig.published("dialog:d").back();
  EXPECT_EQ(seen.data,
            R"({"kind":"seen","dialog":"d","read":[{"user":"bob","seq":2},{"user":"cyd","seq":2}]})");
  EXPECT_EQ(seen.flags, uint32_t{LCG_PUB_NO_HISTORY});
}

TEST_F(AboutTest, MarksAreBoundedByWhatIsThereAndNeverGoBack) {
  ask("bob", "dialog.read", R"("seq":1000000000000)");
  ask("bob", "dialog.read", R"("seq":0)");

  EXPECT_THAT(ask("ann", "dialog.members").data,
              HasSubstr(R"("user":"bob","role":"member","joined":1,"read":1})"));
}

TEST_F(AboutTest, MarksSurviveAKill) {
  rig_.send(peer("ann"), "d", 1);
  ask("bob", "dialog.read", R"("seq":2)");
  rig_.host().restart(1'000'000);

  EXPECT_THAT(ask("ann", "dialog.members").data,
              HasSubstr(R"("user":"bob","role":"member","joined":1,"read":2})"));
}

// --- quiet ---------------------------------------------------------------------------------------

TEST_F(AboutTest, QuietIsKeptForAllDevicesAndTold) {
  const uint64_t until = static_cast<uint64_t>(rig_.host().wall_ms()) + 3'600'000;
  const Reply reply = ask("bob", "dialog.quiet", R"("until":)" + std::to_string(until));

  EXPECT_EQ(number(reply, "quiet_until"), until);
  const std::string told = R"("quiet_until":)" + std::to_string(until);
  EXPECT_THAT(rig_.published("#bob").back().data, HasSubstr(R"({"type":"quiet","dialog":"d")"));
  EXPECT_THAT(rig_.published("#bob").back().data, HasSubstr(told));
  rig_.host().restart(1'000'000);
  EXPECT_THAT(list("bob"), HasSubstr(told));
  EXPECT_THAT(list("cyd"), Not(HasSubstr("quiet_until")));
  rig_.send(peer("ann"), "d", 1);
  rig_.settle();
  EXPECT_THAT(rig_.published("#bob").back().data, HasSubstr(told));
}

TEST_F(AboutTest, QuietEndsAndHasALongestTime) {
  const Reply longest = ask("bob", "dialog.quiet", R"("until":9007199254740991)");
  EXPECT_LE(number(longest, "quiet_until"), static_cast<uint64_t>(rig_.host().wall_ms()) + kMaxMuteMs);

  EXPECT_EQ(number(ask("bob", "dialog.quiet", R"("until":0)"), "quiet_until"), 0u);
  EXPECT_THAT(list("bob"), Not(HasSubstr("quiet_until")));
  EXPECT_EQ(ask("bob", "dialog.quiet").error_code, chat::code::kBadRequest);
  EXPECT_EQ(ask("eve", "dialog.quiet", R"("until":0)").error_code, chat::code::kDenied);
}

}  // namespace
}  // namespace lcg::dialog::testing
