#include "appliance/metrics_page.h"

#include <memory>
#include <mutex>

namespace lcg {
namespace {

void add_sessions(gateway::SessionStats& to, const gateway::SessionStats& from) {
  to.opened += from.opened;
  to.closed += from.closed;
  to.connected += from.connected;
  to.commands += from.commands;
  to.errors += from.errors;
  to.rate_limited += from.rate_limited;
  to.bad_requests += from.bad_requests;
  to.no_pongs += from.no_pongs;
}

void add_hub(gateway::HubStats& to, const gateway::HubStats& from) {
  to.publications += from.publications;
  to.sent += from.sent;
  to.blocks += from.blocks;
  to.duplicates += from.duplicates;
  to.positions_lost += from.positions_lost;
  to.collapses += from.collapses;
}

// Prometheus text 0.0.4, one sample a family unless samples follow.
class Text {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    out_.append("# HELP ").append(name).append(" ").append(help);
    out_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  }
  void sample(std::string_view name, std::string_view labels, uint64_t value) {
    out_.append(name).append(labels).append(" ").append(std::to_string(value)).append("\n");
  }
  void one(std::string_view name, std::string_view type, std::string_view help, uint64_t value) {
    family(name, type, help);
    sample(name, "", value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

uint64_t load(const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); }

}  // namespace

MetricsPage::MetricsPage(std::string version, LaneSet& lanes) {
  metrics::add_process_metrics(process_);
  lanes.add_metrics(process_);
  process_.gauge("lcg_build_info", "The version that runs.", {{"version", std::move(version)}}).set(1);
}

void MetricsPage::collect(Lane& back, UniqueFunction<void(const gateway::GatewayLaneStats&)> done) {
  struct Sum {
    std::mutex mutex;
    size_t waiting;
    gateway::GatewayLaneStats stats;
    UniqueFunction<void(const gateway::GatewayLaneStats&)> done;
  };
  auto sum = std::make_shared<Sum>();
  sum->waiting = sources_.size();
  sum->done = std::move(done);
  for (const Source& source : sources_) {
    source.lane->post([source, sum, &back] {
      const gateway::GatewayLaneStats stats = source.gateway->stats();
      const std::lock_guard lock(sum->mutex);
      add_sessions(sum->stats.sessions, stats.sessions);
      add_hub(sum->stats.hub, stats.hub);
      sum->stats.open_sessions += stats.open_sessions;
      sum->stats.channels += stats.channels;
      if (--sum->waiting == 0) back.post([sum] { sum->done(sum->stats); });
    });
  }
}

void MetricsPage::render(Lane& back, UniqueFunction<void(std::string)> done) {
  collect(back, [this, done = std::move(done)](const gateway::GatewayLaneStats& totals) mutable {
    done(text(totals));
  });
}

std::string MetricsPage::text(const gateway::GatewayLaneStats& totals) const {
  const gateway::SessionStats& s = totals.sessions;
  const gateway::HubStats& h = totals.hub;
  Text t;
  t.one("lcg_sessions", "gauge", "Open client sessions.", totals.open_sessions);
  t.one("lcg_channels", "gauge", "Channels with a subscriber, a lane each.", totals.channels);
  if (broker_ != nullptr) {
    const std::vector<broker::Broker::SpaceCounts> spaces = broker_->channel_counts();
    const auto each = [&](std::string_view name, std::string_view help, auto member) {
      t.family(name, "gauge", help);
      for (const auto& space : spaces)
        t.sample(name, "{namespace=\"" + std::string(space.name) + "\"}", space.*member);
    };
    each("lcg_channels_held", "Channels that exist, with a subscriber or with publications.",
         &broker::Broker::SpaceCounts::channels);
    each("lcg_positions_held", "Positions remembered of channels that are gone.",
         &broker::Broker::SpaceCounts::positions);
  }
  t.one("lcg_sessions_opened_total", "counter", "Sessions opened.", s.opened);
  t.one("lcg_sessions_closed_total", "counter", "Sessions closed by either side.", s.closed);
  t.one("lcg_connects_total", "counter", "Connects answered with success.", s.connected);
  t.one("lcg_commands_total", "counter", "Commands of clients.", s.commands);
  t.one("lcg_command_errors_total", "counter", "Commands answered with an error.", s.errors);
  t.one("lcg_commands_rate_limited_total", "counter", "Commands refused by the connection's rate limit.",
        s.rate_limited);
  t.one("lcg_bad_requests_total", "counter", "Sessions closed with 3501.", s.bad_requests);
  t.one("lcg_no_pongs_total", "counter", "Sessions closed with 3012.", s.no_pongs);
  t.one("lcg_publications_total", "counter", "Publications that reached a gateway lane.", h.publications);
  t.one("lcg_deliveries_total", "counter", "Publications times their subscribers.", h.sent);
  t.one("lcg_fanout_blocks_total", "counter", "Blocks encoded for fan-out.", h.blocks);
  t.one("lcg_positions_lost_total", "counter", "Subscriptions told to recover because a gap was noticed.",
        h.positions_lost);
  t.one("lcg_slow_collapses_total", "counter", "Slow sessions whose dialogs were collapsed to a position.",
        h.collapses);

  uint64_t bytes_in = 0, inflated = 0, bytes_out = 0, writes = 0, slow = 0, protocol_errors = 0, accepted = 0,
           requests = 0, refused = 0, streams = 0, stream_bytes = 0;
  for (const Source& source : sources_) {
    const ws::ConnectionCounters& ws = source.http->websockets().counters();
    bytes_in += load(ws.bytes_in);
    bytes_out += load(ws.bytes_out);
    writes += load(ws.writes);
    inflated += load(ws.inflated);
    slow += load(ws.slow_closed);
    protocol_errors += load(ws.protocol_errors);
    const net::HttpCounters& http = source.http->http().counters();
    accepted += load(http.accepted);
    requests += load(http.requests);
    refused += load(http.refused_full) + load(http.refused_half_open) + load(http.refused_address);
    streams += load(source.streams->counters().opened);
    stream_bytes += load(source.streams->counters().bytes_out);
    slow += load(source.streams->counters().slow_closed);
  }
  t.one("lcg_websocket_received_bytes_total", "counter", "Bytes read from WebSocket clients.", bytes_in);
  t.one("lcg_websocket_sent_bytes_total", "counter", "Bytes written to WebSocket clients.", bytes_out);
  t.one("lcg_websocket_writes_total", "counter", "Write calls to WebSocket clients.", writes);
  t.one("lcg_websocket_inflated_total", "counter",
        "What inflating clients' messages cost beyond the bytes they came in: bytes, and 512 a block.",
        inflated);
  t.one("lcg_websocket_slow_closed_total", "counter", "Connections closed with 3008.", slow);
  t.one("lcg_websocket_protocol_errors_total", "counter",
        "Connections closed for breaking RFC 6455 or a limit.", protocol_errors);
  t.one("lcg_streams_opened_total", "counter", "HTTP-streaming and SSE connections opened.", streams);
  t.one("lcg_stream_sent_bytes_total", "counter", "Bytes written to HTTP-streaming and SSE clients.",
        stream_bytes);
  t.one("lcg_connections_accepted_total", "counter", "TCP connections accepted.", accepted);
  t.one("lcg_connections_refused_total", "counter", "TCP connections refused at a limit.", refused);
  t.one("lcg_http_requests_total", "counter", "HTTP requests, upgrades among them.", requests);

  if (plugins_ != nullptr) {
    const std::pair<const char*, std::atomic<uint64_t> host::InstanceCounters::*> kinds[] = {
        {"requests", &host::InstanceCounters::requests},
        {"calls_in", &host::InstanceCounters::calls_in},
        {"calls_out", &host::InstanceCounters::calls_out},
        {"busy", &host::InstanceCounters::busy},
        {"timeouts", &host::InstanceCounters::timeouts},
        {"stale_replies", &host::InstanceCounters::stale},
        {"over_budget", &host::InstanceCounters::over_budget}};
    t.family("lcg_plugin_events_total", "counter", "What a plugin's instances did, by event.");
    for (const auto& [event, counter] : kinds) {
      for (uint32_t p = 0; p < plugins_->size(); ++p) {
        uint64_t sum = 0;
        const std::string& name = (*plugins_)[p].loaded.name;
        plugins_->for_each_instance([&](const host::Instance& instance) {
          if (instance.name() == name) sum += load(instance.counters.*counter);
        });
        t.sample("lcg_plugin_events_total", "{plugin=\"" + name + "\",event=\"" + event + "\"}", sum);
      }
    }
  }
  return t.take() + process_.expose();
}

}  // namespace lcg
