// SPDX-License-Identifier: Apache-2.0
// What a stock client sees on "dialog:<id>": subscribe, publish, history, recovery; and the pull of a richer
// one.
#include <gmock/gmock.h>

#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

using ::testing::HasSubstr;

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    rig_.group("d", {"ann", "bob"});
    for (uint64_t i = 1; i <= 9; ++i) rig_.send(ann_, "d", i);  // positions 2..10
  }
  ChatRig rig_;
  const Peer ann_ = peer("ann"), bob_ = peer("bob");
};

TEST_F(ChannelTest, SubscribeGivesHeadAndAnEpochThatStays) {
  const Outcome<channel::StreamPage> before = rig_.subscribe(bob_, "d");
  rig_.host().restart();
  const Outcome<channel::StreamPage> after = rig_.subscribe(bob_, "d");

  EXPECT_EQ(before.value.head, 10u);
  EXPECT_FALSE(before.value.epoch.empty());
  EXPECT_EQ(after.value.epoch, before.value.epoch);
  EXPECT_EQ(after.value.head, 10u);
}

TEST_F(ChannelTest, RecoveryGivesWhatWasMissedInOrder) {
  for (const bool restarted : {false, true}) {
    if (restarted) rig_.host().restart();
    const Outcome<channel::StreamPage> page = rig_.recover(bob_, "d", 4);
    ASSERT_TRUE(page.value.recovered);
    ASSERT_EQ(page.value.publications.size(), 6u);
    EXPECT_EQ(page.value.publications.front().offset, 5u);
    EXPECT_EQ(page.value.publications.front().user_id, "ann");
    EXPECT_EQ(page.value.publications.back().offset, 10u);
  }
}

// What docs/chat.md promises.
TEST_F(ChannelTest, AThousandEntriesAreRecoveredAndNotOneMore) {
  for (uint64_t cseq = 10; cseq <= 1000; ++cseq) ASSERT_TRUE(rig_.send(ann_, "d", cseq).ok()) << cseq;

  const Outcome<channel::StreamPage> page = rig_.recover(bob_, "d", 1, 1000);

  ASSERT_TRUE(page.value.recovered);
  EXPECT_EQ(page.value.publications.size(), 1000u);
  EXPECT_EQ(page.value.publications.back().offset, 1001u);
  EXPECT_FALSE(rig_.recover(bob_, "d", 0, 2000).value.recovered);
}

TEST_F(ChannelTest, RecoveryOfAnotherEpochOrTheFutureIsRefused) {
  channel::SubscribeRequest q;
  q.peer = ChatRig::wire_peer(bob_);
  q.recover = true;
  for (const auto& [offset, epoch] : std::vector<std::pair<uint64_t, std::string>>{{4, "other"}, {11, ""}}) {
    q.offset = offset;
    q.epoch = epoch;
    channel::StreamPage page;
    ASSERT_TRUE(channel::decode(
        rig_.host().call({"channel:dialog", "subscribe", "d", channel::encode(q)}).data, page));
    EXPECT_FALSE(page.recovered);
    EXPECT_EQ(page.head, 10u);
  }
}

TEST_F(ChannelTest, HistoryPagesBothWays) {
  channel::HistoryRequest forward;
  forward.has_since = true;
  forward.since = 3;
  forward.limit = 2;
  channel::HistoryRequest back;
  back.reverse = true;
  back.limit = 3;

  const Outcome<channel::StreamPage> a = rig_.history(bob_, "d", forward), b = rig_.history(bob_, "d", back);

  ASSERT_EQ(a.value.publications.size(), 2u);
  EXPECT_EQ(a.value.publications[0].offset, 4u);
  ASSERT_EQ(b.value.publications.size(), 3u);
  EXPECT_EQ(b.value.publications[0].offset, 10u);
  EXPECT_EQ(b.value.publications[2].offset, 8u);
}

// The head is 10.
TEST_F(ChannelTest, PositionsAtTheEdgesOfTheirTypeHaveNothingAfterThem) {
  constexpr uint64_t kOne = 1;
  for (const uint64_t since : {kOne * 10, kOne * 11, (kOne << 31) - 1, kOne << 31, kOne << 32, kOne << 53,
                               (kOne << 63) - 1, kOne << 63, UINT64_MAX - 1, UINT64_MAX}) {
    channel::HistoryRequest q;
    q.has_since = true;
    q.since = since;
    q.limit = 20;  // what it costs is within the burst
    EXPECT_TRUE(rig_.history(bob_, "d", q).value.publications.empty()) << since;
    q.reverse = true;
    EXPECT_EQ(rig_.history(bob_, "d", q).value.publications.size(), std::min<uint64_t>(since - 1, 10))
        << since;
    EXPECT_EQ(rig_.recover(bob_, "d", since).value.recovered, since == 10) << since;
  }
}

TEST_F(ChannelTest, HistoryWithoutLimitIsThePositionOnly) {
  const Outcome<channel::StreamPage> page = rig_.history(bob_, "d", {});
  EXPECT_EQ(page.value.head, 10u);
  EXPECT_TRUE(page.value.publications.empty());
}

TEST_F(ChannelTest, HistoryOfAnotherEpochIsUnrecoverable) {
  channel::HistoryRequest q;
  q.channel = "dialog:d";
  q.peer = ChatRig::wire_peer(bob_);
  q.has_since = true;
  q.epoch = "other";
  q.limit = 1;
  EXPECT_EQ(rig_.host().call({"channel:dialog", "history", "d", channel::encode(q)}).error_code, 112u);
}

TEST_F(ChannelTest, PublishIsASendOfTheDevice) {
  ASSERT_TRUE(rig_.publish(bob_, "d", R"({"text":"hi"})").ok());

  const Entry last = rig_.log("d").back();
  EXPECT_EQ(last.user, "bob");
  EXPECT_EQ(last.cseq, 1u);
  EXPECT_EQ(last.body, R"({"text":"hi"})");
  EXPECT_EQ(rig_.publish(peer("eve"), "d", "1").error_code, 103u);
  EXPECT_EQ(rig_.publish(peer("eve"), "none", "1").error_code, 103u);
}

TEST_F(ChannelTest, PublicationsLeaveInOrderWithTheirPositions) {
  uint64_t offset = 1;
  for (const Publication& p : rig_.published("dialog:d")) {
    EXPECT_EQ(p.offset, ++offset);
    EXPECT_EQ(p.flags, uint32_t{LCG_PUB_POSITIONED});
    EXPECT_EQ(p.epoch, rig_.subscribe(bob_, "d").value.epoch);
  }
  EXPECT_EQ(offset, 10u);
}

TEST_F(ChannelTest, NothingIsPublishedBeforeItIsDurable) {
  const size_t before = rig_.published("dialog:d").size();
  rig_.host().storage().refuse_writes(true);
  rig_.send(ann_, "d", 10);
  EXPECT_EQ(rig_.published("dialog:d").size(), before);
}

TEST(ChannelJitter, AnswersThatOvertakeEachOtherDoNotReorderThePublications) {
  lcg::testing::Options options;
  options.reply_jitter_ms = 20;
  ChatRig rig(options);
  std::vector<std::string> users;
  for (int i = 0; i < 20; ++i) users.push_back("u" + std::to_string(i));
  rig.group("d", users);
  for (uint64_t round = 1; round <= 5; ++round) {
    for (const std::string& user : users) rig.start_send(peer(user), "d", round);
    rig.host().advance(2000);
  }

  uint64_t offset = 1;
  for (const Publication& p : rig.published("dialog:d")) EXPECT_EQ(p.offset, ++offset);
  EXPECT_EQ(offset, 101u);
  rig.settle();
  EXPECT_SOUND(rig);
}

TEST_F(ChannelTest, PullsOfOnePageAtOnceCostOneRead) {
  rig_.host().restart();
  rig_.subscribe(bob_, "d");  // loads the dialog
  const size_t before = rig_.host().calls().size();
  const lcg::testing::Pending a = rig_.start(ann_, "dialog.history", R"({"dialog":"d","from":1,"limit":5})");
  const lcg::testing::Pending b = rig_.start(bob_, "dialog.history", R"({"dialog":"d","from":1,"limit":5})");
  rig_.host().run();

  size_t scans = 0;
  for (size_t i = before; i < rig_.host().calls().size(); ++i)
    if (rig_.host().calls()[i].method == "scan" && rig_.host().calls()[i].key == "d") ++scans;
  EXPECT_EQ(field(a->reply, "entries"), field(b->reply, "entries"));
  EXPECT_EQ(scans, 1u);
}

TEST_F(ChannelTest, TheNewestEntriesCostNoRead) {
  const size_t before = rig_.host().calls().size();
  EXPECT_EQ(items(field(rig_.ask(bob_, "dialog.history", R"({"dialog":"d","from":8})"), "entries")).size(),
            3u);
  EXPECT_EQ(items(field(rig_.ask(bob_, "dialog.history", R"({"dialog":"d","from":11})"), "entries")).size(),
            0u);
  for (size_t i = before; i < rig_.host().calls().size(); ++i)
    EXPECT_NE(rig_.host().calls()[i].service, "storage");
}

TEST_F(ChannelTest, PullingTooMuchIsRefusedForAWhileAndOnlyForHim) {
  Reply reply;
  for (int i = 0; i < 200 && reply.ok(); ++i)
    reply = rig_.ask(bob_, "dialog.history", R"({"dialog":"d","limit":200})");

  EXPECT_EQ(reply.error_code, chat::code::kTooManyRequests);
  EXPECT_THAT(reply.message, HasSubstr("retry_after_ms:"));
  EXPECT_TRUE(rig_.ask(ann_, "dialog.history", R"({"dialog":"d"})").ok());
  rig_.host().advance(1000);
  EXPECT_TRUE(rig_.ask(bob_, "dialog.history", R"({"dialog":"d"})").ok());
}

TEST_F(ChannelTest, TheChannelsHistoryCostsAPull) {
  channel::HistoryRequest q;
  q.limit = 200;
  q.peer = ChatRig::wire_peer(bob_);
  const auto page = [&] { return rig_.host().call({"channel:dialog", "history", "d", channel::encode(q)}); };

  Reply reply;
  int pages = 0;
  for (; pages < 200 && reply.ok(); ++pages) reply = page();

  EXPECT_EQ(pages, 21);  // 100 units at 5
  EXPECT_EQ(reply.error_code, chat::code::kTooManyRequests);
  EXPECT_FALSE(rig_.ask(bob_, "dialog.history", R"({"dialog":"d","limit":200})").ok());
  EXPECT_TRUE(rig_.history(ann_, "d", q).ok());
  rig_.host().advance(1000);
  EXPECT_TRUE(page().ok());
}

TEST_F(ChannelTest, RecoveryIsPaidForOrNone) {
  int recovered = 0;
  for (int i = 0; i < 1000; ++i) recovered += rig_.recover(bob_, "d", 4).value.recovered ? 1 : 0;

  EXPECT_EQ(recovered, 833);  // 100 units at 6/50
  const Outcome<channel::StreamPage> page = rig_.recover(bob_, "d", 4);
  EXPECT_TRUE(page.ok());
  EXPECT_EQ(page.value.head, 10u);
  EXPECT_TRUE(page.value.publications.empty());
}

TEST_F(ChannelTest, RecoveryOfNothingMissedIsFree) {
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(rig_.recover(bob_, "d", 10).value.recovered);
}

TEST_F(ChannelTest, APageIsBoundedInBytes) {
  const std::string body = "\"" + std::string(60'000, 'x') + "\"";
  for (uint64_t i = 1; i <= 8; ++i) rig_.send(bob_, "d", i, body);

  const Reply page = rig_.ask(ann_, "dialog.history", R"({"dialog":"d","from":11})");

  EXPECT_LT(page.data.size(), 300'000u);
  EXPECT_EQ(field(page, "more"), "true");
  EXPECT_EQ(rig_.pull(ann_, "d").size(), 18u);
}

}  // namespace
}  // namespace lcg::dialog::testing
