// SPDX-License-Identifier: Apache-2.0
// What is unread: messages by others, not recalled, that the member may read, above the read mark. A naive recount of
// the stored log is the judge.
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

#include "plugins/dialog/inbox.h"
#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

std::string seq_json(uint64_t seq) { return R"({"dialog":"d","seq":)" + std::to_string(seq) + "}"; }

// A user's entry of dialog.list for "d"; empty: it is not in the list.
std::string listed(ChatRig& rig, const std::string& user) {
  for (const std::string& item : items(field(rig.ask(peer(user), "dialog.list", "{}"), "dialogs")))
    if (item.find(R"("dialog":"d")") != std::string::npos) return item;
  return {};
}

std::string unread(ChatRig& rig, const std::string& user) {
  const std::string text = listed(rig, user);  // which the object borrows from
  json::Object item;
  if (text.empty() || !json::Object::parse(text, item)) return "not listed";
  return item.raw("unread") + (item.has("unread_more") ? "+" : "");
}

// From the log alone.
std::string recount(ChatRig& rig, const std::string& user, uint64_t read, bool history_all) {
  std::vector<Window> windows;
  bool in = false;
  const std::vector<Entry> log = rig.log("d");
  for (const Entry& e : log) {
    const bool about = std::find(e.users.begin(), e.users.end(), user) != e.users.end();
    if (!about) continue;
    if (e.op == "create" || e.op == "join" || e.op == "add") {
      windows.push_back({e.dseq, 0});
      in = true;
    } else if (in && (e.op == "leave" || e.op == "remove" || e.op == "ban")) {
      windows.back().to = e.dseq;
      in = false;
    }
  }
  if (!in) return "not listed";
  if (history_all) windows = {{1, 0}};
  uint64_t count = 0;
  for (const Entry& e : log) {
    bool readable = false;
    for (const Window& w : windows)
      readable = readable || (e.dseq >= w.from && (w.to == 0 || e.dseq <= w.to));
    if (e.kind == chat::Kind::kMessage && !e.recalled && e.user != user && e.dseq > read && readable) ++count;
  }
  return count > 1000 ? "1000+" : std::to_string(count);
}

// Words of `user` that stand in the log already, as if they had been said before this process began.
void said(ChatRig& rig, const std::string& user, uint64_t times) {
  const uint64_t head = rig.log("d").size();
  storage::Client store(rig.host().host());
  for (uint64_t i = 1; i <= times;) {
    storage::Batch batch;
    for (; i <= times && batch.ops.size() < 500; ++i) {
      Entry e;
      e.dseq = head + i;
      e.id = (uint64_t{1} << 40) + e.dseq;
      e.ts_ms = rig.host().wall_ms();
      e.user = user;
      e.body = "1";
      batch.put(kLogDocs, storage::key_u64(e.dseq), encode(e));
    }
    ASSERT_TRUE(rig.host().await(store.commit("d", std::move(batch))).ok());
  }
  rig.host().restart();
}

class UnreadTest : public ::testing::Test {
 protected:
  void make(const std::string& more = "") {
    const std::string json = R"({"id":"d","members":["bob","cyd"])" + more + "}";
    ASSERT_TRUE(rig_.ask(ann_, "dialog.create", json).ok());
    rig_.settle();
  }
  Reply publish(const std::string& user, int times = 1) {
    Reply last;
    for (int i = 0; i < times; ++i) last = rig_.publish(peer(user), "d", "1");
    return last;
  }
  void said(const std::string& user, uint64_t times) { testing::said(rig_, user, times); }
  std::string id_at(uint64_t seq) { return std::to_string(rig_.log("d").at(seq - 1).id); }
  ChatRig rig_;
  const Peer ann_ = peer("ann"), bob_ = peer("bob");
};

TEST_F(UnreadTest, AnEmptyGroupHasNothingToRead) {
  make();

  EXPECT_EQ(unread(rig_, "bob"), "0");
  EXPECT_EQ(unread(rig_, "ann"), "0");
}

TEST_F(UnreadTest, EditsReactionsAndMembershipAreNotMessages) {
  make();
  publish("ann");
  rig_.ask(ann_, "message.edit", R"({"id":")" + id_at(2) + R"(","cseq":2,"body":2})");
  rig_.ask(peer("cyd"), "message.react",
           R"({"id":")" + id_at(2) + R"(","cseq":1,"type":"emoji","body":"+1"})");
  rig_.ask(ann_, "dialog.add", R"({"dialog":"d","users":["dan"]})");
  rig_.ask(ann_, "dialog.set", R"({"dialog":"d","title":"D"})");
  rig_.settle();

  ASSERT_EQ(rig_.log("d").size(), 6u);
  EXPECT_EQ(unread(rig_, "bob"), "1");
}

TEST_F(UnreadTest, OnesOwnWordsAreRead) {
  make();
  publish("ann", 2);
  publish("bob", 3);
  publish("ann");
  rig_.settle();

  EXPECT_EQ(unread(rig_, "bob"), "3");
  EXPECT_EQ(unread(rig_, "ann"), "3");
}

TEST_F(UnreadTest, WhatIsRecalledIsNotUnreadAnyMore) {
  make();
  publish("ann", 3);
  rig_.settle();
  rig_.ask(ann_, "message.recall", R"({"id":")" + id_at(3) + R"("})");
  rig_.settle();

  EXPECT_EQ(unread(rig_, "bob"), "2");
}

TEST_F(UnreadTest, ARecallBelowTheMarkChangesNothing) {
  make();
  publish("ann", 3);
  rig_.ask(bob_, "dialog.read", seq_json(3));
  rig_.ask(ann_, "message.recall", R"({"id":")" + id_at(2) + R"("})");
  rig_.settle();

  EXPECT_EQ(unread(rig_, "bob"), "1");
}

TEST_F(UnreadTest, WhatWasSaidBeforeOneJoinedIsNotUnread) {
  make();
  publish("ann", 5);
  rig_.ask(ann_, "dialog.add", R"({"dialog":"d","users":["dan"]})");
  publish("ann", 2);
  rig_.settle();

  EXPECT_EQ(unread(rig_, "dan"), "2");
}

TEST_F(UnreadTest, WhereNewcomersReadEverythingAllOfItIsUnread) {
  make(R"(,"history":"all")");
  publish("ann", 5);
  rig_.ask(ann_, "dialog.add", R"({"dialog":"d","users":["dan"]})");
  publish("ann", 2);
  rig_.settle();

  EXPECT_EQ(unread(rig_, "dan"), "7");
}

TEST_F(UnreadTest, ReadAnswersWhatIsLeft) {
  make();
  publish("ann", 5);

  const Reply reply = rig_.ask(bob_, "dialog.read", seq_json(4));

  EXPECT_EQ(number(reply, "unread"), 2u);
  EXPECT_EQ(number(reply, "read"), 4u);
  EXPECT_EQ(number(reply, "head"), 6u);
}

TEST_F(UnreadTest, HintsTellIt) {
  make();
  publish("ann", 2);
  rig_.settle();

  EXPECT_THAT(rig_.published("#bob").back().data, HasSubstr(R"("head":3,"read":0,"unread":2,)"));
}

TEST_F(UnreadTest, UpToAThousandItIsExactThenMoreIsSaid) {
  make();
  said("ann", 999);
  publish("ann");
  rig_.settle();
  EXPECT_EQ(unread(rig_, "bob"), "1000");

  publish("ann");
  rig_.settle();
  EXPECT_EQ(unread(rig_, "bob"), "1000+");

  rig_.ask(bob_, "dialog.read", seq_json(2));
  EXPECT_EQ(unread(rig_, "bob"), "1000");
}

TEST_F(UnreadTest, ThousandsOfOtherEntriesBetweenHideNothing) {
  make();
  publish("ann");
  said("bob", 3000);
  publish("ann");
  rig_.settle();

  EXPECT_EQ(unread(rig_, "bob"), "2");
  rig_.host().restart();
  rig_.settle();
  publish("ann");
  rig_.settle();
  EXPECT_EQ(unread(rig_, "bob"), "3");
}

TEST_F(UnreadTest, AListAsksNoDialog) {
  for (int i = 0; i < 50; ++i) rig_.group("g" + std::to_string(i), {"ann", "bob"});
  for (int i = 0; i < 50; ++i) rig_.publish(ann_, "g" + std::to_string(i), "1");
  rig_.settle();
  const size_t before = rig_.host().calls().size();

  const Reply reply = rig_.ask(bob_, "dialog.list", R"({"limit":50})");

  EXPECT_THAT(reply.data, HasSubstr(R"("unread":1)"));
  size_t calls = 0;
  for (size_t i = before; i < rig_.host().calls().size(); ++i) ++calls;
  EXPECT_LE(calls, 3u);  // to the owner of the user, and one scan
}

// The entries that are counted again after a restart are read once, not for every member and message.
TEST_F(UnreadTest, WhatWasCountedOnceIsNotReadFromTheLogAgain) {
  make();
  said("ann", 900);
  const auto log_scans = [this] {
    size_t scans = 0;
    for (const lcg::testing::CallRecord& call : rig_.host().calls())
      if (call.method == "scan" && call.key == "d" && call.data.find(kLogDocs) != std::string::npos) ++scans;
    return scans;
  };
  rig_.host().restart();
  rig_.settle();
  publish("ann");
  rig_.settle();  // makes the documents
  rig_.host().restart();
  rig_.settle();
  const size_t before = log_scans();

  publish("ann");
  rig_.settle();

  EXPECT_EQ(unread(rig_, "bob"), "902");
  EXPECT_LE(log_scans() - before, 4u);  // 135 entries of the newest block
}

// --- large dialogs -------------------------------------------------------------------------------

class LargeUnreadTest : public ::testing::Test {
 protected:
  // bob is in so many of them, and somebody has said something in each.
  void make(int dialogs) {
    for (int i = 0; i < dialogs; ++i) {
      const std::string id = "g" + std::to_string(i);
      rig_.group(id, {"a" + std::to_string(i), "bob", "cyd"});
      rig_.publish(peer("a" + std::to_string(i)), id, "1");
    }
    rig_.settle();
  }
  static size_t with_unread(const Reply& reply, const std::string& name) {
    size_t count = 0;
    for (const std::string& item : items(field(reply, name)))
      if (item.find(R"("unread":1,)") != std::string::npos) ++count;
    return count;
  }
  ChatRig rig_{{}, {{"fan_limit", "2"}, {"pull_burst", "1000"}}};
};

TEST_F(LargeUnreadTest, AllThatAPageListsAreAsked) {
  make(100);

  EXPECT_EQ(with_unread(rig_.ask(peer("bob"), "dialog.list", R"({"limit":100})"), "dialogs"), 100u);
}

TEST_F(LargeUnreadTest, AllOfThemAreAskedForASync) {
  make(120);
  const uint64_t since = number(rig_.ask(peer("bob"), "dialog.sync", "{}"), "iseq");

  EXPECT_EQ(with_unread(rig_.ask(peer("bob"), "dialog.sync", R"({"since":)" + std::to_string(since) + "}"),
                        "changed"),
            120u);
}

// --- what counting costs --------------------------------------------------------------------------

// By blocks of 256 positions: 50 of them are a unit.
TEST(UnreadCostTest, WhatReadingCountsIsPaidFor) {
  ChatRig rig({}, {{"pull_rate", "1"}, {"pull_burst", "10"}});
  rig.group("d", {"ann", "bob"});
  said(rig, "ann", 1000);
  rig.publish(peer("ann"), "d", "1");
  rig.settle();
  ASSERT_TRUE(rig.ask(peer("bob"), "dialog.read", seq_json(1)).ok());
  const auto read = [&rig](uint64_t seq) { return rig.ask(peer("bob"), "dialog.read", seq_json(seq)); };
  // The same mark again is known to the list, and nothing is counted.
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(read(1).ok());
  uint64_t seq = 2;
  Reply last = read(seq);
  while (last.ok() && seq < 200) last = read(++seq);

  EXPECT_EQ(last.error_code, chat::code::kTooManyRequests);
  EXPECT_THAT(last.message, HasSubstr("retry_after_ms:"));
  EXPECT_GE(seq, 100u);  // 4 blocks each
  rig.host().advance(1000);
  EXPECT_TRUE(read(seq).ok());
}

// --- marks ---------------------------------------------------------------------------------------

// A mark that the list cannot keep yet is not told to the dialog either: what was refused has not happened.
TEST_F(UnreadTest, AReadThatIsRefusedLeavesNoMark) {
  ASSERT_TRUE(rig_.ask(ann_, "dialog.create", R"({"id":"d","members":["bob"]})").ok());

  EXPECT_EQ(rig_.ask(bob_, "dialog.read", seq_json(1)).status, LCG_E_BUSY);

  rig_.settle();
  EXPECT_THAT(rig_.ask(ann_, "dialog.members", R"({"dialog":"d"})").data,
              HasSubstr(R"("user":"bob","role":"member","joined":1,"read":0)"));
  EXPECT_THAT(listed(rig_, "bob"), HasSubstr(R"("read":0)"));
}

// --- what older versions wrote -------------------------------------------------------------------

TEST_F(UnreadTest, AStoreFromBeforeUnreadWasCountedOpens) {
  make();
  publish("ann", 3);
  rig_.ask(bob_, "dialog.read", seq_json(3));
  rig_.settle();
  // Without the fields that were added.
  storage::Batch user, dialog;
  for (const char* collection : {kUserDialogDocs, kUserChangeDocs})
    for (const storage::Row& row : rig_.host().storage().rows("bob", collection))
      user.put(collection, row.key, row.value.substr(0, row.value.size() - 5));
  for (const storage::Row& row : rig_.host().storage().rows("d", kMemberDocs))
    dialog.put(kMemberDocs, row.key, row.value.substr(0, row.value.size() - 1));
  for (const storage::Row& row : rig_.host().storage().rows("d", kMetaDocs))
    dialog.put(kMetaDocs, row.key, row.value.substr(0, row.value.size() - 2));
  ASSERT_TRUE(rig_.host().call({"storage", "commit", "bob", user.encode()}).ok());
  ASSERT_TRUE(rig_.host().call({"storage", "commit", "d", dialog.encode()}).ok());
  rig_.host().restart(1000);
  EXPECT_EQ(unread(rig_, "bob"), "1");

  publish("ann");
  rig_.settle();

  EXPECT_EQ(unread(rig_, "bob"), "2");
  EXPECT_THAT(rig_.ask(ann_, "dialog.members", R"({"dialog":"d"})").data,
              HasSubstr(R"({"user":"bob","role":"member","joined":1,"read":3})"));
}

// --- random operations ---------------------------------------------------------------------------

class UnreadModelTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(UnreadModelTest, IsWhatANaiveRecountSays) {
  std::mt19937_64 random(GetParam());
  const bool all = GetParam() % 2 == 0;
  lcg::testing::Options options;
  options.seed = GetParam();
  options.reply_jitter_ms = GetParam() % 3 == 0 ? 3 : 0;
  ChatRig rig(options, {{"cache_dialogs", "16"}, {"pull_burst", "1000000"}});
  const std::vector<std::string> users = {"ann", "bob", "cyd", "dan"};
  ASSERT_TRUE(rig.ask(peer("ann"), "dialog.create",
                      std::string(R"({"id":"d","open":true,"members":["bob","cyd","dan"],"history":")") +
                          (all ? "all" : "join") + "\"}")
                  .ok());
  std::map<std::string, uint64_t> read;
  std::map<std::string, uint64_t> cseq;
  const auto check = [&](int step) {
    rig.settle();
    for (const std::string& user : users) {
      ASSERT_EQ(unread(rig, user), recount(rig, user, read[user], all)) << user << " at step " << step;
    }
  };
  for (int step = 0; step < 500; ++step) {
    const std::string& user = users[random() % users.size()];
    const std::string& other = users[1 + random() % (users.size() - 1)];
    const uint64_t dice = random() % 100;
    const std::vector<Entry> log = rig.log("d");
    const Entry& target = log[log.size() - 1 - random() % std::min<uint64_t>(log.size(), 300)];
    const std::string about = R"({"id":")" + std::to_string(target.id) + R"(")";
    if (dice < 45) {
      for (uint64_t n = random() % 12; n > 0; --n) rig.publish(peer(user), "d", "1");
    } else if (dice < 50) {
      rig.publish(peer(user), "d", "\"" + std::string(5000, 'x') + "\"");
    } else if (dice < 56) {
      rig.ask(peer(target.user), "message.edit", about + R"(,"body":2})");
    } else if (dice < 66) {
      rig.ask(peer(random() % 2 == 0 ? target.user : "ann"), "message.recall", about + "}");
    } else if (dice < 72) {
      rig.ask(peer(user), "message.react", about + R"(,"type":"emoji","body":"+"})");
    } else if (dice < 82) {
      const Reply reply = rig.ask(peer(user), "dialog.read",
                                  seq_json(log.size() - random() % std::min<uint64_t>(log.size(), 600)));
      if (reply.ok()) read[user] = number(reply, "read");
    } else if (dice < 90) {
      static constexpr const char* kOps[] = {"dialog.remove", "dialog.add", "dialog.add", "dialog.ban",
                                             "dialog.unban"};
      rig.ask(peer("ann"), kOps[random() % 5], R"({"dialog":"d","users":[")" + other + "\"]}");
    } else if (dice < 94) {
      rig.ask(peer(other), random() % 2 == 0 ? "dialog.leave" : "dialog.join", R"({"dialog":"d"})");
    } else if (dice < 97) {
      rig.host().advance(static_cast<int64_t>(random() % 20'000));
    } else {
      // kill -9: what was answered is in the operating system.
      rig.host().restart(1'000'000);
    }
    if (step % 25 == 24) check(step);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(rig.log("d").size(), Said::kBlock);
  EXPECT_SOUND(rig);
}

INSTANTIATE_TEST_SUITE_P(Seeds, UnreadModelTest, ::testing::Range(uint64_t{1}, uint64_t{5}));

}  // namespace
}  // namespace lcg::dialog::testing
