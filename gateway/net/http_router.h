// HttpRouter: method and path to handler. Filled once, before it serves; one a lane, so that handlers may
// hold what is the lane's.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/net/http_message.h"
#include "gateway/net/websocket_endpoint.h"

namespace lcg::net {

// On which listeners a route is served.
enum class Reach : uint8_t {
  kPublic,    // those for clients
  kInternal,  // internal ones; on all while there is none (show_internal_everywhere())
  kEverywhere,
};

class HttpRouter {
 public:
  // Answers now or later, through the responder.
  using Handler = std::function<void(HttpRequest, HttpResponder)>;

  // `path` exactly, or, when it ends with "/*", everything below it: "/rpc/*" is "/rpc/echo" and "/rpc/a/b",
  // not "/rpc/". An exact path goes before a longer, and that before a shorter pattern. The same method and
  // path twice dies.
  void add(std::string method, std::string path, Handler handler, Reach reach = Reach::kPublic);
  // Always public.
  void add_websocket(std::string path, WebSocketEndpoint& endpoint);

  void show_internal_everywhere() { internal_everywhere_ = true; }

  // Serves a request that is not for a WebSocket endpoint: by its handler, HEAD by GET's if it has none of
  // its own; 404 or 405 if nothing fits.
  void handle(HttpRequest request, HttpResponder responder) const;

  // Nullptr if `path` is not one.
  WebSocketEndpoint* websocket(std::string_view path) const;

 private:
  struct Route {
    std::string method;
    std::string path;  // without "*"
    bool below = false;
    Handler handler;
    Reach reach = Reach::kPublic;
  };
  bool fits(const Route& route, const HttpRequest& request) const;

  std::vector<Route> routes_;
  bool internal_everywhere_ = false;
  std::vector<std::pair<std::string, WebSocketEndpoint*>> websockets_;
};

}  // namespace lcg::net
