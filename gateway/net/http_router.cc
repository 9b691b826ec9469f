#include "gateway/net/http_router.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace lcg::net {

void HttpRouter::add(std::string method, std::string path, Handler handler, Reach reach) {
  const bool below = path.ends_with("/*");
  if (below) path.pop_back();
  for (const Route& route : routes_) {
    if (route.method == method && route.path == path && route.below == below)
      die("an HTTP route is added twice: " + path);
  }
  routes_.push_back({std::move(method), std::move(path), below, std::move(handler), reach});
  std::stable_sort(routes_.begin(), routes_.end(), [](const Route& a, const Route& b) {
    return a.below != b.below ? !a.below : a.path.size() > b.path.size();
  });
}

void HttpRouter::add_websocket(std::string path, WebSocketEndpoint& endpoint) {
  websockets_.emplace_back(std::move(path), &endpoint);
}

bool HttpRouter::fits(const Route& route, const HttpRequest& request) const {
  if (route.reach == Reach::kPublic && request.internal) return false;
  if (route.reach == Reach::kInternal && !request.internal && !internal_everywhere_) return false;
  const std::string_view path = request.path;
  return route.below ? path.size() > route.path.size() && path.starts_with(route.path) : path == route.path;
}

void HttpRouter::handle(HttpRequest request, HttpResponder responder) const {
  std::string_view path;  // of the most specific route that fits, in whichever method
  const Route* found = nullptr;
  std::string allowed;
  const auto look_for = [&](std::string_view method) {
    for (const Route& route : routes_) {
      if (found != nullptr || !fits(route, request) || (!path.empty() && route.path != path)) continue;
      path = route.path;
      if (route.method == method) found = &route;
      if (allowed.find(route.method) == std::string::npos) {
        allowed += (allowed.empty() ? "" : ", ") + route.method;
        if (route.method == "GET" && allowed.find("HEAD") == std::string::npos) allowed += ", HEAD";
      }
    }
  };
  look_for(request.method);
  if (found == nullptr && request.method == "HEAD") look_for("GET");
  if (found != nullptr) return found->handler(std::move(request), std::move(responder));
  if (path.empty()) return responder.send(HttpResponse::text(404, "there is nothing at this path\n"));
  HttpResponse response = HttpResponse::text(405, "method is not served here\n");
  response.headers.push_back({"Allow", std::move(allowed)});
  responder.send(std::move(response));
}

WebSocketEndpoint* HttpRouter::websocket(std::string_view path) const {
  for (const auto& [at, endpoint] : websockets_) {
    if (at == path) return endpoint;
  }
  return nullptr;
}

}  // namespace lcg::net
