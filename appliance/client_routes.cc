#include "appliance/client_routes.h"

#include <optional>
#include <utility>

#include "gateway/frame_size.h"

namespace lcg {
namespace {

net::HttpResponse too_large(size_t limit) {
  return net::HttpResponse::text(
      413, "the commands are over the " + std::to_string(limit) + " bytes a client's frame may have\n");
}

net::HttpResponse not_ready() {
  net::HttpResponse response = net::HttpResponse::text(503, "not ready, try again\n");
  response.headers.push_back({"Retry-After", "1"});
  return response;
}

gateway::HeaderViews views_of(const net::HttpRequest& request) {
  gateway::HeaderViews views;
  views.reserve(request.headers.size());
  for (const net::HttpHeader& h : request.headers) views.emplace_back(h.name, h.value);
  return views;
}

bool is_protobuf(const net::HttpRequest& request) {
  const std::string_view type = request.header("Content-Type");
  return net::equal_ignoring_case(type.substr(0, type.find(';')), "application/octet-stream");
}

void reflect_origin(const net::HttpRequest& request, net::HttpResponse& response) {
  if (request.count("Origin") == 0) return;
  response.headers.push_back({"Access-Control-Allow-Origin", std::string(request.header("Origin"))});
  response.headers.push_back({"Access-Control-Allow-Credentials", "true"});
  response.headers.push_back({"Vary", "Origin"});
}

net::HttpResponse preflight(const net::HttpRequest& request) {
  net::HttpResponse response = net::HttpResponse::text(204, "");
  reflect_origin(request, response);
  response.headers.push_back({"Access-Control-Allow-Methods", "POST, OPTIONS"});
  response.headers.push_back({"Access-Control-Max-Age", "300"});
  if (request.count("Access-Control-Request-Headers") != 0) {
    response.headers.push_back(
        {"Access-Control-Allow-Headers", std::string(request.header("Access-Control-Request-Headers"))});
  }
  return response;
}

}  // namespace

class ClientRoutes::Endpoint final : public net::WebSocketEndpoint {
 public:
  Endpoint(ClientRoutes& routes, bool unidirectional) : routes_(routes), unidirectional_(unidirectional) {}

  std::optional<net::HttpResponse> admit(const net::WebSocketRequest& request) override {
    if (!routes_.ready_.load(std::memory_order_relaxed)) return not_ready();
    if (unidirectional_ && request.protobuf) {
      return net::HttpResponse::text(400, "unidirectional connections are JSON\n");
    }
    return std::nullopt;
  }

  ws::TransportHandler* open(ws::Transport& transport, net::WebSocketRequest request) override {
    gateway::OpenOptions options;
    options.variant.encoding = request.protobuf ? Encoding::kProtobuf : Encoding::kJson;
    options.variant.framing = protocol::framing_of(request.deflate);
    options.variant.unidirectional = unidirectional_;
    options.transport = unidirectional_ ? TransportKind::kUniWebSocket : TransportKind::kWebSocket;
    options.headers = views_of(request.http);
    options.accepted = request.taken;
    options.frame_ping = request.http.query_value("cf_ws_frame_ping_pong") == "true";
    ws::TransportHandler& handler = routes_.gateway_.open(transport, options);
    if (unidirectional_) {
      if (const auto connect = request.http.query_value("cf_connect"); connect.has_value()) {
        handler.on_message(*connect, ws::MessageKind::kText);
      }
    }
    return &handler;
  }

 private:
  ClientRoutes& routes_;
  const bool unidirectional_;
};

ClientRoutes::ClientRoutes(gateway::GatewayLane& gateway, const gateway::GatewayConfig& config,
                           const std::atomic<bool>& ready)
    : gateway_(gateway), config_(config), ready_(ready) {}

ClientRoutes::~ClientRoutes() = default;

void ClientRoutes::add_to(net::HttpRouter& router) {
  const gateway::TransportSwitches& on = config_.transports;
  const auto add_socket = [&](const char* path, bool unidirectional) {
    endpoints_.push_back(std::make_unique<Endpoint>(*this, unidirectional));
    router.add_websocket(path, *endpoints_.back());
  };
  if (on.websocket) add_socket("/connection/websocket", false);
  if (on.uni_websocket) add_socket("/connection/uni_websocket", true);

  using stream::Format;
  const std::pair<bool, StreamPath> streams[] = {
      {on.http_stream, {"/connection/http_stream", TransportKind::kHttpStream, Format::kStream, false}},
      {on.sse, {"/connection/sse", TransportKind::kSse, Format::kEvents, false}},
      {on.uni_http_stream,
       {"/connection/uni_http_stream", TransportKind::kUniHttpStream, Format::kStream, true}},
      {on.uni_sse, {"/connection/uni_sse", TransportKind::kUniSse, Format::kEvents, true}},
  };
  for (const auto& [enabled, path] : streams) {
    if (enabled) add_stream(router, path);
  }
  if (on.http_stream || on.sse) {
    add_preflight(router, "/emulation");
    add_shared(router, "POST", "/emulation", [this](net::HttpRequest request, net::HttpResponder responder) {
      responder.send(emulate(request));
    });
  }
  if (on.init) {
    add_preflight(router, "/connection/init");
    add_shared(router, "GET", "/connection/init", [](net::HttpRequest, net::HttpResponder responder) {
      responder.send(net::HttpResponse::json(200, "{}"));
    });
  }
}

void ClientRoutes::add_stream(net::HttpRouter& router, const StreamPath& path) {
  const auto begin = [this, path](net::HttpRequest request, net::HttpResponder responder) {
    responder.send(begin_stream(path, std::move(request)));
  };
  add_preflight(router, path.path);
  add_shared(router, "POST", path.path, begin);
  // HTTP-streaming both ways is POST alone: its commands may be Protobuf.
  if (path.transport != TransportKind::kHttpStream) add_shared(router, "GET", path.path, begin);
}

void ClientRoutes::add_shared(net::HttpRouter& router, const std::string& method, const std::string& path,
                              net::HttpRouter::Handler handler) {
  router.add(
      method, path, [handler = std::move(handler)](net::HttpRequest request, net::HttpResponder responder) {
        net::HttpResponse cors;
        reflect_origin(request, cors);
        net::HttpResponder reflecting(
            [cors = std::move(cors), responder = std::move(responder)](net::HttpResponse response) mutable {
              response.headers.insert(response.headers.end(), cors.headers.begin(), cors.headers.end());
              responder.send(std::move(response));
            });
        handler(std::move(request), std::move(reflecting));
      });
}

void ClientRoutes::add_preflight(net::HttpRouter& router, const std::string& path) {
  router.add("OPTIONS", path, [](net::HttpRequest request, net::HttpResponder responder) {
    responder.send(preflight(request));
  });
}

net::HttpResponse ClientRoutes::begin_stream(const StreamPath& path, net::HttpRequest request) {
  if (!ready_.load(std::memory_order_relaxed)) return not_ready();
  std::string first =
      request.method == "GET" ? request.query_value("cf_connect").value_or("") : std::move(request.body);
  if (first.empty() && path.unidirectional) first = "{}";  // a ConnectRequest that asks for nothing
  if (first.empty()) return net::HttpResponse::text(400, "the connect command is missing\n");
  const size_t limit = config_.connection.frame.max_message_bytes;
  if (first.size() > limit) return too_large(limit);

  gateway::OpenOptions options;
  options.transport = path.transport;
  options.variant.unidirectional = path.unidirectional;
  options.variant.framing =
      path.format == stream::Format::kEvents ? protocol::Framing::kEventStream : protocol::Framing::kStream;
  if (path.transport == TransportKind::kHttpStream && is_protobuf(request)) {
    options.variant.encoding = Encoding::kProtobuf;
  }
  const Encoding encoding = options.variant.encoding;

  net::HttpResponse response;
  if (path.format == stream::Format::kEvents) {
    response.content_type = "text/event-stream; charset=utf-8";
  } else {
    response.content_type =
        encoding == Encoding::kProtobuf ? "application/octet-stream" : "application/json; charset=utf-8";
  }
  response.headers = {{"Cache-Control", "private, no-cache, no-store, must-revalidate, max-age=0"},
                      {"Pragma", "no-cache"},
                      {"Expires", "0"},
                      {"X-Accel-Buffering", "no"}};
  auto asked = std::make_shared<const net::HttpRequest>(std::move(request));
  response.stream = [this, options, encoding, format = path.format, asked = std::move(asked),
                     first = std::move(first)](ws::StreamPtr stream) {
    const auto open = [&](ws::Transport& transport) {
      gateway::OpenOptions opening = options;
      opening.headers = views_of(*asked);
      return &gateway_.open(transport, opening);
    };
    streams_->start(std::move(stream), format, encoding, open, first);
  };
  return response;
}

net::HttpResponse ClientRoutes::emulate(const net::HttpRequest& request) {
  const size_t limit = config_.connection.frame.max_message_bytes;
  if (request.body.size() > gateway::emulation_size(limit)) return too_large(limit);
  std::string scratch;
  const auto parsed = protocol::parse_emulation(is_protobuf(request) ? Encoding::kProtobuf : Encoding::kJson,
                                                request.body, scratch);
  if (!parsed.has_value()) return net::HttpResponse::text(400, "not an emulation request\n");
  if (parsed->data.size() > limit) return too_large(limit);
  const bool known =
      gateway_.emulate(parsed->node, parsed->session, parsed->data) == gateway::Emulated::kAccepted;
  return net::HttpResponse::text(known ? 204 : 404, known ? "" : "no such node\n");
}

}  // namespace lcg
