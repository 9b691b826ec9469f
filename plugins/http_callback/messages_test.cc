// SPDX-License-Identifier: Apache-2.0
// Committed messages reach the back end from the dialog's own log: with the real message and dialog plugins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "plugins/dialog/testing/chat_rig.h"
#include "plugins/http_callback/event_doc.h"
#include "plugins/http_callback/testing/event_sink.h"

namespace lcg::http_callback {
namespace {

using dialog::testing::ChatRig;
using lcg::testing::Config;
using lcg::testing::FakeHost;
using lcg::testing::Options;
using lcg::testing::peer;
using lcg::testing::When;
using ::testing::ElementsAre;
using testing::EventSink;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ScriptedPoster;
using testing::SunkEvent;

constexpr size_t kEverything = 1'000'000;  // a crash of the process only: nothing written is lost

constexpr uint64_t kMaxSteps = 80;  // a dialog whose back end is away asks for ever

HttpResult unreachable(const HttpRequest&) { return ScriptedPoster::failed(HttpResult::Error::kConnect); }

// A chat whose commits are delivered to `sink`.
struct Chat {
  explicit Chat(Options options = {}) : rig(options, {{"events", "true"}, {"idle_time", "2s"}}) {
    rig.host().load(testing::test_descriptor(),
                    {{"backends.#", "1"},
                     {"backends.0.name", "main"},
                     {"backends.0.endpoint", "http://127.0.0.1:9/events"},
                     {"events.backend", "main"},
                     {"events.rest", "1s"},
                     {"events.retry_max", "1s"}},
                    2);
  }
  FakeHost& host() { return rig.host(); }
  // Of the dialog "d", in order of arrival.
  std::vector<SunkEvent> events() const {
    std::vector<SunkEvent> out;
    for (const SunkEvent& event : sink.events())
      if (event.key == "dialog:d") out.push_back(event);
    return out;
  }
  bool arrived(size_t count) {
    return host().run_until([&] { return sink.events().size() >= count && events().size() >= count; },
                            60'000);
  }
  size_t marks() {
    return host().storage().rows("@" + std::to_string(host().slot_of("d")), kDialogDocs).size();
  }
  // Every position once and in order, and every acknowledged message among them.
  void expect_complete(uint64_t head) {
    uint64_t expected = 1;
    for (const SunkEvent& event : events()) EXPECT_EQ(event.id, "m-d-" + std::to_string(expected++));
    EXPECT_GE(expected, head + 1);
    EXPECT_EQ(sink.contradiction(), "");
  }

  EventSink sink;
  ChatRig rig;
};

TEST(Messages, EachCommittedEntryIsDeliveredInOrder) {
  Chat chat;
  chat.rig.group("d", {"ann", "bob"});
  chat.rig.send(peer("ann"), "d", 1, R"("hello")");
  chat.rig.send(peer("bob"), "d", 1, R"("there")");
  ASSERT_TRUE(chat.arrived(3));
  const std::vector<SunkEvent> events = chat.events();
  EXPECT_EQ(events[0].type, "membership");
  EXPECT_EQ(events[1].type, "message");
  EXPECT_THAT(events[1].json, HasSubstr(R"("id":"m-d-2")"));
  EXPECT_THAT(events[1].json, HasSubstr(R"("key":"dialog:d","user":"ann")"));
  EXPECT_THAT(events[1].json, HasSubstr(R"("channel":"dialog:d","data":{)"));
  EXPECT_THAT(events[1].json, HasSubstr(R"("hello")"));
  chat.expect_complete(3);
}

TEST(Messages, ALargeBodyIsDeliveredWhole) {
  Chat chat;
  chat.rig.group("d", {"ann", "bob"});
  const std::string body = "\"" + std::string(20'000, 'x') + "\"";
  ASSERT_TRUE(chat.rig.send(peer("ann"), "d", 1, body).ok());
  ASSERT_TRUE(chat.arrived(2));
  EXPECT_THAT(chat.events()[1].json, HasSubstr(body));
}

TEST(Messages, AnAbsentBackEndGetsAllOfThemAfterARestart) {
  Chat chat;
  chat.sink.instead = &unreachable;
  chat.rig.group("d", {"ann", "bob"});
  for (uint64_t i = 1; i <= 250; ++i) ASSERT_TRUE(chat.rig.send(peer("ann"), "d", i).ok());
  chat.host().advance(120'000);
  chat.host().restart();
  chat.host().advance(60'000);
  EXPECT_THAT(chat.events(), IsEmpty());
  chat.sink.instead = nullptr;
  ASSERT_TRUE(chat.arrived(251));
  chat.expect_complete(251);
}

TEST(Messages, AQuietDialogComesToRestAndCostsNothing) {
  Chat chat;
  chat.rig.group("d", {"ann", "bob"});
  chat.rig.send(peer("ann"), "d", 1);
  ASSERT_TRUE(chat.arrived(2));
  chat.host().advance(20'000);
  EXPECT_EQ(chat.marks(), 0u);
  const uint64_t commits = chat.host().storage().commits();
  const size_t calls = chat.host().calls().size();
  chat.host().advance(60'000);
  EXPECT_EQ(chat.host().storage().commits(), commits);
  EXPECT_EQ(chat.host().calls().size(), calls);
}

TEST(Messages, ADialogAwakesFromItsRest) {
  Chat chat;
  chat.rig.group("d", {"ann", "bob"});
  for (uint64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(chat.rig.send(peer("ann"), "d", i).ok());
    ASSERT_TRUE(chat.arrived(1 + i));
    chat.host().advance(20'000);
    ASSERT_EQ(chat.marks(), 0u);
  }
  chat.expect_complete(4);
}

TEST(Messages, ASendToAnAwakeDialogMarksNothing) {
  Chat chat;
  chat.rig.group("d", {"ann", "bob"});
  chat.rig.send(peer("ann"), "d", 1);
  const auto marks = [&chat] {
    const auto& calls = chat.host().calls();
    return std::count_if(calls.begin(), calls.end(),
                         [](const auto& call) { return call.service == "events" && call.method == "mark"; });
  };
  const auto before = marks();
  for (uint64_t i = 2; i <= 10; ++i) chat.rig.send(peer("ann"), "d", i);
  EXPECT_EQ(marks(), before);
}

TEST(Messages, WithoutTheSettingTheServiceIsNotAsked) {
  EventSink sink;
  ChatRig rig;
  rig.group("d", {"ann", "bob"});
  ASSERT_TRUE(rig.send(peer("ann"), "d", 1).ok());
  for (const auto& call : rig.host().calls()) EXPECT_NE(call.service, "events");
}

TEST(Messages, WithTheSettingAndNobodyToDeliverASendIsRefused) {
  ChatRig rig({}, {{"events", "true"}});
  EXPECT_FALSE(rig.ask(peer("ann"), "dialog.create", R"({"id":"d","members":["ann"]})").ok());
}

struct CrashCase {
  size_t keep;     // of what was not synced
  bool reachable;  // the back end, before the crash
};

class MessageCrash : public ::testing::TestWithParam<CrashCase> {};

// The world ends at each step of a send to a dialog at rest.
TEST_P(MessageCrash, LosesNoAcknowledgedMessage) {
  for (uint64_t step = 1;; ++step) {
    Chat chat;
    chat.rig.group("d", {"ann", "bob"});
    chat.host().advance(20'000);
    ASSERT_EQ(chat.marks(), 0u);
    ASSERT_EQ(chat.events().size(), 1u);
    if (!GetParam().reachable) chat.sink.instead = &unreachable;
    chat.host().crash_at(step, When::kAfter);
    const bool acknowledged = chat.rig.send(peer("ann"), "d", 1).ok();
    chat.host().run_until([&] { return chat.host().crashed(); }, 10'000);
    if (!chat.host().crashed() || step > kMaxSteps) break;
    chat.sink.instead = nullptr;
    chat.host().restart(GetParam().keep);
    chat.host().advance(60'000);
    chat.expect_complete(acknowledged ? 2 : 1);
    if (::testing::Test::HasFailure()) FAIL() << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(All, MessageCrash,
                         ::testing::Values(CrashCase{0, true}, CrashCase{0, false},
                                           CrashCase{kEverything, true}, CrashCase{kEverything, false}));

// Sends at random times about the moments at which the dialog comes to rest, answers out of order, a back end that
// comes and goes, and restarts.
TEST(Messages, RandomSchedulesDeliverEverythingInOrder) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Options options;
    options.seed = seed;
    options.reply_jitter_ms = 20;
    Chat chat(options);
    std::mt19937_64 random(seed);
    chat.rig.group("d", {"ann", "bob"});
    uint64_t acknowledged = 1, cseq = 0;
    for (int i = 0; i < 30; ++i) {
      chat.host().advance(static_cast<int64_t>(random() % 3000));
      const uint64_t what = random() % 10;
      if (what == 0) chat.sink.instead = chat.sink.instead == nullptr ? &unreachable : nullptr;
      if (what == 1) chat.host().restart(random() % 2 == 0 ? 0 : kEverything);
      const Reply sent = chat.rig.send(peer("ann"), "d", cseq + 1);
      if (!sent.ok()) continue;
      ++cseq;
      acknowledged = std::max(acknowledged, dialog::testing::number(sent, "seq"));
    }
    chat.sink.instead = nullptr;
    chat.host().advance(60'000);
    chat.expect_complete(acknowledged);
    EXPECT_EQ(chat.marks(), 0u);
    if (::testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace lcg::http_callback
