// SPDX-License-Identifier: Apache-2.0
// The plugin in a fake broker: which back end is asked, when again, and what the client is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/http_callback/contract.h"
#include "plugins/http_callback/testing/scripted_poster.h"

namespace lcg::http_callback {
namespace {

using lcg::testing::Config;
using lcg::testing::FakeHost;
using lcg::testing::peer;
using lcg::testing::Pending;
using ::testing::HasSubstr;
using testing::ScriptedPoster;
using Error = HttpResult::Error;

Config config(Config more = {}) {
  Config out{{"backends.#", "2"},
             {"backends.0.name", "main"},
             {"backends.0.endpoint", "http://127.0.0.1:9/main"},
             {"backends.1.name", "other"},
             {"backends.1.endpoint", "https://example.com/other"},
             {"connect", "main"},
             {"refresh", "main"},
             {"rpc.without_namespace", "main"},
             {"rpc.namespaces.#", "2"},
             {"rpc.namespaces.0.name", "shop"},
             {"rpc.namespaces.0.backend", "other"},
             {"rpc.namespaces.1.name", "off"}};
  for (auto& [key, value] : more) out.insert_or_assign(key, value);
  return out;
}

class CallbacksTest : public ::testing::Test {
 protected:
  CallbacksTest() { testing::current_poster() = std::make_shared<ScriptedPoster>(); }
  void load(Config more = {}) { host_.load(testing::test_descriptor(), config(std::move(more))); }
  ScriptedPoster& poster() { return *testing::current_poster(); }
  void answer(std::string body) {
    poster().script = [body](const HttpRequest&) { return ScriptedPoster::ok(body); };
  }
  static Request routed(Request request, std::string route) {
    request.route = std::move(route);
    return request;
  }

  FakeHost host_;
};

TEST_F(CallbacksTest, ConnectWithoutATokenAsksTheBackEnd) {
  load();
  answer(R"({"result":{"user":"ann"}})");
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::connect("")).user_id, "ann");
  ASSERT_EQ(poster().requests.size(), 1u);
  EXPECT_EQ(poster().requests[0].url, "http://127.0.0.1:9/main");
  EXPECT_THAT(poster().requests[0].body, HasSubstr(R"("encoding":"json")"));
}

TEST_F(CallbacksTest, TheBackEndsPeopleHaveThePluginsPrefix) {
  load({{"user_prefix", "shop@"}});
  answer(R"({"result":{"user":"42"}})");
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::connect("")).user_id, "shop@42");

  answer(R"({"result":{}})");
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::connect("")).user_id, "");  // anonymous
  host_.ask("http_callback", lcg::testing::refresh("", peer("shop@42")));
  EXPECT_THAT(poster().requests.back().body, HasSubstr(R"("user":"shop@42")"));
}

TEST_F(CallbacksTest, ConnectWithATokenIsSomebodyElses) {
  load();
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::connect("token")).status, LCG_DEFER);
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::refresh("token")).status, LCG_DEFER);
  EXPECT_TRUE(poster().requests.empty());
}

TEST_F(CallbacksTest, AServerSideRefreshAsksTheBackEnd) {
  load();
  answer(R"({"result":{"expire_at":7}})");
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::refresh("", peer("ann"))).expire_at_ms, 7000);
  EXPECT_THAT(poster().requests.at(0).body, HasSubstr(R"("user":"ann")"));
}

TEST_F(CallbacksTest, ChannelsGoToTheBackEndOfTheirNamespace) {
  load();
  answer("{}");
  EXPECT_TRUE(host_.ask("http_callback", routed(lcg::testing::subscribe("a:b", peer("ann")), "other")).ok());
  EXPECT_EQ(poster().requests.at(0).url, "https://example.com/other");
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::subscribe("a:b", peer("ann"))).status, LCG_DEFER);
}

TEST_F(CallbacksTest, ARouteThatIsNotOursIsSomebodyElses) {
  load();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(
        host_.ask("http_callback", routed(lcg::testing::publish("a:b", "{}", peer("ann")), "typo")).status,
        LCG_DEFER);
  ASSERT_EQ(host_.logs().size(), 1u);
  EXPECT_THAT(host_.logs().back().text, HasSubstr("backend=typo"));
}

TEST_F(CallbacksTest, RpcGoesByItsNamespace) {
  load();
  answer(R"({"result":{"data":1}})");
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::rpc("hello", "{}", peer("ann"))).data, "1");
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::rpc("shop:buy", "{}", peer("ann"))).data, "1");
  EXPECT_EQ(poster().requests.at(0).url, "http://127.0.0.1:9/main");
  EXPECT_EQ(poster().requests.at(1).url, "https://example.com/other");
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::rpc("nope:x", "{}", peer("ann"))).error_code, 104u);
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::rpc("off:x", "{}", peer("ann"))).error_code, 108u);
}

TEST_F(CallbacksTest, WithoutRpcConfiguredRpcIsSomebodyElses) {
  load({{"rpc.without_namespace", ""}, {"rpc.namespaces.#", "0"}});
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::rpc("a:b", "{}", peer("ann"))).status, LCG_DEFER);
}

TEST_F(CallbacksTest, DataThatIsNotJsonIsABadRequest) {
  load();
  EXPECT_EQ(host_.ask("http_callback", lcg::testing::rpc("hello", "\x01", peer("ann"))).error_code, 107u);
  EXPECT_TRUE(poster().requests.empty());
}

TEST_F(CallbacksTest, AConnectionThatFailedIsTriedAgainUpToTheLimit) {
  load({{"backends.0.retries", "2"}});
  poster().script = [](const HttpRequest&) { return ScriptedPoster::failed(Error::kConnect); };
  const Reply reply = host_.ask("http_callback", lcg::testing::rpc("hello", "{}", peer("ann")));
  EXPECT_EQ(reply.error_code, code::kInternal);
  EXPECT_EQ(reply.flags, uint64_t{LCG_RESULT_TEMPORARY});
  EXPECT_EQ(poster().requests.size(), 3u);
}

TEST_F(CallbacksTest, ABrokenConnectionIsTriedAgainOnlyForWhatMayBeRepeated) {
  load();
  poster().script = [](const HttpRequest&) { return ScriptedPoster::failed(Error::kBroken, true); };
  host_.ask("http_callback", lcg::testing::connect(""));
  EXPECT_EQ(poster().requests.size(), 2u);
  host_.ask("http_callback", lcg::testing::rpc("hello", "{}", peer("ann")));
  EXPECT_EQ(poster().requests.size(), 3u);
  host_.ask("http_callback", routed(lcg::testing::publish("a", "{}", peer("ann")), "main"));
  EXPECT_EQ(poster().requests.size(), 4u);
}

TEST_F(CallbacksTest, ATimeoutIsNotTriedAgain) {
  load();
  poster().script = [](const HttpRequest&) { return ScriptedPoster::failed(Error::kTimeout, true); };
  host_.ask("http_callback", lcg::testing::connect(""));
  EXPECT_EQ(poster().requests.size(), 1u);
}

TEST_F(CallbacksTest, TheBreakerOpensProbesAndCloses) {
  load({{"backends.0.breaker.failures", "2"}, {"backends.0.breaker.open_for", "1s"}});
  poster().script = [](const HttpRequest&) { return ScriptedPoster::status(503); };
  const auto ask = [this] {
    return host_.ask("http_callback", lcg::testing::rpc("hello", "{}", peer("ann")));
  };
  ask();
  ask();
  EXPECT_EQ(ask().error_code, code::kInternal);
  EXPECT_EQ(poster().requests.size(), 2u);
  host_.advance(1000);
  answer(R"({"result":{"data":1}})");
  EXPECT_EQ(ask().data, "1");
  EXPECT_EQ(ask().data, "1");
  EXPECT_EQ(poster().requests.size(), 4u);
}

TEST_F(CallbacksTest, AClientErrorOfTheBackEndDoesNotOpenTheBreaker) {
  load({{"backends.0.breaker.failures", "1"}});
  poster().script = [](const HttpRequest&) { return ScriptedPoster::status(404); };
  for (int i = 0; i < 3; ++i) host_.ask("http_callback", lcg::testing::rpc("hello", "{}", peer("ann")));
  EXPECT_EQ(poster().requests.size(), 3u);
}

TEST_F(CallbacksTest, StopCancelsWhatIsUnderWay) {
  load();
  const Pending pending = host_.send("http_callback", lcg::testing::rpc("hello", "{}", peer("ann")));
  host_.run();
  EXPECT_EQ(poster().waiting(), 1u);
  host_.stop();
  EXPECT_TRUE(pending->done);
  EXPECT_EQ(poster().waiting(), 0u);
}

TEST_F(CallbacksTest, AnAnswerAfterTheInstanceIsGoneHarmsNobody) {
  load();
  host_.send("http_callback", lcg::testing::rpc("hello", "{}", peer("ann")));
  host_.run();
  const auto poster_of_old = testing::current_poster();
  testing::current_poster() = std::make_shared<ScriptedPoster>();
  host_.restart();
  EXPECT_EQ(poster_of_old->waiting(), 0u);
}

TEST_F(CallbacksTest, SettingsAreChecked) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"backends.0.endpoint", "ftp://x/"}, {"backends.0.endpoint", "http://u:p@x/"},
      {"backends.1.name", "main"},         {"connect", "typo"},
      {"backends.0.timeout", "1"},         {"rpc.namespaces.0.backend", "typo"},
      {"backends.0.tls.cert", "/x"},       {"events.backend", "typo"},
      {"backends.0.max_connections", "0"}};
  for (const auto& [key, value] : kWrong)
    EXPECT_THROW(load({{key, value}}), lcg::testing::PluginError) << key << "=" << value;
  EXPECT_THROW(load({{"addresses.deny.#", "1"}, {"addresses.deny.0", "nonsense"}}),
               lcg::testing::PluginError);
  EXPECT_THROW(load({{"backends.0.static_headers.#", "1"}, {"backends.0.static_headers.0", "Host: x"}}),
               lcg::testing::PluginError);
  EXPECT_THROW(load({{"backends.0.http_headers.#", "1"}, {"backends.0.http_headers.0", "a b"}}),
               lcg::testing::PluginError);
}

TEST_F(CallbacksTest, EverySettingIsRead) {
  load({{"addresses.allow.#", "1"},
        {"addresses.allow.0", "10.0.0.0/8"},
        {"backends.0.binary_encoding", "true"}});
  EXPECT_TRUE(host_.unread_config("http_callback").empty());
}

// --- before a commit -----------------------------------------------------------------------------

Commit said(std::string data) {
  Commit commit = lcg::testing::commit("dialog:d", std::move(data), peer("ann"), LCG_COMMIT_EDIT);
  commit.target = 77;
  commit.cseq = 9;
  return commit;
}

TEST_F(CallbacksTest, BeforeACommitTheBackEndIsToldWhoSaysWhat) {
  load({{"before_commit", "main"}});
  answer(R"({"result":{}})");

  const Reply verdict = host_.commit(said(R"({"text":"hi"})"));

  EXPECT_TRUE(verdict.ok() && verdict.data.empty());
  ASSERT_EQ(poster().requests.size(), 1u);
  for (const char* member :
       {R"("user":"ann")", R"("device":"device")", R"("channel":"dialog:d")", R"("callback":"before_commit")",
        R"("kind":"edit")", R"("type":"text")", R"("target":"77")", R"("cseq":9)", R"("data":{"text":"hi"})"})
    EXPECT_THAT(poster().requests[0].body, HasSubstr(member));
}

TEST_F(CallbacksTest, WithoutABackEndForItNobodyIsAskedBeforeACommit) {
  load();
  EXPECT_TRUE(host_.commit(said("1")).ok());
  EXPECT_TRUE(poster().requests.empty());
}

TEST_F(CallbacksTest, WhatTheBackEndSaysBeforeACommit) {
  load({{"before_commit", "main"}});
  struct Row {
    const char* answer;
    lcg_status status;
    uint32_t code;
    const char* data;
  };
  for (const Row& row : std::initializer_list<Row>{
           {R"({})", LCG_OK, 0, ""},
           {R"({"result":{"data":{"text":"**"}}})", LCG_OK, 0, R"({"text":"**"})"},
           {R"({"result":{"b64data":"MQ=="}})", LCG_OK, 0, "1"},
           {R"({"error":{"code":1600,"message":"no"}})", LCG_E_DENIED, 1600, ""},
           {R"({"error":{"code":1001,"message":"resend_from:1"}})", LCG_E_DENIED, 103, ""},
           {R"({"error":{"code":99,"message":"no"}})", LCG_E_DENIED, 103, ""},
           {R"({"disconnect":{"code":4501,"reason":"no"}})", LCG_E_DENIED, 103, ""},
           {R"({"error":{"code":1600,"message":"later","temporary":true}})", LCG_E_UNAVAILABLE, 0, ""},
           {R"({"error":{}})", LCG_E_UNAVAILABLE, 0, ""},
           {R"({"result":{"b64data":"bm8="}})", LCG_E_UNAVAILABLE, 0, ""},
           {"no JSON", LCG_E_UNAVAILABLE, 0, ""}}) {
    answer(row.answer);
    const Reply verdict = host_.commit(said("1"));
    EXPECT_EQ(verdict.status, row.status) << row.answer;
    EXPECT_EQ(verdict.error_code, row.code) << row.answer;
    EXPECT_EQ(verdict.data, row.data) << row.answer;
  }
}

}  // namespace
}  // namespace lcg::http_callback
