// The chain of plugins: order, deferral, denial, deadlines, replies.
#include "broker/host/testing_plugins.h"

namespace lcg::host {
namespace {

using testing::answering;
using testing::Script;
using testing::Scripted;
using testing::SimProcess;

Script never_answering() {
  Script script;
  script.on_request = [](Scripted&, const lcg_request&) {};
  return script;
}

TEST(Chain, TheFirstAnswerThatIsNotADeferralWins) {
  SimProcess process;
  process.add("one", answering(LCG_DEFER));
  process.add("two", answering(LCG_OK, "from two"));
  process.add("three", answering(LCG_OK, "from three"));
  process.boot();

  const auto answer = process.chain(LCG_REQ_RPC);

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, LCG_OK);
  EXPECT_EQ(answer->data.view(), "from two");
  EXPECT_EQ(process.instance("three").counters.requests, 0u);
}

TEST(Chain, AllDeferringIsADeferral) {
  SimProcess process;
  process.add("one", answering(LCG_DEFER));
  process.add("two", answering(LCG_DEFER));
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_CONNECT)->status, LCG_DEFER);
}

TEST(Chain, ADenialEndsIt) {
  SimProcess process;
  process.add("one", answering(LCG_E_DENIED));
  process.add("two", answering(LCG_OK));
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_SUBSCRIBE)->status, LCG_E_DENIED);
  EXPECT_EQ(process.instance("two").counters.requests, 0u);
}

TEST(Chain, APluginWithoutTheKindIsNotAsked) {
  SimProcess process;
  Script rpc_only = answering(LCG_OK);
  rpc_only.kinds = 1u << LCG_REQ_RPC;
  process.add("one", rpc_only);
  process.boot();

  EXPECT_TRUE(process.set->host(0).wants(LCG_REQ_RPC));
  EXPECT_FALSE(process.set->host(0).wants(LCG_REQ_CONNECT));
  EXPECT_EQ(process.chain(LCG_REQ_CONNECT)->status, LCG_DEFER);
}

TEST(Chain, AnAnswerGivenAtOnceCompletesInsideRunChain) {
  SimProcess process;
  process.add("one", answering(LCG_DEFER));
  process.add("two", answering(LCG_OK));
  process.boot();
  bool inside = false;

  process.world.on(process.world.lane(0), [&] {
    ChainRequest request;
    request.kind = LCG_REQ_RPC;
    process.set->host(0).run_chain(std::move(request), Millis(10), [&](ChainResult) { inside = true; });
    EXPECT_TRUE(inside);
  });
}

TEST(Chain, APluginIsNotEnteredAgainWhileItReplies) {
  SimProcess process;
  int depth = 0, deepest = 0, left = 1000;
  Script script;
  script.on_request = [&](Scripted& me, const lcg_request& r) {
    deepest = std::max(deepest, ++depth);
    me.reply(r.token);
    --depth;
  };
  process.add("one", script);
  process.boot();

  std::function<void()> next = [&] {
    ChainRequest request;
    request.kind = LCG_REQ_RPC;
    process.set->host(0).run_chain(std::move(request), Millis(10), [&](ChainResult) {
      if (--left > 0) next();
    });
  };
  process.world.lane(0).post([&] { next(); });
  process.world.run_until_idle();

  EXPECT_EQ(left, 0);
  EXPECT_EQ(deepest, 1);
}

TEST(Chain, ThePluginSeesTheRequestAndItsPeer) {
  SimProcess process;
  std::string seen;
  Script script;
  script.on_request = [&](Scripted& me, const lcg_request& r) {
    seen = std::string(view(r.name)) + "|" + std::string(view(r.data)) + "|" +
           std::string(view(r.peer->user_id)) + "|" + std::string(view(r.peer->device_id)) + "|" +
           std::to_string(r.peer->device_epoch) + "|" +
           std::to_string((r.deadline_ns - me.host->now_ns(me.host->ctx)) / 1'000'000);
    me.reply(r.token);
  };
  process.add("one", script);
  process.boot();

  process.chain(LCG_REQ_RPC, "chat.send", "{}", Millis(250));

  EXPECT_EQ(seen, "chat.send|{}|alice|d1|3|250");
}

TEST(Chain, ALatePluginIsADenialToWhoWantsIn) {
  SimProcess process;
  process.add("one", never_answering());
  process.add("two", answering(LCG_OK));
  process.boot();

  for (uint32_t kind : {LCG_REQ_CONNECT, LCG_REQ_SUBSCRIBE, LCG_REQ_PUBLISH}) {
    const auto answer = process.chain(kind);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, LCG_E_DENIED);
    EXPECT_EQ(answer->error_code, error_code::kInternal) << "temporary: the client may come again";
  }
  EXPECT_EQ(process.instance("one").counters.timeouts, 3u);
}

TEST(Chain, ALatePluginIsATimeoutToAnRpc) {
  SimProcess process;
  process.add("one", never_answering());
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_E_TIMEOUT);
}

TEST(Chain, TheLatePluginIsToldAndItsReplyIsStale) {
  SimProcess process;
  lcg_token token = 0, cancelled = 0;
  lcg_status late = LCG_OK;
  Script script;
  script.on_request = [&](Scripted&, const lcg_request& r) { token = r.token; };
  script.on_cancel = [&](Scripted& me, lcg_token t) {
    cancelled = t;
    late = me.reply(t);
  };
  process.add("one", script);
  process.boot();

  process.chain(LCG_REQ_RPC);

  EXPECT_EQ(cancelled, token);
  EXPECT_EQ(late, LCG_E_STALE);
  EXPECT_EQ(process.answers, 1);
  EXPECT_EQ(process.instance("one").counters.stale, 1u);
}

TEST(Chain, TheDeadlineIsOfTheWholeChain) {
  SimProcess process;
  Script slow;
  slow.on_request = [](Scripted& me, const lcg_request& r) {
    struct Later {
      Scripted* me;
      lcg_token token;
    };
    auto fire = [](void* user) noexcept {
      std::unique_ptr<Later> later(static_cast<Later*>(user));
      later->me->reply(later->token, LCG_DEFER);
    };
    me.host->timer_start(me.host->ctx, 700, fire, new Later{&me, r.token}, nullptr);
  };
  process.add("one", slow);
  process.add("two", slow);
  process.boot();
  const MonoTime before = process.world.clock().mono();

  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_E_TIMEOUT);

  EXPECT_LT(process.world.clock().mono() - before, Millis(1010));
  process.world.run_for(Millis(1000));
}

TEST(Chain, ASecondReplyIsStale) {
  SimProcess process;
  lcg_status second = LCG_OK;
  Script script;
  script.on_request = [&](Scripted& me, const lcg_request& r) {
    me.reply(r.token, LCG_OK, "first");
    second = me.reply(r.token, LCG_OK, "second");
  };
  process.add("one", script);
  process.boot();

  const auto answer = process.chain(LCG_REQ_RPC);

  EXPECT_EQ(answer->data.view(), "first");
  EXPECT_EQ(second, LCG_E_STALE);
  EXPECT_EQ(process.answers, 1);
}

TEST(Chain, AnotherPluginsTokenIsStale) {
  SimProcess process;
  lcg_token stolen = 0;
  lcg_status theft = LCG_OK;
  Script victim;
  victim.on_request = [&](Scripted&, const lcg_request& r) { stolen = r.token; };
  victim.kinds = 1u << LCG_REQ_RPC;
  Script thief;
  thief.on_request = [&](Scripted& me, const lcg_request& r) {
    theft = me.reply(stolen);
    me.reply(r.token);
  };
  thief.kinds = 1u << LCG_REQ_CONNECT;
  process.add("victim", victim);
  process.add("thief", thief);
  process.boot();
  process.world.lane(0).post([&] {
    ChainRequest request;
    request.kind = LCG_REQ_RPC;
    process.set->host(0).run_chain(std::move(request), Millis(1000), [](ChainResult) {});
  });

  process.chain(LCG_REQ_CONNECT);

  EXPECT_NE(stolen, 0u);
  EXPECT_EQ(theft, LCG_E_STALE);
}

TEST(Chain, AReplyThatIsNoneAnswersWithAnInternalError) {
  SimProcess process;
  Script script;
  script.on_request = [&](Scripted& me, const lcg_request& r) {
    const lcg_result empty{};  // struct_size 0
    EXPECT_EQ(me.host->reply(me.host->ctx, r.token, view(r.name) == "null" ? nullptr : &empty),
              LCG_E_INVALID);
    EXPECT_EQ(me.reply(r.token), LCG_E_STALE);
  };
  process.add("one", script);
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_RPC, "null")->status, LCG_E_INTERNAL);
  EXPECT_EQ(process.chain(LCG_REQ_CONNECT, "empty")->status, LCG_E_INTERNAL);
}

TEST(Chain, OddAnswersBecomeRightOnes) {
  SimProcess process;
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) {
    lcg_result odd{};
    odd.struct_size = offsetof(lcg_result, data);  // an older plugin: what follows is not there
    odd.status = -77;
    odd.disconnect_code = 3000;
    const std::string long_text = std::string(122, 'x') + "\xc3\xa9 and more";
    odd.message = c_str(long_text);
    odd.data = c_bytes("not to be read");
    me.host->reply(me.host->ctx, r.token, &odd);
  };
  process.add("one", script);
  process.boot();

  const auto answer = process.chain(LCG_REQ_RPC);

  EXPECT_EQ(answer->status, LCG_E_INTERNAL);
  EXPECT_EQ(answer->disconnect_code, 0u);
  EXPECT_EQ(answer->message, std::string(122, 'x')) << "cut before the character that does not fit";
  EXPECT_TRUE(answer->data.empty());
}

TEST(Chain, AnExpiredTokenMayCloseTheConnection) {
  SimProcess process;
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) {
    lcg_result over{};
    over.struct_size = sizeof over;
    over.status = LCG_E_DENIED;
    over.disconnect_code = disconnect_code::kExpired;
    me.host->reply(me.host->ctx, r.token, &over);
  };
  process.add("one", script);
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_CONNECT)->disconnect_code, disconnect_code::kExpired);
}

TEST(Chain, AnExceptionInACompletionLeavesTheOthers) {
  SimProcess process;
  std::vector<lcg_token> held;
  Script script;
  script.on_request = [&](Scripted& me, const lcg_request& r) {
    held.push_back(r.token);
    if (held.size() < 2) return;
    for (lcg_token token : held) me.reply(token);
  };
  process.add("one", script);
  process.boot();
  int completed = 0;

  process.world.on(process.world.lane(0), [&] {
    for (int i = 0; i < 2; ++i) {
      ChainRequest request;
      request.kind = LCG_REQ_RPC;
      process.set->host(0).run_chain(std::move(request), Millis(100), [&, i](ChainResult) {
        ++completed;
        if (i == 0) throw std::runtime_error("first");
      });
    }
  });

  EXPECT_EQ(completed, 2);
}

TEST(Chain, TooManyUnansweredRequestsAreBusy) {
  SimProcess process;
  process.add("one", never_answering());
  process.specs.back().max_outstanding = 2;
  process.boot();
  std::vector<lcg_status> statuses;

  process.world.on(process.world.lane(0), [&] {
    for (int i = 0; i < 3; ++i) {
      ChainRequest request;
      request.kind = LCG_REQ_RPC;
      process.set->host(0).run_chain(std::move(request), Millis(100),
                                     [&](ChainResult r) { statuses.push_back(r.status); });
    }
  });

  EXPECT_THAT(statuses, ::testing::ElementsAre(LCG_E_BUSY));
  process.world.run_for(Millis(200));
  EXPECT_THAT(statuses, ::testing::ElementsAre(LCG_E_BUSY, LCG_E_TIMEOUT, LCG_E_TIMEOUT));
  EXPECT_EQ(process.instance("one").counters.busy, 1u);
}

TEST(Chain, ASingleInstanceIsAskedFromEveryLane) {
  SimProcess process(4);
  process.add("one", answering(LCG_DEFER), false);
  process.add("two", answering(LCG_OK, "two"), false);
  process.boot();

  for (unsigned lane = 0; lane < 4; ++lane) {
    const auto answer = process.chain(LCG_REQ_CONNECT, "m", "", Millis(1000), lane);
    ASSERT_TRUE(answer) << lane;
    EXPECT_EQ(answer->data.view(), "two") << lane;
  }
  EXPECT_EQ(process.instance("two").counters.requests, 4u);
}

TEST(Chain, ALateInstanceOnAnotherLaneIsADenial) {
  SimProcess process(4);
  process.add("one", never_answering(), false);
  process.boot();

  for (unsigned lane = 0; lane < 4; ++lane) {
    EXPECT_EQ(process.chain(LCG_REQ_CONNECT, "m", "", Millis(1000), lane)->status, LCG_E_DENIED) << lane;
  }
  process.world.run_for(Millis(5000));
  EXPECT_EQ(process.answers, 4);
}

TEST(Chain, AThousandRequestsReuseTheirSlots) {
  SimProcess process;
  std::vector<lcg_token> tokens;
  Script script;
  script.on_request = [&](Scripted& me, const lcg_request& r) {
    tokens.push_back(r.token);
    me.reply(r.token);
  };
  process.add("one", script);
  process.boot();
  for (int i = 0; i < 1000; ++i) process.chain(LCG_REQ_RPC);

  std::sort(tokens.begin(), tokens.end());
  EXPECT_EQ(std::unique(tokens.begin(), tokens.end()), tokens.end());
  EXPECT_EQ(process.instance("one").outstanding, 0u);
  EXPECT_EQ(process.world.lane(0).timers(), 0u) << "answered at once: no deadline timer is left";
}

}  // namespace
}  // namespace lcg::host
