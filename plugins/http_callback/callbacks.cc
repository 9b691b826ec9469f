// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/callbacks.h"

#include <utility>

#include "lcg/users.hpp"
#include "plugins/http_callback/contract.h"
#include "plugins/http_callback/headers.h"

namespace lcg::http_callback {
namespace {

constexpr size_t kMaxUnknown = 64;  // names of back ends that are not there, logged once each

// Asking twice is asking once; a publish or an rpc does something.
bool is_repeatable(uint32_t kind) { return kind != LCG_REQ_PUBLISH && kind != LCG_REQ_RPC; }

}  // namespace

Callbacks::Callbacks(Host host, Poster& poster, const Settings& settings)
    : host_(host), settings_(settings), user_prefix_(user_prefix(host)) {
  for (const BackEndSettings& b : settings.back_ends)
    back_ends_.emplace(b.name, std::make_unique<BackEnd>(host, poster, b));
}

Task<Reply> Callbacks::connect(Request request) {
  if (settings_.connect.empty() || !request.credential.empty()) return answer(Reply::defer());
  return ask(settings_.connect, std::move(request));
}

Task<Reply> Callbacks::refresh(Request request) {
  if (settings_.refresh.empty() || !request.credential.empty()) return answer(Reply::defer());
  return ask(settings_.refresh, std::move(request));
}

Task<Reply> Callbacks::by_route(Request request) {
  if (request.route.empty()) return answer(Reply::defer());
  if (!back_ends_.contains(request.route)) {
    // Another plugin's, perhaps; when it is nobody's the client is denied.
    if (unknown_.size() < kMaxUnknown && unknown_.insert(request.route).second)
      host_.warn("a namespace names a back end that http_callback.backends does not have backend=" +
                 request.route);
    return answer(Reply::defer());
  }
  std::string route = request.route;
  return ask(std::move(route), std::move(request));
}

Task<Reply> Callbacks::rpc(Request request) {
  const RpcRoutes& routes = settings_.rpc;
  const size_t boundary = request.name.find(':');
  if (!routes.configured) return answer(Reply::defer());
  if (boundary == std::string::npos) {
    if (routes.without_namespace.empty()) return answer(Reply::defer());
    return ask(routes.without_namespace, std::move(request));
  }
  const auto it = routes.namespaces.find(request.name.substr(0, boundary));
  if (it == routes.namespaces.end())
    return answer(Reply::error(LCG_E_NOT_FOUND, "method not found", code::kMethodNotFound));
  if (it->second.empty())
    return answer(Reply::error(LCG_E_UNSUPPORTED, "not available", code::kNotAvailable));
  return ask(it->second, std::move(request));
}

Task<Reply> Callbacks::ask(std::string name, Request request) {
  BackEnd& back_end = *back_ends_.at(name);
  std::optional<std::string> body = callback_body(request, back_end.settings());
  if (!body) co_return Reply::error(LCG_E_INVALID, "bad request", code::kBadRequest);
  std::vector<std::string> headers = callback_headers(back_end.settings(), request.headers);
  headers.push_back(callback_header(callback_name(request.kind)));
  const HttpResult result =
      co_await back_end.ask(*std::move(body), std::move(headers), is_repeatable(request.kind));
  Verdict verdict = verdict_of(request.kind, back_end.settings(), result, !settings_.refresh.empty());
  if (!verdict.fault.empty() && result.error != HttpResult::Error::kCancelled)
    host_.warn("callback failed callback=" + std::string(callback_name(request.kind)) + " backend=" + name +
               " reason=" + verdict.fault);
  // The back end says who it is to the back end; here its people have our prefix.
  if (std::string& user = verdict.reply.user_id; !user.empty()) user.insert(0, user_prefix_);
  co_return std::move(verdict.reply);
}

// Asking changes nothing, so it may be asked twice.
Task<Reply> Callbacks::before_commit(Commit commit) {
  BackEnd& back_end = *back_ends_.at(settings_.before_commit);
  std::optional<std::string> body = commit_body(commit, back_end.settings());
  if (!body) co_return Reply::error(LCG_E_INTERNAL, "what is to be kept is not JSON");
  std::vector<std::string> headers = callback_headers(back_end.settings(), "");
  headers.push_back(callback_header(kBeforeCommit));
  const HttpResult result = co_await back_end.ask(*std::move(body), std::move(headers), true);
  Verdict verdict = verdict_of_commit(back_end.settings(), result);
  co_return std::move(verdict.reply);
}

}  // namespace lcg::http_callback
