// Calls between plugins and from the broker; what a plugin may ask of its host.
#include <numeric>

#include "broker/host/testing_plugins.h"
#include "lcg/ext/services.h"

namespace lcg::host {
namespace {

using ::testing::HasSubstr;
using testing::Script;
using testing::Scripted;
using testing::SimProcess;

// The service "store" says who answered: "<instance> <slot> <term> <caller>".
Script store() {
  Script script;
  script.provides = "store";
  script.on_call = [](Scripted& me, lcg_token token, const lcg_call& call) {
    me.reply(token, LCG_OK,
             std::to_string(me.host->instance_index) + " " + std::to_string(call.slot) + " " +
                 std::to_string(call.term) + " " + std::string(view(call.caller)));
  };
  return script;
}

// Answers an rpc with what "store" answered to a call with the request's name as key.
struct Waiting {
  Scripted* me;
  lcg_token token;
  bool in_call = false;
};
Script asking(std::string service = "store", uint32_t timeout_ms = 0) {
  Script script;
  script.on_request = [service, timeout_ms](Scripted& me, const lcg_request& r) {
    auto* waiting = new Waiting{&me, r.token, true};
    auto done = [](void* user, const lcg_result* result) noexcept {
      std::unique_ptr<Waiting> w(static_cast<Waiting*>(user));
      if (w->in_call) std::abort();  // done must not run inside the accepting call
      w->me->reply(w->token, result->status, view(result->data));
    };
    const lcg_status accepted = me.call(service, "m", view(r.name), done, waiting, timeout_ms);
    waiting->in_call = false;
    if (accepted == LCG_OK) return;
    delete waiting;
    me.reply(r.token, accepted, "refused");
  };
  return script;
}

TEST(Calls, APluginReachesAServiceOnItsOwnLane) {
  SimProcess process;
  process.add("store", store());
  process.add("app", asking());
  process.boot();

  const auto answer = process.chain(LCG_REQ_RPC, "@5");

  EXPECT_EQ(answer->status, LCG_OK);
  EXPECT_EQ(answer->data.view(), "0 5 7 app");
}

TEST(Calls, AKeyLeadsToTheOwnerOfItsSlot) {
  SimProcess process(4);
  process.add("store", store());
  process.add("app", asking());
  process.boot();

  for (unsigned lane = 0; lane < 4; ++lane) {
    for (uint32_t slot = 0; slot < SimProcess::kSlots; ++slot) {
      const auto answer = process.chain(LCG_REQ_RPC, "@" + std::to_string(slot), "", Millis(1000), lane);
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->data.view(), std::to_string(slot % 4) + " " + std::to_string(slot) + " 7 app");
    }
  }
}

TEST(Calls, ASingleInstanceServesEveryKey) {
  SimProcess process(4);
  process.add("store", store(), false);
  process.boot();

  for (unsigned lane = 0; lane < 4; ++lane) {
    for (uint32_t slot = 0; slot < SimProcess::kSlots; ++slot) {
      const auto answer = process.call("store", "@" + std::to_string(slot), lane);
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->data, "0 " + std::to_string(slot) + " 7 host");
    }
  }
}

// A gateway knows the key's slot, and not where a plugin's only instance lives.
TEST(Calls, TheServerApiReachesAProviderByTheSlotOfItsKey) {
  for (const bool per_lane : {true, false}) {
    SimProcess process(4);
    process.add("store", store(), per_lane);
    process.boot();
    for (uint32_t slot = 0; slot < SimProcess::kSlots; ++slot) {
      std::optional<ServiceCallResponse> answer;
      process.world.on(process.world.lane(1), [&] {
        lcg::ask(process.bus, process.world.lane(1), Target::slot(slot),
                 ServiceCall{"store", "m", "@" + std::to_string(slot), "", "api", 0},
                 [&](ServiceCallResponse response) { answer = std::move(response); });
      });
      process.world.run_until([&] { return answer.has_value(); });
      const std::string lane = std::to_string(per_lane ? slot % 4 : 0);
      EXPECT_EQ(answer->data, lane + " " + std::to_string(slot) + " 7 api");
    }
  }
}

TEST(Calls, AnEmptyKeyStaysOnTheLaneWhereItCan) {
  SimProcess process(4);
  process.add("store", store());
  process.boot();

  EXPECT_THAT(process.call("store", "", 2)->data, ::testing::StartsWith("2 "));
}

TEST(Calls, DoneOfTheBrokersOwnCallNeverRunsInsideIt) {
  SimProcess process;
  process.add("store", store());
  process.boot();
  bool done = false;

  process.world.on(process.world.lane(0), [&] {
    process.set->host(0).call({"store", "m", "@1", "", "host", 0}, Millis(100),
                              [&](ServiceCallResponse) { done = true; });
    EXPECT_FALSE(done);
  });
  process.world.run_until_idle();

  EXPECT_TRUE(done);
}

TEST(Calls, AnUnknownServiceIsRefusedAtOnce) {
  SimProcess process;
  process.add("app", asking("nothing"));
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_E_UNAVAILABLE);
  EXPECT_EQ(process.chain(LCG_REQ_RPC)->data.view(), "refused");
}

TEST(Calls, AnUnknownServiceAskedByTheBrokerIsNamed) {
  SimProcess process;
  process.boot();

  const auto answer = process.call("nothing", "");

  EXPECT_EQ(answer->status, LCG_E_UNAVAILABLE);
  EXPECT_THAT(answer->message, HasSubstr("'nothing'"));
}

TEST(Calls, AProviderThatDoesNotAnswerIsATimeout) {
  for (const bool per_lane : {true, false}) {
    SimProcess process(2);
    Script silent;
    silent.provides = "store";
    silent.on_call = [](Scripted&, lcg_token, const lcg_call&) {};
    process.add("store", silent, per_lane);
    process.add("app", asking("store", 50));
    process.boot();

    for (unsigned lane = 0; lane < 2; ++lane) {
      for (const char* key : {"@0", "@1"}) {
        EXPECT_EQ(process.chain(LCG_REQ_RPC, key, "", Millis(1000), lane)->status, LCG_E_TIMEOUT)
            << lane << key << per_lane;
      }
    }
    process.world.run_for(Millis(5000));
    EXPECT_EQ(process.answers, 4);
  }
}

TEST(Calls, AServiceThatDefersIsUnsupported) {
  SimProcess process;
  Script script;
  script.provides = "store";
  script.on_call = [](Scripted& me, lcg_token token, const lcg_call&) { me.reply(token, LCG_DEFER); };
  process.add("store", script);
  process.boot();

  EXPECT_EQ(process.call("store", "")->status, LCG_E_UNSUPPORTED);
}

TEST(Calls, AFullProviderIsBusy) {
  SimProcess process;
  Script silent;
  silent.provides = "store";
  silent.on_call = [](Scripted&, lcg_token, const lcg_call&) {};
  process.add("store", silent);
  process.specs.back().max_outstanding = 1;
  process.boot();
  process.world.on(process.world.lane(0), [&] {
    process.set->host(0).serve({"store", "m", "@1", "", "host", 0}, 1, 7, [](ServiceCallResponse) {});
  });

  EXPECT_EQ(process.call("store", "@1")->status, LCG_E_BUSY);
}

TEST(Calls, PluginsThatAnswerEachOtherForeverDoNotStarveTheLane) {
  SimProcess process;
  process.add("store", store());
  static bool go_on;
  go_on = true;
  Script busy;
  busy.on_request = [](Scripted& me, const lcg_request& r) {
    struct Loop {
      static void again(void* user, const lcg_result*) noexcept {
        if (go_on) static_cast<Scripted*>(user)->call("store", "m", "@1", &Loop::again, user);
      }
    };
    Loop::again(&me, nullptr);
    me.reply(r.token);
  };
  process.add("busy", busy);
  process.boot();
  bool another_task_ran = false;

  process.chain(LCG_REQ_RPC);
  process.world.lane(0).post([&] { another_task_ran = true; });
  process.world.run_until([&] { return another_task_ran; }, Millis(1));

  EXPECT_TRUE(another_task_ran);
  go_on = false;
  process.world.run_until_idle();
}

TEST(Calls, ThousandsInFlightAreEachAnsweredOnce) {
  SimProcess process(4, 99);
  process.add("store", store());
  process.boot();
  std::vector<int> answers(4000);

  for (size_t i = 0; i < answers.size(); ++i) {
    const unsigned lane = i % 4;
    process.world.lane(lane).post([&, i, lane] {
      process.set->host(lane).call(
          {"store", "m", "@" + std::to_string(i % 16), "", "host", 0}, Millis(1000),
          [&, i](ServiceCallResponse r) { answers[i] += r.status == LCG_OK ? 1 : 100; });
    });
  }
  process.world.run_for(Millis(2000));

  EXPECT_EQ(std::accumulate(answers.begin(), answers.end(), 0), 4000);
  EXPECT_THAT(answers, ::testing::Each(1));
}

// A plugin that is there and does not run is no plugin that is not there.
TEST(Query, APluginLearnsWhichServicesAreProvided) {
  SimProcess process;
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) {
    const auto* services =
        static_cast<const lcg_services_v1*>(me.host->query(me.host->ctx, c_str(LCG_SERVICES_V1)));
    ASSERT_NE(services, nullptr);
    EXPECT_EQ(services->provided(me.host->ctx, c_str("store")), LCG_OK);
    EXPECT_EQ(services->provided(me.host->ctx, c_str("user")), LCG_E_NOT_FOUND);
    EXPECT_EQ(services->provided(me.host->ctx, c_str("")), LCG_E_NOT_FOUND);
    me.reply(r.token);
  };
  process.add("one", store());
  process.add("app", script);
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_OK);
}

TEST(Query, WhatIsUnknownIsAbsent) {
  SimProcess process;
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) {
    EXPECT_EQ(me.host->query(me.host->ctx, c_str("channels/2")), nullptr);
    EXPECT_EQ(me.host->query(me.host->ctx, c_str("")), nullptr);
    me.reply(r.token);
  };
  process.add("app", script);
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_OK);
}

}  // namespace
}  // namespace lcg::host
