// The hostile plugins of tests/abi, and the one of the first release, as real files in the real host.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "broker/host/testing_plugins.h"

namespace lcg::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::MapSettings;
using testing::SimProcess;

// A process that runs one of those files.
class Hostile : public ::testing::Test {
 protected:
  Hostile() {
    std::string pattern = std::filesystem::temp_directory_path() / "lcg-hostile-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    process_.options.dirs = {dir_};
  }
  ~Hostile() override { std::filesystem::remove_all(dir_); }

  Status load(const std::string& file, const std::string& name = "bad") {
    const std::string to = dir_ + "/" + file + ".so";
    std::filesystem::copy_file(std::string(LCG_ABI_PLUGIN_DIR) + "/" + file + ".so", to);
    EXPECT_EQ(::chmod(to.c_str(), 0644), 0);
    PluginSpec spec;
    spec.name = name;
    spec.file = file + ".so";
    spec.settings = std::make_shared<MapSettings>(settings_);
    process_.specs = {spec};
    return process_.load();
  }
  // Why the plugin did not start; "started" if it did.
  std::string start(const std::string& file, const std::string& name = "bad") {
    if (Status loaded = load(file, name); !loaded.ok()) return "not loaded: " + loaded.message();
    const auto started = process_.start();
    if (!started) return "start did not end";
    return started->ok() ? "started" : started->message();
  }

  std::string dir_;
  std::map<std::string, std::string, std::less<>> settings_;
  SimProcess process_;
};

TEST_F(Hostile, CreateThatFailsIsReportedInItsWords) {
  EXPECT_THAT(start("bad_create_error"), AllOf(HasSubstr("bad[0]"), HasSubstr("create failed")));
}

TEST_F(Hostile, CreateThatForgetsTheNulIsCut) {
  const std::string text = start("bad_create_unterminated");

  EXPECT_THAT(text, HasSubstr("xxxx"));
  EXPECT_LE(text.size(), kMaxReason + 100);
}

TEST_F(Hostile, CreateThatGivesNoInstanceIsRefused) {
  EXPECT_THAT(start("bad_create_null"), HasSubstr("create returned LCG_OK and no instance"));
}

TEST_F(Hostile, CreateThatCrashesIsNamedOnStderr) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  ASSERT_TRUE(load("bad_create_crash").ok());

  EXPECT_DEATH(
      {
        std::filesystem::remove_all(dir_);  // of the process that ends here; the plugin is loaded
        install_crash_note();
        static_cast<void>(process_.start());
      },
      "lcg: killed by signal 6 inside plugin 'bad', in its create");
}

TEST_F(Hostile, CreateThatThrowsIsReportedInItsWords) {
  settings_["where"] = "create";

  EXPECT_THAT(start("bad_throws", "bad_throws"), HasSubstr("thrown in create"));
}

TEST_F(Hostile, StartThatThrowsIsReportedInItsWords) {
  settings_["where"] = "start";

  EXPECT_THAT(start("bad_throws", "bad_throws"), HasSubstr("thrown in start"));
}

TEST_F(Hostile, NeverReadyIsATimeoutThatNamesIt) {
  EXPECT_THAT(start("bad_never_ready"), AllOf(HasSubstr("bad[0]"), HasSubstr("not ready within 30 s")));
}

TEST_F(Hostile, ReadyTwiceIsCountedAndServes) {
  ASSERT_EQ(start("bad_double_ready"), "started");

  EXPECT_EQ(process_.instance("bad").counters.stale, 1u);
  EXPECT_EQ(process_.chain(LCG_REQ_RPC)->status, LCG_OK);
}

TEST_F(Hostile, ADoubleReplyIsCountedAndAnsweredOnce) {
  ASSERT_EQ(start("bad_double_reply"), "started");

  EXPECT_TRUE(process_.chain(LCG_REQ_RPC));
  process_.world.run_for(Millis(1000));

  EXPECT_EQ(process_.answers, 1);
  EXPECT_GE(process_.instance("bad").counters.stale, 1u);
}

TEST_F(Hostile, InventedTokensAreCountedAndHarmless) {
  ASSERT_EQ(start("bad_invented_token"), "started");

  EXPECT_EQ(process_.chain(LCG_REQ_RPC)->status, LCG_OK);

  EXPECT_EQ(process_.answers, 1);
  EXPECT_EQ(process_.instance("bad").counters.stale, 3u * 64 + 2);
}

TEST_F(Hostile, NoAnswerIsATimeout) {
  ASSERT_EQ(start("bad_never_answers"), "started");

  EXPECT_EQ(process_.chain(LCG_REQ_RPC)->status, LCG_E_TIMEOUT);
}

TEST_F(Hostile, ResultsThatMakeNoSenseAreInternalErrors) {
  ASSERT_EQ(start("bad_result"), "started");

  EXPECT_EQ(process_.chain(LCG_REQ_RPC, "odd status")->status, LCG_E_INTERNAL);
  EXPECT_EQ(process_.chain(LCG_REQ_RPC, "short")->status, LCG_E_INTERNAL);
  EXPECT_EQ(process_.chain(LCG_REQ_RPC, "null")->status, LCG_E_INTERNAL);
}

TEST_F(Hostile, OneOfEightThreadsWins) {
  ASSERT_EQ(start("bad_reply_threads"), "started");

  EXPECT_EQ(process_.instance("bad").counters.stale, 0u);
  EXPECT_EQ(process_.chain(LCG_REQ_RPC)->status, LCG_OK);
  EXPECT_EQ(process_.instance("bad").counters.stale, 7u);
}

TEST_F(Hostile, RepliesAfterStopAreStale) {
  ASSERT_EQ(start("bad_reply_after_stop"), "started");
  std::vector<lcg_status> answers;
  process_.world.on(process_.world.lane(0), [&] {
    ChainRequest request;
    request.kind = LCG_REQ_RPC;
    process_.set->host(0).run_chain(std::move(request), Millis(60'000),
                                    [&](ChainResult r) { answers.push_back(r.status); });
  });

  EXPECT_TRUE(process_.stop()->ok());

  ASSERT_EQ(answers.size(), 1u);
  EXPECT_GE(process_.instance("bad").counters.stale, 1u);
}

TEST_F(Hostile, NeverStoppingIsATimeoutThatNamesIt) {
  ASSERT_EQ(start("bad_never_stops"), "started");

  const auto stopped = process_.stop();

  ASSERT_TRUE(stopped);
  EXPECT_THAT(stopped->message(), AllOf(HasSubstr("bad[0]"), HasSubstr("did not stop within 10 s")));
  std::free(process_.instance("bad").handle());  // it is never destroyed, which here is a leak
}

TEST_F(Hostile, HandlersThatThrowAnswerInternalAndKeepTheReason) {
  ASSERT_EQ(start("bad_throws", "bad_throws"), "started");

  const auto answer = process_.chain(LCG_REQ_RPC);

  EXPECT_EQ(answer->status, LCG_E_INTERNAL);
  EXPECT_EQ(answer->message, "internal error");
  EXPECT_EQ(process_.chain(LCG_REQ_PUBLISH)->status, LCG_E_INTERNAL);
}

// Every host function, called by a plugin that was built with the header of the first release.
TEST_F(Hostile, APluginOfTheFirstReleaseFindsEveryFunction) {
  settings_["greeting"] = "good day";
  ASSERT_EQ(start("plugin_v1_0", "plugin_v1_0"), "started");
  for (uint32_t slot = 0; slot < SimProcess::kSlots; ++slot) {
    process_.world.on(process_.world.lane(0), [&] { process_.set->host(0).slot_changed(slot, 1, true); });
  }
  const std::pair<const char*, const char*> cases[] = {{"echo", "data"},
                                                       {"greeting", "good day"},
                                                       {"peer", "alice/d1"},
                                                       {"log", ""},
                                                       {"clock", ""},
                                                       {"random", ""},
                                                       {"slot", ""},
                                                       {"publish", "1 e1"},
                                                       {"call", "m(data) slot 2"},
                                                       {"disconnect", ""},
                                                       {"timer", "timer"},
                                                       {"post", "posted"},
                                                       {"offload", "back from the pool"},
                                                       {"query", ""},
                                                       {"counters", "slots 16 gone 0 cancelled 0"}};
  for (const auto& [name, expected] : cases) {
    const auto answer = process_.chain(LCG_REQ_RPC, name, "data");
    ASSERT_TRUE(answer) << name;
    EXPECT_EQ(answer->status, LCG_OK) << name;
    EXPECT_EQ(answer->data.view(), expected) << name;
  }
  EXPECT_EQ(process_.chain(LCG_REQ_RPC, "silence")->status, LCG_E_TIMEOUT);
  EXPECT_EQ(process_.chain(LCG_REQ_RPC, "counters")->data.view(), "slots 16 gone 0 cancelled 1");
}

}  // namespace
}  // namespace lcg::host
