// SPDX-License-Identifier: Apache-2.0
// The send path under crashes and failing stores: whatever happens at whatever step, a retry ends in exactly
// one entry, and what was acknowledged stays. Rows F2..F16 are those of the failure matrix in
// chat-semantics 3.6.
#include <gmock/gmock.h>

#include "lcg/services/dialog.hpp"
#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

using lcg::testing::Fault;
using lcg::testing::Pending;
using lcg::testing::When;
using ::testing::HasSubstr;

constexpr size_t kEverything = 1'000'000;  // a crash of the process only: nothing written is lost

// Sends until there is an answer that is not "later", as a client would.
Reply insist(ChatRig& rig, const Peer& who, const std::string& dialog, uint64_t cseq) {
  Reply reply;
  for (int i = 0; i < 50; ++i) {
    reply = rig.send(who, dialog, cseq);
    const bool later = reply.status == LCG_E_BUSY || reply.status == LCG_E_UNAVAILABLE ||
                       reply.status == LCG_E_TIMEOUT || reply.status == LCG_E_CANCELLED;
    if (!later) return reply;
    rig.host().advance(1000);
  }
  return reply;
}

struct CrashCase {
  When when;
  size_t keep;
};

class CrashTest : public ::testing::TestWithParam<CrashCase> {};

// Three devices send at once; the world ends at step n, for every n; everybody sends again.
TEST_P(CrashTest, RetryAfterACrashAtEveryStepIsExactlyOnce) {
  const Peer clients[] = {peer("ann"), peer("ann", "phone"), peer("bob")};
  uint64_t n = 1;
  for (;; ++n) {
    ChatRig rig;
    rig.group("d", {"ann", "bob"});
    rig.host().crash_at(n, GetParam().when);
    std::vector<Pending> sends;
    for (const Peer& who : clients) sends.push_back(rig.start_send(who, "d", 1));
    rig.host().run_until([&rig] { return rig.host().crashed(); }, 100);
    for (size_t i = 0; i < sends.size(); ++i)
      if (sends[i]->done) rig.remember(clients[i], "d", sends[i]->reply);
    if (!rig.host().crashed()) break;
    rig.host().restart(GetParam().keep);

    for (const Peer& who : clients) {
      const Reply reply = insist(rig, who, "d", 1);
      ASSERT_TRUE(reply.ok()) << "step " << n << ": " << reply.message;
    }
    rig.settle();
    ASSERT_SOUND(rig) << "step " << n;
    ASSERT_EQ(rig.log("d").size(), 4u) << "step " << n;
  }
  EXPECT_GT(n, 20u);  // the scenario has many steps: they were all tried
}

// The client never comes back: within T_resolve the log and the records agree.
TEST_P(CrashTest, ResolverSettlesWhatACrashAtEveryStepLeft) {
  for (uint64_t n = 1;; ++n) {
    ChatRig rig;
    rig.group("d", {"ann", "bob"});
    rig.host().crash_at(n, GetParam().when);
    const Pending send = rig.start_send(peer("ann"), "d", 1);
    rig.host().run_until([&rig] { return rig.host().crashed(); }, 100);
    if (send->done) rig.remember(peer("ann"), "d", send->reply);
    if (!rig.host().crashed()) break;
    rig.host().restart(GetParam().keep);

    rig.settle();
    ASSERT_SOUND(rig) << "step " << n;
  }
}

// A second crash while the first is being repaired.
TEST_P(CrashTest, CrashDuringRecoveryIsNoWorse) {
  for (uint64_t n = 1; n < 60; n += 3) {
    for (uint64_t m = 1; m < 120; m += 7) {
      ChatRig rig;
      rig.group("d", {"ann", "bob"});
      rig.host().crash_at(n, GetParam().when);
      rig.start_send(peer("ann"), "d", 1);
      rig.host().run_until([&rig] { return rig.host().crashed(); }, 100);
      if (!rig.host().crashed()) return;
      rig.host().crash_at(m, GetParam().when);
      rig.host().restart(GetParam().keep);
      const Reply early = rig.send(peer("ann"), "d", 1);
      if (rig.host().crashed()) rig.host().restart(GetParam().keep);
      rig.host().crash_at(0);

      ASSERT_TRUE(insist(rig, peer("ann"), "d", 1).ok()) << n << "," << m;
      rig.settle();
      ASSERT_SOUND(rig) << n << "," << m;
      ASSERT_EQ(rig.log("d").size(), 2u) << n << "," << m;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, CrashTest,
                         ::testing::Values(CrashCase{When::kBefore, 0}, CrashCase{When::kAfter, 0},
                                           CrashCase{When::kBefore, 1},
                                           CrashCase{When::kAfter, kEverything}));

struct FaultCase {
  lcg_status status;
  When when;
};

class StoreFaultTest : public ::testing::TestWithParam<FaultCase> {};

// Each call of the store in turn fails, or works and does not say so, while five devices send through one
// dialog.
TEST_P(StoreFaultTest, FailureOfEachStoreCallIsRepairedByRetry) {
  for (uint64_t n = 1; n <= 40; ++n) {
    ChatRig rig;
    rig.group("d", {"u0", "u1", "u2", "u3", "u4"});
    rig.host().advance(1000);
    rig.host().inject(Fault{
        .status = GetParam().status, .nth = n, .when = GetParam().when, .service = "storage", .method = ""});
    std::vector<Pending> sends;
    for (int i = 0; i < 5; ++i) sends.push_back(rig.start_send(peer("u" + std::to_string(i)), "d", 1));
    rig.host().advance(20'000);
    for (int i = 0; i < 5; ++i) {
      const Peer who = peer("u" + std::to_string(i));
      ASSERT_TRUE(sends[static_cast<size_t>(i)]->done) << n;
      rig.remember(who, "d", sends[static_cast<size_t>(i)]->reply);
      const Reply reply = insist(rig, who, "d", 1);
      ASSERT_TRUE(reply.ok()) << n << ": " << reply.message;
    }
    rig.settle();
    ASSERT_SOUND(rig) << "call " << n;
    ASSERT_EQ(rig.log("d").size(), 6u) << "call " << n;
  }
}

INSTANTIATE_TEST_SUITE_P(All, StoreFaultTest,
                         ::testing::Values(FaultCase{LCG_E_UNAVAILABLE, When::kBefore},
                                           FaultCase{LCG_E_TIMEOUT, When::kBefore},
                                           FaultCase{LCG_E_TIMEOUT, When::kAfter}));

// Subscribers see every position once and in order, also those whose append was reported as failed.
TEST(CrashRecovery, EntryReportedAsFailedIsPublishedWhenFound) {
  ChatRig rig;
  rig.group("d", {"ann", "bob"});
  rig.send(peer("ann"), "d", 1);
  rig.host().inject(Fault{
      .status = LCG_E_TIMEOUT, .nth = 2, .when = When::kAfter, .service = "storage", .method = "commit"});

  EXPECT_FALSE(rig.send(peer("ann"), "d", 2).ok());
  rig.host().advance(1000);

  const std::vector<Publication> published = rig.published("dialog:d");
  ASSERT_EQ(published.size(), 2u);
  EXPECT_EQ(published.back().offset, 3u);
}

// F2: the record is written, the append never happened, the client comes back: the same message goes on.
TEST(CrashRecovery, F2RetryJoinsTheMessageLeftTrying) {
  ChatRig rig;
  rig.group("d", {"ann", "bob"});
  rig.host().inject(Fault{.status = LCG_E_UNAVAILABLE, .service = "dialog", .method = "confirm"});
  EXPECT_FALSE(rig.send(peer("ann"), "d", 1).ok());
  const std::string partition = rig.host().storage().partitions("message_trying").front();
  const uint64_t id = storage::u64_of_key(rig.host().storage().rows(partition, "message_trying").front().key);
  rig.host().restart(kEverything);

  const Reply reply = rig.send(peer("ann"), "d", 1);

  EXPECT_EQ(number(reply, "id"), id);
  rig.settle();
  EXPECT_SOUND(rig);
}

// F2: and when he does not, the message is cancelled after T_try.
TEST(CrashRecovery, F2MessageLeftTryingIsCancelled) {
  ChatRig rig;
  rig.group("d", {"ann", "bob"});
  rig.host().inject(Fault{.status = LCG_E_UNAVAILABLE, .service = "dialog", .method = "confirm"});
  rig.send(peer("ann"), "d", 1);
  rig.host().restart(kEverything);

  rig.settle();

  EXPECT_SOUND(rig);
  EXPECT_EQ(rig.log("d").size(), 1u);
  EXPECT_TRUE(rig.send(peer("ann"), "d", 1).ok());  // under a new id
}

// F3: what try held is lost with the owner.
TEST(CrashRecovery, F3ConfirmAfterTheOwnerForgotIsTriedAgain) {
  ChatRig rig;
  rig.group("d", {"ann", "bob"});
  Client dialogs(rig.host().host());
  TryRequest q;
  q.key = {"ann", "device", 1, "d", 1};
  q.id = 77;
  ASSERT_TRUE(rig.host().await(dialogs.try_send(q)).ok());
  rig.host().restart(kEverything);

  EXPECT_EQ(rig.host().await(Client(rig.host().host()).confirm(q.key, 77)).status, LCG_E_NOT_FOUND);
  EXPECT_TRUE(rig.send(peer("ann"), "d", 1).ok());
}

TEST(CrashRecovery, HeldMessageExpiresAfterTryTime) {
  ChatRig rig;
  rig.group("d", {"ann", "bob"});
  Client dialogs(rig.host().host());
  TryRequest q;
  q.key = {"ann", "device", 1, "d", 1};
  q.id = 77;
  ASSERT_TRUE(rig.host().await(dialogs.try_send(q)).ok());
  EXPECT_EQ(rig.send(peer("ann"), "d", 2).error_code, chat::code::kWindowExceeded);

  rig.host().advance(12'000);

  EXPECT_TRUE(rig.send(peer("ann"), "d", 1).ok());
}

// F7: ownership of the slot moves away and back while messages are on their way.
TEST(CrashRecovery, F7OwnerChangeLosesNothing) {
  ChatRig rig;
  rig.group("d", {"ann", "bob"});
  rig.send(peer("ann"), "d", 1);
  const uint32_t slot = rig.host().slot_of("d");
  const Pending send = rig.start_send(peer("ann"), "d", 2);
  rig.host().set_slot(slot, 2, false);
  rig.host().set_slot(slot, 3, true);
  rig.host().run();
  if (send->done) rig.remember(peer("ann"), "d", send->reply);

  EXPECT_TRUE(insist(rig, peer("ann"), "d", 2).ok());
  EXPECT_TRUE(insist(rig, peer("bob"), "d", 1).ok());
  rig.settle();
  EXPECT_SOUND(rig);
  EXPECT_EQ(rig.log("d").size(), 4u);
}

// F16: the notifier dies after the commit.
TEST(CrashRecovery, F16MembersAreToldAfterACrashOfTheNotifier) {
  for (const size_t keep : {size_t{0}, kEverything}) {
    ChatRig rig;
    rig.group("d", {"ann", "bob"});
    rig.settle();
    ASSERT_TRUE(rig.send(peer("ann"), "d", 1).ok());
    rig.host().restart(keep);  // within notify_delay

    rig.settle();

    const std::vector<Publication> hints = rig.published("#bob");
    ASSERT_FALSE(hints.empty());
    EXPECT_THAT(hints.back().data, HasSubstr("\"head\":2"));
    EXPECT_EQ(rig.host().storage().partitions("dialog_dirty").size(), 0u);
  }
}

// A store that stalls: commits wait in line, their callers have long been told that the outcome is unknown,
// and then all of them are applied after all.
TEST(CrashRecovery, AppendThatArrivesLongAfterItsTimeoutIsNeitherLostNorCancelled) {
  ChatRig rig;
  rig.group("d", {"ann", "bob"});
  rig.send(peer("ann"), "d", 1);
  rig.settle();
  rig.send(peer("bob"), "d", 1);  // the dialog is listed as active
  bool stalled = false;
  std::vector<std::function<void()>> line;
  rig.host().provide_async("storage", [&](ServiceCall call, std::function<void(Reply)> answer) {
    const bool append = call.method == "commit" && call.key == "d";
    stalled = stalled || append;
    auto serve = [&rig, call, answer] { answer(rig.host().storage().handle(call)); };
    if (stalled && call.method == "commit") {
      line.push_back(serve);
    } else {
      serve();
    }
  });
  const Pending send = rig.start_send(peer("ann"), "d", 2);
  rig.host().advance(25'000);  // beyond the call's deadline, T_try and the resolver's rounds
  ASSERT_TRUE(send->done);
  ASSERT_FALSE(send->reply.ok());

  rig.host().provide("storage",
                     [&rig](const ServiceCall& call) { return rig.host().storage().handle(call); });
  for (const std::function<void()>& serve : line) serve();
  rig.settle();

  EXPECT_SOUND(rig);
  EXPECT_EQ(number(rig.send(peer("ann"), "d", 2), "seq"), 4u);
  rig.settle();
  EXPECT_SOUND(rig);
}

// The same for the message's own record. Nobody sends a message without a number again, so the resolver alone
// is there to settle it.
TEST(CrashRecovery, RecordThatIsStoredLongAfterItsTimeoutIsSettled) {
  ChatRig rig;
  rig.group("d", {"ann", "bob"});
  rig.send(peer("ann"), "d", 1);
  rig.settle();
  rig.send(peer("ann"), "d", 2);  // the dialog is open
  std::vector<std::function<void()>> line;
  rig.host().provide_async("storage", [&](ServiceCall call, std::function<void(Reply)> answer) {
    auto serve = [&rig, call, answer] { answer(rig.host().storage().handle(call)); };
    if (call.method == "commit") {
      line.push_back(serve);
    } else {
      serve();
    }
  });
  const Pending send = rig.start(peer("bob"), "message.send", R"({"dialog":"d","body":"hi"})");
  rig.host().advance(25'000);  // beyond the call's deadline, T_try and the resolver's rounds
  ASSERT_TRUE(send->done);
  ASSERT_FALSE(send->reply.ok());

  rig.host().provide("storage",
                     [&rig](const ServiceCall& call) { return rig.host().storage().handle(call); });
  for (const std::function<void()>& serve : line) serve();
  rig.settle();

  EXPECT_SOUND(rig);
}

TEST(CrashRecovery, MembershipReachesTheUsersListAfterACrash) {
  for (uint64_t n = 1;; ++n) {
    ChatRig rig;
    rig.group("d", {"ann"});
    rig.settle();
    rig.host().crash_at(n);
    rig.ask(peer("ann"), "dialog.add", R"({"dialog":"d","users":["bob"]})");
    rig.host().run_until([&rig] { return rig.host().crashed(); }, 3000);
    if (!rig.host().crashed()) break;
    rig.host().restart();
    rig.settle();

    const bool member = rig.ask(peer("bob"), "dialog.get", R"({"dialog":"d"})").ok();
    const Reply list = rig.ask(peer("bob"), "dialog.list", "{}");
    ASSERT_EQ(field(list, "dialogs") != "[]", member) << "step " << n;
  }
}

TEST(CrashRecovery, CreationIsAllOrNothingAtEveryStep) {
  for (uint64_t n = 1;; ++n) {
    ChatRig rig;
    rig.host().advance(1000);
    rig.host().crash_at(n);
    const std::string create = R"({"id":"d","members":["bob"]})";
    const Reply first = rig.ask(peer("ann"), "dialog.create", create);
    if (!rig.host().crashed()) break;
    rig.host().restart();

    ASSERT_TRUE(rig.ask(peer("ann"), "dialog.create", create).ok()) << "step " << n;
    rig.settle();
    ASSERT_EQ(rig.log("d").size(), 1u);
    ASSERT_THAT(field(rig.ask(peer("bob"), "dialog.list", "{}"), "dialogs"), HasSubstr("\"dialog\":\"d\""));
  }
}

}  // namespace
}  // namespace lcg::dialog::testing
