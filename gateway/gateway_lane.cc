#include "gateway/gateway_lane.h"

#include <type_traits>
#include <utility>

#include "gateway/session/session.h"

namespace lcg::gateway {
namespace {

constexpr size_t kDrainedAtATime = 1000;  // sessions looked at, a turn

}  // namespace

GatewayLane::GatewayLane(Lane& lane, Bus& bus, GatewayAddress address, const GatewayConfig& config,
                         std::vector<std::string> provider_namespaces, std::shared_ptr<SharedRates> rates)
    : routes_(bus.slot_count(), std::move(provider_namespaces)),
      hub_(lane,
           {config.session.soft_queue_bytes, config.session.messages_per_frame, config.connection.deflate}),
      positions_(lane, bus, hub_, routes_, config.session.position_check),
      rates_(rates != nullptr
                 ? std::move(rates)
                 : std::make_shared<SharedRates>(config.session.user_rates, config.session.address_rates)),
      context_{lane,
               bus,
               address,
               config.session,
               routes_,
               hub_,
               positions_,
               *rates_,
               RateRules(config.session.connection_rates),
               Gcra(config.session.errors),
               Gcra(config.session.answers),
               sessions_,
               {protocol::make_reader(Encoding::kJson), protocol::make_reader(Encoding::kProtobuf)},
               {},
               {},
               [this] { session_gone(); }},
      http_rpc_(context_),
      steps_(lane) {
  bus.attach(address, lane, *this);
}

GatewayLane::~GatewayLane() = default;

ws::TransportHandler& GatewayLane::open(ws::Transport& transport, const OpenOptions& options) {
  const SessionHandle handle = sessions_.reserve();
  auto made = std::make_unique<Session>(context_, handle, transport, options);
  Session& session = *made;
  sessions_.put(handle, std::move(made));
  if (draining_) session.close(disconnect_code::kShutdown);
  return session;
}

void GatewayLane::on_delivery(Delivery delivery) {
  std::visit(
      [this](auto& what) {
        using What = std::decay_t<decltype(what)>;
        if constexpr (std::is_same_v<What, DeliverPublication> || std::is_same_v<What, DeliverJoinLeave>) {
          hub_.deliver(std::move(what));
        } else if constexpr (std::is_same_v<What, DeliverUnsubscribe>) {
          if (what.session.empty()) return hub_.end_all(what.channel, what.code, what.reason);
          if (Session* session = sessions_.find(what.session)) {
            session->end_subscription(what.channel, what.code, what.reason);
          }
        } else if constexpr (std::is_same_v<What, DeliverDisconnect>) {
          disconnect(what);
        } else if constexpr (std::is_same_v<What, DeliverSubscribe>) {
          if (Session* session = sessions_.find(what.session)) session->server_subscribe(std::move(what));
        } else if constexpr (std::is_same_v<What, DeliverRefresh>) {
          if (Session* session = sessions_.find(what.session)) session->server_refresh(std::move(what));
        } else if constexpr (std::is_same_v<What, DeliverEmulation>) {
          take_emulated(what.secret, what.data.view());
        }
      },
      delivery);
}

void GatewayLane::disconnect(const DeliverDisconnect& what) {
  if (Session* session = sessions_.find(what.session)) {
    if (what.unless_heard.count() == 0) return session->close(what.disconnect);
    return session->close_unless_heard(what.disconnect, what.unless_heard);
  }
  if (http_rpc_.disconnect(what) || what.peer == nullptr) return;
  // Its end was told and did not arrive, or crosses this: without an answer the broker would wait for it at each
  // disconnect, and count it for ever.
  context_.tell(routes_.user(what.peer->user),
                SessionClosed{what.peer, what.disconnect.code, what.disconnect.reason, true});
}

Emulated GatewayLane::emulate(std::string_view node, std::string_view secret, std::string_view commands) {
  const std::optional<GatewayAddress> to = parse_node(node);
  if (!to || !context_.bus.reaches(*to)) return Emulated::kUnknownNode;
  if (*to == context_.gateway) {
    take_emulated(secret, commands);
  } else {
    context_.bus.deliver(context_.lane, *to, DeliverEmulation{std::string(secret), SharedBytes(commands)});
  }
  return Emulated::kAccepted;
}

void GatewayLane::take_emulated(std::string_view secret, std::string_view commands) {
  Session* session = sessions_.find_secret(secret);
  if (session == nullptr) return;
  const auto& encoder = protocol::encoder_of(session->variant());
  session->on_message(commands, encoder.message_kind());
}

void GatewayLane::drain(Millis spread, LaneTask done) {
  draining_ = true;
  drained_ = std::move(done);
  // Each of the sessions there are gets a timer.
  steps_.run(Steps::kNoEnd, [this, spread, cursor = uint64_t{0}](bool) mutable {
    cursor =
        sessions_.walk(cursor, kDrainedAtATime, [&](SessionHandle handle) { close_within(spread, handle); });
    return cursor != 0;
  });
  session_gone();
}

void GatewayLane::close_within(Millis spread, SessionHandle handle) {
  const uint64_t delay_ms = context_.lane.random().below(static_cast<uint64_t>(spread.count()) + 1);
  context_.lane.start_timer(Millis(static_cast<int64_t>(delay_ms)), [this, handle] {
    if (Session* session = sessions_.find(handle)) session->close(disconnect_code::kShutdown);
  });
}

void GatewayLane::session_gone() {
  if (!draining_ || sessions_.size() > 0 || !drained_) return;
  LaneTask done = std::move(drained_);
  done();
}

GatewayLaneStats GatewayLane::stats() const {
  return {context_.stats, hub_.stats(), sessions_.size(), hub_.channel_count()};
}

}  // namespace lcg::gateway
