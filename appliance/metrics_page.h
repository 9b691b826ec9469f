// MetricsPage: /metrics, put together from what every lane counts.
//
// What a lane counts without atomics (sessions, fan-out) is read on that lane: each request for the page asks
// all lanes and answers when the last has answered. Lane: any.
#pragma once
#include <string>
#include <vector>

#include "base/asio_lane.h"
#include "base/metrics.h"
#include "broker/broker.h"
#include "broker/host/plugin_set.h"
#include "gateway/gateway_lane.h"
#include "gateway/net/http_server.h"
#include "gateway/stream/stream_set.h"

namespace lcg {

class MetricsPage {
 public:
  struct Source {  // one lane's
    AsioLane* lane;
    gateway::GatewayLane* gateway;
    net::HttpServer* http;
    stream::StreamSet* streams;
  };

  // `lanes` outlives it.
  MetricsPage(std::string version, LaneSet& lanes);

  // Before the first render. All outlive the page's last answer.
  void add(Source source) { sources_.push_back(source); }
  void set_broker(broker::Broker& broker) {
    broker_ = &broker;
    plugins_ = &broker.plugins();
  }

  // Adds up what the lanes' gateways count. `done` runs on `back`, once.
  void collect(Lane& back, UniqueFunction<void(const gateway::GatewayLaneStats&)> done);
  // The page. `done` runs on `back`, once.
  void render(Lane& back, UniqueFunction<void(std::string)> done);

 private:
  std::string text(const gateway::GatewayLaneStats& totals) const;

  metrics::Registry process_;
  std::vector<Source> sources_;
  const broker::Broker* broker_ = nullptr;
  const host::PluginSet* plugins_ = nullptr;
};

}  // namespace lcg
