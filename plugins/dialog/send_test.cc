// SPDX-License-Identifier: Apache-2.0
// The send path without crashes: order, numbers, refusals. Rows F1..F26 are those of the failure matrix in
// chat-semantics 3.6.
#include <gmock/gmock.h>

#include "lcg/services/dialog.hpp"
#include "lcg/services/message.hpp"
#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

using lcg::testing::Fault;
using lcg::testing::Pending;
using lcg::testing::When;
using ::testing::HasSubstr;

class SendTest : public ::testing::Test {
 protected:
  SendTest() { rig_.group("d", {"ann", "bob", "cyd"}); }
  ChatRig rig_;
  const Peer ann_ = peer("ann"), bob_ = peer("bob");
};

TEST_F(SendTest, AnswersWithIdPositionUserSequenceAndTime) {
  const Reply reply = rig_.send(ann_, "d", 1);

  ASSERT_TRUE(reply.ok()) << reply.message;
  EXPECT_EQ(number(reply, "seq"), 2u);  // 1 is the creation
  EXPECT_EQ(number(reply, "useq"), 1u);
  EXPECT_EQ(number(reply, "cseq"), 1u);
  EXPECT_EQ(number(reply, "ts"), static_cast<uint64_t>(rig_.log("d").back().ts_ms));
  EXPECT_EQ(field(reply, "id").front(), '"');
}

TEST_F(SendTest, CommitsOnceDurablyPerMessage) {
  rig_.send(ann_, "d", 1);
  const uint64_t before = rig_.host().storage().durable_commits();

  rig_.send(ann_, "d", 2);

  EXPECT_EQ(rig_.host().storage().durable_commits(), before + 1);
}

TEST_F(SendTest, LinksEachEntryToTheSendersPreviousOnes) {
  rig_.send(ann_, "d", 1);
  rig_.send(peer("ann", "phone"), "d", 1);
  rig_.send(bob_, "d", 1);
  rig_.send(ann_, "d", 2);

  const Entry last = rig_.log("d").back();
  EXPECT_EQ(last.useq, 3u);
  EXPECT_EQ(last.uprev, 3u);
  EXPECT_EQ(last.cprev, 2u);
  rig_.settle();
  EXPECT_SOUND(rig_);
}

TEST_F(SendTest, KeepsTheTextByteForByte) {
  const std::string body = R"({"text":"\u00e9 é <b>","n":12345678901234567890123,"f":1.50})";

  rig_.send(ann_, "d", 1, body);

  EXPECT_EQ(rig_.log("d").back().body, body);
  EXPECT_THAT(rig_.pull(bob_, "d").back(), HasSubstr("\"body\":" + body));
}

// F1: nothing had happened yet, the retry is a fresh send. F4: the answer was lost, the retry gets the first
// one.
TEST_F(SendTest, F4RetryGetsTheFirstAnswer) {
  const Reply first = rig_.send(ann_, "d", 1);

  const Reply second = rig_.send(ann_, "d", 1);

  EXPECT_EQ(second.data, first.data);
  rig_.settle();
  EXPECT_EQ(rig_.send(ann_, "d", 1).data, first.data);
  EXPECT_EQ(rig_.log("d").size(), 2u);
}

TEST_F(SendTest, RetryOfAnOldNumberGetsItsOwnAnswer) {
  std::vector<std::string> answers;
  for (uint64_t cseq = 1; cseq <= 30; ++cseq) answers.push_back(rig_.send(ann_, "d", cseq).data);
  rig_.host().restart(1'000'000);

  for (uint64_t cseq = 1; cseq <= 30; ++cseq) EXPECT_EQ(rig_.send(ann_, "d", cseq).data, answers[cseq - 1]);
}

// F5: the install was wiped and has a new epoch.
TEST_F(SendTest, F5NewEpochCountsFromOneAndTheOldOneIsStale) {
  rig_.send(ann_, "d", 1);
  Peer again = ann_;
  again.device_epoch = 2;

  EXPECT_EQ(number(rig_.send(again, "d", 1), "useq"), 2u);
  const Reply stale = rig_.send(ann_, "d", 2);

  EXPECT_EQ(stale.error_code, chat::code::kStaleEpoch);
  EXPECT_EQ(stale.message, "stale_epoch:2");
  rig_.settle();
  EXPECT_SOUND(rig_);
}

TEST_F(SendTest, EpochThatIsNotTheConnectionsIsStale) {
  const Reply reply = rig_.ask(ann_, "message.send", R"({"dialog":"d","cseq":1,"epoch":7,"body":1})");

  EXPECT_EQ(reply.error_code, chat::code::kStaleEpoch);
}

// F6: the same message over two connections of one client.
TEST_F(SendTest, F6SameKeyOnTwoConnectionsJoins) {
  Peer other = ann_;
  other.session_id = "second";
  const Pending a = rig_.start_send(ann_, "d", 1), b = rig_.start_send(other, "d", 1);
  rig_.host().run();

  ASSERT_TRUE(a->done && b->done);
  EXPECT_TRUE(a->reply.ok());
  EXPECT_EQ(a->reply.data, b->reply.data);
  EXPECT_EQ(rig_.log("d").size(), 2u);
}

// F9: each step of the two-phase send is told twice.
TEST_F(SendTest, F9RepeatedTryAndConfirmChangeNothing) {
  Client dialogs(rig_.host().host());
  TryRequest q;
  q.key = {"ann", "device", 1, "d", 1};
  q.id = 77;
  q.type = "text";
  q.body = "1";
  q.body_bytes = 1;

  EXPECT_TRUE(rig_.host().await(dialogs.try_send(q)).ok());
  EXPECT_TRUE(rig_.host().await(dialogs.try_send(q)).ok());
  const Reply first = rig_.host().await(dialogs.confirm(q.key, 77));
  const Reply second = rig_.host().await(dialogs.confirm(q.key, 77));

  ASSERT_TRUE(first.ok()) << first.message;
  EXPECT_EQ(second.data, first.data);
  EXPECT_EQ(rig_.log("d").size(), 2u);
}

// F10: cancel overtakes try.
TEST_F(SendTest, F10TryAfterCancelIsRefused) {
  Client dialogs(rig_.host().host());
  TryRequest q;
  q.key = {"ann", "device", 1, "d", 1};
  q.id = 77;
  rig_.host().await(dialogs.cancel(q.key, 77));

  EXPECT_EQ(rig_.host().await(dialogs.try_send(q)).status, LCG_E_STALE);
}

TEST_F(SendTest, CancelAfterConfirmTellsThatItIsCommitted) {
  const uint64_t id = number(rig_.send(ann_, "d", 1), "id");
  Client dialogs(rig_.host().host());

  const Reply reply = rig_.host().await(dialogs.cancel({"ann", "device", 1, "d", 1}, id));

  Resolution resolution;
  ASSERT_TRUE(decode(reply.data, resolution));
  EXPECT_EQ(resolution.state, Resolution::State::kCommitted);
  EXPECT_EQ(resolution.position.dseq, 2u);
}

// F11: the network reorders two sends of one device.
TEST_F(SendTest, F11NumberAfterAGapIsRefusedAndNothingIsStored) {
  const Reply reply = rig_.send(ann_, "d", 2);

  EXPECT_EQ(reply.error_code, chat::code::kResendFrom);
  EXPECT_EQ(reply.message, "resend_from:1");
  EXPECT_EQ(rig_.log("d").size(), 1u);
  EXPECT_TRUE(rig_.host().storage().partitions("message").empty());
}

// F12: a client sends ahead without having been told it may.
TEST_F(SendTest, F12MoreInFlightThanTheWindowIsRefused) {
  const Pending first = rig_.start_send(ann_, "d", 1), second = rig_.start_send(ann_, "d", 2);
  rig_.host().run();

  EXPECT_TRUE(first->reply.ok());
  EXPECT_EQ(second->reply.error_code, chat::code::kWindowExceeded);
}

TEST_F(SendTest, WindowedSendsCommitInOrder) {
  std::vector<Pending> sends;
  for (int cseq = 1; cseq <= 8; ++cseq)
    sends.push_back(rig_.start(ann_, "message.send",
                               R"({"dialog":"d","window":8,"body":0,"cseq":)" + std::to_string(cseq) + "}"));
  rig_.host().run();

  for (size_t i = 0; i < sends.size(); ++i) {
    ASSERT_TRUE(sends[i]->reply.ok()) << sends[i]->reply.message;
    EXPECT_EQ(number(sends[i]->reply, "seq"), i + 2);
  }
}

// F13: two devices of one user at once.
TEST_F(SendTest, F13TwoDevicesOfOneUserAreOrderedByUseq) {
  const Pending a = rig_.start_send(ann_, "d", 1), b = rig_.start_send(peer("ann", "phone"), "d", 1);
  rig_.host().run();

  EXPECT_EQ(number(a->reply, "useq") + number(b->reply, "useq"), 3u);
  rig_.settle();
  EXPECT_SOUND(rig_);
}

TEST_F(SendTest, F13StrictUserOrderRefusesTheLoser) {
  rig_.send(peer("ann", "phone"), "d", 1);

  const Reply reply = rig_.ask(ann_, "message.send", R"({"dialog":"d","cseq":1,"useq":1,"body":1})");

  EXPECT_EQ(reply.error_code, chat::code::kUserOrder);
  EXPECT_EQ(reply.message, "last_useq:1");
  EXPECT_TRUE(rig_.ask(ann_, "message.send", R"({"dialog":"d","cseq":1,"useq":2,"body":1})").ok());
}

// What was answered once is answered again, whatever the rules say by now.
class Retry : public SendTest {
 protected:
  static constexpr const char* kSecond = R"({"dialog":"d","cseq":2,"useq":2,"body":"hi"})";
  Retry() {
    rig_.send(bob_, "d", 1);
    first_ = rig_.ask(bob_, "message.send", kSecond);
    rig_.send(bob_, "d", 3);
    EXPECT_TRUE(first_.ok()) << first_.message;
  }
  void against_bob(const std::string& op) {
    const Reply done = rig_.ask(ann_, "dialog." + op, R"({"dialog":"d","user":"bob","until":9000000000000})");
    ASSERT_TRUE(done.ok()) << done.message;
  }
  void expect_first_answer() {
    const Reply again = rig_.ask(bob_, "message.send", kSecond);
    EXPECT_TRUE(again.ok()) << again.message;
    EXPECT_EQ(again.data, first_.data);
    EXPECT_FALSE(rig_.send(bob_, "d", 4).ok());
    rig_.settle();
    EXPECT_SOUND(rig_);
  }
  Reply first_;
};

TEST_F(Retry, OfOneWhoIsMutedHasItsFirstAnswer) {
  against_bob("mute");
  expect_first_answer();
}

TEST_F(Retry, OfOneWhoIsBannedHasItsFirstAnswer) {
  against_bob("ban");
  expect_first_answer();
}

TEST_F(Retry, OfOneWhoIsRemovedHasItsFirstAnswerAfterARestartToo) {
  against_bob("remove");
  rig_.settle();
  rig_.host().restart();
  expect_first_answer();
}

TEST_F(Retry, WithAUseqHasItsFirstAnswer) {
  const Reply again = rig_.ask(bob_, "message.send", kSecond);

  EXPECT_EQ(again.data, first_.data) << again.message;
}

TEST_F(Retry, OfAnotherContentIsKeyReuse) {
  against_bob("mute");

  EXPECT_EQ(rig_.send(bob_, "d", 2, "\"other\"").error_code, chat::code::kKeyReuse);
}

TEST_F(Retry, OfAStrangerIsNone) {
  EXPECT_EQ(rig_.send(peer("eve"), "d", 2).error_code, chat::code::kDenied);
}

TEST_F(Retry, IsNumberedOnByOneWhoComesBack) {
  against_bob("remove");
  EXPECT_EQ(rig_.ask(bob_, "message.send", kSecond).data, first_.data);
  against_bob("add");

  EXPECT_TRUE(rig_.send(bob_, "d", 4).ok());
}

// F18: a member is removed while his message is on its way.
TEST_F(SendTest, F18RemovalBeforeTheCommitPositionRefusesTheMessage) {
  Client dialogs(rig_.host().host());
  TryRequest q;
  q.key = {"bob", "device", 1, "d", 1};
  q.id = 77;
  ASSERT_TRUE(rig_.host().await(dialogs.try_send(q)).ok());
  ASSERT_TRUE(rig_.ask(ann_, "dialog.remove", R"({"dialog":"d","users":["bob"]})").ok());

  const Reply reply = rig_.host().await(dialogs.confirm(q.key, 77));

  EXPECT_EQ(reply.error_code, chat::code::kDenied);
  EXPECT_EQ(rig_.log("d").back().kind, chat::Kind::kMember);
}

// F19: the owner's clock jumps back an hour.
TEST_F(SendTest, F19ClockJumpNeverTurnsTimeOrIdsBack) {
  const Reply first = rig_.send(ann_, "d", 1);
  rig_.host().skew_wall_ms(-3'600'000);
  const Reply second = rig_.send(ann_, "d", 2);
  rig_.settle();
  rig_.host().restart(1'000'000);
  const Reply third = rig_.send(ann_, "d", 3);

  EXPECT_LT(number(first, "id"), number(second, "id"));
  EXPECT_LT(number(second, "id"), number(third, "id"));
  EXPECT_LE(number(first, "ts"), number(second, "ts"));
  EXPECT_LE(number(second, "ts"), number(third, "ts"));
  rig_.settle();
  EXPECT_SOUND(rig_);
}

// F25: a number that will never be sent does not block the ones after it, also after a restart.
TEST_F(SendTest, F25GivenUpNumberLetsTheDeviceGoOn) {
  rig_.send(ann_, "d", 1);
  EXPECT_EQ(rig_.ask(ann_, "message.void", R"({"dialog":"d","cseq":2})").data, R"({"void":true})");
  rig_.host().restart();

  EXPECT_EQ(rig_.send(ann_, "d", 2).error_code, chat::code::kVoid);
  const Reply next = rig_.send(ann_, "d", 3);

  EXPECT_EQ(number(next, "seq"), 3u);  // the void has no position
  rig_.settle();
  EXPECT_SOUND(rig_);
}

TEST_F(SendTest, GivingUpWhatWasSentTellsWhereItIs) {
  const Reply sent = rig_.send(ann_, "d", 1);

  const Reply reply = rig_.ask(ann_, "message.void", R"({"dialog":"d","cseq":1})");

  EXPECT_EQ(field(reply, "message"), sent.data);
}

// F26: a client bug.
TEST_F(SendTest, F26SameKeyWithAnotherBodyIsRefused) {
  rig_.send(ann_, "d", 1, "\"one\"");

  const Reply reply = rig_.send(ann_, "d", 1, "\"two\"");

  EXPECT_EQ(reply.status, LCG_E_CONFLICT);
  EXPECT_EQ(reply.error_code, chat::code::kKeyReuse);
  EXPECT_EQ(rig_.log("d").back().body, "\"one\"");
}

TEST_F(SendTest, SlowSenderDoesNotHoldAnother) {
  // Ann's message is held by the dialog and never confirmed.
  Client dialogs(rig_.host().host());
  TryRequest q;
  q.key = {"ann", "device", 1, "d", 1};
  q.id = 77;
  ASSERT_TRUE(rig_.host().await(dialogs.try_send(q)).ok());

  const Reply bob = rig_.send(bob_, "d", 1);

  EXPECT_TRUE(bob.ok()) << bob.message;
}

TEST_F(SendTest, UnnumberedMessagesKeepTheOrderOfArrival) {
  std::vector<Pending> sends;
  for (int i = 0; i < 20; ++i)
    sends.push_back(rig_.start(ann_, "message.send", R"({"dialog":"d","body":)" + std::to_string(i) + "}"));
  rig_.host().run();

  const std::vector<Entry> log = rig_.log("d");
  ASSERT_EQ(log.size(), 21u);
  for (size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(log[i + 1].body, std::to_string(i));
    EXPECT_EQ(log[i + 1].cseq, i + 1);
  }
}

TEST_F(SendTest, EphemeralDeviceIsItsConnectionAndLeavesNoTrace) {
  Peer stock = peer("ann", "conn-1", "conn-1");
  stock.flags = LCG_PEER_EPHEMERAL_DEVICE;

  EXPECT_TRUE(rig_.publish(stock, "d", "\"a\"").ok());
  EXPECT_TRUE(rig_.publish(stock, "d", "\"b\"").ok());

  const Entry last = rig_.log("d").back();
  EXPECT_EQ(last.device, "conn-1");
  EXPECT_EQ(last.cseq, 2u);
  EXPECT_TRUE(rig_.host().storage().rows("d", "dialog_lane").empty());
  rig_.settle();
  EXPECT_SOUND(rig_);
}

TEST_F(SendTest, EveryConnectionWithoutADeviceCountsItsOwn) {
  Peer first = peer("ann", "conn-1", "conn-1"), second = peer("ann", "conn-2", "conn-2");
  first.flags = second.flags = LCG_PEER_EPHEMERAL_DEVICE;
  rig_.send(ann_, "d", 1);
  rig_.publish(first, "d", "1");
  rig_.publish(second, "d", "2");
  rig_.publish(first, "d", "3");
  rig_.publish(second, "d", "4");

  std::vector<std::string> got;
  for (const Entry& e : rig_.log("d"))
    if (e.kind == chat::Kind::kMessage)
      got.push_back(e.device + " " + std::to_string(e.cseq) + " after " + std::to_string(e.cprev));
  EXPECT_THAT(got, ::testing::ElementsAre(ann_.device_id + " 1 after 0", "conn-1 1 after 0",
                                          "conn-2 1 after 0", "conn-1 2 after 3", "conn-2 2 after 4"));
}

// The dialog went out of memory meanwhile, and with it all it knew of connections.
TEST_F(SendTest, AConnectionWithoutADeviceGoesOnCountingWhenTheDialogIsReadAgain) {
  Peer stock = peer("ann", "conn-1", "conn-1");
  stock.flags = LCG_PEER_EPHEMERAL_DEVICE;
  rig_.publish(stock, "d", "1");
  rig_.publish(stock, "d", "2");
  rig_.send(ann_, "d", 1);
  rig_.settle();
  rig_.host().restart();
  rig_.publish(stock, "d", "3");

  const Entry last = rig_.log("d").back();
  EXPECT_EQ(last.cseq, 3u);
  EXPECT_EQ(last.cprev, 3u);
}

TEST_F(SendTest, LargeBodyIsPushedByReferenceAndPulledWhole) {
  const std::string body = "\"" + std::string(10'000, 'x') + "\"";
  const Reply reply = rig_.send(ann_, "d", 1, body);

  EXPECT_THAT(rig_.published("dialog:d").back().data, HasSubstr("\"ref\":true,\"size\":10002"));
  EXPECT_THAT(rig_.pull(bob_, "d").back(), HasSubstr(body));
  EXPECT_THAT(rig_.ask(bob_, "message.get", R"({"id":)" + field(reply, "id") + "}").data, HasSubstr(body));
}

TEST_F(SendTest, ExplainTellsWhereAMessageIsAndNotWhatItSays) {
  const uint64_t id = number(rig_.send(ann_, "d", 1, "\"secret\""), "id");
  rig_.settle();

  const Reply reply = rig_.host().await(message::Client(rig_.host().host()).explain(id));

  ASSERT_TRUE(reply.ok()) << reply.message;
  EXPECT_THAT(field(reply, "record"), HasSubstr(R"("status":"confirmed")"));
  EXPECT_THAT(field(reply, "entry"), HasSubstr(R"("seq":2,"user":"ann")"));
  EXPECT_THAT(reply.data, ::testing::Not(HasSubstr("secret")));
  EXPECT_EQ(rig_.host().await(message::Client(rig_.host().host()).explain(id + 1)).status, LCG_E_NOT_FOUND);
}

TEST_F(SendTest, FullDiskRefusesAndNothingIsHalfDone) {
  rig_.send(ann_, "d", 1);
  rig_.host().storage().refuse_writes(true);
  EXPECT_FALSE(rig_.send(ann_, "d", 2).ok());
  rig_.settle();
  rig_.host().storage().refuse_writes(false);

  const Reply reply = rig_.send(ann_, "d", 2);

  ASSERT_TRUE(reply.ok()) << reply.message;
  EXPECT_EQ(number(reply, "seq"), 3u);
  rig_.settle();
  EXPECT_SOUND(rig_);
}

}  // namespace
}  // namespace lcg::dialog::testing
