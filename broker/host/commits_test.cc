// Before a commit: who is asked, in which order, and what a failure comes to.
#include "broker/host/testing_plugins.h"
#include "lcg/ext/before_commit.h"

namespace lcg::host {
namespace {

using testing::Script;
using testing::Scripted;
using testing::SimProcess;

Script saying(lcg_status status, std::string data = "", uint32_t code = 0) {
  Script script;
  script.on_commit = [status, data, code](Scripted& me, lcg_token token, const lcg_commit&) {
    lcg_result result{};
    result.struct_size = sizeof result;
    result.status = status;
    result.data = c_bytes(data);
    result.error_code = code;
    result.message = c_str("why");
    me.host->reply(me.host->ctx, token, &result);
  };
  return script;
}

struct Verdict {
  bool came = false;
  lcg_status status = LCG_E_INTERNAL;
  uint32_t code = 0;
  std::string message, data;
};

// A plugin that keeps a log asks about each rpc.
Script keeper(Verdict& out, lcg_status& wanted) {
  Script script;
  script.on_request = [&out, &wanted](Scripted& me, const lcg_request& r) {
    const auto* commits =
        static_cast<const lcg_commits_v1*>(me.host->query(me.host->ctx, c_str(LCG_COMMITS_V1)));
    wanted = commits->wanted(me.host->ctx);
    lcg_commit commit{};
    commit.struct_size = sizeof commit;
    commit.kind = LCG_COMMIT_MESSAGE;
    commit.peer = r.peer;
    commit.channel = c_str("dialog:d");
    commit.type = c_str("text");
    commit.data = r.data;
    commit.cseq = 7;
    commit.max_bytes = 20;
    commits->ask(
        me.host->ctx, &commit,
        [](void* user, const lcg_result* result) noexcept {
          *static_cast<Verdict*>(user) = {true, result->status, result->error_code,
                                          std::string(view(result->message)),
                                          std::string(view(result->data))};
        },
        &out);
    me.reply(r.token);
  };
  return script;
}

class Commits : public ::testing::Test {
 protected:
  // The keeper is on every lane; `one_lane` puts the judges on one.
  void add(const std::string& name, Script script) { process_.add(name, std::move(script), !one_lane_); }
  Verdict ask(std::string data = "\"said\"") {
    if (process_.set == nullptr) {
      process_.add("keeper", keeper(verdict_, wanted_));
      process_.boot();
    }
    verdict_ = {};
    process_.chain(LCG_REQ_RPC, "m", std::move(data), Millis(1000), lane_);
    process_.world.run_until([this] { return verdict_.came; }, Millis(60'000));
    return verdict_;
  }

  SimProcess process_{2};
  Verdict verdict_;
  lcg_status wanted_ = LCG_E_INTERNAL;
  bool one_lane_ = false;
  unsigned lane_ = 0;
};

TEST_F(Commits, WithNobodyToAskItIsKept) {
  EXPECT_EQ(ask().status, LCG_OK);
  EXPECT_EQ(wanted_, LCG_E_NOT_FOUND);
}

TEST_F(Commits, APluginSeesWhoSaysWhat) {
  std::vector<std::string> seen;
  uint64_t cseq = 0;
  Script script;
  script.on_commit = [&](Scripted& me, lcg_token token, const lcg_commit& c) {
    for (const lcg_str& text : {c.peer->user_id, c.peer->device_id, c.peer->session_id, c.channel, c.type})
      seen.emplace_back(view(text));
    seen.emplace_back(view(c.data));
    cseq = c.cseq;
    me.reply(token, LCG_OK, "", 0);
  };
  add("one", script);

  EXPECT_EQ(ask().status, LCG_OK);
  EXPECT_EQ(wanted_, LCG_OK);
  EXPECT_THAT(seen, ::testing::ElementsAre("alice", "d1", "s1", "dialog:d", "text", "\"said\""));
  EXPECT_EQ(cseq, 7u);
}

TEST_F(Commits, ADenialHasItsCodeAndEndsIt) {
  add("one", saying(LCG_E_DENIED, "", 1600));
  add("two", saying(LCG_OK));

  const Verdict verdict = ask();

  EXPECT_EQ(verdict.status, LCG_E_DENIED);
  EXPECT_EQ(verdict.code, 1600u);
  EXPECT_EQ(verdict.message, "why");
  EXPECT_EQ(process_.instance("two").counters.requests, 0u);
}

TEST_F(Commits, EveryRefusalIsADenial) {
  for (const lcg_status status : {LCG_E_INVALID, LCG_E_CONFLICT, LCG_E_NOT_FOUND}) {
    SimProcess process;
    Verdict verdict;
    process.add("one", saying(status));
    process.add("keeper", keeper(verdict, wanted_));
    process.boot();
    process.chain(LCG_REQ_RPC, "m", "1");
    process.world.run_until([&] { return verdict.came; }, Millis(60'000));
    EXPECT_EQ(verdict.status, LCG_E_DENIED) << status;
    EXPECT_EQ(verdict.code, 103u) << status;
  }
}

// Clients act by them: "send again from this number".
TEST_F(Commits, CodesOfOthersAreAPlainRefusalWithItsWords) {
  const std::pair<uint32_t, uint32_t> codes[] = {
      {99, 103},   {103, 103},   {399, 103},   {400, 400},  {1000, 1000}, {1001, 103}, {1016, 103},
      {1099, 103}, {1100, 1100}, {1999, 1999}, {2000, 103}, {4501, 103},  {~0u, 103}};
  for (const auto& [given, told] : codes) {
    SimProcess process;
    Verdict verdict;
    process.add("one", saying(LCG_E_DENIED, "", given));
    process.add("keeper", keeper(verdict, wanted_));
    process.boot();
    process.chain(LCG_REQ_RPC, "m", "1");
    process.world.run_until([&] { return verdict.came; }, Millis(60'000));
    EXPECT_EQ(verdict.status, LCG_E_DENIED) << given;
    EXPECT_EQ(verdict.code, told) << given;
    EXPECT_EQ(verdict.message, "why") << given;
  }
}

TEST_F(Commits, EachIsAskedAboutWhatTheOneBeforeLeft) {
  std::string seen;
  Script second;
  second.on_commit = [&](Scripted& me, lcg_token token, const lcg_commit& c) {
    seen = view(c.data);
    me.reply(token, LCG_DEFER);
  };
  add("one", saying(LCG_OK, "[1,\n2]"));
  add("two", second);

  const Verdict verdict = ask();

  EXPECT_EQ(verdict.status, LCG_OK);
  EXPECT_EQ(seen, verdict.data);
  EXPECT_EQ(verdict.data.find('\n'), std::string::npos);  // one line
}

TEST_F(Commits, OneOnAnotherLaneIsAskedThere) {
  one_lane_ = true;
  add("one", saying(LCG_OK, "2"));
  for (lane_ = 0; lane_ < 2; ++lane_) EXPECT_EQ(ask().data, "2");
}

// What a plugin does, and that this is a failure: refused for now, or passed over.
struct Failure {
  const char* name;
  Script script;
};
std::vector<Failure> failures() {
  Script silent;
  silent.on_commit = [](Scripted&, lcg_token, const lcg_commit&) {};
  return {{"says so", saying(LCG_E_UNAVAILABLE)},
          {"internal", saying(LCG_E_INTERNAL)},
          {"does not answer", silent},
          {"no JSON", saying(LCG_OK, "nope")},
          {"too long", saying(LCG_OK, "\"" + std::string(20, 'x') + "\"")}};
}

TEST_F(Commits, AFailureIsNotKept) {
  for (const Failure& f : failures()) {
    SimProcess process;
    Verdict verdict;
    process.add("one", f.script);
    process.add("keeper", keeper(verdict, wanted_));
    process.boot();
    process.chain(LCG_REQ_RPC, "m", "1");
    process.world.run_until([&] { return verdict.came; }, Millis(60'000));
    EXPECT_EQ(verdict.status, LCG_E_UNAVAILABLE) << f.name;
  }
}

TEST_F(Commits, AFailureIsPassedOverByRule) {
  for (const Failure& f : failures()) {
    SimProcess process;
    Verdict verdict;
    process.add("one", f.script);
    process.specs.back().before_commit.pass_on_failure = true;
    process.add("two", saying(LCG_OK, "2"));
    process.add("keeper", keeper(verdict, wanted_));
    process.boot();
    process.chain(LCG_REQ_RPC, "m", "1");
    process.world.run_until([&] { return verdict.came; }, Millis(60'000));
    EXPECT_EQ(verdict.status, LCG_OK) << f.name;
    EXPECT_EQ(verdict.data, "2") << f.name;
  }
}

TEST_F(Commits, TheTimeOfTheRuleIsAllAPluginHas) {
  Script silent;
  int64_t asked_ns = 0, given_ns = 0;
  silent.on_commit = [&](Scripted& me, lcg_token, const lcg_commit& c) {
    asked_ns = me.host->now_ns(me.host->ctx);
    given_ns = c.deadline_ns - asked_ns;
  };
  add("one", silent);
  process_.specs.back().before_commit.timeout = Millis(250);

  EXPECT_EQ(ask().status, LCG_E_UNAVAILABLE);
  EXPECT_EQ(given_ns, 250'000'000);
  EXPECT_EQ(process_.instance("one").counters.timeouts, 1u);
}

}  // namespace
}  // namespace lcg::host
