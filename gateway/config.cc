#include "gateway/config.h"

#include <algorithm>

#include "gateway/frame_size.h"
#include "gateway/net/browser_guard.h"
#include "gateway/session/session_config.h"

namespace lcg::gateway {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// REQUIRES: the session's options are read.
void read_websocket(config::Section websocket, GatewayConfig& out) {
  size_t message = protocol::kMaxMessageBytes;
  websocket.get_size("message_size", message, 1024, ws::kMaxMessageBytes);
  const size_t frame_bytes = frame_size(out.session.channel_limit, out.session.channel_max_length, message);
  out.publication_bytes = message;
  out.connection.frame.max_message_bytes = static_cast<uint32_t>(frame_bytes);
  ws::DeflateOptions& deflate = out.connection.deflate;
  websocket.get("compression", deflate.enabled);
  websocket.get("compression_level", deflate.level, 1, 9);
  websocket.get_size("compression_min_size", deflate.min_bytes, 0, ws::kMaxMessageBytes);
  // Of a compressed publication; the frame it is in may be as large as a plain one.
  const size_t tenfold = std::min<size_t>(message * 10, ws::kMaxMessageBytes);
  size_t inflated = std::max(tenfold, frame_bytes);
  websocket.get_size("decompressed_size", inflated, 1024,
                     std::max<size_t>(ws::kMaxMessageBytes, frame_bytes));
  if (deflate.enabled && inflated < frame_bytes) {
    websocket.error(
        "decompressed_size",
        std::to_string(inflated) + " is less than the " + std::to_string(frame_bytes) +
            " bytes a client's frame may have (" + std::to_string(out.session.channel_limit) +
            " subscriptions with their tokens, docs/protocol.md): raise it, leave it out, or lower "
            "gateway.clients.channels");
  }
  ws::FrameLimits& frame = out.connection.frame;
  frame.max_inflated_bytes = static_cast<uint32_t>(inflated);
  if (deflate.enabled) out.publication_bytes = websocket.has("decompressed_size") ? inflated : tenfold;
  out.session.max_message_bytes = deflate.enabled ? inflated : frame_bytes;
  size_t burst = std::max(4 * tenfold, inflated), per_second = tenfold;
  websocket.get_size("decompressed_burst", burst, 1024, size_t{8} * ws::kMaxMessageBytes);
  websocket.get_size("decompressed_per_second", per_second, 1024, 1u << 30);
  if (deflate.enabled && burst < inflated) {
    websocket.error("decompressed_burst", std::to_string(burst) + " is less than the " +
                                              std::to_string(inflated) +
                                              " bytes that one message may cost "
                                              "(gateway.websocket.decompressed_size)");
  }
  frame.inflated_burst = static_cast<uint32_t>(burst);
  frame.inflated_per_second = static_cast<uint32_t>(per_second);
  websocket.get("message_timeout", out.connection.message_timeout, seconds(1), minutes(10));
  websocket.get("write_timeout", out.connection.write_progress_timeout, seconds(1), minutes(10));
  websocket.get("close_timeout", out.connection.close_timeout, Millis(100), minutes(1));
  websocket.get_size("soft_queue", out.session.soft_queue_bytes, 4096, 1u << 30);
  websocket.get_size("hard_queue", out.connection.max_queue_bytes, 4096, 1u << 30);
  if (out.session.soft_queue_bytes > out.connection.max_queue_bytes / 2) {
    websocket.error(
        "soft_queue",
        "must be at most half of websocket.hard_queue, or a slow client is closed before it is spared");
  }
}

// An entry is an address or a map.
void read_listen(config::Section section, std::vector<ListenConfig>& out) {
  if (!section.has("listen")) {
    std::vector<std::string> shown = {out.front().address};
    section.get("listen", shown);
    return;
  }
  out.clear();
  bool for_clients = false;
  for (config::Section entry : section.list("listen", "address")) {
    ListenConfig listen;
    entry.require("address");
    entry.get("address", listen.address);
    entry.get("tls", listen.tls);
    entry.get("proxy_protocol", listen.proxy_protocol);
    entry.get("internal", listen.internal);
    for_clients = for_clients || !listen.internal;
    out.push_back(std::move(listen));
  }
  if (!for_clients) {
    section.error("listen", "expected at least one address for clients, as in [\"127.0.0.1:8000\"]");
  }
}

void read_tls(config::Section tls, std::vector<net::TlsCertificate>& out) {
  for (config::Section entry : tls.list("certificates")) {
    net::TlsCertificate certificate;
    entry.require("certificate");
    entry.require("key");
    entry.get("certificate", certificate.certificate);
    entry.get("key", certificate.key);
    out.push_back(std::move(certificate));
  }
}

void read_proxies(config::Section proxies, ProxyConfig& out) {
  proxies.get("trusted", out.trusted);
  proxies.get_enum("header", out.forwarded, {{"x-forwarded-for", false}, {"forwarded", true}});
}

void read_transports(config::Section section, TransportSwitches& out) {
  section.get("websocket", out.websocket);
  section.get("http_stream", out.http_stream);
  section.get("sse", out.sse);
  section.get("uni_websocket", out.uni_websocket);
  section.get("uni_http_stream", out.uni_http_stream);
  section.get("uni_sse", out.uni_sse);
  section.get("init", out.init);
}

// What POST /emulation carries is a frame in a JSON string, where quotes and backslashes are escaped. REQUIRES: the
// frames and the transports are read.
void read_body_size(config::Section http, const GatewayConfig& config, net::HttpLimits& out) {
  const bool frames = config.transports.http_stream || config.transports.sse;
  const size_t frame = frames ? emulation_size(config.connection.frame.max_message_bytes) : 0;
  out.max_body_bytes = std::max(out.max_body_bytes, frame);
  http.get_size("body_size", out.max_body_bytes, 1024, 1u << 30);
  if (out.max_body_bytes >= frame) return;
  http.error("body_size",
             std::to_string(out.max_body_bytes) + " is less than the " + std::to_string(frame) +
                 " bytes of a client's frame in POST /emulation (" +
                 std::to_string(config.session.channel_limit) +
                 " subscriptions with their tokens, docs/protocol.md): raise it, leave it out, or lower "
                 "gateway.clients.channels");
}

void read_http(config::Section http, net::HttpLimits& out) {
  http.get_size("head_size", out.max_head_bytes, 1024, 1u << 20);
  out.max_target_bytes = out.max_head_bytes - out.max_head_bytes / 4;  // the rest is for headers
  http.get("head_timeout", out.head_timeout, Millis(100), minutes(10));
  http.get("body_timeout", out.body_timeout, Millis(100), minutes(10));
  http.get("idle_timeout", out.idle_timeout, Millis(100), hours(1));
  http.get("answer_timeout", out.answer_timeout, Millis(100), minutes(10));
  http.get("connections", out.max_connections, 1, 1u << 24);
  http.get("half_open_per_address", out.max_half_open_per_address, 1, 1u << 20);
  http.get("connections_per_address", out.max_connections_per_address, 0, 1u << 24);
  http.get("connections_per_second", out.connections_per_second, 0, 1e6);
  out.connection_burst = out.connections_per_second;
  http.get("connection_burst", out.connection_burst, 0, 1e6);
}

}  // namespace

GatewayConfig read_config(config::Section section) {
  GatewayConfig out;
  read_listen(section, out.listen);
  read_tls(section.section("tls"), out.certificates);
  read_proxies(section.section("proxies"), out.proxies);
  section.get("allowed_origins", out.allowed_origins);
  section.get("allowed_hosts", out.allowed_hosts);
  for (size_t i = 0; i < out.allowed_hosts.size(); ++i) {
    if (!net::HostList::valid(out.allowed_hosts[i]))
      section.error("allowed_hosts", i, "expected a name like chat.example.com or *.example.com");
  }
  section.get("http_plugin_paths", out.http_plugin_paths);
  for (size_t i = 0; i < out.http_plugin_paths.size(); ++i) {
    if (!out.http_plugin_paths[i].starts_with('/'))
      section.error("http_plugin_paths", i, "expected a path that begins with '/'");
  }
  section.get("drain_spread", out.drain_spread, Millis(0), minutes(10));
  read_session_options(section, out.session);
  read_websocket(section.section("websocket"), out);
  read_transports(section.section("transports"), out.transports);
  read_http(section.section("http"), out.http);
  read_body_size(section.section("http"), out, out.http);

  // A collapsed session is taken up again at half of what collapsed it (fanout/hub.h), and its commands are
  // left unread from half of what closes it.
  out.connection.low_water_bytes = out.session.soft_queue_bytes / 2;
  out.connection.read_pause_bytes = out.connection.max_queue_bytes / 2;
  return out;
}

}  // namespace lcg::gateway
