// SPDX-License-Identifier: Apache-2.0
// What users may do to one another: blocks, rates, full lists; and putting a direct dialog away.
#include <gmock/gmock.h>

#include <algorithm>

#include "plugins/dialog/membership.h"
#include "plugins/dialog/testing/chat_rig.h"

LCG_DECLARE_PLUGIN(user);

namespace lcg::dialog::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ContactsTest : public ::testing::Test {
 protected:
  explicit ContactsTest(lcg::testing::Config config = {}) : rig_({}, std::move(config)) {
    rig_.host().load(lcg_plugin_descriptor_user(), {}, 2);
  }
  Reply ask(const std::string& user, const std::string& method, const std::string& json) {
    return rig_.ask(peer(user), method, json);
  }
  Reply direct(const std::string& user, const std::string& other) {
    return ask(user, "dialog.create", R"({"kind":"direct","members":[")" + other + "\"]}");
  }
  void block(const std::string& user, const std::string& other, const char* method = "user.block") {
    const Reply reply = ask(user, method, R"({"user":")" + other + "\"}");
    ASSERT_TRUE(reply.ok()) << reply.message;
  }
  size_t listed(const std::string& user) {
    rig_.settle();
    return items(field(ask(user, "dialog.list", "{}"), "dialogs")).size();
  }
  size_t calls_of(const std::string& method) const {
    const auto& calls = rig_.host().calls();
    return static_cast<size_t>(
        std::count_if(calls.begin(), calls.end(), [&](const auto& call) { return call.method == method; }));
  }
  mutable ChatRig rig_;
};

TEST_F(ContactsTest, TheBlockedOpensNoDirectDialogAndIsToldNoMoreThanAStranger) {
  block("vic", "mal");

  const Reply refused = direct("mal", "vic");

  const Reply stranger = ask("mal", "dialog.get", R"({"dialog":"none"})");
  EXPECT_EQ(refused.error_code, stranger.error_code);
  EXPECT_EQ(refused.message, stranger.message);
  EXPECT_EQ(listed("vic"), 0u);
  EXPECT_EQ(ask("vic", "dialog.get", R"({"dialog":")" + direct_id("mal", "vic") + "\"}").error_code, 103u);
}

TEST_F(ContactsTest, WhoHasBlockedTheOtherIsToldToUnblock) {
  block("vic", "mal");

  EXPECT_EQ(direct("vic", "mal").error_code, chat::code::kBlocking);
}

TEST_F(ContactsTest, TheBlockedPutsNobodyIntoGroups) {
  block("vic", "mal");
  for (int i = 0; i < 20; ++i) {
    const std::string id = "g" + std::to_string(i);
    EXPECT_TRUE(ask("mal", "dialog.create", R"({"id":")" + id + R"(","members":["vic","bob"]})").ok());
    EXPECT_EQ(ask("mal", "dialog.add", R"({"dialog":")" + id + R"(","users":["vic"]})").data, R"({"seq":0})");
  }

  EXPECT_EQ(listed("vic"), 0u);
  EXPECT_EQ(listed("bob"), 20u);
  EXPECT_TRUE(ask("bob", "dialog.create", R"({"id":"nice","members":["vic"]})").ok());
  EXPECT_EQ(listed("vic"), 1u);
}

// An id that may log in may also be blocked, whatever is in it and however long it is.
TEST_F(ContactsTest, ABlockHoldsForEveryIdThatMayAct) {
  for (const std::string& mal : {std::string("mal lory"), std::string("mal/lory"),
                                 std::string(127, 'x') + "\u00e9", std::string(255, 'y')}) {
    const std::string id = direct_id(mal, "vic");
    ASSERT_TRUE(direct(mal, "vic").ok()) << mal;
    ASSERT_TRUE(rig_.send(peer(mal), id, 1).ok()) << mal;

    block("vic", mal);

    EXPECT_EQ(rig_.send(peer(mal), id, 2).error_code, 103u) << mal;
    EXPECT_EQ(direct(mal, "bob").error_code, 0u) << mal;
    EXPECT_TRUE(ask(mal, "dialog.create", R"({"members":["vic"]})").ok());
    EXPECT_THAT(field(ask("vic", "dialog.list", "{}"), "dialogs"), Not(HasSubstr("group"))) << mal;
  }
}

TEST_F(ContactsTest, ABlockCountsInADirectDialogFromItsAnswerOn) {
  const std::string id = direct_id("mal", "vic");
  direct("mal", "vic");
  const std::string first = field(rig_.send(peer("mal"), id, 1), "id");

  block("vic", "mal");

  EXPECT_EQ(rig_.send(peer("mal"), id, 2).error_code, 103u);
  EXPECT_EQ(rig_.publish(peer("mal", "tab"), id, "1").error_code, 103u);
  EXPECT_EQ(ask("mal", "message.react", "{\"id\":" + first + R"(,"body":"+1"})").error_code, 103u);
  EXPECT_EQ(rig_.send(peer("vic"), id, 1).error_code, chat::code::kBlocking);
  EXPECT_TRUE(ask("mal", "message.recall", "{\"id\":" + first + "}").ok());  // one's own words

  block("vic", "mal", "user.unblock");
  EXPECT_TRUE(rig_.send(peer("mal"), id, 3).ok());  // the recall was number 2
}

TEST_F(ContactsTest, WhoMayNotWriteIsNotSeenTyping) {
  const std::string id = direct_id("mal", "vic");
  direct("mal", "vic");
  block("vic", "mal");
  const size_t before = rig_.published("dialog:" + id).size();

  EXPECT_EQ(ask("mal", "dialog.typing", R"({"dialog":")" + id + "\"}").error_code, 103u);
  EXPECT_EQ(ask("vic", "dialog.typing", R"({"dialog":")" + id + "\"}").error_code, chat::code::kBlocking);
  EXPECT_EQ(rig_.published("dialog:" + id).size(), before);
}

TEST_F(ContactsTest, ARetryAcrossABlockHasItsFirstAnswer) {
  const std::string id = direct_id("mal", "vic");
  direct("mal", "vic");
  const Reply first = rig_.send(peer("mal"), id, 1);
  block("vic", "mal");

  const Reply again = rig_.send(peer("mal"), id, 1);

  EXPECT_TRUE(again.ok()) << again.message;
  EXPECT_EQ(again.data, first.data);
}

TEST_F(ContactsTest, ABlockIsThereAfterARestart) {
  const std::string id = direct_id("mal", "vic");
  direct("mal", "vic");
  block("vic", "mal");
  rig_.settle();
  rig_.host().restart();

  EXPECT_EQ(rig_.send(peer("mal"), id, 1).error_code, 103u);
}

TEST_F(ContactsTest, ATriedMessageIsNotConfirmedAcrossABlock) {
  const std::string id = direct_id("mal", "vic");
  direct("mal", "vic");
  rig_.settle();
  Client dialogs(rig_.host().host());
  TryRequest request;
  request.key = {"mal", "device", 1, id, 1};
  request.id = 4096;
  request.body = "1";
  request.body_bytes = 1;
  ASSERT_TRUE(rig_.host().await(dialogs.try_send(request)).ok());

  block("vic", "mal");

  EXPECT_EQ(rig_.host().await(dialogs.confirm(request.key, request.id)).error_code, 103u);
}

TEST_F(ContactsTest, SendingAsksOnceForAllMessages) {
  const std::string id = direct_id("ann", "bob");
  direct("ann", "bob");
  const size_t before = calls_of("block_check");
  for (uint64_t i = 1; i <= 20; ++i) ASSERT_TRUE(rig_.send(peer("ann"), id, i).ok());

  EXPECT_EQ(calls_of("block_check"), before + 1);
}

TEST_F(ContactsTest, WhatIsNotKnownIsNotAllowed) {
  direct("ann", "bob");
  for (const lcg_status status : {LCG_E_TIMEOUT, LCG_E_UNAVAILABLE}) {
    rig_.host().inject({.status = status, .times = 100, .service = "user", .method = "block_check"});

    EXPECT_EQ(rig_.send(peer("ann"), direct_id("ann", "bob"), 1).status, LCG_E_BUSY) << status;
    EXPECT_EQ(direct("ann", "cyd").status, LCG_E_BUSY) << status;

    rig_.host().clear_faults();
  }
  EXPECT_TRUE(rig_.send(peer("ann"), direct_id("ann", "bob"), 1).ok());
}

// The plugin is there and stops for a moment: that says nothing about who has blocked whom.
TEST_F(ContactsTest, AServiceThatIsAwayForAMomentLetsNoBlockedUserThrough) {
  const std::string id = direct_id("mal", "vic");
  direct("mal", "vic");
  block("vic", "mal");
  rig_.host().inject({.times = 1, .service = "user", .method = "block_check"});
  rig_.host().restart(1'000'000);

  EXPECT_FALSE(rig_.send(peer("mal"), id, 1).ok());
  EXPECT_EQ(rig_.send(peer("mal"), id, 1).error_code, 103u);
}

TEST(NoBlocks, WhereNoPluginKeepsThemNobodyIsRefused) {
  ChatRig rig;
  EXPECT_TRUE(rig.ask(peer("ann"), "dialog.create", R"({"kind":"direct","members":["bob"]})").ok());
  EXPECT_TRUE(rig.send(peer("ann"), direct_id("ann", "bob"), 1).ok());
}

TEST_F(ContactsTest, ABlockThatTheDialogsWereNotToldOfIsNotAcknowledged) {
  for (const lcg_status status : {LCG_E_TIMEOUT, LCG_E_UNAVAILABLE}) {
    rig_.host().inject({.status = status, .service = "dialog", .method = "blocks_changed"});
    EXPECT_FALSE(ask("vic", "user.block", R"({"user":"mal"})").ok()) << status;
  }
  EXPECT_TRUE(ask("vic", "user.block", R"({"user":"mal"})").ok());
}

// --- rates

class CreateRate : public ContactsTest {
 protected:
  CreateRate() : ContactsTest({{"create_burst", "3"}, {"create_rate", "60"}, {"add_burst", "200"}}) {}
};

TEST_F(CreateRate, CountsAllDialogsOfAUserWhereverTheyAre) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask("ann", "dialog.create", "{}").ok());

  const Reply reply = ask("ann", "dialog.create", "{}");

  EXPECT_EQ(reply.error_code, chat::code::kTooManyRequests);
  EXPECT_THAT(reply.message, HasSubstr("retry_after_ms:"));
  EXPECT_TRUE(ask("bob", "dialog.create", "{}").ok());
  rig_.host().advance(1'100);
  EXPECT_TRUE(ask("ann", "dialog.create", "{}").ok());
}

TEST_F(CreateRate, WhatIsRefusedCostsNoPeopleEither) {
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(ask("ann", "dialog.create", R"({"id":"d)" + std::to_string(i) + "\"}").ok());
  std::vector<std::string> users;
  for (int i = 0; i < 200; ++i) users.push_back("x" + std::to_string(i));
  const std::string large = json::Writer().texts("members", users).take();
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(ask("ann", "dialog.create", large).error_code, chat::code::kTooManyRequests);

  EXPECT_TRUE(ask("ann", "dialog.add", R"({"dialog":"d0","user":"bob"})").ok());
}

class AddRate : public ContactsTest {
 protected:
  AddRate() : ContactsTest({{"add_burst", "200"}}) {}
};

TEST_F(AddRate, CountsPeopleInAllDialogs) {
  std::vector<std::string> users;
  for (int i = 0; i < 100; ++i) users.push_back("x" + std::to_string(i));
  for (const char* id : {"a", "b"})
    EXPECT_TRUE(
        ask("ann", "dialog.create", json::Writer().text("id", id).texts("members", users).take()).ok());

  EXPECT_EQ(ask("ann", "dialog.add", R"({"dialog":"a","user":"y"})").error_code,
            chat::code::kTooManyRequests);
  EXPECT_TRUE(ask("bob", "dialog.create", R"({"members":["ann"]})").ok());
}

// --- full lists

class FullList : public ContactsTest {
 protected:
  FullList() : ContactsTest({{"max_dialogs", "4"}, {"max_added", "2"}}) {
    for (const char* id : {"m1", "m2", "m3"}) {
      ask("mal", "dialog.create", std::string(R"({"id":")") + id + R"(","open":true,"members":["vic"]})");
      rig_.settle();
    }
  }
};

TEST_F(FullList, OthersFillItOnlyInPart) {
  EXPECT_EQ(listed("vic"), 2u);
  EXPECT_TRUE(ask("vic", "dialog.create", R"({"id":"own"})").ok());
  EXPECT_EQ(listed("vic"), 3u);
}

TEST_F(FullList, IsOpenToDirectDialogs) {
  EXPECT_TRUE(direct("bob", "vic").ok());
  EXPECT_EQ(listed("vic"), 3u);
  EXPECT_TRUE(ask("bob", "dialog.create", R"({"members":["vic"]})").ok());
  EXPECT_EQ(listed("vic"), 3u);
}

TEST_F(FullList, LeavingAndBlockingMakeRoom) {
  const auto add = [this](const char* id) {
    const std::string json = std::string(R"({"id":")") + id + R"(","members":["vic"]})";
    EXPECT_TRUE(ask(std::string("friend-") + id, "dialog.create", json).ok());
    return listed("vic");
  };
  ASSERT_EQ(add("b1"), 2u);
  ask("vic", "dialog.leave", R"({"dialog":"m1"})");
  ASSERT_EQ(listed("vic"), 1u);
  EXPECT_EQ(add("b2"), 2u);
  EXPECT_EQ(add("b3"), 2u);

  block("vic", "mal");  // whose m2 is there still

  EXPECT_EQ(add("b4"), 3u);
  EXPECT_EQ(add("b5"), 3u);
  rig_.host().restart();
  EXPECT_EQ(add("b6"), 3u);
  ask("vic", "dialog.leave", R"({"dialog":"m2"})");  // of which nothing is counted any more
  EXPECT_EQ(add("b7"), 2u);
}

class Share : public ContactsTest {
 protected:
  Share() : ContactsTest({{"max_added_by", "3"}, {"max_dialogs", "6"}, {"max_added", "50"}}) {}
  std::string group_of(const std::string& id) { return R"({"id":")" + id + R"(","members":["vic"]})"; }
};

// What was forgiven was taken off the counts once: leaving it takes nothing off what came in later.
TEST_F(Share, WhatWasForgivenIsNotTakenOffAgain) {
  for (const char* id : {"m1", "m2", "m3"}) ASSERT_TRUE(ask("mal", "dialog.create", group_of(id)).ok());
  ASSERT_EQ(listed("vic"), 3u);
  block("vic", "mal");
  ask("vic", "user.unblock", R"({"user":"mal"})");
  rig_.host().advance(60'000);
  for (const char* id : {"n1", "n2", "n3"}) ASSERT_TRUE(ask("mal", "dialog.create", group_of(id)).ok());
  ASSERT_EQ(listed("vic"), 6u);

  for (const char* id : {"m1", "m2", "m3"})
    ask("vic", "dialog.leave", R"({"dialog":")" + std::string(id) + R"("})");
  ASSERT_EQ(listed("vic"), 3u);

  rig_.host().advance(60'000);
  ask("mal", "dialog.create", group_of("o1"));
  EXPECT_EQ(listed("vic"), 3u);
}

TEST_F(Share, OneFillsOnlyAPartOfTheListAndStandsInNobodysWay) {
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(ask("mal", "dialog.create", group_of("m" + std::to_string(i))).ok());
    rig_.settle();
  }
  EXPECT_EQ(listed("vic"), 3u);

  EXPECT_TRUE(ask("bob", "dialog.create", group_of("b")).ok());
  EXPECT_EQ(listed("vic"), 4u);
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(ask("vic", "dialog.create", R"({"id":"own)" + std::to_string(i) + "\"}").ok());
    rig_.settle();
  }
  EXPECT_EQ(ask("vic", "dialog.create", "{}").error_code, chat::code::kMaxDialogs);
}

TEST_F(Share, CountsWhatIsOnItsWay) {
  std::vector<lcg::testing::Pending> calls;
  for (int i = 0; i < 12; ++i)
    calls.push_back(rig_.start(peer("mal"), "dialog.create", group_of("m" + std::to_string(i))));
  rig_.settle();

  for (const auto& call : calls) EXPECT_TRUE(call->reply.ok()) << call->reply.message;
  EXPECT_EQ(listed("vic"), 3u);
}

TEST_F(FullList, SaysWhatToDo) {
  for (const char* id : {"own1", "own2", "own3"})
    ask("vic", "dialog.create", std::string(R"({"id":")") + id + "\"}");
  ask("vic", "dialog.join", R"({"dialog":"m3"})");
  ASSERT_EQ(listed("vic"), 6u);

  const Reply made = ask("vic", "dialog.create", R"({"id":"own4"})");
  EXPECT_EQ(made.error_code, chat::code::kMaxDialogs);
  EXPECT_EQ(made.message, "max_dialogs:4");
  EXPECT_EQ(ask("vic", "dialog.join", R"({"dialog":"m3"})").data, R"({"seq":0})");  // is in already

  ask("vic", "dialog.leave", R"({"dialog":"m1"})");  // another's doing
  rig_.settle();
  EXPECT_FALSE(ask("vic", "dialog.create", R"({"id":"own4"})").ok());
  ask("vic", "dialog.leave", R"({"dialog":"m3"})");
  rig_.settle();
  EXPECT_TRUE(ask("vic", "dialog.create", R"({"id":"own4"})").ok());
}

// --- putting a dialog away

class HideTest : public ContactsTest {
 protected:
  HideTest() {
    direct("ann", "bob");
    rig_.send(peer("ann"), id_, 1);
    rig_.settle();
  }
  const std::string id_ = direct_id("ann", "bob");
  const std::string dialog_ = R"({"dialog":")" + id_ + "\"}";
};

TEST_F(HideTest, LeavingADirectDialogHidesItUntilThereIsNews) {
  const std::string before = field(ask("bob", "dialog.sync", R"({"since":1})"), "iseq");

  EXPECT_EQ(ask("bob", "dialog.leave", dialog_).data, R"({"seq":0})");

  EXPECT_EQ(listed("bob"), 0u);
  EXPECT_EQ(listed("ann"), 1u);
  const Reply sync = ask("bob", "dialog.sync", "{\"since\":" + before + "}");
  EXPECT_THAT(field(sync, "changed"), HasSubstr(R"("member":true)"));
  EXPECT_THAT(field(sync, "changed"), HasSubstr(R"("hidden":true)"));
  EXPECT_TRUE(rig_.send(peer("ann"), id_, 2).ok());
  EXPECT_EQ(listed("bob"), 1u);
}

TEST_F(HideTest, AGroupIsHiddenTooAndLeftOnlyByLeaving) {
  rig_.group("g", {"ann", "bob"});
  ASSERT_EQ(listed("bob"), 2u);

  EXPECT_TRUE(ask("bob", "dialog.hide", R"({"dialog":"g"})").ok());

  EXPECT_EQ(listed("bob"), 1u);
  EXPECT_TRUE(rig_.send(peer("bob"), "g", 1).ok());
  EXPECT_EQ(listed("bob"), 2u);
}

TEST_F(HideTest, IsForMembersAndForThemselves) {
  EXPECT_EQ(ask("eve", "dialog.hide", dialog_).error_code, 103u);
  EXPECT_EQ(ask("eve", "dialog.leave", dialog_).error_code, 103u);
  EXPECT_EQ(listed("bob"), 1u);
}

TEST_F(HideTest, TheTwoOfADirectDialogStay) {
  for (const char* op : {"dialog.add", "dialog.remove", "dialog.ban", "dialog.mute"})
    EXPECT_EQ(ask("ann", op, R"({"user":"bob","until":1,"dialog":")" + id_ + "\"}").error_code, 103u) << op;
}

}  // namespace
}  // namespace lcg::dialog::testing
