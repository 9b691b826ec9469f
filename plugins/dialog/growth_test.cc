// SPDX-License-Identifier: Apache-2.0
// Dialogs that have, or had, very many members: they open, everybody is told, and what that costs is counted in
// calls, not in time. LCG_GROWTH=270000 makes the largest of them that large, with 20,000 members at once (more than a
// test's world steps through in one go; tests/replay/growth.test.mjs has the whole server).
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "plugins/dialog/directory.h"
#include "plugins/dialog/inbox.h"
#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

using lcg::testing::Fault;
using ::testing::HasSubstr;

constexpr size_t kEverything = 1'000'000;  // a crash of the process only: nothing written is lost

// One owner adds them all.
const lcg::testing::Config kAddsMany{{"add_rate", "1000000"}, {"add_burst", "1000000"}};

uint64_t largest(uint64_t usual) {
  const char* given = std::getenv("LCG_GROWTH");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : usual;
}

uint64_t most_members(uint64_t usual) { return std::min<uint64_t>(largest(usual), 20'000); }

std::string name_of(uint64_t number) { return "x" + std::to_string(number); }

uint64_t calls_of(ChatRig& rig, std::string_view service, std::string_view method,
                  std::string_view key = {}) {
  uint64_t count = 0;
  for (const lcg::testing::CallRecord& call : rig.host().calls())
    if (call.service == service && call.method == method && (key.empty() || call.key == key)) ++count;
  return count;
}

// Documents as that many bans would have left them.
void ban_behind_the_back(ChatRig& rig, const std::string& dialog, uint64_t count) {
  Member banned;
  banned.standing = Standing::kBanned;
  banned.version = 1;
  const std::string document = encode(banned);
  storage::Client store(rig.host().host());
  for (uint64_t i = 0; i < count;) {
    storage::Batch batch;
    for (; i < count && batch.ops.size() < storage::kMaxBatchOps; ++i)
      batch.put(kMemberDocs, name_of(i), document);
    ASSERT_TRUE(rig.host().await(store.commit(dialog, std::move(batch))).ok());
  }
}

void add(ChatRig& rig, const std::string& dialog, uint64_t from, uint64_t to) {
  while (from < to) {
    json::Writer json;
    std::vector<std::string> users;
    for (; from < to && users.size() < 100; ++from) users.push_back(name_of(from));
    const Reply added =
        rig.ask(peer("ann"), "dialog.add", json.text("dialog", dialog).texts("users", users).take());
    ASSERT_TRUE(added.ok()) << added.message;
  }
}

// How many of them have the dialog in their lists, as members.
uint64_t listed(ChatRig& rig, const std::string& dialog, uint64_t count) {
  uint64_t found = 0;
  for (uint64_t i = 0; i < count; ++i) {
    UserDialog entry;
    const auto document = rig.host().storage().find(name_of(i), kUserDialogDocs, dialog);
    if (document && decode(*document, entry) && entry.in) ++found;
  }
  return found;
}

void expect_settled(ChatRig& rig, const std::string& dialog) {
  EXPECT_TRUE(rig.host().storage().rows(dialog, kOutboxDocs).empty());
  EXPECT_TRUE(rig.host().storage().partitions(kDirtyDocs).empty());
}

class FormerMembers : public ::testing::TestWithParam<uint64_t> {};

TEST_P(FormerMembers, DialogOpensAtThePriceOfOnePageOfThem) {
  ChatRig rig;
  rig.group("d", {"ann"});
  rig.settle();
  ban_behind_the_back(rig, "d", GetParam());
  rig.host().restart(kEverything);
  rig.host().run();
  const uint64_t scans = calls_of(rig, "storage", "scan", "d");

  const Reply reply = rig.ask(peer("ann"), "dialog.get", R"({"dialog":"d"})");

  EXPECT_TRUE(reply.ok()) << reply.message;
  EXPECT_LE(calls_of(rig, "storage", "scan", "d") - scans, 2u);
}

TEST_P(FormerMembers, NewsReachesWhoIsInAndThenNothingIsDone) {
  ChatRig rig;
  rig.group("d", {"ann", "zoe"});  // on the first page, and on the last
  rig.settle();
  ban_behind_the_back(rig, "d", GetParam());
  rig.host().restart(kEverything);
  ASSERT_TRUE(rig.send(peer("ann"), "d", 1).ok());

  rig.settle();

  ASSERT_FALSE(rig.published("#zoe").empty());
  EXPECT_THAT(rig.published("#zoe").back().data, HasSubstr("\"head\":2"));
  expect_settled(rig, "d");
  const size_t calls = rig.host().calls().size();
  rig.host().advance(60'000);
  EXPECT_EQ(rig.host().calls().size(), calls);  // an idle server
}

TEST_P(FormerMembers, BannedUserOfALaterPageIsStillBanned) {
  ChatRig rig;
  ASSERT_TRUE(rig.ask(peer("ann"), "dialog.create", R"({"id":"d","open":true})").ok());
  rig.settle();
  ban_behind_the_back(rig, "d", GetParam());
  rig.host().restart(kEverything);

  const Reply reply = rig.ask(peer("x999"), "dialog.join", R"({"dialog":"d"})");

  EXPECT_EQ(reply.error_code, chat::code::kBanned);
}

INSTANTIATE_TEST_SUITE_P(Sizes, FormerMembers, ::testing::Values(uint64_t{1'010}, largest(5'000)));

// What happened without malice: 1,100 joins and leaves, and the dialog left memory.
TEST(Growth, DialogThatManyHaveLeftOpensAfterItWasPutAway) {
  ChatRig rig({}, {{"cache_dialogs", "16"}, {"max_former", "100000"}}, {}, 1);
  ASSERT_TRUE(rig.ask(peer("ann"), "dialog.create", R"({"id":"d","open":true})").ok());
  for (uint64_t i = 0; i < 1100; ++i) {
    ASSERT_TRUE(rig.ask(peer(name_of(i)), "dialog.join", R"({"dialog":"d"})").ok());
    ASSERT_TRUE(rig.ask(peer(name_of(i)), "dialog.leave", R"({"dialog":"d"})").ok());
  }
  rig.settle();
  for (int i = 0; i < 20; ++i) rig.group("other" + std::to_string(i), {"ann"});
  rig.settle();
  for (int i = 0; i < 20; ++i)
    rig.ask(peer("ann"), "dialog.get", R"({"dialog":"other)" + std::to_string(i) + "\"}");
  const uint64_t scans = calls_of(rig, "storage", "scan", "d");

  EXPECT_TRUE(rig.ask(peer("ann"), "dialog.get", R"({"dialog":"d"})").ok());

  EXPECT_GT(calls_of(rig, "storage", "scan", "d"), scans);  // it had left memory
}

// A dialog that grows beyond the limit tells that to members it had not read yet.
TEST(Growth, MembersOfALaterPageAreToldThatTheDialogIsLargeNow) {
  ChatRig rig({}, {{"fan_limit", "3"}});
  rig.group("d", {"ann", "yan", "zoe"});
  rig.settle();
  ban_behind_the_back(rig, "d", 1'010);
  rig.host().restart(kEverything);

  ASSERT_TRUE(rig.ask(peer("ann"), "dialog.add", R"({"dialog":"d","users":["bob"]})").ok());
  rig.settle();

  for (const char* user : {"ann", "bob", "yan", "zoe"}) {
    UserDialog entry;
    ASSERT_TRUE(decode(rig.host().storage().find(user, kUserDialogDocs, "d").value_or(""), entry)) << user;
    EXPECT_TRUE(entry.large) << user;
  }
  expect_settled(rig, "d");
}

TEST(Growth, EveryMemberIsToldOnceAndTheWorkForEachIsTheSame) {
  std::vector<double> per_member;
  for (const uint64_t count : {uint64_t{1'000}, most_members(4'000)}) {
    ChatRig rig({}, kAddsMany);
    rig.group("d", {"ann"});
    rig.settle();
    add(rig, "d", 0, count);
    rig.settle();

    EXPECT_EQ(listed(rig, "d", count), count);
    EXPECT_LE(calls_of(rig, "dialog", "project"),
              count + 2'500);  // once; while it was small, of the news too
    per_member.push_back(static_cast<double>(rig.host().calls().size()) / static_cast<double>(count));
    expect_settled(rig, "d");
  }
  EXPECT_LE(per_member.back(), per_member.front());
}

TEST(Growth, MembersAddedBeforeACrashAllHaveTheDialogAfterIt) {
  const uint64_t count = most_members(1'500);
  for (const uint64_t step : {1u, 700u, 2'500u, 9'000u}) {
    ChatRig rig({}, kAddsMany);
    rig.group("d", {"ann"});
    rig.settle();
    add(rig, "d", 0, count - 100);
    rig.host().crash_at(step);
    json::Writer json;
    std::vector<std::string> users;
    for (uint64_t i = count - 100; i < count; ++i) users.push_back(name_of(i));
    const std::string last = json.text("dialog", "d").texts("users", users).take();
    rig.start(peer("ann"), "dialog.add", last);
    rig.host().run_until([&rig] { return rig.host().crashed(); }, 30'000);
    rig.host().restart(kEverything);
    rig.host().crash_at(0);
    ASSERT_TRUE(rig.ask(peer("ann"), "dialog.add", last).ok()) << step;

    rig.settle();

    ASSERT_EQ(listed(rig, "d", count), count) << step;
    expect_settled(rig, "d");
    EXPECT_TRUE(rig.ask(peer(name_of(count / 2)), "dialog.read", R"({"dialog":"d","seq":1})").ok()) << step;
  }
}

// The object in memory is replaced; what it knew of the outbox is gone with it.
TEST(Growth, MembersAddedBeforeAFailedAppendAreTold) {
  ChatRig rig({}, kAddsMany);
  rig.group("d", {"ann"});
  rig.settle();
  add(rig, "d", 0, 2'000);
  rig.host().provide("storage", [&rig](const ServiceCall& call) {
    Reply reply = rig.host().storage().handle(call);
    storage::Batch batch;
    if (call.method != "commit" || call.key != "d" || !storage::Batch::decode(call.data, batch)) return reply;
    for (const storage::Op& op : batch.ops)
      if (op.collection == kLogDocs) return Reply::error(LCG_E_TIMEOUT, "applied, and nobody is told");
    return reply;
  });
  EXPECT_FALSE(rig.send(peer("ann"), "d", 1).ok());
  rig.host().provide("storage",
                     [&rig](const ServiceCall& call) { return rig.host().storage().handle(call); });

  rig.settle();

  EXPECT_EQ(listed(rig, "d", 2'000), 2'000u);
  expect_settled(rig, "d");
}

TEST(Growth, MembersWhoCannotBeToldForAWhileAreToldLater) {
  ChatRig rig({}, kAddsMany);
  rig.group("d", {"ann"});
  rig.settle();
  rig.host().inject(Fault{
      .status = LCG_E_UNAVAILABLE, .nth = 50, .times = 5'000, .service = "dialog", .method = "project"});
  add(rig, "d", 0, 2'000);
  rig.host().advance(1'000);
  EXPECT_LT(listed(rig, "d", 2'000), 2'000u);

  rig.host().clear_faults();
  rig.settle();

  EXPECT_EQ(listed(rig, "d", 2'000), 2'000u);
  expect_settled(rig, "d");
}

// It is never at rest, and its members are not in memory.
TEST(Growth, MembersOfADialogThatIsBornLargeAreToldWhileItIsInUse) {
  ChatRig rig({}, {{"fan_limit", "3"}});
  rig.group("d", {"ann", "x0", "x1", "x2", "x3", "x4"});
  for (uint64_t i = 1; i <= 10; ++i) {
    ASSERT_TRUE(rig.send(peer("ann"), "d", i).ok());
    rig.host().advance(200);
  }

  EXPECT_EQ(listed(rig, "d", 5), 5u);
}

// However many they are: one write does not hold them all.
TEST(Growth, ADialogOfManyWhoWereToldOneByOneBecomesLarge) {
  constexpr uint64_t kCount = 1'100;
  ChatRig rig({}, {{"fan_limit", "3"}});
  rig.group("d", {"ann"});
  rig.settle();
  storage::Client store(rig.host().host());
  Member in;
  in.standing = Standing::kIn;
  in.windows = {{1, 0}};
  in.version = 1;
  for (uint64_t i = 0; i < kCount;) {
    storage::Batch batch;
    for (const uint64_t end = i + 550; i < end; ++i) batch.put(kMemberDocs, name_of(i), encode(in));
    ASSERT_TRUE(rig.host().await(store.commit("d", std::move(batch))).ok());
  }
  Meta meta;
  ASSERT_TRUE(decode(rig.host().storage().find("d", kMetaDocs, kMetaKey).value_or(""), meta));
  meta.member_count += kCount;
  ASSERT_TRUE(
      rig.host().await(store.commit("d", storage::Batch().put(kMetaDocs, kMetaKey, encode(meta)))).ok());
  rig.host().restart(kEverything);

  const Reply reply = rig.ask(peer("ann"), "dialog.add", R"({"dialog":"d","users":["bob"]})");

  ASSERT_TRUE(reply.ok()) << reply.message;
  rig.settle();
  EXPECT_EQ(listed(rig, "d", kCount), kCount);
  UserDialog entry;
  ASSERT_TRUE(
      decode(rig.host().storage().find(name_of(kCount - 1), kUserDialogDocs, "d").value_or(""), entry));
  EXPECT_TRUE(entry.large);
  expect_settled(rig, "d");
}

// Who cannot be told is tried again alone, and more and more rarely.
TEST(Growth, OneWhoCannotBeToldMakesNobodyElseBeToldAgain) {
  ChatRig rig;
  std::vector<std::string> users{"ann"};
  for (uint64_t i = 0; i < 30; ++i) users.push_back(name_of(i));
  rig.group("d", users);
  rig.settle();
  storage::Client store(rig.host().host());
  const std::string good = *rig.host().storage().find("x7", kUserDialogDocs, "d");
  rig.host().await(store.commit("x7", storage::Batch().put(kUserDialogDocs, "d", "\xff")));
  ASSERT_TRUE(rig.send(peer("ann"), "d", 1).ok());
  rig.host().advance(2'000);
  const uint64_t others = calls_of(rig, "dialog", "project", "x8");
  const uint64_t all = calls_of(rig, "dialog", "project");

  rig.host().advance(120'000);

  EXPECT_EQ(calls_of(rig, "dialog", "project", "x8"), others);
  EXPECT_LE(calls_of(rig, "dialog", "project"), all + 12);
  EXPECT_GT(calls_of(rig, "dialog", "project"), all);
  rig.host().await(store.commit("x7", storage::Batch().put(kUserDialogDocs, "d", good)));
  rig.host().advance(40'000);
  EXPECT_THAT(rig.published("#x7").back().data, HasSubstr("\"head\":2"));
  expect_settled(rig, "d");
}

// The scan before a dialog leaves the list takes long, and another object stands for the dialog when it ends.
TEST(Growth, WhoWasReplacedTakesNobodysDialogOffTheList) {
  ChatRig rig;
  rig.group("d", {"ann", "bob"});
  std::function<void()> held;
  rig.host().provide_async("storage", [&](const ServiceCall& call, const std::function<void(Reply)>& answer) {
    Reply reply = rig.host().storage().handle(call);
    storage::Scan scan;
    const bool outbox = call.method == "scan" && call.key == "d" && storage::Scan::decode(call.data, scan) &&
                        scan.collection == kOutboxDocs && scan.limit == 1;
    if (!outbox || held) return answer(std::move(reply));
    held = [answer, reply] { answer(reply); };
  });
  ASSERT_TRUE(rig.host().run_until([&] { return held != nullptr; }));
  const uint32_t slot = rig.host().slot_of("d");
  rig.host().set_slot(slot, 2, false);
  rig.host().set_slot(slot, 3, true);
  ASSERT_TRUE(rig.send(peer("ann"), "d", 1).ok());
  ASSERT_EQ(rig.host().storage().partitions(kDirtyDocs).size(), 1u);

  held();
  rig.host().run();

  EXPECT_EQ(rig.host().storage().partitions(kDirtyDocs).size(), 1u);
  rig.settle();
  EXPECT_THAT(rig.published("#bob").back().data, HasSubstr("\"head\":2"));
  expect_settled(rig, "d");
}

// Only the store knows that nobody is left to tell.
TEST(Growth, DialogIsNotAtRestWhileTheStoreHasSomebodyToTell) {
  ChatRig rig({}, kAddsMany);
  rig.group("d", {"ann"});
  rig.settle();
  add(rig, "d", 0, 1);
  rig.host().run_until([&rig] { return rig.host().storage().rows("d", kOutboxDocs).empty(); });
  storage::Client store(rig.host().host());
  rig.host().await(store.commit("d", storage::Batch().put(kOutboxDocs, name_of(0), "")));

  rig.settle();

  expect_settled(rig, "d");
}

// --- housekeeping --------------------------------------------------------------------------------

class Rounds : public ::testing::Test {
 protected:
  static constexpr size_t kDialogs = 300;
  Rounds() {
    directory_.on_dirty([](const std::string&, const std::string&) {});
    directory_.on_unsettled([](const DialogPtr&) {});
    for (size_t i = 0; i < kDialogs; ++i) {
      rig_.group("g" + std::to_string(i), {"ann"});
      EXPECT_TRUE(rig_.host().await(directory_.open("g" + std::to_string(i))).ok());
    }
  }
  size_t step(size_t budget, size_t cost) {
    return directory_.visit(budget, [this, cost](const DialogPtr& dialog) {
      seen_.insert(dialog->id);
      return cost;
    });
  }
  ChatRig rig_;
  const Settings settings_{};
  Directory directory_{rig_.host().host(), settings_};
  std::multiset<std::string> seen_;
};

TEST_F(Rounds, StepLooksAtNoMoreThanItsBudget) {
  EXPECT_EQ(step(100, 1), 100u);
  EXPECT_EQ(step(100, 30), 4u);
  EXPECT_EQ(step(100, 0), 100u);
}

TEST_F(Rounds, EveryDialogHasItsTurnOnce) {
  for (size_t left = kDialogs; left > 0;) left -= std::min(left, step(60, 1));

  EXPECT_EQ(seen_.size(), kDialogs);
  EXPECT_EQ(std::set<std::string>(seen_.begin(), seen_.end()).size(), kDialogs);
}

TEST_F(Rounds, DialogThatIsDroppedBetweenStepsIsLeftOut) {
  step(60, 1);
  for (uint32_t slot = 0; slot < 8; ++slot) directory_.lost(slot);
  seen_.clear();

  step(1'000, 1);

  size_t left = 0;
  for (size_t i = 0; i < kDialogs; ++i) {
    const std::string id = "g" + std::to_string(i);
    const bool kept = rig_.host().slot_of(id) >= 8;
    EXPECT_EQ(seen_.count(id), kept ? 1u : 0u) << id;
    left += kept ? 1 : 0;
  }
  EXPECT_EQ(directory_.size(), left);
}

}  // namespace
}  // namespace lcg::dialog::testing
