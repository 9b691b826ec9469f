// SPDX-License-Identifier: Apache-2.0
// Before a message commits: who is asked, about what, how often, and what comes of it.
#include <gmock/gmock.h>

#include <functional>

#include "lcg/plugin.hpp"
#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What the plugin below was asked, and what it answers.
struct Script {
  std::vector<Commit> asked;
  std::function<Reply(const Commit&)> answer = [](const Commit&) { return Reply(); };
};
Script& script() {
  static Script the_script;
  return the_script;
}

class Judge {
 public:
  explicit Judge(Host) {}
  Task<Reply> before_commit(Commit commit) {
    script().asked.push_back(commit);
    co_return script().answer(commit);
  }
};

const lcg_descriptor* judge() {
  static constexpr lcg_descriptor kDescriptor = describe<Judge>("judge", "1", "Apache-2.0", "");
  return &kDescriptor;
}

Reply refuse(const Commit&) { return Reply::error(LCG_E_DENIED, "mind your words", 1600); }

class CommitTest : public ::testing::Test {
 protected:
  CommitTest() {
    script() = {};
    rig_.group("d", {"ann", "bob"});
    rig_.host().load(judge(), {}, 2);
  }
  // The text of position `dseq` wherever it may be read.
  std::string shown(uint64_t dseq) {
    std::string all;
    for (const std::string& entry : rig_.pull(bob_, "d"))
      if (entry.find("\"seq\":" + std::to_string(dseq) + ",") != std::string::npos) all += entry;
    return all;
  }
  std::string id_of(const Reply& sent) { return field(sent, "id"); }

  ChatRig rig_;
  const Peer ann_ = peer("ann"), bob_ = peer("bob");
};

TEST_F(CommitTest, IsAskedOnEveryWayIn) {
  const std::string target = id_of(rig_.send(ann_, "d", 1));
  Peer http = peer("ann", "");
  http.session_id.clear();
  http.flags = LCG_PEER_HTTP;
  const auto about = [&](std::string more) { return R"({"id":)" + target + more + "}"; };
  struct Way {
    const char* name;
    std::function<Reply()> go;
    uint32_t kind;
  };
  const std::vector<Way> ways = {
      {"message.send", [&] { return rig_.send(ann_, "d", 2); }, LCG_COMMIT_MESSAGE},
      {"without a number", [&] { return rig_.ask(ann_, "message.send", R"({"dialog":"d","body":1})"); },
       LCG_COMMIT_MESSAGE},
      {"by HTTP", [&] { return rig_.ask(http, "message.send", R"({"dialog":"d","body":1})"); },
       LCG_COMMIT_MESSAGE},
      {"publish", [&] { return rig_.publish(ann_, "d", "1"); }, LCG_COMMIT_MESSAGE},
      {"message.edit", [&] { return rig_.ask(ann_, "message.edit", about(R"(,"cseq":2,"body":1)")); },
       LCG_COMMIT_EDIT},
      {"message.react", [&] { return rig_.ask(bob_, "message.react", about(R"(,"cseq":1,"body":"+1")")); },
       LCG_COMMIT_REACT},
  };
  script().answer = refuse;
  const size_t entries = rig_.log("d").size();
  for (const Way& way : ways) {
    script().asked.clear();
    const Reply reply = way.go();
    EXPECT_EQ(reply.error_code, 1600u) << way.name << ": " << reply.message;
    EXPECT_EQ(reply.message, "mind your words") << way.name;
    ASSERT_EQ(script().asked.size(), 1u) << way.name;
    EXPECT_EQ(script().asked[0].kind, way.kind) << way.name;
    EXPECT_EQ(script().asked[0].channel, "dialog:d") << way.name;
  }
  EXPECT_EQ(rig_.log("d").size(), entries);
  rig_.settle();
  EXPECT_SOUND(rig_);
}

TEST_F(CommitTest, KnowsWhoSaysWhat) {
  rig_.send(ann_, "d", 1, R"({"text":"hi"})");

  ASSERT_EQ(script().asked.size(), 1u);
  const Commit& c = script().asked[0];
  EXPECT_EQ(c.peer.user_id, "ann");
  EXPECT_EQ(c.peer.device_id, "device");
  EXPECT_EQ(c.peer.session_id, ann_.session_id);
  EXPECT_EQ(c.peer.device_epoch, 1u);
  EXPECT_EQ(c.type, "text");
  EXPECT_EQ(c.data, R"({"text":"hi"})");
  EXPECT_EQ(c.cseq, 1u);
  EXPECT_EQ(c.max_bytes, chat::kMaxBodyBytes);
}

TEST_F(CommitTest, ARefusalIsAnsweredAgainWithoutAsking) {
  script().answer = refuse;
  rig_.send(ann_, "d", 1);
  script().answer = [](const Commit&) { return Reply(); };

  const Reply again = rig_.send(ann_, "d", 1);

  EXPECT_EQ(again.error_code, 1600u);
  EXPECT_EQ(again.message, "mind your words");
  EXPECT_EQ(script().asked.size(), 1u);
}

TEST_F(CommitTest, AnotherTextMayTakeTheNumberThatWasRefused) {
  script().answer = [](const Commit& c) { return c.data == "\"bad\"" ? refuse(c) : Reply(); };
  rig_.send(ann_, "d", 1, "\"bad\"");

  ASSERT_TRUE(rig_.send(ann_, "d", 1, "\"good\"").ok());

  EXPECT_EQ(rig_.log("d").back().body, "\"good\"");
  EXPECT_EQ(rig_.send(ann_, "d", 1, "\"bad\"").error_code, chat::code::kKeyReuse);
  rig_.settle();
  EXPECT_SOUND(rig_);
}

TEST_F(CommitTest, ANumberThatWasRefusedMayBeGivenUp) {
  script().answer = refuse;
  rig_.send(ann_, "d", 1);

  EXPECT_EQ(rig_.ask(ann_, "message.void", R"({"dialog":"d","cseq":1})").data, R"({"void":true})");
  EXPECT_EQ(rig_.send(ann_, "d", 1).error_code, chat::code::kVoid);
  script().answer = [](const Commit&) { return Reply(); };
  EXPECT_TRUE(rig_.send(ann_, "d", 2).ok());
}

TEST_F(CommitTest, ARetryOfWhatWasKeptAsksNobody) {
  const Reply first = rig_.send(ann_, "d", 1);
  const Reply again = rig_.send(ann_, "d", 1);

  EXPECT_EQ(again.data, first.data);
  EXPECT_EQ(script().asked.size(), 1u);
}

TEST_F(CommitTest, TwoOfOneNumberAtOnceAskOnce) {
  const auto one = rig_.start_send(ann_, "d", 1), two = rig_.start_send(ann_, "d", 1);
  rig_.host().run_until([&] { return one->done && two->done; });

  EXPECT_TRUE(one->reply.ok());
  EXPECT_EQ(one->reply.data, two->reply.data);
  EXPECT_EQ(script().asked.size(), 1u);
}

TEST_F(CommitTest, NobodyIsAskedAboutWhatTheDialogRefuses) {
  EXPECT_EQ(rig_.send(peer("eve"), "d", 1).error_code, 103u);
  EXPECT_EQ(rig_.send(ann_, "d", 7).error_code, chat::code::kResendFrom);
  EXPECT_TRUE(script().asked.empty());
}

TEST_F(CommitTest, ARecallSaysNothing) {
  const std::string target = id_of(rig_.send(ann_, "d", 1));
  script().answer = refuse;

  EXPECT_TRUE(rig_.ask(ann_, "message.recall", R"({"id":)" + target + R"(,"cseq":2})").ok());
  EXPECT_EQ(script().asked.size(), 1u);
}

// A body from `from` bytes to `to` bytes: both sides of what is kept with the entry and what beside it.
class ReplacementTest : public CommitTest, public ::testing::WithParamInterface<std::pair<size_t, size_t>> {};

TEST_P(ReplacementTest, TakesTheTextsPlaceEverywhere) {
  const std::string said = "\"SAID" + std::string(GetParam().first, 'x') + "\"";
  const std::string kept = "\"KEPT" + std::string(GetParam().second, 'y') + "\"";
  script().answer = [&](const Commit&) { return Reply::with(kept); };

  const Reply reply = rig_.send(ann_, "d", 1, said);
  ASSERT_TRUE(reply.ok()) << reply.message;
  rig_.settle();

  EXPECT_THAT(shown(2), HasSubstr(kept));
  EXPECT_THAT(rig_.ask(bob_, "message.get", R"({"id":)" + id_of(reply) + "}").data, HasSubstr(kept));
  for (const Publication& p : rig_.published("dialog:d")) EXPECT_THAT(p.data, Not(HasSubstr("SAID")));
  EXPECT_EQ(rig_.send(ann_, "d", 1, said).data, reply.data);
  EXPECT_EQ(rig_.send(ann_, "d", 1, kept).error_code, chat::code::kKeyReuse);
  EXPECT_EQ(script().asked.size(), 1u);
  EXPECT_SOUND(rig_);
}
INSTANTIATE_TEST_SUITE_P(Sizes, ReplacementTest,
                         ::testing::Values(std::pair<size_t, size_t>{1, 1},
                                           std::pair<size_t, size_t>{1, 8000},
                                           std::pair<size_t, size_t>{8000, 1},
                                           std::pair<size_t, size_t>{8000, 9000}));

TEST_F(CommitTest, TheReplacementOfAnEditIsWhatTheMessageSays) {
  const std::string target = id_of(rig_.send(ann_, "d", 1));
  script().answer = [](const Commit&) { return Reply::with("\"KEPT\""); };

  rig_.ask(ann_, "message.edit", R"({"id":)" + target + R"(,"cseq":2,"body":"SAID"})");
  rig_.settle();

  EXPECT_THAT(rig_.ask(bob_, "message.get", R"({"id":)" + target + "}").data, HasSubstr("KEPT"));
}

TEST_F(CommitTest, AFailureKeepsNothingAndIsAskedAgain) {
  for (const Reply& failure : {Reply::error(LCG_E_UNAVAILABLE), Reply::error(LCG_E_INTERNAL),
                               Reply::with("no JSON"), Reply::with("\"" + std::string(70'000, 'x') + "\"")}) {
    script().answer = [&](const Commit&) { return failure; };
    EXPECT_EQ(rig_.send(ann_, "d", 1).status, LCG_E_BUSY);
  }
  EXPECT_EQ(rig_.log("d").size(), 1u);
  script().answer = [](const Commit&) { return Reply(); };

  EXPECT_TRUE(rig_.send(ann_, "d", 1).ok());
  EXPECT_EQ(script().asked.size(), 5u);
}

TEST(CommitRule, AFailureIsPassedOverWhereTheRuleSaysSo) {
  script() = {};
  script().answer = [](const Commit&) { return Reply::error(LCG_E_UNAVAILABLE); };
  ChatRig rig;
  rig.group("d", {"ann"});
  rig.host().load(judge(), {{"before_commit.on_failure", "allow"}});

  EXPECT_TRUE(rig.send(peer("ann"), "d", 1, "\"hi\"").ok());
  EXPECT_EQ(rig.log("d").back().body, "\"hi\"");
}

// Killed at any step, the client tries again: what is kept is what was judged.
TEST(CommitCrash, NothingIsKeptThatWasNotJudged) {
  const Peer ann = peer("ann");
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(n);
    script() = {};
    script().answer = [](const Commit&) { return Reply::with("\"KEPT\""); };
    ChatRig rig;
    rig.group("d", {"ann"});
    rig.host().load(judge(), {}, 2);
    rig.host().crash_at(n);
    rig.send(ann, "d", 1, "\"SAID\"");
    if (!rig.host().crashed()) break;
    rig.host().restart(SIZE_MAX);
    Reply reply = rig.send(ann, "d", 1, "\"SAID\"");
    for (int i = 0; !reply.ok() && i < 3; ++i) {
      rig.settle();
      reply = rig.send(ann, "d", 1, "\"SAID\"");
    }
    ASSERT_TRUE(reply.ok()) << reply.message;
    ASSERT_EQ(rig.log("d").back().body, "\"KEPT\"");
    rig.settle();
    ASSERT_SOUND(rig);
  }
}

}  // namespace
}  // namespace lcg::dialog::testing
