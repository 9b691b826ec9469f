// A gateway lane in a simulated world, with a broker that tests write the answers of, and clients without
// sockets.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sim_lane.h"
#include "gateway/fanout/test_transport.h"
#include "gateway/gateway_lane.h"

namespace lcg::gateway {

// Answers at once what `on_request` answers; what it gives nothing for waits for answer().
class TestBus final : public Bus {
 public:
  struct Asked {
    Target target;
    Request request;
    ResponseFn done;
  };

  uint32_t slot_count() const override { return 16; }
  uint32_t broker_lane_count() const override { return 1; }
  void serve(uint32_t, Lane&, RequestHandler&) override {}
  void attach(GatewayAddress, Lane&, DeliverySink&) override {}
  bool reaches(GatewayAddress gateway) const override { return gateway.node == 0 && gateway.lane < 2; }
  void deliver(Lane&, GatewayAddress to, Delivery delivery) override {
    delivered.emplace_back(to, std::move(delivery));
  }
  void request(Lane&, Target target, Request request, ResponseFn done, Millis) override {
    log.push_back(request);
    std::optional<Response> answer = on_request ? on_request(request) : std::nullopt;
    if (answer) return done(std::move(*answer));
    waiting.push_back({target, std::move(request), std::move(done)});
  }

  // Answers the oldest request that waits.
  void answer(Response response) {
    Asked asked = std::move(waiting.front());
    waiting.pop_front();
    asked.done(std::move(response));
  }
  // All requests of a type, in order.
  template <class R>
  std::vector<R> asked() const {
    std::vector<R> out;
    for (const Request& request : log) {
      if (const R* is = std::get_if<R>(&request)) out.push_back(*is);
    }
    return out;
  }
  template <class R>
  R last() const {
    return asked<R>().back();
  }

  std::function<std::optional<Response>(const Request&)> on_request;
  std::vector<Request> log;
  std::vector<std::pair<GatewayAddress, Delivery>> delivered;
  std::deque<Asked> waiting;
};

inline PublicationPtr publication(uint64_t offset, std::string_view data, std::string epoch = "E") {
  auto pub = std::make_shared<Publication>();
  pub->offset = offset;
  pub->epoch = std::move(epoch);
  pub->data = SharedBytes(data);
  return pub;
}

// One answer made of the parts of Outcome.
template <class R>
R refused(Error error) {
  R answer{};
  answer.error = std::move(error);
  return answer;
}
template <class R>
R disconnected(uint32_t code) {
  R answer{};
  answer.disconnect = make_disconnect(code);
  return answer;
}

class TestGateway {
 public:
  struct Client {
    TestTransport transport;
    ws::TransportHandler* handler = nullptr;
  };

  explicit TestGateway(GatewayConfig with = {}, uint64_t seed = 1)
      : config(std::move(with)), world(seed), gateway(world.lane(0), bus, {0, 0}, config, {"dialog"}) {
    bus.on_request = [this](const Request& request) { return answer(request); };
  }
  ~TestGateway() {
    for (const auto& client : clients) {
      if (client->handler != nullptr) gone(*client);
    }
  }

  Client& open(const OpenOptions& options = {}, std::string_view remote = "192.0.2.1:4711") {
    clients.push_back(std::make_unique<Client>());
    Client& client = *clients.back();
    client.transport.remote = remote;
    world.on(world.lane(0), [&] { client.handler = &gateway.open(client.transport, options); });
    client.transport.framing = options.variant.framing;
    return client;
  }
  // A client whose connect was answered; nothing of it is left in its lines.
  Client& connected(const OpenOptions& options = {}) {
    Client& client = open(options);
    send(client, R"({"id":1,"connect":{}})");
    client.transport.lines.clear();
    return client;
  }
  void send(Client& client, std::string_view frame) {
    world.on(world.lane(0), [&] { client.handler->on_message(frame, ws::MessageKind::kText); });
    world.run_until_idle();
  }
  // What the client is told for one frame.
  std::vector<std::string> ask(Client& client, std::string_view frame) {
    client.transport.lines.clear();
    send(client, frame);
    return client.transport.lines;
  }
  void deliver(Delivery delivery) {
    world.on(world.lane(0), [&] { gateway.on_delivery(std::move(delivery)); });
  }
  void deliver_now(Delivery delivery) {
    deliver(std::move(delivery));
    world.run_until_idle();
  }
  void answer_waiting(Response response) {
    world.on(world.lane(0), [&] { bus.answer(std::move(response)); });
    world.run_until_idle();
  }
  void low(Client& client) {
    world.on(world.lane(0), [&] { client.handler->on_writable_low(); });
    world.run_until_idle();
  }
  void gone(Client& client) {
    ws::TransportHandler* handler = std::exchange(client.handler, nullptr);
    world.on(world.lane(0), [&] { handler->on_closed({}); });
    world.run_until_idle();
  }
  // The session id of the client's connection.
  std::string session(size_t nth = 0) const { return bus.asked<ConnectRequest>().at(nth).session; }

  // By default everybody may do everything, and channels are empty.
  std::optional<Response> answer(const Request& request) {
    if (const auto* connect = std::get_if<ConnectRequest>(&request)) {
      ConnectResponse response = on_connect;
      if (response.ok() && response.peer == nullptr) {
        auto peer = std::make_shared<Peer>();
        peer->session = connect->session;
        peer->user = "42";
        response.peer = peer;
      }
      return response;
    }
    if (std::holds_alternative<SubscribeRequest>(request)) return on_subscribe;
    if (std::holds_alternative<UnsubscribeRequest>(request)) return UnsubscribeResponse{};
    if (std::holds_alternative<PeerChanged>(request)) return PeerChangedResponse{};
    if (std::holds_alternative<PublishRequest>(request)) return on_publish;
    if (std::holds_alternative<HistoryRequest>(request)) return on_history;
    if (std::holds_alternative<PresenceRequest>(request)) return on_presence;
    if (std::holds_alternative<RefreshRequest>(request)) return on_refresh;
    if (std::holds_alternative<SubRefreshRequest>(request)) return on_sub_refresh;
    if (std::holds_alternative<SessionClosed>(request)) return SessionClosedResponse{};
    if (const auto* rpc = std::get_if<RpcRequest>(&request)) {
      if (rpc->method == "wait") return std::nullopt;
      RpcResponse response = on_rpc;
      if (response.ok() && response.data.empty()) response.data = rpc->data;
      return response;
    }
    return std::nullopt;
  }

  ConnectResponse on_connect;
  SubscribeResponse on_subscribe;
  PublishResponse on_publish;
  HistoryResponse on_history;
  PresenceResponse on_presence;
  RefreshResponse on_refresh;
  SubRefreshResponse on_sub_refresh;
  RpcResponse on_rpc;

  GatewayConfig config;
  SimWorld world;
  TestBus bus;
  GatewayLane gateway;
  std::vector<std::unique_ptr<Client>> clients;
};

}  // namespace lcg::gateway
