// Events: who is told, on which lane, in which order, and what failing to take one means.
#include "broker/host/testing_plugins.h"

namespace lcg::host {
namespace {

using ::testing::ElementsAre;
using testing::Script;
using testing::Scripted;
using testing::SimProcess;

Script listener(std::vector<std::string>& heard, lcg_status answer = LCG_OK) {
  Script script;
  script.on_event = [&heard, answer](Scripted& me, lcg_token token, const lcg_event& e) {
    heard.push_back(std::to_string(e.kind) + (e.channel.size != 0 ? " " + std::string(view(e.channel)) : ""));
    if (token != 0) me.reply(token, answer);
  };
  return script;
}
EventRequest of(uint32_t kind, const PeerPtr& peer, std::string channel = "") {
  EventRequest out;
  out.kind = kind;
  out.peer = peer;
  out.channel = std::move(channel);
  return out;
}

TEST(Events, NobodyWantsAny) {
  SimProcess process;
  process.add("one", Script{});
  process.boot();

  EXPECT_FALSE(process.set->host(0).wants_event(LCG_EVENT_CONNECT));
  EXPECT_EQ(process.event(of(LCG_EVENT_CONNECT, process.peer)), true);
}

TEST(Events, EveryPluginThatWantsTheKindIsTold) {
  std::vector<std::string> one, two;
  Script only_disconnects = listener(two);
  only_disconnects.event_mask = 1u << LCG_EVENT_DISCONNECT;
  SimProcess process;
  process.add("one", listener(one));
  process.add("two", only_disconnects);
  process.boot();

  EXPECT_EQ(process.event(of(LCG_EVENT_SUBSCRIBE, process.peer, "chat")), true);
  EXPECT_EQ(process.event(of(LCG_EVENT_DISCONNECT, process.peer)), true);

  EXPECT_THAT(one, ElementsAre("3 chat", "2"));
  EXPECT_THAT(two, ElementsAre("2"));
}

TEST(Events, AllTheContextIsTold) {
  lcg_event seen{};
  std::string name, meta, transport, reason;
  Script script;
  script.on_event = [&](Scripted& me, lcg_token token, const lcg_event& e) {
    seen = e;
    name = view(e.peer->client_name);
    meta = view(e.peer->meta);
    transport = view(e.peer->transport);
    reason = view(e.reason);
    if (token != 0) me.reply(token);
  };
  SimProcess process;
  process.add("one", script);
  process.boot();
  auto peer = std::make_shared<Peer>(*process.peer);
  peer->meta = SharedBytes("{\"m\":1}");
  peer->transport = TransportKind::kSse;
  EventRequest what = of(LCG_EVENT_CONNECT, peer);
  what.slot = 5;
  what.client_name = "js";
  process.event(what);

  EXPECT_EQ(seen.slot, 5u);
  EXPECT_EQ(seen.term, testing::BareBroker::kTerm);
  EXPECT_EQ(seen.time_ms, process.world.lane(0).clock().wall_ms());
  EXPECT_EQ(name, "js");
  EXPECT_EQ(meta, "{\"m\":1}");
  EXPECT_EQ(transport, "sse");

  what = of(LCG_EVENT_DISCONNECT, peer);
  what.code = 3001;
  what.reason = "shutdown";
  process.event(what);

  EXPECT_EQ(seen.code, 3001u);
  EXPECT_EQ(reason, "shutdown");
}

TEST(Events, OccupiedAndVacatedHaveNoPeer) {
  std::vector<bool> has_peer;
  Script script;
  script.on_event = [&](Scripted& me, lcg_token token, const lcg_event& e) {
    has_peer.push_back(e.peer != nullptr);
    if (token != 0) me.reply(token);
  };
  SimProcess process;
  process.add("one", script);
  process.boot();

  process.event(of(LCG_EVENT_OCCUPIED, nullptr, "c"));
  process.event(of(LCG_EVENT_VACATED, nullptr, "c"));

  EXPECT_THAT(has_peer, ElementsAre(false, false));
}

TEST(Events, AnErrorIsNotTaken) {
  std::vector<std::string> heard;
  SimProcess process;
  process.add("one", listener(heard));
  process.add("two", listener(heard, LCG_E_UNAVAILABLE));
  process.boot();

  EXPECT_EQ(process.event(of(LCG_EVENT_CONNECT, process.peer)), false);
  EXPECT_EQ(process.answers, 1);
}

TEST(Events, SilenceEndsAtTheDeadline) {
  Script silent;
  silent.on_event = [](Scripted&, lcg_token, const lcg_event&) {};
  SimProcess process;
  process.add("one", silent);
  process.boot();
  const MonoTime before = process.world.lane(0).now();

  EXPECT_EQ(process.event(of(LCG_EVENT_CONNECT, process.peer)), false);
  EXPECT_EQ(process.world.lane(0).now() - before, Nanos(kEventTimeout));
  EXPECT_EQ(process.instance("one").counters.timeouts, 1u);
  EXPECT_EQ(process.instance("one").outstanding, 0u);
}

TEST(Events, NobodyWaitsForAnEnd) {
  std::vector<lcg_token> tokens;
  Script script;
  script.on_event = [&](Scripted&, lcg_token token, const lcg_event&) { tokens.push_back(token); };
  SimProcess process;
  process.add("one", script);
  process.boot();
  bool at_once = false;

  process.world.on(process.world.lane(0), [&] {
    process.set->host(0).event(of(LCG_EVENT_UNSUBSCRIBE, process.peer, "c"), [&](bool ok) { at_once = ok; });
    EXPECT_TRUE(at_once);
  });

  EXPECT_THAT(tokens, ElementsAre(0u));
}

TEST(Events, TheOnlyInstanceHearsOfEveryLaneInItsOrder) {
  std::vector<std::string> heard;
  SimProcess process(3);
  process.add("one", listener(heard), false);
  process.boot();
  for (unsigned lane = 0; lane < 3; ++lane) {
    heard.clear();
    EXPECT_EQ(process.event(of(LCG_EVENT_CONNECT, process.peer), lane), true) << lane;
    process.event(of(LCG_EVENT_UNSUBSCRIBE, process.peer, "c"), lane);
    process.event(of(LCG_EVENT_DISCONNECT, process.peer), lane);
    process.world.run_until_idle();
    EXPECT_THAT(heard, ElementsAre("1", "4 c", "2")) << lane;
  }
}

TEST(Events, AFullPluginDoesNotTakeIt) {
  Script silent;
  silent.on_event = [](Scripted&, lcg_token, const lcg_event&) {};
  SimProcess process;
  process.options.max_outstanding = 1;
  process.add("one", silent);
  process.boot();
  std::vector<bool> taken;

  process.world.on(process.world.lane(0), [&] {
    for (int i = 0; i < 2; ++i)
      process.set->host(0).event(of(LCG_EVENT_CONNECT, process.peer), [&](bool ok) { taken.push_back(ok); });
  });

  EXPECT_THAT(taken, ElementsAre(false)) << "the second, at once";
  process.world.run_for(kEventTimeout + Millis(1));
  EXPECT_THAT(taken, ElementsAre(false, false));
}

TEST(Events, AStoppedPluginDoesNotTakeIt) {
  std::vector<std::string> heard;
  SimProcess process;
  process.add("one", listener(heard));
  process.boot();
  process.stop();

  EXPECT_EQ(process.event(of(LCG_EVENT_CONNECT, process.peer)), false);
  EXPECT_TRUE(heard.empty());
}

}  // namespace
}  // namespace lcg::host
