// GatewayLane: everything a gateway has on one lane: its sessions, their fan-out and the HTTP calls.
//
// Made before the lanes run; it must outlive the last task of its lane and the last answer of the bus, so:
// drain(), stop the lane, delete. All other calls are on the lane.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/steps.h"
#include "gateway/config.h"
#include "gateway/fanout/hub.h"
#include "gateway/session/emulation.h"
#include "gateway/session/http_rpc.h"
#include "gateway/session/open_options.h"
#include "gateway/session/session_context.h"

namespace lcg::gateway {

struct GatewayLaneStats {
  SessionStats sessions;
  HubStats hub;
  size_t open_sessions = 0;
  size_t channels = 0;  // with a subscriber on this lane
};

class GatewayLane final : public DeliverySink {
 public:
  // Attaches itself to the bus as `address`. `config` is borrowed. `provider_namespaces` are those of the
  // broker's configuration that have a provider: their channels go to the slot of what follows the ':', and
  // slow readers of them are collapsed (fanout/hub.h). `rates` are shared by the lanes of a node; null: the lane
  // counts for itself.
  GatewayLane(Lane& lane, Bus& bus, GatewayAddress address, const GatewayConfig& config,
              std::vector<std::string> provider_namespaces, std::shared_ptr<SharedRates> rates = nullptr);
  ~GatewayLane() override;

  // The session of a new connection, as the handler of its transport; it leaves in on_closed(). While
  // draining, the connection is closed at once with 3001.
  ws::TransportHandler& open(ws::Transport& transport, const OpenOptions& options = {});

  // Of POST /emulation: commands for an emulated session, here or on any lane that the bus reaches. What becomes of
  // them is seen on the session's stream alone.
  Emulated emulate(std::string_view node, std::string_view secret, std::string_view commands);

  void on_delivery(Delivery delivery) override;

  // See HttpRpc::call.
  void http_rpc(std::string_view method, std::string_view bearer, const ClientAddress& remote,
                std::string_view body, HttpRpcDone done) {
    http_rpc_.call(method, bearer, remote, body, std::move(done));
  }

  // Closes every session with 3001 "shutdown" at a moment of its own within `spread`, so that they do not all
  // come back at once elsewhere. `done` runs when the last is gone, perhaps before this returns. Once.
  void drain(Millis spread, LaneTask done);

  GatewayLaneStats stats() const;
  size_t open_sessions() const { return sessions_.size(); }

 private:
  void close_within(Millis spread, SessionHandle handle);
  void session_gone();
  void disconnect(const DeliverDisconnect& what);
  void take_emulated(std::string_view secret, std::string_view commands);

  ChannelRoutes routes_;
  Hub hub_;
  PositionCheck positions_;
  const std::shared_ptr<SharedRates> rates_;
  SessionTable sessions_;
  SessionContext context_;
  HttpRpc http_rpc_;
  Steps steps_;  // of drain()
  bool draining_ = false;
  LaneTask drained_;
};

}  // namespace lcg::gateway
