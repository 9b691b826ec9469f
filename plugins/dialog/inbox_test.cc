// SPDX-License-Identifier: Apache-2.0
// What a user is told about his dialogs: hints, list, sync after a reconnect, read marks, checkpoints.
#include <gmock/gmock.h>

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
  EXPECT_THAT(hint, HasSubstr(R"({"type":"hint","dialog":"a","head":2,"read":0,"iseq":)"));
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
  EXPECT_THAT(changed[0], HasSubstr(R"("head":2,"read":0,"unread":2)"));
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
