// For tests: the server API of one lane, a broker that the test writes the answers of, and requests without
// sockets.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json_writer.h"
#include "base/log.h"
#include "base/sim_lane.h"
#include "gateway/api/api_service.h"

namespace lcg::gateway::api {

// Answers at once: what the test gives for a request, else an ok answer with nothing in it. Requests for which
// `holds` is set wait for release().
class FakeBus final : public Bus {
 public:
  static constexpr uint32_t kLanes = 3;
  struct Asked {
    Target target;
    Request request;
  };
  struct Waiting {
    Response response;
    ResponseFn done;
  };

  uint32_t slot_count() const override { return 16; }
  uint32_t broker_lane_count() const override { return kLanes; }
  void serve(uint32_t, Lane&, RequestHandler&) override {}
  void attach(GatewayAddress, Lane&, DeliverySink&) override {}
  bool reaches(GatewayAddress) const override { return true; }
  void deliver(Lane&, GatewayAddress, Delivery) override {}
  void request(Lane&, Target target, Request request, ResponseFn done, Millis) override {
    log.push_back({target, request});
    std::optional<Response> response = on_request ? on_request(target, request) : std::nullopt;
    if (!response) {
      response = std::visit(
          [](const auto& asked) { return Response(typename std::decay_t<decltype(asked)>::Answer{}); },
          request);
    }
    if (!holds) return done(std::move(*response));
    waiting.push_back({std::move(*response), std::move(done)});
  }

  // Answers what has waited longest.
  void release() {
    Waiting next = std::move(waiting.front());
    waiting.pop_front();
    next.done(std::move(next.response));
  }
  template <class R>
  std::vector<R> asked() const {
    std::vector<R> out;
    for (const Asked& one : log) {
      if (const R* is = std::get_if<R>(&one.request)) out.push_back(*is);
    }
    return out;
  }
  template <class R>
  R only() const {
    EXPECT_EQ(asked<R>().size(), 1u);
    return asked<R>().at(0);
  }

  std::function<std::optional<Response>(Target, const Request&)> on_request;
  bool holds = false;
  std::vector<Asked> log;
  std::deque<Waiting> waiting;
};

inline KeyConfig key_config(std::string name, std::string_view key, std::vector<std::string> methods = {},
                            std::vector<std::string> namespaces = {}) {
  KeyConfig out;
  out.name = std::move(name);
  out.digest = digest_of(key);
  out.methods = std::move(methods);
  out.namespaces = std::move(namespaces);
  out.burst = 1;
  return out;
}

class TestApi {
 public:
  using Headers = std::vector<net::HttpHeader>;

  explicit TestApi(ApiConfig with = open()) : config(std::move(with)), world(1) {
    log::set_level(log::Level::kError);  // insecure is warned of
    node.uid = "node-1";
    node.name = "lcg";
    node.version = "0.1";
    node.started = world.lane(0).now();
  }

  static ApiConfig open() {
    ApiConfig out;
    out.insecure = true;
    return out;
  }
  static ApiConfig with_keys(std::vector<KeyConfig> keys) {
    ApiConfig out;
    out.keys = std::move(keys);
    return out;
  }

  // The answer, or nothing when it is still due.
  std::optional<net::HttpResponse> begin(std::string path, std::string body, Headers headers = {}) {
    if (service == nullptr) {
      service =
          std::make_unique<ApiService>(world.lane(0), bus, config, std::vector<std::string>{"dialog"}, node);
    }
    auto answer = std::make_shared<std::optional<net::HttpResponse>>();
    last = answer;
    net::HttpRequest request;
    request.method = "POST";
    const size_t question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) request.query = path.substr(question + 1);
    request.headers = std::move(headers);
    request.body = std::move(body);
    request.remote_address = *ClientAddress::parse("192.0.2.1:5");
    world.on(world.lane(0), [&] {
      service->handle(std::move(request), net::HttpResponder([answer](net::HttpResponse response) {
                        *answer = std::move(response);
                      }));
    });
    return *answer;
  }
  net::HttpResponse post(std::string path, std::string body, Headers headers = {}) {
    std::optional<net::HttpResponse> answer = begin(std::move(path), std::move(body), std::move(headers));
    EXPECT_TRUE(answer.has_value());
    return answer.value_or(net::HttpResponse{});
  }
  // The body of the answer to /api/<method>.
  std::string call(std::string_view method, std::string body) {
    return post("/api/" + std::string(method), std::move(body)).body;
  }
  void release() {
    world.on(world.lane(0), [&] { bus.release(); });
  }
  // A broker that answers requests of type R with `answer`.
  template <class R>
  void answers(typename R::Answer answer) {
    bus.on_request = [answer](Target, const Request& request) -> std::optional<Response> {
      if (std::holds_alternative<R>(request)) return Response(answer);
      return std::nullopt;
    };
  }
  // A broker that refuses everything.
  template <class R>
  void refuses(uint32_t code) {
    typename R::Answer answer{};
    answer.error = make_error(code);
    answers<R>(answer);
  }

  ApiConfig config;
  NodeFacts node;
  SimWorld world;
  FakeBus bus;
  std::unique_ptr<ApiService> service;
  std::shared_ptr<std::optional<net::HttpResponse>> last;
};

// {"error":{"code":107,"message":"..."}}
inline std::string error_body(uint32_t code, const std::string& message) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("error").begin_object();
  json.field("code", code).field("message", message).end_object().end_object();
  return out;
}

}  // namespace lcg::gateway::api
