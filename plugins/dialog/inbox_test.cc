// SPDX-License-Identifier: Apache-2.0
// What a user is told about his dialogs: hints, list, sync after a reconnect, read marks, checkpoints.
#include <gmock/gmock.h>

#include "plugins/dialog/inbox.h"
#include "plugins/dialog/settings.h"
#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

using ::testing::HasSubstr;

class InboxTest : public ::testing::Test {
 protected:
  InboxTest() {
    for (const char* id : {"a", "b", "c"}) rig_.group(id, {"ann", "bob"});
    rig_.settle();
  }
  Reply sync(uint64_t since) {
    return rig_.ask(bob_, "dialog.sync", "{\"since\":" + std::to_string(since) + "}");
  }
  ChatRig rig_;
  const Peer ann_ = peer("ann"), bob_ = peer("bob");
};

TEST_F(InboxTest, HintTellsDialogHeadAndIseq) {
  rig_.send(ann_, "a", 1);
  rig_.settle();

  const std::string hint = rig_.published("#bob").back().data;
  EXPECT_THAT(hint, HasSubstr(R"({"type":"hint","dialog":"a","head":2,"read":0,"unread":1,"iseq":)"));
}

TEST_F(InboxTest, HintsOfABurstAreOne) {
  const size_t before = rig_.published("#bob").size();
  for (uint64_t i = 1; i <= 20; ++i) rig_.send(ann_, "a", i);
  rig_.settle();

  EXPECT_EQ(rig_.published("#bob").size(), before + 1);
}

TEST_F(InboxTest, SyncCostsWhatChanged) {
  const uint64_t since = number(sync(1), "iseq");
  rig_.send(ann_, "b", 1);
  rig_.settle();

  const Reply reply = sync(since);

  const std::vector<std::string> changed = items(field(reply, "changed"));
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_THAT(changed[0], HasSubstr(R"("dialog":"b")"));
  EXPECT_THAT(changed[0], HasSubstr(R"("head":2,"read":0,"unread":1)"));
  EXPECT_GT(number(reply, "iseq"), since);
  EXPECT_EQ(field(sync(number(reply, "iseq")), "changed"), "[]");
}

TEST_F(InboxTest, SyncFromNowhereOrTheFutureAsksForASnapshot) {
  EXPECT_EQ(field(sync(0), "snapshot"), "true");
  EXPECT_EQ(field(sync(number(sync(1), "iseq") + 1), "snapshot"), "true");
  EXPECT_EQ(field(sync(1), "snapshot"), "false");
}

TEST_F(InboxTest, ListIsByRecencyAndPaged) {
  rig_.send(ann_, "a", 1);
  rig_.settle();

  const Reply first = rig_.ask(bob_, "dialog.list", R"({"limit":2})");
  const Reply second =
      rig_.ask(bob_, "dialog.list", R"({"limit":2,"before":)" + field(first, "before") + "}");

  EXPECT_THAT(items(field(first, "dialogs")).at(0), HasSubstr(R"("dialog":"a")"));
  EXPECT_EQ(items(field(first, "dialogs")).size(), 2u);
  EXPECT_EQ(items(field(second, "dialogs")).size(), 1u);
  EXPECT_EQ(field(second, "more"), "false");
}

TEST_F(InboxTest, LeftDialogLeavesTheList) {
  const uint64_t since = number(sync(1), "iseq");
  rig_.ask(bob_, "dialog.leave", R"({"dialog":"a"})");
  rig_.settle();

  EXPECT_EQ(items(field(rig_.ask(bob_, "dialog.list", "{}"), "dialogs")).size(), 2u);
  EXPECT_THAT(field(sync(since), "changed"), HasSubstr(R"("member":false)"));
}

TEST_F(InboxTest, ReadMarkIsKeptAndToldToTheOtherDevices) {
  rig_.send(ann_, "a", 1);
  rig_.settle();
  const uint64_t since = number(sync(1), "iseq");

  EXPECT_EQ(number(rig_.ask(bob_, "dialog.read", R"({"dialog":"a","seq":2})"), "read"), 2u);

  EXPECT_THAT(rig_.published("#bob").back().data,
              HasSubstr(R"("type":"read","dialog":"a","head":2,"read":2)"));
  EXPECT_THAT(field(sync(since), "changed"), HasSubstr("\"unread\":0"));
  EXPECT_EQ(number(rig_.ask(bob_, "dialog.read", R"({"dialog":"a","seq":1})"), "read"), 2u);  // never back
}

TEST_F(InboxTest, ReadMarkStopsAtTheHeadAndAtTheDoor) {
  EXPECT_EQ(number(rig_.ask(bob_, "dialog.read", R"({"dialog":"a","seq":1000000})"), "read"), 1u);
  EXPECT_EQ(rig_.ask(peer("eve"), "dialog.read", R"({"dialog":"a","seq":1})").error_code, 103u);
  EXPECT_EQ(rig_.ask(bob_, "dialog.read", R"({"dialog":"none","seq":1})").error_code, 103u);
}

TEST_F(InboxTest, CheckpointsAreKeptForEachDevice) {
  EXPECT_EQ(rig_.ask(bob_, "dialog.ack", R"({"dialog":"a","seq":1})").data, R"({"seq":1})");
  rig_.ask(bob_, "dialog.ack", R"({"dialog":"b","seq":1})");
  rig_.host().restart(1'000'000);

  EXPECT_EQ(field(rig_.ask(bob_, "dialog.checkpoints", "{}"), "checkpoints"),
            R"([{"dialog":"a","seq":1},{"dialog":"b","seq":1}])");
  EXPECT_EQ(field(rig_.ask(peer("bob", "phone"), "dialog.checkpoints", "{}"), "checkpoints"), "[]");
  EXPECT_EQ(rig_.ask(peer("eve"), "dialog.ack", R"({"dialog":"a","seq":1})").error_code, 103u);
}

TEST_F(InboxTest, IseqGrowsAlsoAfterAPowerLoss) {
  const uint64_t before = number(sync(1), "iseq");
  rig_.send(ann_, "a", 1);
  rig_.host().advance(100);
  const uint64_t lost = number(sync(1), "iseq");
  ASSERT_GT(lost, before);
  rig_.host().restart();  // the change was not synced
  rig_.send(ann_, "b", 1);
  rig_.settle();

  EXPECT_GT(number(sync(1), "iseq"), lost);
  EXPECT_EQ(items(field(sync(before), "changed")).size(), 2u);
}

TEST(LargeDialog, TellsNobodyOneByOneButShowsUpInSync) {
  ChatRig rig({}, {{"fan_limit", "3"}});
  rig.group("d", {"ann", "bob", "cyd"});
  rig.settle();
  rig.ask(peer("ann"), "dialog.add", R"({"dialog":"d","users":["dan","eve"]})");
  rig.settle();
  const size_t before = rig.published("#bob").size();
  rig.send(peer("ann"), "d", 1);
  rig.settle();

  EXPECT_EQ(rig.published("#bob").size(), before);
  const Reply sync = rig.ask(peer("bob"), "dialog.sync", R"({"since":1})");
  EXPECT_THAT(field(sync, "changed"), HasSubstr("\"head\":3"));
  EXPECT_THAT(field(rig.ask(peer("eve"), "dialog.list", "{}"), "dialogs"), HasSubstr("\"head\":3"));
}

// Others put a user into dialogs, and choose their ids: those do not stand before the user's own ones.
TEST(LargeDialog, IsToldHoweverManyOthersStandBeforeIt) {
  ChatRig rig({}, {{"fan_limit", "3"}});
  rig.group("real", {"ann", "bob", "cyd", "dan"});
  rig.settle();
  const std::string since = field(rig.ask(peer("bob"), "dialog.sync", R"({"since":1})"), "iseq");
  for (int i = 10; i < 70; ++i) rig.group("-" + std::to_string(i), {"mal", "bob", "x1", "x2"});
  rig.settle();
  rig.send(peer("ann"), "real", 1);

  const std::string real = R"("dialog":"real","kind":"group","member":true,"role":"member","head":2,)";
  for (const std::string& from :
       {since, field(rig.ask(peer("bob"), "dialog.sync", R"({"since":1})"), "iseq")}) {
    const Reply sync = rig.ask(peer("bob"), "dialog.sync", "{\"since\":" + from + "}");
    EXPECT_EQ(field(sync, "snapshot"), "false");
    EXPECT_THAT(field(sync, "changed"), HasSubstr(real));
  }
  EXPECT_THAT(field(rig.ask(peer("bob"), "dialog.list", R"({"limit":100})"), "dialogs"), HasSubstr(real));
}

TEST(LargeDialog, WhenTheyAreTooManyForASyncTheListIsAskedForAndHasAll) {
  ChatRig rig({}, {{"fan_limit", "3"}});
  rig.group("real", {"ann", "bob", "cyd", "dan"});
  rig.settle();
  Projection p;
  p.user = "bob";
  p.version = 1;
  p.in = p.large = true;
  for (size_t i = 0; i < kMaxLargeDialogs; ++i) {
    p.dialog = "-" + std::to_string(i);
    ASSERT_TRUE(rig.host().call({"dialog", "project", "bob", encode(p)}).ok());
  }
  rig.send(peer("ann"), "real", 1);

  const std::string iseq = field(rig.ask(peer("bob"), "dialog.sync", R"({"since":1})"), "iseq");
  const Reply sync = rig.ask(peer("bob"), "dialog.sync", "{\"since\":" + iseq + "}");
  EXPECT_EQ(field(sync, "snapshot"), "true");
  EXPECT_EQ(field(sync, "changed"), "[]");
  std::string before = "0", dialogs;
  for (std::string more = "true"; more == "true";) {
    const Reply page = rig.ask(peer("bob"), "dialog.list", R"({"limit":100,"before":)" + before + "}");
    ASSERT_TRUE(page.ok()) << page.message;
    dialogs += field(page, "dialogs");
    more = field(page, "more");
    before = field(page, "before");
  }
  EXPECT_THAT(dialogs,
              HasSubstr(R"("dialog":"real","kind":"group","member":true,"role":"member","head":2,)"));
}

// What an answer may have is what it costs; of a sync what it has read.
TEST(Pages, CostTheirRowsAndOverTheBudgetAreToldWhenToGoOn) {
  const struct {
    const char *method, *json;
    int most;
  } pages[] = {{"dialog.members", R"({"dialog":"d","limit":500})", 9},
               {"dialog.list", R"({"limit":100})", 33},
               {"dialog.checkpoints", R"({"limit":500})", 9},
               {"dialog.sync", R"({"since":1})", 34}};
  for (const auto& page : pages) {
    ChatRig rig;
    rig.group("d", {"ann", "bob"});
    for (int i = 0; i < 99; ++i) rig.group("d" + std::to_string(i), {"bob"});
    rig.settle();
    Reply reply;
    int answered = 0;
    for (; answered < 200 && (reply = rig.ask(peer("bob"), page.method, page.json)).ok();) ++answered;

    EXPECT_GE(answered, page.most) << page.method;
    EXPECT_LE(answered, page.most + 2) << page.method;  // time gives some back
    EXPECT_EQ(reply.error_code, chat::code::kTooManyRequests) << page.method;
    EXPECT_THAT(reply.message, HasSubstr("retry_after_ms:"));
    EXPECT_TRUE(rig.ask(peer("ann"), page.method, page.json).ok()) << page.method;
    rig.host().advance(5'000);
    EXPECT_TRUE(rig.ask(peer("bob"), page.method, page.json).ok()) << page.method;
  }
}

TEST(ColdDialog, IsPutAwayAndReadAgain) {
  ChatRig rig({}, {{"cache_dialogs", "16"}}, {}, 1);
  for (int i = 0; i < 60; ++i) {
    const std::string id = "d" + std::to_string(i);
    rig.group(id, {"ann", "bob"});
    rig.send(peer("ann"), id, 1);
    rig.host().advance(3000);
  }
  rig.settle();
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(rig.send(peer("ann"), "d" + std::to_string(i), 2).ok());
  rig.settle();
  EXPECT_SOUND(rig);
}

}  // namespace
}  // namespace lcg::dialog::testing
