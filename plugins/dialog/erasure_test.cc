// SPDX-License-Identifier: Apache-2.0
// A recall leaves nothing of the text anywhere: the store, what this process remembers, every answer. Everything said
// here holds a marker; afterwards it is looked for.
#include <gmock/gmock.h>

#include <map>

#include "lcg/services/dialog.hpp"
#include "lcg/services/message.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/services/storage_scrub.hpp"
#include "plugins/dialog/state.h"
#include "plugins/dialog/testing/chat_rig.h"
#include "plugins/message/record.h"

namespace lcg::dialog::testing {
namespace {

using lcg::testing::Fault;
using lcg::testing::Pending;
using lcg::testing::When;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kMarker[] = "MARKER";
constexpr size_t kEverything = 1'000'000;

std::string said(size_t padding = 0) { return "{\"t\":\"MARKER" + std::string(padding, 'x') + "\"}"; }

class Erasing {
 public:
  explicit Erasing(lcg::testing::Options options = {}) : rig_(options) { rig_.group("d", {"ann", "bob"}); }

  Reply about(const Peer& who, const std::string& method, uint64_t cseq, const std::string& body) {
    std::string json = "{\"id\":" + id_ + ",\"cseq\":" + std::to_string(cseq);
    if (!body.empty()) json += ",\"body\":" + body;
    return rig_.ask(who, method, json + "}");
  }
  // ann says it and edits it, in every size; bob answers it and repeats it in a reaction.
  void talk(bool settled) {
    id_ = field(rig_.send(ann_, "d", 1, said(5000)), "id");
    if (settled) rig_.settle();
    others_.push_back(field(about(ann_, "message.edit", 2, said()), "id"));
    others_.push_back(field(about(ann_, "message.edit", 3, said(6000)), "id"));
    others_.push_back(field(about(bob_, "message.react", 1, said()), "id"));
    others_.push_back(field(about(ann_, "message.edit", 4, said(1)), "id"));
    if (settled) rig_.settle();
  }
  Reply recall() { return about(ann_, "message.recall", 5, ""); }
  Reply insist_on_recall() {
    Reply reply = recall();
    for (int i = 0; !reply.ok() && i < 30; ++i) {
      rig_.host().advance(1000);
      reply = recall();
    }
    return reply;
  }

  // Where the marker, or the hash of something that has it, still is.
  std::vector<std::string> left_in_store() {
    std::vector<std::string> found, traces{kMarker};
    for (const size_t padding : {size_t{0}, size_t{1}, size_t{5000}, size_t{6000}}) {
      for (const chat::Kind kind : {chat::Kind::kMessage, chat::Kind::kEdit, chat::Kind::kReact}) {
        message::SendRequest q;
        q.kind = kind;
        q.type = kind == chat::Kind::kReact ? "emoji" : "text";
        q.body = said(padding);
        q.target = kind == chat::Kind::kMessage ? 0 : std::stoull(id_.substr(1));
        traces.push_back(message::content_hash(q));
      }
    }
    for (const char* collection :
         {message::kRecords, message::kBodies, message::kKeys, message::kTryingIndex, message::kAbout,
          message::kErasing, kLogDocs, kMetaDocs, kMemberDocs, kLaneDocs, kOutboxDocs, kDirtyDocs,
          "user_dialog", "user_change", "event"}) {
      for (const std::string& partition : rig_.host().storage().partitions(collection))
        for (const storage::Row& row : rig_.host().storage().rows(partition, collection))
          for (const std::string& trace : traces)
            if (row.value.find(trace) != std::string::npos) found.push_back(collection);
    }
    return found;
  }
  // The answers to every way of reading.
  std::vector<std::string> left_in_answers() {
    std::vector<std::string> found;
    const auto look = [&](const char* where, const std::string& text) {
      if (text.find(kMarker) != std::string::npos) found.emplace_back(where);
    };
    for (const Peer& who : {ann_, bob_}) {
      for (const std::string& entry : rig_.pull(who, "d")) look("dialog.history", entry);
      std::vector<std::string> ids = others_;
      ids.push_back(id_);
      for (const std::string& id : ids) {
        look("message.get", rig_.ask(who, "message.get", "{\"id\":" + id + "}").data);
        look("explain",
             rig_.host().await(message::Client(rig_.host().host()).explain(std::stoull(id.substr(1)))).data);
      }
      for (const auto& p : rig_.recover(who, "d", 1).value.publications) look("recovery", p.data);
      channel::HistoryRequest history;
      history.limit = -1;
      for (const auto& p : rig_.history(who, "d", history).value.publications) look("history", p.data);
    }
    dialog::Client dialogs(rig_.host().host());
    for (const FeedEntry& e : rig_.host().await(dialogs.feed("d", 0, 200)).value.entries)
      look("feed", e.json);
    return found;
  }

  ChatRig rig_;
  const Peer ann_ = peer("ann"), bob_ = peer("bob");
  std::string id_;  // a JSON string
  std::vector<std::string> others_;
};

TEST(Erasure, TheMarkerIsEverywhereBefore) {
  Erasing e;
  e.talk(true);

  EXPECT_THAT(e.left_in_store(),
              ::testing::AllOf(::testing::Contains(message::kRecords), ::testing::Contains(message::kBodies),
                               ::testing::Contains(message::kKeys), ::testing::Contains(kLogDocs)));
  EXPECT_THAT(e.left_in_answers(),
              ::testing::AllOf(::testing::Contains("dialog.history"), ::testing::Contains("message.get"),
                               ::testing::Contains("recovery"), ::testing::Contains("history"),
                               ::testing::Contains("feed")));
}

TEST(Erasure, NothingIsLeftWhenTheRecallIsAnswered) {
  for (const bool settled : {true, false}) {
    Erasing e;
    e.talk(settled);

    const Reply reply = e.recall();

    ASSERT_TRUE(reply.ok()) << reply.message;
    EXPECT_THAT(e.left_in_store(), IsEmpty()) << settled;
    EXPECT_THAT(e.left_in_answers(), IsEmpty()) << settled;
    e.rig_.settle();
    EXPECT_THAT(e.left_in_store(), IsEmpty()) << settled;
    EXPECT_SOUND(e.rig_);
  }
}

TEST(Erasure, PositionsAndOrderStay) {
  Erasing e;
  e.talk(true);
  const size_t before = e.rig_.log("d").size();

  e.recall();

  EXPECT_EQ(e.rig_.log("d").size(), before + 1);
  for (const Entry& entry : e.rig_.log("d"))
    EXPECT_EQ(entry.recalled, entry.kind != chat::Kind::kMeta && entry.kind != chat::Kind::kRecall);
}

TEST(Erasure, OtherMessagesStayAsTheyAre) {
  Erasing e;
  e.talk(true);
  const std::string other = field(e.rig_.send(e.ann_, "d", 5, "\"OTHER\""), "id");
  e.rig_.ask(e.bob_, "message.react", "{\"id\":" + other + ",\"cseq\":2,\"body\":\"LIKED\"}");

  ASSERT_TRUE(e.about(e.ann_, "message.recall", 6, "").ok());

  std::string all;
  for (const std::string& entry : e.rig_.pull(e.bob_, "d")) all += entry;
  EXPECT_THAT(all, HasSubstr("OTHER"));
  EXPECT_THAT(all, HasSubstr("LIKED"));
}

TEST(Erasure, ARetryOfWhatWasErasedGetsTheFirstAnswer) {
  Erasing e;
  e.talk(true);
  const Reply first = e.rig_.send(e.ann_, "d", 1, said(5000));
  e.recall();

  EXPECT_EQ(e.rig_.send(e.ann_, "d", 1, said(5000)).data, first.data);
  EXPECT_THAT(e.left_in_store(), IsEmpty());
}

TEST(Erasure, NothingIsSaidOfAMessageThatIsTakenBack) {
  Erasing e;
  e.talk(true);
  e.recall();

  EXPECT_EQ(e.about(e.ann_, "message.edit", 6, said()).error_code, chat::code::kRecalled);
  EXPECT_EQ(e.about(e.bob_, "message.react", 2, said()).error_code, chat::code::kRecalled);
  e.rig_.settle();
  EXPECT_THAT(e.left_in_store(), IsEmpty());
}

TEST(Erasure, WhatIsTakenBackIsNotTakenBackAgain) {
  Erasing e;
  e.talk(true);
  const Reply first = e.recall();
  const size_t entries = e.rig_.log("d").size();

  for (const bool restarted : {false, true}) {
    if (restarted) e.rig_.host().restart(kEverything);
    const Reply again = e.about(e.ann_, "message.recall", 6, "");
    EXPECT_EQ(again.error_code, chat::code::kRecalled) << again.message;
    EXPECT_EQ(e.rig_.ask(peer("ann", "phone"), "message.recall", "{\"id\":" + e.id_ + "}").error_code,
              chat::code::kRecalled);
    EXPECT_EQ(e.recall().data, first.data);  // the retry
    e.rig_.settle();
  }
  EXPECT_EQ(e.rig_.log("d").size(), entries);
  EXPECT_SOUND(e.rig_);
}

// Several devices take the same message back, and the store fails once, or not: one does it, the others are told.
TEST(Erasure, OfRecallsAtTheSameTimeOneIsKept) {
  const std::vector<Peer> devices = {peer("ann", "phone"), peer("ann", "pad"), peer("ann", "watch")};
  for (uint64_t nth = 0; nth <= 20; ++nth) {
    SCOPED_TRACE(nth);
    lcg::testing::Options options;
    options.seed = nth + 1;
    options.reply_jitter_ms = 20;
    Erasing e(options);
    e.id_ = field(e.rig_.send(e.ann_, "d", 1, said()), "id");
    const std::string ask = "{\"id\":" + e.id_ + ",\"cseq\":1}";
    Fault fault;
    fault.status = LCG_E_TIMEOUT;
    fault.nth = nth;
    fault.when = nth % 2 == 0 ? When::kBefore : When::kAfter;
    fault.service = "storage";
    fault.method = "commit";
    if (nth != 0) e.rig_.host().inject(fault);

    std::vector<Pending> all;
    for (const Peer& device : devices) all.push_back(e.rig_.start(device, "message.recall", ask));
    e.rig_.host().run_until([&] { return all[0]->done && all[1]->done && all[2]->done; });
    e.rig_.host().clear_faults();
    size_t kept = 0, refused = 0;
    for (size_t i = 0; i < devices.size(); ++i) {
      Reply reply = all[i]->reply;
      for (int tries = 0; reply.status == LCG_E_BUSY && tries < 30; ++tries) {
        e.rig_.host().advance(1000);
        reply = e.rig_.ask(devices[i], "message.recall", ask);
      }
      kept += reply.ok() ? 1u : 0u;
      refused += reply.error_code == chat::code::kRecalled ? 1u : 0u;
    }

    EXPECT_EQ(kept, 1u);
    EXPECT_EQ(refused, devices.size() - 1);
    e.rig_.host().advance(700'000);
    size_t recalls = 0;
    for (const Entry& entry : e.rig_.log("d")) recalls += entry.kind == chat::Kind::kRecall ? 1u : 0u;
    EXPECT_EQ(recalls, 1u);
    EXPECT_THAT(e.left_in_store(), IsEmpty());
    EXPECT_SOUND(e.rig_);
  }
}

// An edit and a reaction on their way when the recall comes: before or after it, they leave nothing.
TEST(Erasure, WhatComesAtTheSameTimeLeavesNothing) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    lcg::testing::Options options;
    options.seed = seed;
    options.reply_jitter_ms = 20;
    Erasing e(options);
    e.id_ = field(e.rig_.send(e.ann_, "d", 1, said()), "id");
    const auto start = [&](const Peer& who, const char* method, std::string rest) {
      return e.rig_.start(who, method, "{\"id\":" + e.id_ + rest + "}");
    };
    const Peer phone = peer("ann", "phone");
    const std::vector<Pending> all = {start(e.ann_, "message.edit", ",\"cseq\":2,\"body\":" + said(4500)),
                                      start(phone, "message.recall", ",\"cseq\":1"),
                                      start(e.bob_, "message.react", ",\"cseq\":1,\"body\":" + said())};
    e.rig_.host().run_until([&] { return all[0]->done && all[1]->done && all[2]->done; });
    ASSERT_TRUE(all[1]->reply.ok()) << all[1]->reply.message;
    e.rig_.settle();

    EXPECT_THAT(e.left_in_store(), IsEmpty());
    EXPECT_THAT(e.left_in_answers(), IsEmpty());
    EXPECT_SOUND(e.rig_);
  }
}

// Killed at every step of a recall: the next owner ends what was begun.
TEST(Erasure, ACrashDelaysIt) {
  for (const size_t keep : {size_t{0}, kEverything}) {
    for (uint64_t n = 1;; n += keep == 0 ? 1 : 3) {
      SCOPED_TRACE(std::to_string(n) + " keep " + std::to_string(keep));
      Erasing e;
      e.talk(n % 2 == 0);
      e.rig_.host().crash_at(n);
      e.recall();
      if (!e.rig_.host().crashed()) break;
      e.rig_.host().restart(keep);
      ASSERT_TRUE(e.insist_on_recall().ok());
      ASSERT_THAT(e.left_in_store(), IsEmpty());
      ASSERT_THAT(e.left_in_answers(), IsEmpty());
      e.rig_.settle();
      ASSERT_SOUND(e.rig_);
    }
  }
}

// A store that fails once, anywhere: the recall is not answered before nothing is left.
TEST(Erasure, AFailureDelaysIt) {
  for (const When when : {When::kBefore, When::kAfter}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(n);
      Erasing e;
      e.talk(true);
      const uint64_t before = e.rig_.host().calls().size();
      Fault fault;
      fault.status = LCG_E_TIMEOUT;
      fault.nth = n;
      fault.when = when;
      fault.service = "storage";
      e.rig_.host().inject(fault);
      e.recall();
      uint64_t calls = 0;
      for (size_t i = before; i < e.rig_.host().calls().size(); ++i)
        calls += e.rig_.host().calls()[i].service == "storage" ? 1u : 0u;
      e.rig_.host().clear_faults();
      if (calls < n) break;
      ASSERT_TRUE(e.insist_on_recall().ok());
      ASSERT_THAT(e.left_in_store(), IsEmpty());
      ASSERT_THAT(e.left_in_answers(), IsEmpty());
    }
  }
}

// Nobody asks for it again: it goes on by itself.
TEST(Erasure, ARecallThatWasNotAnsweredGoesOn) {
  Erasing e;
  e.talk(true);
  Fault fault;
  fault.service = "dialog";
  fault.method = "erase";
  fault.times = 3;
  e.rig_.host().inject(fault);

  EXPECT_EQ(e.recall().status, LCG_E_BUSY);
  EXPECT_THAT(e.left_in_store(), ::testing::Contains(kLogDocs));
  e.rig_.settle();

  EXPECT_THAT(e.left_in_store(), IsEmpty());
  EXPECT_TRUE(e.recall().ok());
}

// Whatever had the text is named to the store, which takes it out of its files; then nothing is left to do.
TEST(Erasure, TheFilesFollow) {
  Erasing e;
  Fault fault;  // the first attempt of the message is cancelled: it is an earlier copy
  fault.service = "dialog";
  fault.method = "confirm";
  fault.times = 100;
  e.rig_.host().inject(fault);
  e.rig_.send(e.ann_, "d", 1, said(5000));
  e.rig_.settle();
  e.rig_.host().clear_faults();
  e.talk(true);
  e.recall();
  const auto named = [&] {
    std::map<std::string, size_t> out;
    for (const lcg::testing::CallRecord& call : e.rig_.host().calls()) {
      std::vector<storage::DocumentName> names;
      if (call.service != "storage" || call.method != "scrub" || !storage::decode(call.data, names)) continue;
      for (const storage::DocumentName& name : names) ++out[name.collection];
    }
    return out;
  };
  EXPECT_THAT(named(), IsEmpty());  // not at once

  e.rig_.host().advance(700'000);

  const std::map<std::string, size_t> wanted{
      {message::kRecords, 6}, {message::kBodies, 6}, {message::kKeys, 6}, {kLogDocs, 5}};
  EXPECT_EQ(named(), wanted);
  for (const std::string& partition : e.rig_.host().storage().partitions(message::kErasing))
    EXPECT_THAT(e.rig_.host().storage().rows(partition, message::kErasing), IsEmpty());
  e.rig_.host().advance(700'000);
  EXPECT_EQ(named(), wanted);
}

TEST(Erasure, ADamagedRecordHoldsBackNoOther) {
  Erasing e;
  std::vector<std::string> recalls;
  for (uint64_t n = 1; n <= 3; ++n) {
    e.id_ = field(e.rig_.send(e.ann_, "d", 2 * n - 1, said()), "id");
    recalls.push_back(field(e.about(e.ann_, "message.recall", 2 * n, ""), "id"));
  }
  e.rig_.settle();
  const std::string partition = e.rig_.host().storage().partitions(message::kErasing).at(0);
  const std::string damaged = storage::key_u64(std::stoull(recalls[1].substr(1)));
  storage::Batch batch;
  batch.put(message::kRecords, damaged, "no record");
  storage::Client store(e.rig_.host().host());
  ASSERT_TRUE(e.rig_.host().await(store.commit(partition, std::move(batch))).ok());

  e.rig_.host().advance(700'000);

  const std::vector<storage::Row> left = e.rig_.host().storage().rows(partition, message::kErasing);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].key, damaged);
}

// Who asks after the answer does not share a page that is being read for somebody who asked before.
TEST(Erasure, AReaderWhoComesLaterReadsAnew) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    lcg::testing::Options options;
    options.seed = seed;
    options.reply_jitter_ms = 20;
    Erasing e(options);
    e.id_ = field(e.rig_.send(e.ann_, "d", 1, said()), "id");
    e.rig_.settle();
    for (uint64_t n = 2; n < 135; ++n) e.rig_.send(e.ann_, "d", n);  // out of memory
    const std::string ask = R"({"dialog":"d","from":1,"limit":10})";
    std::vector<Pending> reads;
    const Pending recall =
        e.rig_.start(peer("ann", "phone"), "message.recall", "{\"id\":" + e.id_ + ",\"cseq\":1}");
    while (!recall->done) {
      reads.push_back(e.rig_.start(e.bob_, "dialog.history", ask));
      e.rig_.host().advance(5);
    }
    ASSERT_TRUE(recall->reply.ok());

    EXPECT_EQ(e.rig_.ask(e.bob_, "dialog.history", ask).data.find(kMarker), std::string::npos);
  }
}

TEST(Erasure, AttemptsThatWereNotKeptLeaveNothing) {
  Erasing e;
  e.id_ = "\"1\"";
  Fault fault;  // the dialog confirms nothing: the record stays, trying, until it is cancelled
  fault.service = "dialog";
  fault.method = "confirm";
  fault.times = 100;
  fault.status = LCG_E_UNAVAILABLE;
  e.rig_.host().inject(fault);
  for (const size_t padding : {size_t{0}, size_t{5000}}) e.rig_.send(e.ann_, "d", 1, said(padding));
  e.rig_.settle();

  EXPECT_THAT(e.left_in_store(), IsEmpty());
}

}  // namespace
}  // namespace lcg::dialog::testing
