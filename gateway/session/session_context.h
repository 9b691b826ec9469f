// What the sessions of one gateway lane share. Owned by GatewayLane; lane: the gateway lane's.
#pragma once
#include <array>
#include <memory>
#include <string>

#include "base/function.h"
#include "broker/api/bus.h"
#include "gateway/fanout/hub.h"
#include "gateway/protocol/codec.h"
#include "gateway/session/channel_routes.h"
#include "gateway/session/position_check.h"
#include "gateway/session/rate_limits.h"
#include "gateway/session/session_options.h"
#include "gateway/session/session_table.h"

namespace lcg::gateway {

// Since the lane began.
struct SessionStats {
  uint64_t opened = 0;
  uint64_t closed = 0;     // by either side
  uint64_t connected = 0;  // connects that were answered with success
  uint64_t commands = 0;
  uint64_t errors = 0;        // error replies
  uint64_t rate_limited = 0;  // of them, 111 by a limit of the connection, its user or its address
  uint64_t bad_requests = 0;  // closed with 3501
  uint64_t no_pongs = 0;      // closed with 3012
};

struct SessionContext {
  Lane& lane;
  Bus& bus;
  const GatewayAddress gateway;
  const SessionOptions& options;
  const ChannelRoutes& routes;
  Hub& hub;
  PositionCheck& positions;
  SharedRates& rates;
  const RateRules connection_rules;
  const Gcra error_rule, answer_rule;
  SessionTable& sessions;
  std::array<std::unique_ptr<protocol::CommandReader>, 2> readers;  // by Encoding
  // One message on its way from an encoder to a transport; empty in between.
  std::string out;
  SessionStats stats;
  UniqueFunction<void()> on_gone;  // after a session left the table

  void watch_positions() { positions.wake(); }
  // What the broker is told at the end of something: Bus::tell.
  template <class R>
  void tell(Target target, R request) {
    bus.tell(lane, target, Request(std::move(request)));
  }
};

}  // namespace lcg::gateway
