// SPDX-License-Identifier: Apache-2.0
// The promises of the ABI: old plugins load, fields stay, bad plugins are refused or contained with a reason.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "lcg/ext/events.h"
#include "lcg/lcg_plugin.h"
#include "plugins/sdk/testing/fake_host.h"

extern "C" {
struct lcg_layout {
  const char* name;
  size_t offset, size;
};
extern const lcg_layout lcg_layout_v1_0[];
extern const lcg_layout lcg_layout_now[];
}

namespace {

using namespace lcg::testing;

const std::string kDir = LCG_ABI_PLUGIN_DIR;

const lcg_descriptor* descriptor_of(const std::string& name) {
  void* library = dlopen((kDir + "/" + name + ".so").c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) throw PluginError(dlerror());
  return reinterpret_cast<const lcg_descriptor* (*)()>(dlsym(library, "lcg_plugin_descriptor"))();
}

// Why the fake host does not take it; empty when it does.
std::string refusal_of(const std::string& name, const Config& config = {}) {
  FakeHost host;
  try {
    host.load(descriptor_of(name), config);
    host.stop();
  } catch (const PluginError& e) {
    return e.what();
  }
  return {};
}

struct ToolResult {
  int exit_code = -1;
  std::string output;
};

ToolResult check(const std::string& arguments) {
  ToolResult result;
  FILE* pipe = popen((std::string(LCG_PLUGIN_CHECK) + " " + arguments + " 2>&1").c_str(), "r");
  std::array<char, 512> buffer;
  while (fgets(buffer.data(), buffer.size(), pipe) != nullptr) result.output += buffer.data();
  const int status = pclose(pipe);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  return result;
}

bool logged(const FakeHost& host, const std::string& text) {
  for (const LogRecord& line : host.logs())
    if (line.text.find(text) != std::string::npos) return true;
  return false;
}

// --- the first release ---------------------------------------------------------------------------

TEST(Layout, EveryFieldOfTheFirstReleaseIsWhereItWas) {
  for (size_t i = 0; lcg_layout_v1_0[i].name != nullptr; ++i) {
    SCOPED_TRACE(lcg_layout_v1_0[i].name);
    EXPECT_EQ(lcg_layout_now[i].offset, lcg_layout_v1_0[i].offset);
    EXPECT_EQ(lcg_layout_now[i].size, lcg_layout_v1_0[i].size);
  }
}

#define LCG_AT(type, field) #type "." #field, offsetof(type, field)

// 1.1 appended these, in this order, where the structs of 1.0 ended.
TEST(Layout, EveryFieldOfMinorOneIsWhereItWas) {
  const struct {
    const char* name;
    size_t is, was;
  } fields[] = {{LCG_AT(lcg_peer, transport), 96},      {LCG_AT(lcg_peer, protocol), 112},
                {LCG_AT(lcg_peer, client_name), 128},   {LCG_AT(lcg_peer, client_version), 144},
                {LCG_AT(lcg_peer, meta), 160},          {LCG_AT(lcg_peer, headers), 176},
                {LCG_AT(lcg_request, route), 80},       {LCG_AT(lcg_request, channels), 96},
                {LCG_AT(lcg_result, meta), 136},        {LCG_AT(lcg_result, options), 152},
                {LCG_AT(lcg_result, flags), 168},       {LCG_AT(lcg_publication, options), 96},
                {LCG_AT(lcg_event, struct_size), 0},    {LCG_AT(lcg_event, kind), 4},
                {LCG_AT(lcg_event, time_ms), 8},        {LCG_AT(lcg_event, peer), 16},
                {LCG_AT(lcg_event, channel), 24},       {LCG_AT(lcg_event, code), 40},
                {LCG_AT(lcg_event, slot), 44},          {LCG_AT(lcg_event, reason), 48},
                {LCG_AT(lcg_event, term), 64},          {LCG_AT(lcg_events_v1, struct_size), 0},
                {LCG_AT(lcg_events_v1, event_mask), 4}, {LCG_AT(lcg_events_v1, on_event), 8}};
  for (const auto& field : fields) EXPECT_EQ(field.is, field.was) << field.name;
}

class V1 : public ::testing::Test {
 protected:
  V1() { host_.load(descriptor_of("plugin_v1_0"), {{"greeting", "good day"}}); }
  lcg::Reply use(const std::string& function, const std::string& data = {}) {
    return host_.ask("plugin_v1_0", rpc(function, data, peer("ann")));
  }
  FakeHost host_;
};

TEST_F(V1, ConnectCarriesTheUser) {
  EXPECT_EQ(host_.ask(connect("ann")).user_id, "ann");
  EXPECT_EQ(host_.ask(connect("")).status, LCG_E_DENIED);
}
TEST_F(V1, Echo) { EXPECT_EQ(use("echo", "x").data, "x"); }
TEST_F(V1, Config) { EXPECT_EQ(use("greeting").data, "good day"); }
TEST_F(V1, Peer) { EXPECT_EQ(use("peer").data, "ann/device"); }
TEST_F(V1, Call) { EXPECT_EQ(use("call", "data").data, "m(data) slot 2"); }
TEST_F(V1, Timer) { EXPECT_EQ(use("timer").data, "timer"); }
TEST_F(V1, Post) { EXPECT_EQ(use("post").data, "posted"); }
TEST_F(V1, Offload) { EXPECT_EQ(use("offload").data, "back from the pool"); }
TEST_F(V1, Log) {
  use("log");
  EXPECT_TRUE(logged(host_, "logged by v1_0"));
}
TEST_F(V1, Publish) {
  EXPECT_TRUE(use("publish").ok());
  EXPECT_EQ(host_.publications().at(0).channel, "v1");
}
TEST_F(V1, Disconnect) {
  EXPECT_TRUE(use("disconnect").ok());
  EXPECT_EQ(host_.disconnects().at(0).user_id, "somebody");
}
TEST_F(V1, ClockRandomSlotAndQuery) {
  for (const char* function : {"clock", "random", "slot", "query"})
    EXPECT_TRUE(use(function).ok()) << function;
}
TEST_F(V1, HearsNothingOfEvents) {
  lcg::ClientEvent event;
  event.kind = LCG_EVENT_CONNECT;
  event.peer = peer("ann");
  EXPECT_TRUE(host_.tell("plugin_v1_0", event).ok());
}
TEST_F(V1, EventsArrive) {
  host_.peer_gone("plugin_v1_0", peer("ann"), 3000);
  const Pending silent = host_.send("plugin_v1_0", rpc("silence", "", peer("ann")));
  host_.cancel(silent);
  host_.run();

  EXPECT_EQ(use("counters").data, "slots 16 gone 1 cancelled 1");
  EXPECT_EQ(silent->reply.status, LCG_E_CANCELLED);
}

// --- refused -------------------------------------------------------------------------------------

struct Refused {
  const char* plugin;
  const char* reason;
};

class Refusal : public ::testing::TestWithParam<Refused> {};

TEST_P(Refusal, NamesWhatIsWrong) {
  const ToolResult result = check(kDir + "/" + GetParam().plugin + ".so");

  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find(GetParam().reason), std::string::npos) << result.output;
}

INSTANTIATE_TEST_SUITE_P(
    Bad, Refusal,
    ::testing::Values(
        Refused{"bad_magic", "magic is 3735928559"},
        Refused{"bad_short_struct", "descriptor.struct_size is 16"},
        Refused{"bad_short_ops", "ops.struct_size is 16"}, Refused{"bad_null_ops", "ops is NULL"},
        Refused{"bad_null_create", "ops.create is NULL"}, Refused{"bad_null_descriptor", "returned NULL"},
        Refused{"bad_major", "built for ABI 2.2, this host offers 1.2"},
        Refused{"bad_minor", "needs a host of ABI 1.9"}, Refused{"bad_name", "name is \"Bad Name\""},
        Refused{"bad_no_symbol", "does not export lcg_plugin_descriptor"},
        Refused{"bad_extra_symbol", "exports more than lcg_plugin_descriptor: another_symbol"},
        Refused{"bad_create_error", "no licence for this machine"},
        Refused{"bad_create_null", "returned LCG_OK and no instance"},
        Refused{"bad_create_unterminated", "xxxxxxxx"}, Refused{"bad_create_crash", "killed by signal 6"},
        Refused{"bad_never_ready", "ready was not answered within"},
        Refused{"bad_never_stops", "stop was not answered within"},
        Refused{"bad_double_ready", "answered a token twice"},
        Refused{"bad_reply_after_stop", "answered a token twice"}),
    [](const auto& test) { return std::string(test.param.plugin); });

TEST(Check, SoundPluginIsSound) { EXPECT_EQ(check(kDir + "/plugin_v1_0.so").exit_code, 0); }
TEST(Check, ReadingAloneCreatesNothing) {
  EXPECT_EQ(check("--no-run " + kDir + "/bad_create_crash.so").exit_code, 0);
}
TEST(Check, TypoInASettingIsAFinding) {
  const ToolResult result = check("--set greetign=x " + kDir + "/plugin_v1_0.so");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("setting greetign was never read"), std::string::npos);
}
TEST(Check, TextFileIsNoPlugin) {
  const ToolResult result = check("/etc/passwd");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("is no ELF file"), std::string::npos);
}
TEST(Check, WrongCommandLineIsTwo) {
  EXPECT_EQ(check("").exit_code, 2);
  EXPECT_EQ(check("--nonsense x.so").exit_code, 2);
  EXPECT_EQ(check("--config /no/such/file x.so").exit_code, 2);
}
TEST(Check, HelpIsZero) { EXPECT_EQ(check("--help").exit_code, 0); }

// --- contained -----------------------------------------------------------------------------------

TEST(Contained, SecondReplyIsStale) {
  FakeHost host;
  host.load(descriptor_of("bad_double_reply"));
  EXPECT_TRUE(host.ask(rpc("x", "")).ok());
  EXPECT_TRUE(logged(host, "second reply was stale"));
}

TEST(Contained, OneOfEightThreadsWins) {
  FakeHost host;
  host.load(descriptor_of("bad_reply_threads"));
  EXPECT_TRUE(host.ask(rpc("x", "")).ok());
  EXPECT_TRUE(logged(host, "1 of 8 replies were taken"));
  EXPECT_EQ(host.stale_replies(), 7u);
}

TEST(Contained, SilenceEndsAtTheDeadline) {
  FakeHost host;
  host.load(descriptor_of("bad_never_answers"));
  EXPECT_EQ(host.ask(rpc("x", "")).status, LCG_E_TIMEOUT);
}

TEST(Contained, TokensOfOthersAreStale) {
  FakeHost host;
  host.load(descriptor_of("plugin_v1_0"));
  host.load(descriptor_of("bad_invented_token"));
  const Pending open = host.send("plugin_v1_0", rpc("silence", ""));
  host.run();

  EXPECT_TRUE(host.ask("bad", rpc("x", "")).ok());

  EXPECT_FALSE(open->done);
  EXPECT_EQ(host.stale_replies(), 64u * 3 + 2);
}

TEST(Contained, SenselessResultsAreInternalErrors) {
  FakeHost host;
  host.load(descriptor_of("bad_result"));
  EXPECT_EQ(host.ask(rpc("unknown status", "")).status, LCG_E_INTERNAL);
  EXPECT_EQ(host.ask(rpc("null", "")).status, LCG_E_INTERNAL);
  EXPECT_EQ(host.ask(rpc("short", "")).status, LCG_E_INTERNAL);
}

TEST(Contained, ExceptionsStayInside) {
  FakeHost host;
  host.load(descriptor_of("bad_throws"));

  EXPECT_EQ(host.ask(rpc("int", "")).message, "internal error");
  EXPECT_EQ(host.ask(rpc("other", "")).status, LCG_E_INTERNAL);
  EXPECT_EQ(host.ask(publish("c", "1")).status, LCG_E_INTERNAL);
  EXPECT_TRUE(host.ask(rpc("background", "")).ok());
  host.peer_gone("bad_throws", peer("ann"), 3000);

  EXPECT_TRUE(logged(host, "in the background"));
  EXPECT_TRUE(logged(host, "on_disconnect"));
}

TEST(Contained, ExceptionsInLifeAreReasons) {
  EXPECT_NE(refusal_of("bad_throws", {{"where", "create"}}).find("thrown in create"), std::string::npos);
  EXPECT_NE(refusal_of("bad_throws", {{"where", "start"}}).find("thrown in start"), std::string::npos);
  EXPECT_EQ(refusal_of("bad_throws", {{"where", "stop"}}), "");
}

}  // namespace
