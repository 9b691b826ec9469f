// From create to destroy: order, deadlines, errors, and what is open at the end.
#include "broker/host/testing_plugins.h"

namespace lcg::host {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Script;
using testing::Scripted;
using testing::SimProcess;

Script noting(std::vector<std::string>& events, const std::string& name) {
  Script script;
  script.create = [&events, name](Scripted& me, std::string&) {
    events.push_back("create " + name + std::to_string(me.host->instance_index) + "/" +
                     std::to_string(me.host->instance_count));
    return LCG_OK;
  };
  script.start = [&events, name](Scripted& me, lcg_token token) {
    events.push_back("start " + name);
    me.reply(token);
  };
  script.stop = [&events, name](Scripted& me, lcg_token token) {
    events.push_back("stop " + name);
    me.reply(token);
  };
  script.destroy = [&events, name](Scripted&) { events.push_back("destroy " + name); };
  return script;
}

TEST(Life, PluginsStartInOrderAndStopBackwards) {
  std::vector<std::string> events;
  {
    SimProcess process;
    process.add("a", noting(events, "a"));
    process.add("b", noting(events, "b"));
    process.boot();
  }
  EXPECT_THAT(events, ElementsAre("create a0/1", "start a", "create b0/1", "start b", "stop b", "destroy b",
                                  "stop a", "destroy a"));
}

TEST(Life, APerLanePluginHasAnInstanceOnEveryLaneAndASingleOneOnOne) {
  std::vector<std::string> events;
  SimProcess process(3);
  process.add("many", noting(events, "many"));
  process.add("one", noting(events, "one"), false);
  process.boot();

  size_t many = 0, one = 0;
  process.set->for_each_instance([&](const Instance& i) { ++(i.name() == "many" ? many : one); });
  EXPECT_EQ(many, 3u);
  EXPECT_EQ(one, 1u);
  EXPECT_THAT(events, ::testing::Contains("create many2/3"));
  EXPECT_THAT(events, ::testing::Contains("create one0/1"));
}

TEST(Life, TheReasonOfAFailedCreateIsReported) {
  SimProcess process;
  Script script;
  script.create = [](Scripted&, std::string& why) {
    why = "pool.size: must be positive, found -3";
    return LCG_E_INVALID;
  };
  process.add("app", script);
  ASSERT_TRUE(process.load().ok());

  const auto started = process.start();

  ASSERT_TRUE(started);
  EXPECT_EQ(started->code(), Code::kInvalid);
  EXPECT_THAT(started->message(),
              AllOf(HasSubstr("app[0]"), HasSubstr("pool.size: must be positive, found -3")));
}

TEST(Life, WhatAFailedCreateStartedNeverRuns) {
  SimProcess process;
  static int ran;
  ran = 0;
  Script script;
  script.create = [](Scripted& me, std::string&) {
    const auto fn = [](void*) noexcept { ++ran; };
    me.host->timer_start(me.host->ctx, 1, fn, nullptr, nullptr);
    me.host->post(me.host->ctx, fn, nullptr);
    return LCG_E_INTERNAL;
  };
  process.add("app", script);
  ASSERT_TRUE(process.load().ok());

  EXPECT_FALSE(process.start()->ok());
  process.world.run_for(Millis(100));

  EXPECT_EQ(ran, 0);
}

TEST(Life, APluginThatIsNeverReadyIsNamedWithWhatItWaitsFor) {
  SimProcess process;
  Script silent;
  silent.provides = "store";
  silent.on_call = [](Scripted&, lcg_token, const lcg_call&) {};
  process.add("store", silent);
  Script waiting;
  waiting.start = [](Scripted& me, lcg_token) {
    me.call(
        "store", "get", "k", [](void*, const lcg_result*) noexcept {}, nullptr, 60'000);
  };
  process.add("app", waiting);
  ASSERT_TRUE(process.load().ok());
  const MonoTime before = process.world.clock().mono();

  const auto started = process.start();

  ASSERT_TRUE(started);
  EXPECT_EQ(started->code(), Code::kTimeout);
  EXPECT_THAT(started->message(),
              AllOf(HasSubstr("app[0]"), HasSubstr("30 s"), HasSubstr("waits for: store.get (30.0 s)")));
  EXPECT_GE(process.world.clock().mono() - before, Millis(30'000));
}

TEST(Life, TheReasonOfAFailedStartIsReported) {
  SimProcess process;
  Script script;
  script.start = [](Scripted& me, lcg_token token) {
    lcg_result result{};
    result.struct_size = sizeof result;
    result.status = LCG_E_CONFLICT;
    result.message = c_str("another process holds the directory");
    me.host->reply(me.host->ctx, token, &result);
  };
  process.add("app", script);
  ASSERT_TRUE(process.load().ok());

  EXPECT_THAT(process.start()->message(),
              HasSubstr("start failed (conflict): another process holds the directory"));
}

TEST(Life, ServicesProvidedTwiceAreRefusedNamingBoth) {
  SimProcess process;
  Script script;
  script.provides = "user store";
  script.on_call = [](Scripted&, lcg_token, const lcg_call&) {};
  process.add("rocks", script);
  script.provides = "store";
  process.add("postgres", script);

  const Status loaded = process.load();

  EXPECT_EQ(loaded.code(), Code::kConflict);
  EXPECT_THAT(loaded.message(), AllOf(HasSubstr("'store'"), HasSubstr("'rocks'"), HasSubstr("'postgres'")));
}

TEST(Life, SettingsAreReadByPathAndTheUnreadAreKnown) {
  SimProcess process;
  std::string size, absent;
  Script script;
  script.create = [&](Scripted& me, std::string&) {
    size = me.text("pool.size");
    absent = me.text("pool.depth");
    return LCG_OK;
  };
  process.add("app", script, true, {{"pool.size", "8"}, {"pool.sizze", "9"}});
  process.boot();

  EXPECT_EQ(size, "8");
  EXPECT_EQ(absent, "(none)");
  EXPECT_THAT(process.set->unread_settings(0), ElementsAre("test.yaml: pool.sizze"));
}

TEST(Life, SlotsAreToldAsTheyComeAndAllThatAreHeldWhenReady) {
  SimProcess process;
  std::vector<std::string> told;
  process.add("first", Script());
  Script script;
  script.on_slot = [&](Scripted&, uint32_t slot, uint64_t term, bool owned) {
    told.push_back(std::to_string(slot) + "/" + std::to_string(term) + (owned ? "+" : "-"));
  };
  process.add("app", script);
  ASSERT_TRUE(process.load().ok());
  process.world.on(process.world.lane(0), [&] { process.set->host(0).slot_changed(3, 11, true); });
  ASSERT_TRUE(process.start()->ok());

  EXPECT_THAT(told, ElementsAre("3/11+"));
  process.world.on(process.world.lane(0), [&] { process.set->host(0).slot_changed(3, 11, false); });
  EXPECT_THAT(told, ElementsAre("3/11+", "3/11-"));
}

TEST(Life, DisconnectsReachASingleInstanceFromEveryLane) {
  SimProcess process(4);
  std::vector<std::string> gone;
  Script script;
  script.on_disconnect = [&](Scripted&, const lcg_peer& peer, uint32_t code) {
    gone.push_back(std::string(view(peer.user_id)) + std::to_string(code));
  };
  process.add("app", script, false);
  process.boot();

  for (unsigned lane = 0; lane < 4; ++lane) {
    process.world.on(process.world.lane(lane),
                     [&] { process.set->host(lane).disconnected(process.peer, 3000 + lane); });
  }
  process.world.run_until_idle();

  EXPECT_THAT(gone, ::testing::UnorderedElementsAre("alice3000", "alice3001", "alice3002", "alice3003"));
}

TEST(Life, OpenRequestsAndCallsAreCancelledExactlyOnceAtStop) {
  SimProcess process;
  static std::vector<lcg_status> told;
  told.clear();
  Script silent;
  silent.provides = "store";
  silent.on_call = [](Scripted&, lcg_token, const lcg_call&) {};
  process.add("store", silent);
  Script app;
  app.on_request = [](Scripted& me, const lcg_request&) {
    me.call(
        "store", "get", "k", [](void*, const lcg_result* r) noexcept { told.push_back(r->status); }, nullptr,
        60'000);
  };
  process.add("app", app);
  process.boot();
  std::vector<lcg_status> answers;
  process.world.on(process.world.lane(0), [&] {
    ChainRequest request;
    request.kind = LCG_REQ_RPC;
    process.set->host(0).run_chain(std::move(request), Millis(60'000),
                                   [&](ChainResult r) { answers.push_back(r.status); });
  });
  process.world.run_until_idle();

  ASSERT_TRUE(process.stop()->ok());
  process.world.run_for(Millis(120'000));

  EXPECT_THAT(answers, ElementsAre(LCG_E_CANCELLED));
  EXPECT_THAT(told, ElementsAre(LCG_E_CANCELLED));
  EXPECT_EQ(process.world.lane(0).timers(), 0u);
}

TEST(Life, DestroyWaitsForWhatIsOffloaded) {
  SimProcess process;
  static std::vector<std::string> events;
  events.clear();
  Script script;
  script.start = [](Scripted& me, lcg_token token) { me.reply(token); };
  script.stop = [](Scripted& me, lcg_token token) {
    const auto work = [](void*) noexcept { events.push_back("work"); };
    const auto done = [](void*) noexcept { events.push_back("done"); };
    EXPECT_EQ(me.host->offload(me.host->ctx, work, done, nullptr), LCG_OK);
    me.reply(token);
  };
  script.destroy = [](Scripted&) { events.push_back("destroy"); };
  process.add("app", script);
  process.boot();

  ASSERT_TRUE(process.stop()->ok());

  EXPECT_THAT(events, ElementsAre("work", "done", "destroy"));
}

TEST(Life, APluginThatDoesNotStopIsNamedAndTheOthersStop) {
  std::vector<std::string> events;
  static Scripted* hung;
  SimProcess process;
  process.add("storage", noting(events, "storage"));
  Script script = noting(events, "app");
  script.on_request = [](Scripted& me, const lcg_request&) {
    me.host->timer_start(
        me.host->ctx, 60'000, [](void*) noexcept {}, nullptr, nullptr);
  };
  script.stop = [](Scripted& me, lcg_token) { hung = &me; };
  process.add("app", script);
  process.boot();
  process.world.on(process.world.lane(0), [&] {
    ChainRequest request;
    request.kind = LCG_REQ_RPC;
    request.name = "chat.send";
    process.set->host(0).run_chain(std::move(request), Millis(60'000), [](ChainResult) {});
  });

  const auto stopped = process.stop();

  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->code(), Code::kTimeout);
  EXPECT_THAT(stopped->message(), AllOf(HasSubstr("app[0]"), HasSubstr("10 s"),
                                        HasSubstr("unanswered: rpc chat.send"), HasSubstr("1 timers")));
  EXPECT_THAT(events, ::testing::Contains("destroy storage"));
  EXPECT_THAT(events, ::testing::Not(::testing::Contains("destroy app")));
  // What it does from now on has no effect.
  EXPECT_EQ(hung->reply(1), LCG_E_STALE);
  EXPECT_EQ(hung->host->post(
                hung->host->ctx, [](void*) noexcept {}, nullptr),
            LCG_E_CANCELLED);
  process.world.on(process.world.lane(0),
                   [] { EXPECT_EQ(hung->call("storage", "m", "", nullptr, nullptr), LCG_E_CANCELLED); });
  ::operator delete(hung);
}

TEST(Life, ADownPluginIsADenial) {
  SimProcess process;
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) { me.reply(r.token); };
  process.add("app", script);
  ASSERT_TRUE(process.load().ok());

  EXPECT_EQ(process.chain(LCG_REQ_CONNECT)->status, LCG_E_DENIED);
  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_E_UNAVAILABLE);
}

TEST(Life, TimersRunOnceAndCancelledOnesNever) {
  SimProcess process;
  static int ran;
  ran = 0;
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) {
    const auto fn = [](void*) noexcept { ++ran; };
    lcg_timer keep = 0, drop = 0;
    EXPECT_EQ(me.host->timer_start(me.host->ctx, 10, fn, nullptr, &keep), LCG_OK);
    EXPECT_EQ(me.host->timer_start(me.host->ctx, 10, fn, nullptr, &drop), LCG_OK);
    EXPECT_EQ(me.host->timer_cancel(me.host->ctx, drop), LCG_OK);
    EXPECT_EQ(me.host->timer_cancel(me.host->ctx, drop), LCG_E_STALE);
    me.reply(r.token);
  };
  process.add("app", script);
  process.boot();

  process.chain(LCG_REQ_RPC);
  process.world.run_for(Millis(100));

  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace lcg::host
