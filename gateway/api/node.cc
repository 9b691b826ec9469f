// info, rpc: of the node, and of its plugins. Source: client-protocol 4.
#include <charconv>
#include <cmath>
#include <numeric>

#include "base/json_writer.h"
#include "gateway/api/bounded.h"
#include "gateway/api/method.h"

namespace lcg::gateway::api {
namespace {

// The samples of an exposition in Prometheus' text format, each by its name with its labels; histograms without
// their buckets, and no value that JSON has no number for.
void write_items(JsonWriter& json, std::string_view text) {
  size_t count = 0;
  while (!text.empty() && count < kMaxMetrics) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t space = line.rfind(' ');
    if (line.starts_with('#') || space == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, space), number = line.substr(space + 1);
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc() || end != number.data() + number.size() || !std::isfinite(value)) continue;
    if (name.substr(0, name.find('{')).ends_with("_bucket")) continue;
    json.key_escaped(name).value(value);
    ++count;
  }
}

void answer_info(Call& call, const std::vector<NodeInfoResponse>& answers, std::string_view metrics) {
  const auto sum = [&](uint64_t NodeInfoResponse::*of) {
    return std::accumulate(answers.begin(), answers.end(), uint64_t{0},
                           [of](uint64_t so_far, const NodeInfoResponse& lane) { return so_far + lane.*of; });
  };
  const NodeFacts& node = call.context.node;
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(call.context.lane.now() - node.started);
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("nodes").begin_array().begin_object();
  json.field("uid", node.uid).field("name", node.name).field("version", node.version);
  json.field("num_clients", sum(&NodeInfoResponse::clients))
      .field("num_users", sum(&NodeInfoResponse::users));
  json.field("num_channels", sum(&NodeInfoResponse::channels));
  json.field("num_subs", sum(&NodeInfoResponse::subscriptions)).field("uptime", uptime.count());
  if (!metrics.empty()) {
    json.key("metrics").begin_object().field("interval", 0).key("items").begin_object();
    write_items(json, metrics);
    json.end_object().end_object();
  }
  json.end_object().end_array().end_object();
  call.succeed(std::move(out));
}

}  // namespace

void info(CallPtr call) {
  Context& context = call->context;
  gather(context.bus, context.lane, every_lane(context.bus), NodeInfo{},
         [call = std::move(call)](const Outcome& outcome, std::vector<NodeInfoResponse>& answers) mutable {
           if (!outcome.ok()) return call->refuse(outcome);
           const auto& metrics = call->context.node.metrics;
           if (!metrics) return answer_info(*call, answers, "");
           metrics([call = std::move(call), answers = std::move(answers)](std::string text) {
             answer_info(*call, answers, text);
           });
         });
}

// As a plain HTTP request of `user`, or of nobody: what a plugin lets no client do, no server does this way.
void rpc(CallPtr call) {
  Context& context = call->context;
  auto peer = std::make_shared<Peer>();
  peer->user = call->params.user;
  peer->remote = call->remote;
  peer->http = true;
  peer->transport = TransportKind::kHttp;
  RpcRequest request{call->params.rpc_method, std::move(peer), call->params.rpc_params};
  ask(context.bus, context.lane, Target::any(), std::move(request),
      [call = std::move(call)](RpcResponse answer) {
        if (!answer.ok()) return call->refuse(answer);
        if (answer.data.empty()) return call->succeed();
        call->succeed("{\"data\":" + std::string(answer.data.view()) + "}");
      });
}

}  // namespace lcg::gateway::api
