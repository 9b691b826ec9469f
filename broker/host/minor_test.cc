// ABI 1.1: what its fields carry, and that a plugin of 1.0 has none of them.
#include "broker/host/testing_plugins.h"

namespace lcg::host {
namespace {

using testing::Script;
using testing::Scripted;
using testing::SimProcess;

PeerPtr full_peer() {
  auto peer = std::make_shared<Peer>();
  peer->session = "s";
  peer->transport = TransportKind::kUniSse;
  peer->encoding = Encoding::kProtobuf;
  peer->meta = SharedBytes("{\"m\":1}");
  peer->headers = SharedBytes("{\"x-id\":\"7\"}");
  return peer;
}

std::optional<ChainResult> run(SimProcess& process, ChainRequest request) {
  std::optional<ChainResult> answer;
  process.world.on(process.world.lane(0), [&] {
    process.set->host(0).run_chain(std::move(request), Millis(1000),
                                   [&](ChainResult result) { answer = std::move(result); });
  });
  process.world.run_until([&] { return answer.has_value(); });
  return answer;
}

TEST(Minor1, ARequestSaysHowAndWithWhatTheClientCame) {
  std::vector<std::string> seen;
  Script script;
  script.on_request = [&](Scripted& me, const lcg_request& r) {
    for (const lcg_str& text :
         {r.peer->transport, r.peer->protocol, r.peer->client_name, r.peer->client_version, r.route})
      seen.emplace_back(view(text));
    for (const lcg_bytes& bytes : {r.peer->meta, r.peer->headers, r.channels}) seen.emplace_back(view(bytes));
    me.reply(r.token);
  };
  SimProcess process;
  process.add("one", script);
  process.boot();
  ChainRequest request;
  request.kind = LCG_REQ_CONNECT;
  request.peer = full_peer();
  request.route = "backend";
  request.channels = SharedBytes("[\"a\"]");
  request.client_name = "js";
  request.client_version = "5";

  ASSERT_TRUE(run(process, std::move(request)));
  EXPECT_THAT(seen, ::testing::ElementsAre("uni_sse", "protobuf", "js", "5", "backend", "{\"m\":1}",
                                           "{\"x-id\":\"7\"}", "[\"a\"]"));
}

// `size` is what the plugin's header knows of lcg_result.
Script answering_with_everything(uint32_t size) {
  Script script;
  if (size < sizeof(lcg_result)) script.abi_minor = 0;
  script.kinds |= 1u << LCG_REQ_SUB_REFRESH;
  script.on_request = [size](Scripted& me, const lcg_request& r) {
    lcg_result result{};
    result.struct_size = size;
    result.meta = c_bytes("{\"m\":1}");
    result.options = c_bytes("{}");
    result.flags = LCG_RESULT_EXPIRED | LCG_RESULT_TEMPORARY;
    me.host->reply(me.host->ctx, r.token, &result);
  };
  return script;
}

TEST(Minor1, AnAnswerCarriesMetaOptionsAndFlags) {
  SimProcess process;
  process.add("one", answering_with_everything(sizeof(lcg_result)));
  process.boot();

  const auto answer = process.chain(LCG_REQ_SUB_REFRESH);

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->meta.view(), "{\"m\":1}");
  EXPECT_EQ(answer->options.view(), "{}");
  EXPECT_TRUE(answer->expired() && answer->temporary() && !answer->server_refresh());
}

TEST(Minor1, AnAnswerOfTheFirstReleaseHasNone) {
  SimProcess process;
  process.add("one", answering_with_everything(offsetof(lcg_result, meta)));
  process.boot();

  const auto answer = process.chain(LCG_REQ_CONNECT);

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, LCG_OK);
  EXPECT_TRUE(answer->meta.empty() && answer->options.empty() && answer->flags == 0);
}

// What host->publish of `options` returns; `size` is what the plugin's header knows of lcg_publication.
lcg_status publish(SimProcess& process, const std::string& options, uint32_t size = sizeof(lcg_publication)) {
  lcg_status status = LCG_E_INTERNAL;
  Script script;
  script.on_request = [&](Scripted& me, const lcg_request& r) {
    lcg_publication out{};
    out.struct_size = size;
    out.channel = c_str("news");
    out.data = c_bytes("1");
    out.options = c_bytes(options);
    status = me.host->publish(me.host->ctx, &out, nullptr, nullptr);
    me.reply(r.token);
  };
  process.add("one", script);
  process.boot();
  process.chain(LCG_REQ_RPC);
  process.world.run_until_idle();
  return status;
}

TEST(Minor1, APublicationCarriesItsOptions) {
  SimProcess process;

  ASSERT_EQ(publish(process, R"({"tags":{"a":"1"},"idempotency_key":"k","version":3,"delta":true})"), LCG_OK);

  ASSERT_EQ(process.brokers[0]->published.size(), 1u);
  const PublishOptions& options = process.brokers[0]->published[0].options;
  EXPECT_EQ(options.tags, (Tags{{"a", "1"}}));
  EXPECT_EQ(options.idempotency_key, "k");
  EXPECT_EQ(options.version, 3u);
  EXPECT_TRUE(options.delta);
}

TEST(Minor1, APublicationWithWrongOptionsIsRefused) {
  SimProcess process;

  EXPECT_EQ(publish(process, R"({"tags":7})"), LCG_E_INVALID);
  EXPECT_TRUE(process.brokers[0]->published.empty());
}

TEST(Minor1, APublicationOfTheFirstReleaseHasNoOptions) {
  SimProcess process;

  ASSERT_EQ(publish(process, "not JSON", offsetof(lcg_publication, options)), LCG_OK);
  EXPECT_EQ(process.brokers[0]->published.size(), 1u);
}

}  // namespace
}  // namespace lcg::host
