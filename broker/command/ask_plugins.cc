#include "broker/command/ask_plugins.h"

#include "base/json_writer.h"
#include "base/log.h"
#include "broker/error_table.h"
#include "broker/plugin_json.h"

namespace lcg::broker {
namespace {

SharedBytes message_body(std::string_view message) {
  std::string out;
  JsonWriter(out).begin_object().key("message").value(message).end_object();
  return SharedBytes(out);
}

}  // namespace

void rpc(LaneContext& context, RpcRequest request, UniqueFunction<void(RpcResponse)> done) {
  if (!context.host.wants(LCG_REQ_RPC)) return done(failed<RpcResponse>(error_code::kMethodNotFound));
  host::ChainRequest question;
  question.kind = LCG_REQ_RPC;
  question.peer = std::move(request.peer);
  std::string method = request.method;
  question.name = std::move(request.method);
  question.data = std::move(request.data);
  context.host.run_chain(
      std::move(question), context.config.chain_timeout,
      [method = std::move(method), done = std::move(done)](host::ChainResult result) mutable {
        if (result.status == LCG_DEFER) return done(failed<RpcResponse>(error_code::kMethodNotFound));
        Outcome refused = outcome_of_chain(result, error_code::kMethodNotFound);
        if (!refused.ok()) return done(failed<RpcResponse>(std::move(refused)));
        std::optional<SharedBytes> data = one_json_line(std::move(result.data));
        if (!data) {
          log::error("a plugin answered an rpc with no JSON", {{"method", method}});
          return done(failed<RpcResponse>(error_code::kInternal));
        }
        RpcResponse answer;
        answer.data = std::move(*data);
        done(std::move(answer));
      });
}

void http(LaneContext& context, HttpRequest request, UniqueFunction<void(HttpResponse)> done) {
  auto peer = std::make_shared<Peer>();
  peer->remote = std::move(request.remote);
  peer->http = true;
  peer->transport = TransportKind::kHttp;
  host::ChainRequest question;
  question.kind = LCG_REQ_HTTP;
  question.peer = std::move(peer);
  question.name = std::move(request.name);
  question.credential = std::move(request.authorization);
  question.data = std::move(request.body);
  context.host.run_chain(std::move(question), context.config.chain_timeout,
                         [done = std::move(done)](host::ChainResult result) mutable {
                           HttpResponse answer;
                           answer.status = http_status_of(result);
                           answer.content_type = std::move(result.content_type);
                           answer.body = std::move(result.data);
                           if (result.status != LCG_OK && answer.body.empty()) {
                             answer.content_type.clear();
                             answer.body =
                                 message_body(result.status == LCG_DEFER ? "no such path" : result.message);
                           }
                           done(std::move(answer));
                         });
}

}  // namespace lcg::broker
