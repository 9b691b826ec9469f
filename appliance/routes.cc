#include "appliance/routes.h"

#include "gateway/net/browser_guard.h"

namespace lcg {
namespace {

// What is refused for now (429: RFC 6585 4; 503: RFC 9110 15.6.4) says when to come again.
net::HttpResponse with_retry_after(net::HttpResponse response) {
  if (response.status == 429 || response.status == 503) response.headers.push_back({"Retry-After", "1"});
  return response;
}

void ask_plugins(RouteContext& context, net::HttpRequest request, net::HttpResponder responder) {
  lcg::HttpRequest ask_it;
  ask_it.name = request.method + " " + request.path;
  ask_it.authorization = request.header("Authorization");
  ask_it.remote = request.remote_address.text();
  ask_it.body = SharedBytes(request.body);
  ask(context.bus, context.lane, Target::any(), std::move(ask_it),
      [responder = std::move(responder)](lcg::HttpResponse answer) mutable {
        if (!answer.ok()) {
          return responder.send(
              with_retry_after(net::HttpResponse::text(503, "the service is not available, try again\n")));
        }
        net::HttpResponse out;
        out.status = answer.status;
        out.content_type = answer.content_type.empty() ? "application/json" : answer.content_type;
        out.body = answer.body.view();
        responder.send(with_retry_after(std::move(out)));
      });
}

void call_rpc(RouteContext& context, net::HttpRequest request, net::HttpResponder responder) {
  const std::string_view method = std::string_view(request.path).substr(std::string_view("/rpc/").size());
  context.gateway.http_rpc(method, request.bearer_token(), request.remote_address, request.body,
                           [responder = std::move(responder)](gateway::HttpRpcAnswer answer) mutable {
                             responder.send(with_retry_after(
                                 net::HttpResponse::json(answer.status, std::string(answer.body.view()))));
                           });
}

// May what needs no key be shown to who asks? Never to a web page, which any browser that reaches the listener may hold:
// one that reads sends no Origin where its own name was turned to point here (DNS rebinding), but its name in Host.
bool among_ourselves(const net::HttpRequest& request) {
  if (request.count("Origin") != 0) return false;
  if (request.internal) return request.known_host;
  return request.local && net::names_this_host(request.header("Host"));
}

void add_internal_routes(RouteContext& context, net::HttpRouter& router) {
  if (!context.has_internal) router.show_internal_everywhere();
  for (const char* path : {"/api", "/api/*"}) {
    router.add(
        "POST", path,
        [&context](net::HttpRequest request, net::HttpResponder responder) {
          if (context.api_is_open && !among_ourselves(request)) {
            return responder.send(net::HttpResponse::text(
                404,
                "without keys the server API is for this host and internal listeners alone, by an address, "
                "localhost or a name of gateway.allowed_hosts\n"));
          }
          context.api.handle(std::move(request), std::move(responder));
        },
        net::Reach::kInternal);
  }
  router.add(
      "GET", "/metrics",
      [&context](net::HttpRequest request, net::HttpResponder responder) {
        if (!among_ourselves(request)) {
          return responder.send(net::HttpResponse::text(
              404,
              "the metrics are for this host and internal listeners alone, by an address, localhost or a "
              "name of gateway.allowed_hosts\n"));
        }
        context.metrics([responder = std::move(responder)](std::string text) mutable {
          net::HttpResponse response = net::HttpResponse::text(200, std::move(text));
          response.content_type = "text/plain; version=0.0.4; charset=utf-8";
          responder.send(std::move(response));
        });
      },
      net::Reach::kInternal);
}

}  // namespace

net::HttpRouter make_router(RouteContext& context, ClientRoutes& clients) {
  net::HttpRouter router;
  clients.add_to(router);
  add_internal_routes(context, router);
  router.add(
      "GET", "/health",
      [](net::HttpRequest, net::HttpResponder responder) {
        responder.send(net::HttpResponse::json(200, "{}"));
      },
      net::Reach::kEverywhere);
  router.add(
      "GET", "/ready",
      [&context](net::HttpRequest, net::HttpResponder responder) {
        const bool ready = context.ready.load(std::memory_order_relaxed);
        responder.send(
            net::HttpResponse::text(ready ? 200 : 503, ready ? "ready\n" : "starting or draining\n"));
      },
      net::Reach::kEverywhere);
  router.add("POST", "/rpc/*", [&context](net::HttpRequest request, net::HttpResponder responder) {
    call_rpc(context, std::move(request), std::move(responder));
  });
  for (const std::string& path : context.config.http_plugin_paths) {
    for (const char* method : {"GET", "POST"}) {
      router.add(method, path + "*", [&context](net::HttpRequest request, net::HttpResponder responder) {
        ask_plugins(context, std::move(request), std::move(responder));
      });
    }
  }
  return router;
}

}  // namespace lcg
