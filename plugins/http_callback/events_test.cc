// SPDX-License-Identifier: Apache-2.0
// Durable events in a fake broker: what was acknowledged reaches the back end, whatever dies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/http_callback/event_doc.h"
#include "plugins/http_callback/testing/event_sink.h"

namespace lcg::http_callback {
namespace {

using lcg::testing::Config;
using lcg::testing::FakeHost;
using lcg::testing::Fault;
using lcg::testing::Options;
using lcg::testing::peer;
using lcg::testing::Pending;
using lcg::testing::When;
using ::testing::ElementsAre;
using testing::EventSink;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ScriptedPoster;
using testing::SunkEvent;

constexpr const char* kPlugin = "http_callback";

Config config(Config more = {}) {
  Config out{{"backends.#", "1"},
             {"backends.0.name", "main"},
             {"backends.0.endpoint", "http://127.0.0.1:9/events"},
             {"backends.0.static_headers.#", "1"},
             {"backends.0.static_headers.0", "X-Key: k"},
             {"events.backend", "main"}};
  for (auto& [key, value] : more) out.insert_or_assign(key, value);
  return out;
}

ClientEvent event(uint32_t kind, const std::string& user, std::string channel = {}) {
  ClientEvent out;
  out.kind = kind;
  out.time_ms = 1'767'225'700'000;
  if (kind != LCG_EVENT_OCCUPIED && kind != LCG_EVENT_VACATED) {
    out.peer = peer(user, "phone", "session-" + user);
    out.peer.transport = "websocket";
    out.peer.protocol = "json";
  }
  out.channel = std::move(channel);
  return out;
}
ClientEvent disconnect(const std::string& user, uint32_t code = 3012) {
  ClientEvent out = event(LCG_EVENT_DISCONNECT, user);
  out.code = code;
  out.reason = "no pong";
  return out;
}

class EventsTest : public ::testing::Test {
 protected:
  void load(Config more = {}) { host_.load(testing::test_descriptor(), config(std::move(more)), 2); }
  Reply tell(ClientEvent what) { return host_.tell(kPlugin, std::move(what)); }

  EventSink sink_;
  FakeHost host_;
};

HttpResult unreachable(const HttpRequest&) { return ScriptedPoster::failed(HttpResult::Error::kConnect); }

TEST_F(EventsTest, AConnectIsDurableBeforeItIsAnsweredAndThenDelivered) {
  sink_.instead = &unreachable;
  load();
  ClientEvent connect = event(LCG_EVENT_CONNECT, "ann");
  connect.peer.client_name = "js";
  EXPECT_TRUE(tell(connect).ok());
  EXPECT_EQ(host_.storage().unsynced(), 0u);
  sink_.instead = nullptr;
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() == 1; }));
  const std::string slot = std::to_string(host_.slot_of("ann"));
  EXPECT_EQ(
      sink_.events()[0].json,
      R"({"id":")" + slot +
          R"(-1","type":"connect","time":1767225700000,"key":"ann","user":"ann","client":"session-ann",)"
          R"("device":"phone","transport":"websocket","protocol":"json","name":"js"})");
}

TEST_F(EventsTest, EachKindIsToldWithWhatBelongsToIt) {
  load();
  tell(event(LCG_EVENT_OCCUPIED, "", "news"));
  tell(event(LCG_EVENT_SUBSCRIBE, "ann", "news"));
  ClientEvent gone = event(LCG_EVENT_UNSUBSCRIBE, "ann", "news");
  gone.code = 2000;
  gone.reason = "server unsubscribe";
  tell(gone);
  tell(event(LCG_EVENT_VACATED, "", "news"));
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() == 4; }));
  EXPECT_THAT(sink_.types(), ElementsAre("occupied", "subscribe", "unsubscribe", "vacated"));
  EXPECT_THAT(sink_.events()[0].json, HasSubstr(R"("key":"news","channel":"news"})"));
  EXPECT_THAT(
      sink_.events()[2].json,
      HasSubstr(R"("user":"ann","client":"session-ann","device":"phone","channel":"news","code":2000,)"));
}

TEST_F(EventsTest, TheBackEndsHeadersGoAlong) {
  load();
  tell(event(LCG_EVENT_CONNECT, "ann"));
  ASSERT_TRUE(host_.run_until([this] { return !testing::current_poster()->requests.empty(); }));
  EXPECT_THAT(testing::current_poster()->requests[0].headers,
              ElementsAre("Content-Type: application/json", "x-key: k", "x-lcg-callback: events"));
}

TEST_F(EventsTest, EventsOfOneTurnAreOneWrite) {
  load();
  host_.run();
  const uint64_t before = host_.storage().durable_commits();
  std::vector<Pending> pending;
  for (int i = 0; i < 50; ++i)
    pending.push_back(host_.send(kPlugin, event(LCG_EVENT_SUBSCRIBE, std::to_string(i), "news")));
  ASSERT_TRUE(host_.run_until([&] { return pending.back()->done; }));
  EXPECT_EQ(host_.storage().durable_commits() - before, 1u);
}

TEST_F(EventsTest, WithoutABackEndNothingIsToldAndNothingIsStored) {
  load({{"events.backend", ""}});
  EXPECT_TRUE(tell(event(LCG_EVENT_CONNECT, "ann")).ok());
  EXPECT_THAT(host_.storage().partitions(kEventDocs), IsEmpty());
}

TEST_F(EventsTest, AnAbsentBackEndGetsEverythingInOrderWhenItIsBack) {
  sink_.instead = &unreachable;
  load();
  for (int i = 0; i < 20; ++i) {
    tell(event(LCG_EVENT_CONNECT, "ann"));
    tell(disconnect("ann"));
  }
  host_.advance(3 * 3'600'000);
  EXPECT_THAT(sink_.events(), IsEmpty());
  EXPECT_LT(sink_.posts(), 2000u);  // backoff
  sink_.instead = nullptr;
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() == 40; }, 120'000));
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(sink_.events()[i].type, i % 2 == 0 ? "connect" : "disconnect");
  EXPECT_EQ(sink_.contradiction(), "");
}

TEST_F(EventsTest, WhatWasDeliveredIsForgotten) {
  load();
  tell(event(LCG_EVENT_CONNECT, "ann"));
  tell(disconnect("ann"));
  const std::string partition = "@" + std::to_string(host_.slot_of("ann"));
  ASSERT_TRUE(host_.run_until(
      [&] { return host_.storage().rows(partition, kEventDocs).empty() && sink_.posts() > 0; }));
  EXPECT_THAT(host_.storage().rows(partition, kLiveDocs), IsEmpty());
  const size_t posts = sink_.posts();
  host_.restart(host_.storage().unsynced());  // a kill, not a loss of power
  host_.advance(10'000);
  EXPECT_EQ(sink_.posts(), posts);
}

TEST_F(EventsTest, AnAnswerThatIsNot200IsNotTaken) {
  sink_.instead = [](const HttpRequest&) { return ScriptedPoster::status(204); };
  load();
  tell(event(LCG_EVENT_CONNECT, "ann"));
  host_.advance(10'000);
  EXPECT_GT(sink_.posts(), 1u);
  sink_.instead = nullptr;
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() == 1; }));
}

TEST_F(EventsTest, AfterACrashWhatWasLeftOverEnds) {
  load();
  tell(event(LCG_EVENT_CONNECT, "ann"));
  tell(event(LCG_EVENT_OCCUPIED, "", "news"));
  tell(event(LCG_EVENT_SUBSCRIBE, "ann", "news"));
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() == 3; }));
  host_.restart();
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() == 6; }));
  std::vector<std::string> of_channel;
  for (size_t i = 3; i < 6; ++i) {
    const SunkEvent& end = sink_.events()[i];
    if (end.key == "news") of_channel.push_back(end.type);
    if (end.type == "disconnect") {
      EXPECT_THAT(end.json, HasSubstr(R"("code":3000,"reason":"server restarted")"));
      EXPECT_EQ(end.key, "ann");
    }
  }
  EXPECT_THAT(of_channel, ElementsAre("unsubscribe", "vacated"));
  host_.restart();
  host_.advance(10'000);
  EXPECT_EQ(sink_.events().size(), 6u);  // once
}

struct CrashCase {
  When when;
  bool reachable;  // the back end, before the crash
};

class EventCrash : public ::testing::TestWithParam<CrashCase> {};

// A visit with a crash at every step, before and after it, with and without what the store had not synced: whoever was
// told to be in is told to be out, in that order, and no id stands for two events.
TEST_P(EventCrash, LosesNothing) {
  for (uint64_t step = 1; step < 80; ++step) {
    EventSink sink;
    FakeHost host;
    host.load(testing::test_descriptor(), config(), 2);
    host.run();
    if (!GetParam().reachable) sink.instead = &unreachable;
    host.crash_at(step, GetParam().when);
    const bool connected = host.tell(kPlugin, event(LCG_EVENT_CONNECT, "ann")).ok();
    const bool occupied = host.tell(kPlugin, event(LCG_EVENT_OCCUPIED, "", "news")).ok();
    const bool subscribed = host.tell(kPlugin, event(LCG_EVENT_SUBSCRIBE, "ann", "news")).ok();
    if (!host.crashed()) host.tell(kPlugin, disconnect("ann"));
    host.run_until([&] { return host.crashed(); }, 2'000);
    if (!host.crashed()) break;
    sink.instead = nullptr;
    host.restart(step % 2);
    host.advance(60'000);
    std::map<std::string, std::vector<std::string>> by_key;
    for (const SunkEvent& e : sink.events()) by_key[e.key].push_back(e.type);
    const auto visited = [&](const std::string& key, const std::string& first, const std::string& last) {
      return !by_key[key].empty() && by_key[key].front() == first && by_key[key].back() == last;
    };
    EXPECT_TRUE(!connected || visited("ann", "connect", "disconnect")) << step;
    EXPECT_TRUE(!occupied || visited("news", "occupied", "vacated")) << step;
    EXPECT_TRUE(!subscribed || by_key["news"].size() == 4) << step;
    EXPECT_EQ(sink.contradiction(), "") << step;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EventCrash,
                         ::testing::Values(CrashCase{When::kBefore, true}, CrashCase{When::kBefore, false},
                                           CrashCase{When::kAfter, true}, CrashCase{When::kAfter, false}));

TEST_F(EventsTest, AStoreThatRefusesRefusesTheBeginningAndKeepsTheEnd) {
  load();
  tell(event(LCG_EVENT_CONNECT, "ann"));
  host_.storage().refuse_writes(true);
  host_.tell(kPlugin, disconnect("ann"));
  EXPECT_FALSE(tell(event(LCG_EVENT_CONNECT, "bob")).ok());
  host_.advance(5'000);
  host_.storage().refuse_writes(false);
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() == 2; }));
  EXPECT_THAT(sink_.types(), ElementsAre("connect", "disconnect"));
}

TEST_F(EventsTest, AnUnknownWriteIsWrittenAgainUnderTheSameNumber) {
  load();
  host_.run();
  Fault fault;
  fault.status = LCG_E_TIMEOUT;
  fault.when = When::kAfter;
  fault.service = "storage";
  fault.method = "commit";
  host_.inject(fault);
  EXPECT_TRUE(tell(event(LCG_EVENT_CONNECT, "ann")).ok());
  tell(disconnect("ann"));
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() == 2; }));
  EXPECT_EQ(sink_.events()[1].id, std::to_string(host_.slot_of("ann")) + "-2");
}

// Refuses every batch with an event of mallory in it.
HttpResult dislikes_mallory(const HttpRequest& request) {
  return request.body.find("mallory") != std::string::npos ? ScriptedPoster::status(400)
                                                           : ScriptedPoster::ok("{}");
}

TEST_F(EventsTest, WhatTheBackEndRefusesHoldsUpItsOwnSlotOnly) {
  sink_.instead = &unreachable;
  load();
  tell(event(LCG_EVENT_CONNECT, "mallory"));
  std::vector<std::string> others;
  for (int i = 0; others.size() < 10; ++i) {
    const std::string user = "user" + std::to_string(i);
    if (host_.slot_of(user) == host_.slot_of("mallory")) continue;
    others.push_back(user);
    tell(event(LCG_EVENT_CONNECT, user));
  }
  sink_.instead = &dislikes_mallory;
  host_.advance(60'000);
  // Taken batches are those without mallory.
  size_t taken = 0;
  for (const std::string& user : others)
    for (const std::string& body : sink_.bodies())
      if (body.find("\"" + user + "\"") != std::string::npos && body.find("mallory") == std::string::npos) {
        ++taken;
        break;
      }
  EXPECT_EQ(taken, others.size());
  sink_.instead = nullptr;
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() == 1; }));
  EXPECT_EQ(sink_.events()[0].key, "mallory");
}

TEST_F(EventsTest, WhatIsTooMuchIsGivenUpLoudly) {
  sink_.instead = &unreachable;
  load({{"events.retain_events", "100"}});
  for (int i = 0; i < 200; ++i) {
    tell(event(LCG_EVENT_CONNECT, "ann"));
    tell(disconnect("ann"));
  }
  bool loud = false;
  for (const auto& log : host_.logs())
    loud = loud || (log.level == 4 && log.text.find("given up") != std::string::npos);
  EXPECT_TRUE(loud);
  EXPECT_LE(host_.storage().rows("@" + std::to_string(host_.slot_of("ann")), kEventDocs).size(), 113u);
  sink_.instead = nullptr;
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() >= 88; }, 120'000));
  host_.advance(1000);
  uint64_t dropped = 0;
  for (const std::string& body : sink_.bodies()) {
    json::Object batch;
    ASSERT_TRUE(json::Object::parse(body, batch));
    dropped = std::max(dropped, batch.u64("dropped").value_or(0));
  }
  EXPECT_EQ(dropped + sink_.events().size(), 400u);
  // Told once: the next batch says nothing of it.
  tell(event(LCG_EVENT_CONNECT, "ann"));
  host_.advance(1000);
  EXPECT_EQ(sink_.bodies().back().find("dropped"), std::string::npos);
}

TEST_F(EventsTest, WhatIsTooOldIsGivenUp) {
  sink_.instead = &unreachable;
  load({{"events.retain_time", "1m"}});
  ClientEvent old = event(LCG_EVENT_CONNECT, "ann");
  old.time_ms = host_.wall_ms();
  tell(old);
  host_.advance(120'000);
  old.time_ms = host_.wall_ms();
  tell(old);
  sink_.instead = nullptr;
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() == 1; }, 120'000));
  EXPECT_THAT(sink_.bodies().back(), HasSubstr(R"("dropped":1})"));
  EXPECT_THAT(sink_.events()[0].id, HasSubstr("-2"));
}

TEST_F(EventsTest, AMovedSlotGoesOnWhereItWas) {
  sink_.instead = &unreachable;
  load();
  tell(event(LCG_EVENT_CONNECT, "ann"));
  const uint32_t slot = host_.slot_of("ann");
  host_.set_slot(slot, 2, false);
  host_.set_slot(slot, 3, true);
  sink_.instead = nullptr;
  ASSERT_TRUE(host_.run_until([this] { return sink_.events().size() == 2; }, 120'000));
  EXPECT_THAT(sink_.types(), ElementsAre("connect", "disconnect"));
}

TEST_F(EventsTest, StopWaitsForWhatIsBeingWritten) {
  load();
  host_.send(kPlugin, event(LCG_EVENT_CONNECT, "ann"));
  host_.send(kPlugin, disconnect("ann"));
  host_.run_until([this] { return host_.storage().commits() > 0; });
  host_.stop();
  const std::string partition = "@" + std::to_string(host_.slot_of("ann"));
  EXPECT_THAT(host_.storage().rows(partition, kLiveDocs), IsEmpty());
}

}  // namespace
}  // namespace lcg::http_callback
